/* tls_layer: the inside of tls, shared by tls_layer.c (bytes), tls_server.c and tls_client.c (contexts), tls_keys.c
 * (PEM and DER). */
#ifndef IO_TLS_LAYER_H
#define IO_TLS_LAYER_H

#include <openssl/ssl.h>

#include "io/tls.h"

struct tls_layer {
    struct stream_layer layer;
    SSL *ssl;
    struct stream *stream; /* during a call */
    char *kept;            /* records that the socket did not take; NULL: none */
    size_t kept_start, kept_len;
    ssize_t verdict;    /* how reading ended: 0 or STREAM_FAILED; STREAM_AGAIN: it has not */
    bool ended;         /* the socket is at its end */
    bool dry;           /* the socket has nothing more, as far as is known */
    bool counted;       /* its handshake is in the statistics */
    const char *reason; /* what failed, for a log */
    struct tls_peer *peer;
    struct tls_sessions *sessions; /* client: where new ones go */
};

/* Makes `ssl` the stream's layer and takes it over. False: no memory; `ssl` is then freed. */
bool tls_layer_open(struct stream *stream, SSL *ssl);

struct tls_layer *tls_layer_of(const SSL *ssl);

ssize_t tls_layer_handshake(struct stream *stream, const char **reason);
struct tls_stats tls_layer_stats(void);

/* Library and method of the sockets; once. */
void tls_layer_start(void);

/* What servers and clients have in common. */
void tls_context_setup(SSL_CTX *ctx);

/* The sentence for OpenSSL's newest error, whose queue is emptied. */
const char *tls_error_text(void);

/* ---- tls_keys.c: from texts. False: *error says what is wrong with `label`. ---- */

bool tls_keys_use(SSL_CTX *ctx, const struct tls_certificate *from, char error[TLS_ERROR]);
bool tls_keys_use_pair(SSL_CTX *ctx, struct str cert, struct str key, struct str label,
                       char error[TLS_ERROR]);
/* Trusted roots and revocation lists of a store. With `names` the roots' names are collected there. */
bool tls_keys_trust(X509_STORE *store, struct str ca, struct str crl, STACK_OF(X509_NAME) * names,
                    char error[TLS_ERROR]);
/* The response fits the certificate and is good now. NULL error: yes. */
const char *tls_keys_check_ocsp(struct str ocsp, X509 *leaf);

#endif
