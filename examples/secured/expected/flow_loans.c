/* The flows of loans. */
#include "gateway.h"

/* GET /loans */
enum gw_next flow_list_loans(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: staff (loans) or kiosks */
        if (gw_way(rq) && gw_jwt(rq, &jwt_of_staff) && gw_scopes(rq, STR("loans")))
            gw_take(rq);
        if (gw_way(rq) && gw_key(rq, &key_of_kiosks))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_BEARER | GW_ASK_KEY, STR("library"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: library */
        if ((next = gw_proxy(rq, &to_library)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /loans */
enum gw_next flow_lend(struct gw_req *rq)
{
    static const struct str allow[] = {
        STR_INIT("desk"),
    };
    static const struct str deny[] = {
        STR_INIT("trainees"),
    };
    static const struct gw_acl acl = {
        .allow = allow,
        .allow_count = 1,
        .deny = deny,
        .deny_count = 1,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: staff (loans loans:write) */
        if (gw_way(rq) && gw_jwt(rq, &jwt_of_staff) && gw_scopes(rq, STR("loans loans:write")))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_BEARER, STR("library"));
        /* acl */
        if (gw_acl(rq, &acl) != GW_GO)
            return GW_DONE;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: library */
        if ((next = gw_proxy(rq, &to_library)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
