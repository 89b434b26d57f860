/* tls_client: TLS towards one pool of upstreams, or whatever else the gateway calls (tls.h has the contracts). */
#ifndef IO_TLS_CLIENT_H
#define IO_TLS_CLIENT_H

#include "io/tls.h"

struct tls_client *tls_client_open(void);
bool tls_client_load(struct tls_client *client, const struct tls_client_config *config,
                     char error[TLS_ERROR]);
void tls_client_close(struct tls_client *client);
bool tls_client_connect(struct tls_client *client, struct stream *stream, struct str host,
                        struct tls_sessions *sessions);
void tls_client_sessions_close(struct tls_sessions *sessions);

#endif
