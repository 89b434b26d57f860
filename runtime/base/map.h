/* map: text to pointer, in a pool, in insertion order: what we print never depends on hashing. Keys are
 * borrowed. Hostile keys cannot make it slow (keyed hash). Nothing is ever removed. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/pool.h"

struct map_entry {
    struct str key;
    void *value;
};

struct map {
    struct map_entry *at; /* in insertion order */
    size_t count, cap;
    uint32_t *slots; /* index + 1 into at, 0: free; a power of two of them */
    size_t slot_count;
};

/* The value of key, or NULL. A zeroed map is empty. */
void *map_get(const struct map *map, struct str key);

/* Sets key to value (not NULL); returns the former value or NULL. */
void *map_set(struct map *map, struct pool *pool, struct str key, void *value);

#endif
