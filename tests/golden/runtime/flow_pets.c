/* The flows of pets. */
#include "gateway.h"

/* GET /pets */
enum gw_next flow_list_pets(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* stable */ {.upstream = &backend_stable},
        /* canary */ {.upstream = &backend_canary},
    };
    static const uint32_t weights[] = {
        /* stable */ 95,
        /* canary */ 5,
    };
    static const uint32_t *const live[] = {
        /* stable */
        &turned[RUNTIME_UPSTREAM_STABLE],
        /* canary */
        &turned[RUNTIME_UPSTREAM_CANARY],
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 100,
        .live = live,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* maintenance, when the runtime file says so */
        if (gw_is_on(&turned[RUNTIME_MAINTENANCE]))
            return gw_maintenance(rq, 90);
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: stable 95, canary 5 */
        if ((next = gw_proxy(rq, gw_choose_live(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /pets */
enum gw_next flow_add_pet(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* stable:v1 */ {.upstream = &backend_stable, .subset = 1},
        /* canary */ {.upstream = &backend_canary},
    };
    static const uint32_t weights[] = {
        /* stable:v1 */ 1,
        /* canary */ 0,
    };
    static const uint32_t *const live[] = {
        /* stable:v1 */
        NULL,
        /* canary */
        &turned[RUNTIME_ADD_PET_UPSTREAM_CANARY],
    };
    static const struct str ids[] = {
        /* stable:v1 */ STR_INIT("bb49bf5a"),
        /* canary */ STR_INIT("e100fbce"),
    };
    static const struct gw_sticky sticky = {
        .module = &sticky_module,
        .cookie = STR_INIT("r"),
        .attributes = STR_INIT("; Path=/; HttpOnly; SameSite=Lax"),
        .secure_on_https = true,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 1,
        .live = live,
        .sticky = &sticky,
        .ids = ids,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: stable:v1 1, canary 0, sticky by cookie r */
        if ((next = gw_proxy(rq, gw_choose_live(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /pets/{id} */
enum gw_next flow_get_pet(struct gw_req *rq)
{
    static const struct gw_forward stable_canary_forwards[] = {
        /* stable */ {.upstream = &backend_stable},
        /* canary */ {.upstream = &backend_canary},
    };
    static const uint32_t stable_canary_weights[] = {
        /* stable */ 1,
        /* canary */ 0,
    };
    static const uint32_t *const stable_canary_live[] = {
        /* stable */
        &turned[RUNTIME_PETS_ID_ROUTE_0_UPSTREAM_STABLE],
        /* canary */
        &turned[RUNTIME_PETS_ID_ROUTE_0_UPSTREAM_CANARY],
    };
    static const struct gw_choice stable_canary_choice = {
        .forwards = stable_canary_forwards,
        .weights = stable_canary_weights,
        .count = 2,
        .total = 1,
        .live = stable_canary_live,
    };
    static const struct str stable_canary_header_x[] = {
        STR_INIT("a"),
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* maintenance, when the runtime file says so */
        if (gw_is_on(&turned[RUNTIME_PETS_ID_MAINTENANCE]))
            return gw_maintenance(rq, 60);

        /* route: the first that matches */
        if (gw_header_is(rq, STR("X"), stable_canary_header_x, 1))
            rq->forward = gw_choose_live(rq, &stable_canary_choice);
        else
            rq->forward = &to_canary;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: stable, canary */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* PUT /pets/{id} */
enum gw_next flow_put_pet(struct gw_req *rq)
{
    static const struct gw_forward stable_canary_forwards[] = {
        /* stable */ {.upstream = &backend_stable},
        /* canary */ {.upstream = &backend_canary},
    };
    static const uint32_t stable_canary_weights[] = {
        /* stable */ 1,
        /* canary */ 0,
    };
    static const uint32_t *const stable_canary_live[] = {
        /* stable */
        &turned[RUNTIME_PETS_ID_ROUTE_0_UPSTREAM_STABLE],
        /* canary */
        &turned[RUNTIME_PETS_ID_ROUTE_0_UPSTREAM_CANARY],
    };
    static const struct gw_choice stable_canary_choice = {
        .forwards = stable_canary_forwards,
        .weights = stable_canary_weights,
        .count = 2,
        .total = 1,
        .live = stable_canary_live,
    };
    static const struct str stable_canary_header_x[] = {
        STR_INIT("a"),
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* maintenance, when the runtime file says so */
        if (gw_is_on(&turned[RUNTIME_PETS_ID_MAINTENANCE]))
            return gw_maintenance(rq, 60);

        /* route: the first that matches */
        if (gw_header_is(rq, STR("X"), stable_canary_header_x, 1))
            rq->forward = gw_choose_live(rq, &stable_canary_choice);
        else
            rq->forward = &to_canary;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: stable, canary */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
