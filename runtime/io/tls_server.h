/* tls_server: the certificates of one listener and the choice among them (tls.h has the contracts). */
#ifndef IO_TLS_SERVER_H
#define IO_TLS_SERVER_H

#include "io/tls.h"

struct tls_server *tls_server_open(void);
bool tls_server_load(struct tls_server *server, const struct tls_server_config *config,
                     char error[TLS_ERROR]);
void tls_server_close(struct tls_server *server);
bool tls_server_accept(struct tls_server *server, struct stream *stream);

#endif
