/* The flows of b. */
#include "gateway.h"

/* GET /b */
enum gw_next flow_get_b(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 204,
    };
    static const struct str deny[] = {
        STR_INIT("banned"),
    };
    static const struct gw_acl acl = {
        .deny = deny,
        .deny_count = 1,
    };

    /* security: key */
    if (gw_way(rq) && gw_key(rq, &key_of_key))
        gw_take(rq);
    if (!gw_is_let_in(rq))
        return gw_unauthorized(rq, GW_ASK_KEY, STR("keys"));
    /* acl */
    if (gw_acl(rq, &acl) != GW_GO)
        return GW_DONE;

    /* respond: 204 */
    return gw_respond(rq, &answer);
}

/* POST /b */
enum gw_next flow_post_b(struct gw_req *rq)
{
    static const struct str pets_header_x_v[] = {
        STR_INIT("2"),
    };
    static const struct str deny[] = {
        STR_INIT("banned"),
    };
    static const struct gw_acl acl = {
        .deny = deny,
        .deny_count = 1,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: key */
        if (gw_way(rq) && gw_key(rq, &key_of_key))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_KEY, STR("keys"));
        /* acl */
        if (gw_acl(rq, &acl) != GW_GO)
            return GW_DONE;
        /* route: the first that matches */
        if (gw_header_is(rq, STR("X-V"), pets_header_x_v, 1))
            rq->forward = &to_pets;
        else
            rq->forward = &to_pets;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
