/* The flows of pets. */
#include "gateway.h"

/* GET /v1/pets */
enum gw_next flow_list_pets(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /v1/pets */
enum gw_next flow_create_pet(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* pets */ {.upstream = &backend_pets},
        /* pets-next */ {.upstream = &backend_pets_next},
    };
    static const uint32_t weights[] = {
        /* pets */ 95,
        /* pets-next */ 5,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 100,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets 95, pets-next 5 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /v1/pets/{petId} */
enum gw_next flow_get_pet(struct gw_req *rq)
{
    static const struct str pets_next_header_x_release[] = {
        STR_INIT("next"),
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* route: the first that matches */
        if (gw_header_is(rq, STR("X-Release"), pets_next_header_x_release, 1))
            rq->forward = &to_pets_next;
        else
            rq->forward = &to_pets;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets-next, pets */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* DELETE /v1/pets/{petId} */
enum gw_next flow_delete_pet(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /v1/animals/{petId} */
enum gw_next flow_get_animal(struct gw_req *rq)
{
    static const struct gw_piece pieces[] = {
        {.literal = STR_INIT("/v1/pets/"), .param = -1},
        /* petId */ {.param = 0},
    };
    static const struct gw_redirect redirect = {
        .status = 308,
        .keep_query = true,
        .piece_count = 2,
        .pieces = pieces,
    };

    /* redirect: 308 to /v1/pets/{petId} */
    return gw_redirect(rq, &redirect);
}
