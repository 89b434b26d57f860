#include "request/proxied.h"

#include <netinet/in.h>

#include "base/ip.h"

/* False for a unix socket. */
static bool take(const struct sockaddr *from, uint8_t address[16], uint16_t *port)
{
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
        memcpy(address, &in6->sin6_addr, 16);
        *port = ntohs(in6->sin6_port);
    } else if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        memset(address, 0, 10);
        memset(address + 10, 0xff, 2);
        memcpy(address + 12, &in->sin_addr, 4);
        *port = ntohs(in->sin_port);
    } else {
        return false;
    }
    return true;
}

static bool take_client(const struct gw_req *rq, struct proxy_protocol_ends *ends)
{
    if (str_eq(rq->client_address, rq->peer_address))
        return take(rq->x->peer, ends->from, &ends->from_port);
    return ip_parse(rq->client_address, ends->from);
}

static bool take_here(const struct gw_req *rq, struct proxy_protocol_ends *ends)
{
    struct sockaddr_storage here = {0};
    socklen_t len = sizeof here;

    return getsockname(rq->x->stream->fd, (struct sockaddr *)&here, &len) == 0 &&
           take((const struct sockaddr *)&here, ends->to, &ends->to_port);
}

struct str proxied_greeting(struct gw_req *rq, const struct gw_upstream *upstream)
{
    struct proxy_protocol_ends ends = {.known = false};
    char *text;

    if (!upstream->proxy_protocol)
        return STR("");
    ends.known = take_client(rq, &ends) && take_here(rq, &ends);
    text = pool_take(&rq->pool, PROXY_PROTOCOL_LINE);
    return (struct str){text, upstream->proxy_protocol(&ends, text)};
}
