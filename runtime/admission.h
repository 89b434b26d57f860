/* admission: how many connections a listener takes, in all and from one address. Counted over all workers,
 * when connections come and go, never per request. */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <sys/socket.h>

#include "request/req.h"

struct admission;

/* The counters of a listener, the same for every worker; NULL when it has no limits. Kept for ever. */
struct admission *admission_of(const struct gw_listener *config);

/* False: one too many. Each success is paired with a leave. */
bool admission_enter(struct admission *admission, const struct sockaddr *peer);
void admission_leave(struct admission *admission, const struct sockaddr *peer);

#endif
