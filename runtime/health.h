/* health: `NAME --healthcheck`, for images that hold nothing but the gateway: it asks the status or admin
 * listener for /readyz, or, without one, an abstract unix socket that knows readiness and nothing else. */
#ifndef HEALTH_H
#define HEALTH_H

#include "options.h"

/* The running gateway's side: a listening socket for the main thread, -1 when there can be none. The name
 * is taken by the first gateway of that name; further ones add their first address. */
int health_open(struct str name, struct str address);

/* Answers whoever is waiting there. */
void health_answer(int fd);

/* The asking side: the exit status. Says on standard error why not. */
int health_check(const struct options *options);

#endif
