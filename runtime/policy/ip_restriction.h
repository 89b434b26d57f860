/* ip_restriction: which clients may call, by their addresses: all but those in `deny`, and of them, where there is an
 * `allow`, those in it. */
#ifndef POLICY_IP_RESTRICTION_H
#define POLICY_IP_RESTRICTION_H

#include "request/req.h"

/* For gw_ip_restriction.admits. A client on a unix socket, "::", has no address: it may call where no `allow` asks
 * for one. Needs: rq->client_ip, and rq->worker->live where a list is a file. */
bool ip_restriction_admits(const struct gw_ip_restriction *restriction, const struct gw_req *rq);

#endif
