/* finder: the one worker's side of discovery: what a source tells becomes what all workers go by. */
#ifndef CLIENT_FINDER_H
#define CLIENT_FINDER_H

#include "base/vec.h"
#include "client/discovery.h"

/* The looking for one upstream. */
struct finder {
    struct upstream *upstream;
    const struct gw_discovery *config;
    void *source;       /* what its source keeps */
    struct timer aged;  /* the last good answer is too old */
    struct timer again; /* not all found a place */
    struct pool pool;   /* of the answer that is being read */
    VEC(struct gw_target) targets;
};

struct discovery_source {
    /* Begins to look; the finder lasts until close. */
    void (*open)(struct finder *finder);
    void (*close)(struct finder *finder);
};

static inline struct loop *finder_loop(const struct finder *finder)
{
    return finder->upstream->all->loop;
}

/* An answer begins: what it says may live in finder->pool until the next one begins. */
void finder_begin(struct finder *finder);
/* One target of it: host and port, or a whole URL that was read; what is empty of url and authority is made. */
void finder_add(struct finder *finder, struct gw_target target, const struct gw_label *labels,
                size_t label_count);
/* The answer is complete: it becomes what all workers see, unless it is empty. */
void finder_publish(struct finder *finder);
/* There was no answer, or none that makes sense. */
void finder_fail(struct finder *finder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A name or an address as a registry writes it, without brackets. */
bool finder_host_is_legal(struct finder *finder, struct str host);

/* For discovery_module. */
struct finders *finders_open(struct upstreams *upstreams);
void finders_close(struct finders *finders);

#endif
