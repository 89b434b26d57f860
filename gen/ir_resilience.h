/* ir_resilience: the part of the IR that says what becomes of upstreams that fail: who is asked, who is taken for
 * sick, how much is too much, what is tried again. See ir.h. */
#ifndef GEN_IR_RESILIENCE_H
#define GEN_IR_RESILIENCE_H

#include "base/vec.h"
#include "ir_settings.h"
#include "source.h"

enum ir_balance { IR_ROUND_ROBIN, IR_LEAST_CONN, IR_RANDOM, IR_HASH, IR_PEAK_EWMA };

struct ir_hash_key {
    enum { IR_KEY_IP, IR_KEY_HEADER, IR_KEY_COOKIE, IR_KEY_PATH_PARAM } from;
    struct str name;
    struct loc loc;
};

/* A cookie that keeps a client where it was sent to first. */
struct ir_sticky {
    bool on;
    struct str cookie, path;
    uint64_t max_age; /* ms; 0: as long as the browser runs */
    enum { IR_SECURE_ON_HTTPS, IR_SECURE, IR_NOT_SECURE } secure;
    struct loc loc;
};

struct ir_subset;

/* Copies of requests. */
struct ir_mirror {
    bool on;
    uint32_t upstream;              /* index */
    const struct ir_subset *subset; /* NULL: all targets */
    uint64_t percent, max_requests, buffer, timeout;
    struct loc loc;
};

/* Targets that are found while the gateway runs. */
struct ir_discovery {
    enum {
        IR_FOUND_NOT,
        IR_FOUND_DNS,
        IR_FOUND_DNS_SRV,
        IR_FOUND_CONSUL,
        IR_FOUND_FILE,
        IR_FOUND_EDS
    } kind;
    struct str name; /* of the host, the records, the service (ready for a path), the cluster */
    struct str file; /* IR_FOUND_FILE, IR_FOUND_EDS */
    uint32_t port;   /* IR_FOUND_DNS */
    enum { IR_SCHEME_UNSAID, IR_SCHEME_HTTP, IR_SCHEME_HTTPS } scheme;
    uint64_t refresh;     /* ms; 0: as the source has it */
    uint64_t max_age;     /* ms, 24h; 0: for ever */
    uint32_t registry;    /* IR_FOUND_CONSUL: index of the upstream that is asked … */
    struct str query;     /* … with these parameters … */
    struct ir_text token; /* … and this secret */
    struct loc loc;
};

struct ir_status_range {
    uint32_t first, last;
};

typedef VEC(struct ir_status_range) ir_statuses;

struct ir_health_check {
    bool on;
    enum { IR_CHECK_HTTP, IR_CHECK_TCP, IR_CHECK_GRPC } kind;
    struct str path, host, service; /* host: empty: the target's */
    uint64_t port;                  /* 0: the target's */
    uint64_t interval, timeout;
    uint64_t unhealthy_threshold, healthy_threshold;
    ir_statuses statuses;
    struct loc loc;
};

struct ir_outlier {
    bool on;
    uint64_t consecutive_5xx;         /* 0: off */
    uint64_t max_fails, fail_timeout; /* 0: off */
    uint64_t interval;
    uint64_t minimum_hosts, request_volume,
        stdev_factor; /* of success rates; thousandths, 0: off */
    uint64_t base_ejection_time, max_ejection_time, max_ejection_percent;
    struct loc loc;
};

struct ir_adaptive {
    bool on;
    uint64_t min_concurrency, max_concurrency;
    uint64_t interval, min_rtt_interval;
    uint64_t percentile, tolerance;
    struct loc loc;
};

struct ir_breaker {
    bool on;
    uint64_t max_connections, max_requests, max_pending_requests; /* 0: no limit */
    uint64_t pending_timeout;
    uint64_t threshold; /* 0: no circuit */
    uint64_t window_size, timeout, half_open_requests;
    struct ir_adaptive adaptive;
    struct loc loc;
};

/* The methods that may stand in retry.methods, by bit: as enum method of the runtime. */
#define IR_METHODS                                                                                 \
    {                                                                                              \
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY"    \
    }
enum {
    IR_METHOD_COUNT = 10,
    IR_METHODS_IDEMPOTENT = 0x2db,
    IR_METHODS_HEDGED = 0x43, /* GET, HEAD, OPTIONS */
    IR_METHODS_GRPC = 0x4,    /* POST */
    IR_METHOD_CONNECT = 8
};

/* The statuses of gRPC that may stand in retry.on, with their numbers. */
#define IR_GRPC_STATUSES                                                                           \
    {                                                                                              \
        {"cancelled", 1}, {"deadline_exceeded", 4}, {"resource_exhausted", 8}, {"internal", 13},   \
            {"unavailable", 14},                                                                   \
    }
struct ir_grpc_status {
    const char *word;
    unsigned number;
};
enum { IR_GRPC_STATUS_COUNT = 5 };

/* Another try beside one whose answer is late. */
struct ir_hedge {
    bool on;
    uint64_t delay, max_attempts;
    struct loc loc;
};

struct ir_retry {
    bool said; /* false: what was never sent goes to another target, and that is all */
    uint64_t attempts;
    bool on_connect_failure, on_reset, on_timeout;
    ir_statuses statuses;
    uint32_t grpc_statuses; /* 1 << number; upstreams of other protocols have none */
    struct loc grpc_loc;    /* of the first of them */
    uint32_t methods;
    bool idempotency_key;
    uint64_t base, max;
    bool jitter;
    uint64_t budget, budget_min; /* percent, 0: any number */
    uint64_t per_try_timeout;
    struct ir_hedge hedge;
    uint64_t buffer;   /* limits.buffer */
    const char *level; /* who says so: "operation", "path", "upstream" or "document" */
    struct loc loc;
};

static inline bool ir_statuses_equal(const struct ir_status_range *a, size_t a_count,
                                     const struct ir_status_range *b, size_t b_count)
{
    bool equal = a_count == b_count;

    for (size_t i = 0; equal && i < a_count; i++)
        equal = a[i].first == b[i].first && a[i].last == b[i].last;
    return equal;
}

static inline bool ir_hedge_equal(const struct ir_hedge *a, const struct ir_hedge *b)
{
    return a->on == b->on && a->delay == b->delay && a->max_attempts == b->max_attempts;
}

static inline bool ir_retry_equal(const struct ir_retry *a, const struct ir_retry *b)
{
    if (!a->said || !b->said)
        return a->said == b->said;
    return a->attempts == b->attempts && a->on_connect_failure == b->on_connect_failure &&
           a->on_reset == b->on_reset && a->on_timeout == b->on_timeout &&
           a->grpc_statuses == b->grpc_statuses && a->methods == b->methods &&
           a->idempotency_key == b->idempotency_key && a->base == b->base && a->max == b->max &&
           a->jitter == b->jitter && a->budget == b->budget && a->budget_min == b->budget_min &&
           a->per_try_timeout == b->per_try_timeout && a->buffer == b->buffer &&
           ir_hedge_equal(&a->hedge, &b->hedge) &&
           ir_statuses_equal(a->statuses.at, a->statuses.count, b->statuses.at, b->statuses.count);
}

/* Whom the gateway asks by itself, and for what. */
struct ir_asked {
    uint32_t upstream;     /* index */
    struct str path;       /* "/…", with its query */
    struct ir_retry retry; /* the upstream's own; not said: none */
};

#endif
