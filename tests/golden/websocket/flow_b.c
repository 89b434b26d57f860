/* The flows of b. */
#include "gateway.h"

/* GET /b */
enum gw_next flow_get_b(struct gw_req *rq)
{
    static const struct str upgrades[] = {
        STR_INIT("websocket"),
        /* or */ STR_INIT("mqtt"),
    };
    static const struct str origins[] = {
        STR_INIT("https://example.com"),
        /* or */ STR_INIT("https://\052.example.com:8443"),
    };
    static const struct str protocols[] = {
        STR_INIT("chat.v1"),
        /* or */ STR_INIT("chat.v2"),
    };
    static const struct gw_tunnel tunnel = {
        .upgrades = upgrades,
        .upgrade_count = 2,
        .origins = origins,
        .origin_count = 2,
        .protocols = protocols,
        .protocol_count = 2,
        .idle_timeout = 3600000,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* websocket */
        if ((next = gw_upgrade(rq, &tunnel)) != GW_GO)
            return next;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: chat */
        if ((next = gw_proxy(rq, &to_chat)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
