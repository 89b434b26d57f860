/* components: the names that a document's components have, and free ones for what joins them: the name itself,
 * else NAME_2, NAME_3 … */
#ifndef GEN_COMPONENTS_H
#define GEN_COMPONENTS_H

#include "base/map.h"
#include "node.h"

struct components {
    struct pool *pool;
    struct map taken; /* "section/name" */
};

/* "section/name": by the length, since names may hold anything. */
struct str components_key(struct pool *pool, struct str section, struct str name);

/* Takes all names of a document's components. */
void components_take(struct components *c, const struct node *root);

/* A name that is free in the section; it is taken then. */
struct str components_name(struct components *c, struct str section, struct str name);

#endif
