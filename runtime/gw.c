#include "gw.h"

#include "request/client_cert.h"
#include "request/identity.h"
#include "request/proxy.h"
#include "request/reply.h"
#include "request/tunnel.h"

enum gw_next gw_proxy(struct gw_req *rq, const struct gw_forward *forward)
{
    return proxy_ask(rq, forward);
}

bool gw_certificate(struct gw_req *rq)
{
    return client_cert_is_good(rq) || identity_lacks(rq, "a certificate of the client is needed");
}

enum gw_next gw_upgrade(struct gw_req *rq, const struct gw_tunnel *tunnel)
{
    return tunnel_check(rq, tunnel);
}

const struct gw_forward *gw_choose(struct gw_req *rq, const struct gw_choice *choice)
{
    return proxy_choose(rq, choice);
}

const struct gw_forward *gw_choose_live(struct gw_req *rq, const struct gw_choice *choice)
{
    return proxy_choose_live(rq, choice);
}

enum gw_next gw_reply(struct gw_req *rq)
{
    return proxy_reply(rq);
}

enum gw_next gw_respond(struct gw_req *rq, const struct gw_answer *answer)
{
    return reply_constant(rq, answer);
}

enum gw_next gw_redirect(struct gw_req *rq, const struct gw_redirect *redirect)
{
    return reply_redirect(rq, redirect);
}

enum gw_next gw_deny(struct gw_req *rq, unsigned status, const char *reason)
{
    return reply_error(rq, status, reason, STR(""));
}

enum gw_next gw_maintenance(struct gw_req *rq, unsigned retry_after)
{
    struct str lines = pool_printf(&rq->pool, "Retry-After: %u\r\n", retry_after);

    return reply_error(rq, 503, "closed for maintenance", lines);
}
