/* client_cert: the certificate that a client has shown in TLS: whether there is one, and what upstreams are told. What
 * clients themselves say in those header fields never gets past the gateway, on no listener. */
#ifndef REQUEST_CLIENT_CERT_H
#define REQUEST_CLIENT_CERT_H

#include "request/worker.h"

/* Shown, asked for and found good. */
bool client_cert_is_good(const struct gw_req *rq);

/* Drops the client's own fields and appends ours: Client-Cert (RFC 9440), X-Client-Cert-Subject, -San and
 * -Fingerprint; nothing without a good certificate, or when the listener does not forward it. */
void client_cert_lines(struct gw_req *rq, struct text *lines);

#endif
