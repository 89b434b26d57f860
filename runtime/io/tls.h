/* tls: TLS 1.2 and 1.3 as a layer of a stream (RFC 8446, RFC 5246), by OpenSSL, whose only home is tls_*.c. All of
 * it is reached through `tls_module`, which a gateway names when its document uses TLS: without it nothing of
 * OpenSSL is linked. No renegotiation, no compression, no early data. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "io/stream.h"

enum { TLS_ERROR = 320, TLS_TICKET_BYTES = 2 * 88 };

/* PEM and DER texts as they were read; they are not needed any more once they are loaded. */
struct tls_certificate {
    const struct str *names; /* SNI in lower case, "*.example.com" for one label; none: any name */
    size_t name_count;
    struct str cert, key; /* PEM: the chain, leaf first; its private key */
    struct str ocsp;      /* DER of an OCSP response to staple (RFC 6066 section 8); empty: none */
    struct str label;     /* for messages */
};

enum tls_client_auth { TLS_CLIENT_OFF, TLS_CLIENT_OPTIONAL, TLS_CLIENT_REQUIRED };

struct tls_server_config {
    bool allow_1_2;      /* else TLS 1.3 alone */
    const char *ciphers; /* TLS 1.2: OpenSSL's list; NULL: ECDHE with an AEAD */
    const char *suites;  /* TLS 1.3; NULL: all three */
    const char *groups;  /* NULL: OpenSSL's */
    bool http2;          /* ALPN offers h2 before http/1.1 */
    bool strict_sni;     /* an unknown name is refused; else it gets the first certificate */
    enum tls_client_auth client_auth;
    struct str ca, crl; /* PEM; crl may be empty */
    unsigned depth;     /* of client chains */
    struct str id;      /* sessions of one listener are not taken by another */
    const struct tls_certificate *certificates;
    size_t certificate_count;
};

struct tls_client_config {
    struct str ca;        /* PEM bundle of trusted roots */
    struct str cert, key; /* PEM, for mutual TLS; empty: none */
    struct str sni;       /* empty: the target's host unless that is an address */
    struct str name;      /* to be found in the certificate; empty: sni, else the target's host */
    bool trust_anyone;    /* verify: false */
    bool only_1_3;
    bool http2; /* ALPN offers h2 alone */
};

/* What became of a handshake. Strings live as long as the stream. */
struct tls_peer {
    const char *version, *cipher; /* "TLSv1.3", "TLS_AES_128_GCM_SHA256" */
    struct str name;              /* SNI; empty: none */
    bool resumed;
    bool verified; /* the client's certificate was asked for, shown and found good */
    /* of that certificate; empty without one */
    struct str subject, issuer;     /* RFC 4514 */
    struct str serial, fingerprint; /* hex; SHA-256 of the DER */
    struct str base64;              /* of the DER */
    struct str san;                 /* "DNS:a.example, URI:spiffe://…" */
};

struct tls_stats {
    uint64_t handshakes, resumed, failures;
};

/* The newest sessions of one target, for its next connections. Begins zeroed; belongs to one worker. */
struct tls_sessions {
    void *kept[4];
    unsigned next;
};

struct tls_server;
struct tls_client;

struct tls_module {
    /* Once per process, before any thread and any other call. */
    void (*start)(void);

    /* A listener's side. server_load may be called again while connections are served and taken: who is
     * connected goes on as it is. False: *error is a sentence, and what was loaded before stays. */
    struct tls_server *(*server_open)(void);
    bool (*server_load)(struct tls_server *server, const struct tls_server_config *config,
                        char error[TLS_ERROR]);
    void (*server_close)(struct tls_server *server);
    /* The stream's first bytes are a handshake, which its reads carry on. False: no memory. */
    bool (*accept)(struct tls_server *server, struct stream *stream);

    /* An upstream's side, likewise. */
    struct tls_client *(*client_open)(void);
    bool (*client_load)(struct tls_client *client, const struct tls_client_config *config,
                        char error[TLS_ERROR]);
    void (*client_close)(struct tls_client *client);
    /* Begins a handshake on a connected stream with a target of that host (a name or an address). */
    bool (*connect)(struct tls_client *client, struct stream *stream, struct str host,
                    struct tls_sessions *sessions);
    void (*sessions_close)(struct tls_sessions *sessions);

    /* Carries a handshake on: 0 done, STREAM_AGAIN, STREAM_FAILED with a sentence in *reason. */
    ssize_t (*handshake)(struct stream *stream, const char **reason);

    struct tls_stats (*stats)(void);

    /* The keys of session tickets, for a successor of this process: TLS_TICKET_BYTES to be wiped after use. */
    void (*tickets_export)(char out[TLS_TICKET_BYTES]);
    void (*tickets_import)(const char in[TLS_TICKET_BYTES]);
};

extern const struct tls_module tls_module;

#endif
