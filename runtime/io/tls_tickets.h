/* tls_tickets: the keys that seal session tickets (RFC 5077, RFC 8446 section 4.6.1): made at random, replaced every
 * twelve hours, the one before still taken; the same for all workers. */
#ifndef IO_TLS_TICKETS_H
#define IO_TLS_TICKETS_H

#include "io/tls_layer.h"

void tls_tickets_start(void);
void tls_tickets_use(SSL_CTX *ctx);
void tls_tickets_export(char out[TLS_TICKET_BYTES]);
void tls_tickets_import(const char in[TLS_TICKET_BYTES]);

#endif
