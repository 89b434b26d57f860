/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
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
    static const struct str allow[] = {
        STR_INIT("admins"),
    };
    static const struct gw_acl acl = {
        .allow = allow,
        .allow_count = 1,
        .hide_groups_header = true,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: key and a cookie or anonymous */
        if (gw_way(rq) && gw_key(rq, &key_of_key) && gw_key(rq, &key_of_a_cookie))
            gw_take(rq);
        if (gw_way(rq) && gw_anonymous(rq))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_KEY, STR("keys"));
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

/* PUT /a */
enum gw_next flow_put_a(struct gw_req *rq)
{
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
        /* security: a-long-name-of-a-scheme-with-keys and mtls and key */
        if (gw_way(rq) && gw_key(rq, &key_of_a_long_name_of_a_scheme_with_keys) &&
            gw_certificate(rq) && gw_key(rq, &key_of_key))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_KEY, STR("keys"));
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

/* DELETE /a */
enum gw_next flow_delete_a(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: mtls */
        if (gw_way(rq) && gw_certificate(rq))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, 0, STR("keys"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* PATCH /a */
enum gw_next flow_patch_a(struct gw_req *rq)
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
