/* secure: the certificates and keys of listeners and pools, read where the gateway runs: at start, at HUP, and when
 * their files have changed. Without TLS in the document there is nothing to do. */
#ifndef SECURE_H
#define SECURE_H

#include "request/req.h"

enum { SECURE_ERROR = 512 };

/* Reads all of it; sets tls_server of each listener that has TLS. Before the workers start. False: `error` names what
 * is missing or bad. */
bool secure_open(struct gw_listener *const *listeners, size_t count, char error[SECURE_ERROR]);

/* Reads all of it again. What is bad stays as it was, and the log says why. */
void secure_reload(void);

/* True when something is to be watched: secure_look is due every SECURE_LOOK_MS. */
enum { SECURE_LOOK_MS = 1000 };
bool secure_watches(void);
/* Reads again what hangs on files that have changed and have then rested for one look, so that a pair that is
 * replaced one file after the other is read once. */
void secure_look(void);

/* For upstreams_new. */
struct upstreams_tls secure_upstreams(void);

void secure_close(void);

#endif
