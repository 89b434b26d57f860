/* hops: how far a request has come and how far it may go (RFC 9110 sections 7.6.2 and 7.6.3). A gateway that
 * is asked to (forwarded.via) writes its name into Via, and so knows a request that goes in circles; the client of a TRACE or OPTIONS may say with
 * Max-Forwards who is to answer it. */
#ifndef REQUEST_HOPS_H
#define REQUEST_HOPS_H

#include "request/req.h"

/* Once, before any worker runs. `name` is a token of at most 63 bytes, and lives on. */
void hops_setup(struct str name);

/* True when the request says anything about its hops: few do. */
static inline bool hops_are_counted(const struct gw_req *rq)
{
    return rq->head.fields.ids & (FIELD_BIT(FIELD_VIA) | FIELD_BIT(FIELD_MAX_FORWARDS));
}

/* GW_GO: the request may be sent on. GW_DONE: it was answered, because it ends here or goes in circles. Needs:
 * rq->allow for OPTIONS. */
enum gw_next hops_check(struct gw_req *rq);

/* "Via: 1.1 NAME\r\n" for the upstream, to stand behind what the client's Via says; empty unless forwarded.via. */
struct str hops_via(const struct gw_req *rq);

/* Max-Forwards less one, in the place of the client's. Needs: hops_check. */
void hops_count_down(struct gw_req *rq, struct text *text);

#endif
