/* admin: the listeners for operators. `status` (read-only, for probes and scrapes): /healthz /readyz
 * /metrics; `admin` (private, with a token when one is configured): /manifest /routes besides. */
#ifndef ADMIN_H
#define ADMIN_H

#include "request/worker.h"

/* Answers the request on a connection of a status or admin listener; stands in for gateway_match and
 * gateway_flow there. Ends the flow. */
enum gw_next admin_flow(struct gw_req *rq, enum serve_kind kind);

/* Readiness: true while the gateway accepts work; any thread. */
void admin_set_ready(bool ready);
bool admin_is_ready(void);

#endif
