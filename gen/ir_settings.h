/* ir_settings: the part of the IR that says how the gateway behaves wherever a request goes: listeners,
 * limits, errors, logs. See ir.h. */
#ifndef GEN_IR_SETTINGS_H
#define GEN_IR_SETTINGS_H

#include "base/vec.h"
#include "source.h"

/* A value that is known when the gateway runs, not when it is built: {env: NAME, default: …} or {file: …}. */
enum ir_text_kind { IR_TEXT_NONE, IR_TEXT_LITERAL, IR_TEXT_ENV, IR_TEXT_FILE };
typedef VEC(struct str) ir_texts;

struct ir_text {
    enum ir_text_kind kind;
    struct str text;     /* the literal, the variable or the file's name */
    struct str fallback; /* IR_TEXT_ENV: default; at NULL when none */
    struct loc loc;
};

struct ir_limits {
    uint64_t body;             /* 10m */
    uint64_t upload_rate;      /* bytes a second, 0: off */
    uint64_t buffer;           /* 64k: what a policy may hold of a body */
    uint64_t headers;          /* 32k, listener or document */
    uint64_t header_count;     /* 100 */
    uint64_t uri;              /* 8k */
    uint64_t upstream_headers; /* 64k */
    uint64_t buffers;          /* 64m, document: of all held bodies */
};

struct ir_timeouts {
    uint64_t connect, send, read, request, idle;
    bool from_client; /* X-Request-Timeout shortens `request` */
};

static inline bool ir_timeouts_equal(const struct ir_timeouts *a, const struct ir_timeouts *b)
{
    return a->connect == b->connect && a->send == b->send && a->read == b->read &&
           a->request == b->request && a->idle == b->idle && a->from_client == b->from_client;
}

struct ir_network {
    struct str text; /* as written */
    uint8_t address[16], bits;
    struct loc loc;
};

typedef VEC(struct ir_network) ir_networks;

/* Networks, or a file of them. */
struct ir_ip_list {
    ir_networks networks;
    struct str file;
};

/* Which clients may call: those in `allow`, where it is given, but for those in `deny`. */
struct ir_ip_restriction {
    struct ir_ip_list allow, deny;
};

struct ir_forwarded {
    struct str *trusted; /* CIDR literals */
    size_t trusted_count;
    struct ir_text trusted_file; /* or the list as a file */
    struct str header;           /* x-forwarded-for, forwarded, x-real-ip */
    bool via;                    /* upstreams are told of this hop; loops end */
};

/* Whose connections begin with a PROXY header. */
struct ir_proxy_protocol {
    bool on;
    struct ir_forwarded from; /* its trusted lists alone */
    bool unix_peers;
};

struct ir_certificate {
    VEC(struct str) names; /* SNI, in lower case; none: any */
    struct ir_text cert, key, ocsp;
};

enum ir_client_auth { IR_CLIENT_OFF, IR_CLIENT_OPTIONAL, IR_CLIENT_REQUIRED };

struct ir_tls {
    VEC(struct ir_certificate) certificates; /* none: the listener is plain */
    bool allow_1_2, strict_sni, watch;
    struct str suites, ciphers,
        groups; /* OpenSSL's lists; empty: its own choice, or the runtime's */
    enum ir_client_auth client_auth;
    uint64_t client_depth;
    bool client_forward;
    struct ir_text client_ca, client_crl;
    struct loc loc;
};

struct ir_websocket {
    bool on;
    VEC(struct str) upgrades, origins, protocols; /* none of the latter two: any */
    uint64_t idle_timeout;                        /* ms, 0: none; else timeouts.idle */
    bool idle_said;
    struct loc loc;
};

struct ir_upstream_tls {
    bool on;                      /* its targets are https:// */
    bool said;                    /* the document has a 'tls' for it */
    struct ir_text ca, cert, key; /* ca: none: the roots built in */
    struct str sni, verify_name;
    bool trust_anyone, only_1_3, watch;
    struct loc loc;
};

struct ir_http2 {
    bool on, h2c;
    uint64_t max_concurrent_streams;         /* 100 */
    uint64_t initial_stream_window_size;     /* 64k */
    uint64_t initial_connection_window_size; /* 1m */
};

struct ir_listener {
    struct str address; /* "[::]:8080", "0.0.0.0:80", "unix:/run/gw.sock" */
    struct ir_limits limits;
    uint64_t connections;        /* 0: only the descriptor limit */
    uint64_t connections_per_ip; /* 0: off */
    uint64_t header_timeout;     /* 10s */
    uint64_t idle_timeout;       /* keep_alive.idle, 75s */
    uint64_t keep_alive_requests;
    bool keep_alive;
    struct ir_tls tls;
    struct ir_http2 http2;
    struct str hsts;         /* the value of Strict-Transport-Security; empty: off */
    uint64_t redirect_https; /* status; 0: off */
    uint64_t https_port;
    struct ir_forwarded forwarded;
    struct ir_proxy_protocol proxy_protocol;
    struct loc loc;
};

enum ir_error_format { IR_ERRORS_PROBLEM, IR_ERRORS_JSON, IR_ERRORS_TEXT };

struct ir_error_override {
    uint32_t first, last;          /* statuses */
    uint32_t status;               /* 0: unchanged */
    struct str content_type, body; /* at NULL: as the format makes it */
};

struct ir_errors {
    enum ir_error_format format;
    struct str type_base; /* "about:blank" when empty */
    bool request_id;      /* the member is added */
    VEC(struct ir_error_override) overrides;
};

enum ir_log_format { IR_LOG_JSON, IR_LOG_COMBINED };

struct ir_access_log {
    bool on;
    bool routes_only; /* of the gateway: nothing about requests that no route takes */
    enum ir_log_format format;
    struct ir_text output;  /* stdout, stderr or a file's name */
    VEC(struct str) fields; /* names, in order; empty: the default set */
    bool block_when_full;   /* on_full: block; else drop and count */
};

/* True when lines look and wait alike. */
static inline bool ir_access_log_equal(const struct ir_access_log *a, const struct ir_access_log *b)
{
    bool equal = a->format == b->format && a->block_when_full == b->block_when_full &&
                 a->fields.count == b->fields.count;

    for (size_t i = 0; equal && i < a->fields.count; i++)
        equal = str_eq(a->fields.at[i], b->fields.at[i]);
    return equal;
}

enum ir_id_generator { IR_ID_NONE, IR_ID_UUID, IR_ID_COUNTER, IR_ID_TRACKER };

struct ir_correlation {
    enum ir_id_generator generator; /* IR_ID_NONE: off, no header is sent */
    struct str header_name;
    bool echo, trust;
};

static inline bool ir_correlation_equal(const struct ir_correlation *a,
                                        const struct ir_correlation *b)
{
    return a->generator == b->generator &&
           (a->generator == IR_ID_NONE ||
            (str_eq(a->header_name, b->header_name) && a->echo == b->echo && a->trust == b->trust));
}

enum ir_slash { IR_SLASH_KEEP, IR_SLASH_REJECT, IR_SLASH_DECODE };

struct ir_path_rules {
    bool normalize, merge_slashes, case_sensitive;
    enum ir_slash encoded_slash;
};

/* A value that the runtime file may override. */
struct ir_runtime_value {
    struct str name;   /* its key in the file */
    struct str symbol; /* plan */
    enum ir_runtime_kind { IR_RUNTIME_NUMBER, IR_RUNTIME_SWITCH, IR_RUNTIME_LEVEL } kind;
    uint64_t normal; /* where the file says nothing */
    uint64_t min, max;
    uint32_t sum; /* values of the same sum may not all be 0; 0: of none */
    struct loc loc;
};

/* Elsewhere a value is named by 1 + its number; 0: nothing overrides it. */
struct ir_runtime {
    struct ir_text file;
    VEC(struct ir_runtime_value) values;
    uint32_t sums;
    uint32_t log_level;
};

struct ir_plain_listener { /* status, admin */
    bool on;
    struct str address;
    struct ir_text token; /* admin */
    struct loc loc;
};

#endif
