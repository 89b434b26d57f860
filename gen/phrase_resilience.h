/* phrase_resilience: what becomes of upstreams that fail, in words: for lock files, `explain` and dumps. One line each,
 * "" where nothing is said. */
#ifndef GEN_PHRASE_RESILIENCE_H
#define GEN_PHRASE_RESILIENCE_H

#include "ir.h"

/* "hash by header X-User, slow_start 30s" */
struct str phrase_balance(struct pool *pool, const struct ir_upstream *upstream);
/* "http /health every 10s, timeout 1s, sick after 3, well after 2, statuses 200-299, panic below 50%" */
struct str phrase_health_check(struct pool *pool, const struct ir_upstream *upstream);
/* "5 failures in a row, ejected for 30s to 5m, at most 50%, panic below 50%" */
struct str phrase_outlier(struct pool *pool, const struct ir_upstream *upstream);
/* "max_requests 100 and 10 more for 5s, open for 30s after 5 failures in 60s, closed after 1" */
struct str phrase_breaker(struct pool *pool, const struct ir_breaker *breaker);
/* "3 tries, on connect_failure 503, of GET HEAD, backoff 25ms to 250ms with jitter, budget 20% or 3, buffer 64k" */
struct str phrase_retry(struct pool *pool, const struct ir_retry *retry);
/* "GET HEAD" */
struct str phrase_methods(struct pool *pool, uint32_t methods);
/* "internal unavailable" */
struct str phrase_grpc_statuses(struct pool *pool, uint32_t statuses);

/* "cookie place, path /, max_age 1h", or "" */
struct str phrase_sticky(struct pool *pool, const struct ir_sticky *sticky);

/* "shadow, 5%, max_requests 100, buffer 64k, timeout 1m", or "" */
struct str phrase_mirror(struct pool *pool, const struct gateway *gw,
                         const struct ir_mirror *mirror);

/* "dns pets:8080, max_age 24h", or "" */
struct str phrase_discovery(struct pool *pool, const struct gateway *gw,
                            const struct ir_discovery *discovery);

/* "v2: http://pets-2 http://pets-3", of discovered ones the labels */
struct str phrase_subset(struct pool *pool, const struct ir_upstream *upstream,
                         const struct ir_subset *subset);

#endif
