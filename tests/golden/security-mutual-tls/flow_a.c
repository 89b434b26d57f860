/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: cert */
        if (gw_way(rq) && gw_certificate(rq))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, 0, STR("t"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: u */
        if ((next = gw_proxy(rq, &to_u)) != GW_GO)
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
        /* security: cert and key */
        if (gw_way(rq) && gw_certificate(rq))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, 0, STR("t"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: u */
        if ((next = gw_proxy(rq, &to_u)) != GW_GO)
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
        /* security: anonymous or cert */
        if (gw_way(rq) && gw_certificate(rq))
            gw_take(rq);
        if (gw_way(rq) && gw_anonymous(rq))
            gw_take(rq);
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, 0, STR("t"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: u */
        if ((next = gw_proxy(rq, &to_u)) != GW_GO)
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
    case AT_UPSTREAM: /* upstream: u */
        if ((next = gw_proxy(rq, &to_u)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* DELETE /a */
enum gw_next flow_delete_a(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 204,
    };

    /* security: cert */
    if (gw_way(rq) && gw_certificate(rq))
        gw_take(rq);
    if (!gw_is_let_in(rq))
        return gw_unauthorized(rq, 0, STR("t"));

    /* respond: 204 */
    return gw_respond(rq, &answer);
}
