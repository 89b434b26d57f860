/* watched: files that are read again when they have changed and have then rested for one look, so that what is
 * replaced piece by piece is read once. They are known by what stat says of them, links followed, so that a directory
 * swapped below them (as Kubernetes does) counts. */
#ifndef BASE_WATCHED_H
#define BASE_WATCHED_H

#include "base/str.h"

/* What a reading hangs on. */
struct watched {
    uint64_t seen, read; /* digests: at the last look, at the last reading */
};

/* A digest begins with this, and takes in each file; one that is missing counts as such. */
#define WATCHED_BEGIN UINT64_C(0xcbf29ce484222325)
void watched_add(uint64_t *digest, struct str path);

/* The files are read, as they are now. */
void watched_is_read(struct watched *watched, uint64_t digest);
/* A look: true when another reading is due. */
bool watched_has_rested(struct watched *watched, uint64_t digest);

#endif
