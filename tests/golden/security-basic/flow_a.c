/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
    static const struct str allow[] = {
        STR_INIT("users"),
    };
    static const struct gw_acl acl = {
        .allow = allow,
        .allow_count = 1,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: basic */
        if (gw_way(rq) && gw_basic(rq, &basic_of_basic))
            gw_take(rq);
        if (gw_waits(rq))
            return GW_WAIT;
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_BASIC, STR("users"));
        /* acl */
        if (gw_acl(rq, &acl) != GW_GO)
            return GW_DONE;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /a */
enum gw_next flow_post_a(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: hidden one and key or anonymous */
        if (gw_way(rq) && gw_basic(rq, &basic_of_hidden_one) && gw_key(rq, &key_of_key))
            gw_take(rq);
        if (gw_way(rq) && gw_anonymous(rq))
            gw_take(rq);
        if (gw_waits(rq))
            return GW_WAIT;
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_BASIC | GW_ASK_KEY, STR("users"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* PUT /a */
enum gw_next flow_put_a(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: key */
        if (gw_way(rq) && gw_key(rq, &key_of_key))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_KEY, STR("users"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
