/* config: the constants of a generated program: what the gateway and each of its operations are. Made
 * by the generator, read by every module from here up. */
#ifndef REQUEST_CONFIG_H
#define REQUEST_CONFIG_H

#include "base/ip_ranges.h"
#include "base/log.h"
#include "client/upstream.h"
#include "http/h2.h"
#include "io/tls.h"
#include "request/consumers.h"

/* A piece of text filled at run time: literal bytes, or path parameter `param` (>= 0). */
struct gw_piece {
    struct str literal;
    int param;
};

struct gw_rewrite {
    uint32_t strip;              /* bytes cut off the front of the matched path */
    struct str prefix;           /* put in their place */
    const struct gw_piece *path; /* not NULL: the whole new path instead */
    uint32_t path_count;
    struct str host; /* not empty: the Host field sent */
    bool redirects;  /* Location and Set-Cookie paths of the answer are translated back */
};

struct gw_forward {
    const struct gw_upstream *upstream;
    const struct gw_rewrite *rewrite;   /* NULL: path as matched */
    const struct gw_timeouts *timeouts; /* NULL: the route's */
    const struct gw_retry *retry;       /* NULL: only what was never sent is tried again */
    uint32_t hash_param;                /* GW_HASH_PARAM: which of the path's parameters */
    uint64_t subset;                    /* targets that may be asked, by bit; 0: all */
};

struct gw_choice {
    const struct gw_forward *forwards;
    const uint32_t *weights;
    uint32_t count, total;
    const uint32_t *const *live;    /* gw_choose_live: weights that the runtime file may override;
                                       NULL, in the whole or of one: as in `weights` */
    const struct gw_sticky *sticky; /* NULL: each request by itself */
    const struct str *ids;          /* sticky: what its cookie says of each */
};

/* A value that the runtime file may override, as it is now. Any thread. */
static inline uint32_t gw_word(const uint32_t *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static inline uint32_t gw_choice_weight(const struct gw_choice *choice, uint32_t i)
{
    return choice->live && choice->live[i] ? gw_word(choice->live[i]) : choice->weights[i];
}

struct gw_answer {
    uint16_t status;
    struct str head; /* "Name: value\r\n" lines, Content-Type among them */
    struct str body;
};

struct gw_redirect {
    uint16_t status;
    bool keep_query;
    uint32_t piece_count;
    const struct gw_piece *pieces;
};

/* websocket: to what a request may be upgraded, and by whom. */
struct gw_tunnel {
    const struct str *upgrades, *origins, *protocols; /* none of the latter two: any */
    uint32_t upgrade_count, origin_count, protocol_count;
    uint32_t idle_timeout; /* ms without a byte either way; 0: none */
};

enum gw_error_format { GW_ERRORS_PROBLEM, GW_ERRORS_JSON, GW_ERRORS_TEXT };

struct gw_error_override {
    uint16_t first, last;          /* statuses it is for */
    uint16_t status;               /* 0: unchanged */
    struct str content_type, body; /* empty: made by the format */
};

struct gw_errors {
    enum gw_error_format format;
    bool request_id;
    struct str type_base; /* empty: about:blank */
    const struct gw_error_override *overrides;
    uint32_t override_count;
};

struct gw_req;

/* Which clients may call; what the words mean is told in policy/ip_restriction.h. */
struct gw_ip_list {
    const struct ip_range *ranges; /* as ip_ranges_hold takes them */
    uint32_t count;
    struct str file; /* or: one CIDR a line; empty: none */
};
struct gw_ip_restriction {
    bool (*admits)(const struct gw_ip_restriction *restriction, const struct gw_req *rq);
    struct gw_ip_list allow, deny; /* neither ranges nor a file: not given */
};

/* One operation, for logs, metrics, manifests and the machinery around the flow. */
struct gw_route {
    struct str name;     /* operationId */
    struct str method;   /* "*": any */
    struct str path;     /* template */
    struct str tag;      /* first tag or "" */
    struct str upstream; /* for people: name, names, or "" */
    struct str security; /* for people */
    const struct gw_timeouts *timeouts;
    const struct gw_errors *errors;
    const struct gw_correlation *correlation;       /* NULL: the gateway's */
    const struct gw_ip_restriction *ip_restriction; /* NULL: everybody may call */
    const struct gw_access_log *own_log;            /* how its lines look; NULL: as the gateway's */
    uint64_t body_limit;                            /* bytes; 0: none */
    uint64_t upload_rate;                           /* bytes a second; 0: off */
    uint64_t hold;                                  /* bytes that a proof may take in of the body */
    uint32_t index;
    uint32_t buffer_request, buffer_response;
    uint8_t encoded_slash; /* enum urlpath_slash */
    bool access_log;
    bool internal, deprecated;
    const uint32_t *disabled; /* gw_match_present: not 0: it is not there; NULL: it always is */
};

/* Where the client's address comes from behind proxies. */
struct gw_network {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;
};
struct gw_forwarded {
    const struct gw_network *trusted;
    uint32_t trusted_count;
    struct str trusted_file; /* empty: none; one CIDR a line */
    enum { GW_FORWARDED_FOR, GW_FORWARDED_RFC7239, GW_FORWARDED_REAL_IP } header;
    bool via; /* the upstream is told of this hop */
};

/* A listener's side of TLS; what the words mean is told in io/tls.h. */
struct gw_tls_certificate {
    const struct str *names;
    uint32_t name_count;
    struct gw_text cert, key, ocsp;
};
struct gw_tls {
    const struct gw_tls_certificate *certificates;
    uint32_t certificate_count;
    bool allow_1_2, strict_sni;
    bool watch; /* files are read again when they have changed */
    const char *ciphers, *suites, *groups;
    bool forward_client; /* upstreams are told of the client's certificate */
    enum tls_client_auth client_auth;
    uint32_t client_depth;
    struct gw_text client_ca, client_crl;
};

struct gw_listener {
    struct str address;
    const struct gw_tls *tls;        /* NULL: plain */
    const struct h2_settings *http2; /* NULL: HTTP/1.1 alone */
    bool strips_client_cert; /* some listener forwards certificates: nobody forges the fields */
    /* Fields by which some route tells upstreams who calls, in lower case; one that ends in '-' stands for all that begin
     * like it. Nobody else gets to say them. */
    const struct str *identity_fields;
    uint32_t identity_field_count;
    bool h2c;                /* HTTP/2 without TLS as well */
    struct str hsts;         /* the line that answers carry; empty: none */
    uint16_t redirect_https; /* status; 0: off */
    uint16_t https_port;     /* to which it redirects */
    struct h1_limits limits;
    uint32_t connections, connections_per_ip;       /* 0: off */
    uint32_t header_timeout, idle_timeout;          /* ms */
    uint32_t keep_alive_requests;                   /* 0: without limit; 1: keep-alive off */
    const struct gw_forwarded *forwarded;           /* NULL: nobody is trusted */
    const struct gw_proxy_protocol *proxy_protocol; /* NULL: nobody's header is read */
    struct str port_text;                           /* set at run time once bound; empty: no port */
    struct tls_server *tls_server;                  /* set at run time */
};

struct gw_plain_listener {
    struct str address; /* empty: off */
    struct gw_text token;
};

enum gw_log_format { GW_LOG_JSON, GW_LOG_COMBINED };

struct gw_access_log {
    bool on;
    bool routes_only; /* nothing about requests that no route takes */
    bool block_when_full;
    enum gw_log_format format;
    struct gw_text output;
    const struct str *fields; /* NULL: the default set */
    uint32_t field_count;
};

struct gw_correlation {
    enum { GW_ID_NONE, GW_ID_UUID, GW_ID_COUNTER, GW_ID_TRACKER } generator;
    struct str header_name;
    bool echo, trust;
};

/* What becomes of names that a CGI-like backend would take for others. */
enum gw_underscores { GW_UNDERSCORES_DROP, GW_UNDERSCORES_REJECT, GW_UNDERSCORES_PASS };

struct gateway {
    uint32_t abi; /* GW_ABI */
    struct str name, version, build_id;
    struct str manifest; /* JSON, for /manifest and --manifest */
    struct str features; /* "proxy mock redirect", for --version */
    const struct gw_listener *listeners;
    uint32_t listener_count;
    struct gw_plain_listener status, admin;
    const struct gw_consumers *consumers; /* NULL: there are none; so below */
    const struct gw_jwts *jwts;
    const struct gw_introspections *introspections;
    bool forward_auth;           /* some route asks others who may call */
    const struct str *key_names; /* under which credentials stand in queries: the log hides them */
    uint32_t key_name_count;
    struct gw_text zone;              /* where the gateway stands */
    const struct h2_module *http2;    /* NULL: no listener speaks HTTP/2 */
    const struct tls_module *tls;     /* NULL: nothing is served or called over TLS */
    const struct jobs_module *jobs;   /* NULL: nothing needs threads besides the workers */
    const struct gw_runtime *runtime; /* NULL: nothing may be overridden; see overrides.h */
    const struct gw_upstream *const *upstreams;
    uint32_t upstream_count;
    const struct gw_route *const *routes;
    uint32_t route_count;
    /* All there are; the first `document_restrictions` hold for requests that no route takes, too. */
    const struct gw_ip_restriction *const *ip_restrictions;
    uint32_t ip_restriction_count, document_restrictions;
    const struct gw_errors *errors;     /* before a route is known */
    const struct gw_timeouts *timeouts; /* the same */
    struct gw_access_log access_log;
    struct gw_correlation correlation;
    struct h1_limits upstream_limits;  /* limits.upstream_headers */
    uint64_t buffers;                  /* bytes of all held bodies */
    uint32_t drain_delay, drain_grace; /* ms */
    enum gw_underscores underscores;
    enum log_level log_level;
};

#endif
