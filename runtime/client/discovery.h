/* discovery: targets that come and go while the gateway runs. One worker looks for the whole process: a source (DNS,
 * a registry, a file) tells it who is there now, and it publishes that to all workers.
 *
 * Each target has a place among those of its upstream, the same on every worker. A target that is lost gets no new
 * request; what is under way ends in peace, and when no worker holds the place any more it may become another one's.
 * An answer that is empty or fails changes nothing: the last good one holds, for no longer than max_age. Until the
 * first answer requests wait, as long as they would for a connection. */
#ifndef CLIENT_DISCOVERY_H
#define CLIENT_DISCOVERY_H

#include "client/share.h"
#include "client/target.h"

enum {
    DISCOVERY_TARGETS = 256,      /* of one upstream; more are left out */
    DISCOVERY_PLACES = 512,       /* with those that are leaving */
    DISCOVERY_SUBSET_PLACES = 64, /* a mask of them is one word */
    DISCOVERY_REASON = 160
};

/* What is known of the looking itself; under the share's lock. */
struct found {
    bool is_asked;                          /* there was an answer, good or bad */
    uint64_t good_at;                       /* ms of the loop's clock; 0: never */
    uint64_t total_updates, total_failures; /* good answers that changed something; bad ones */
    char reason[DISCOVERY_REASON];          /* why the last answer was bad; empty: it was good */
};

struct finders;

struct discovery_module {
    /* ---- each worker ---- */
    /* Opens the upstream's places, and closes what belongs to them. */
    void (*join)(struct upstream *upstream);
    void (*leave)(struct upstream *upstream);
    /* The places whose targets are in a subset, by bit. */
    uint64_t (*subset)(const struct upstream *upstream, uint64_t subset);
    /* True: nothing is known yet, and the call is tried when something is. */
    bool (*wait)(struct upstream_call *call);
    void (*forget)(struct upstream_call *call);
    /* ---- the one that looks ---- */
    struct finders *(*open)(struct upstreams *upstreams);
    void (*close)(struct finders *finders);
};

extern const struct discovery_module discovery_module;

static inline uint32_t discovery_places(const struct gw_discovery *config)
{
    return config->subset_count > 0 ? DISCOVERY_SUBSET_PLACES : DISCOVERY_PLACES;
}

/* What was published reaches all workers. Under the share's lock. */
void discovery_tell(struct upstream_share *share);

#endif
