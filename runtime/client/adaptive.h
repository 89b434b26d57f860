/* adaptive: how many requests an upstream can have under way without queueing, learnt from how long its answers take
 * (adaptive_concurrency; after Envoy's gradient controller and Netflix's concurrency-limits). In every interval the limit
 * is multiplied by the least latency that is known, plus a tolerance, over the latency now, and grows by its square
 * root besides, so that it goes on trying. What the least latency is gets old: after min_rtt_interval the limit is
 * halved for some intervals, so that what has queued up drains, and the least latency is learnt anew. */
#ifndef CLIENT_ADAPTIVE_H
#define CLIENT_ADAPTIVE_H

#include "client/share.h"

struct adaptive_module {
    /* An answer took so long. Any thread. */
    void (*observe)(struct upstream_share *share, uint64_t now, uint64_t us);
};

extern const struct adaptive_module adaptive_module;

/* The latency in us that `percent` of all counted ones do not exceed, to within 1/8 of it; 0: none was counted. */
uint32_t adaptive_bucket(uint64_t us);
uint64_t adaptive_percentile(const uint32_t counts[ADAPTIVE_BUCKETS], uint32_t percent);

#endif
