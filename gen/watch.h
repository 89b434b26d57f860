/* watch: notices when one of the files of a compilation is saved. By looking a few times a second, which
 * works with every editor and file system. */
#ifndef GEN_WATCH_H
#define GEN_WATCH_H

#include "source.h"

struct watch_file {
    struct str path;
    uint64_t stamp; /* of time, size and identity; 0: not there */
};

struct watch {
    VEC(struct watch_file) files;
};

/* Remembers how the files of `sources` that are on disk look now, and those it knew before: a file that is
 * missing for a moment is waited for. Starts with a zeroed watch; paths are copied to `pool`. */
void watch_look(struct watch *watch, struct pool *pool, const struct sources *sources);

/* True when one has changed since. */
bool watch_changed(const struct watch *watch);

/* Sleeps until it is time to look again; returns early on a signal. */
void watch_rest(void);

#endif
