/* consumers: who may call, by what. The document's and those of a file (JSON or YAML, reloaded) become one table, made
 * anew at every reading; keys are kept as digests alone. */
#ifndef REQUEST_CONSUMERS_H
#define REQUEST_CONSUMERS_H

#include "base/reference.h"

/* ---- configuration: constants of the generated program ---- */

struct gw_consumer {
    struct str name, id;
    const struct str *groups;
    uint32_t group_count;
    const struct gw_text *keys;
    uint32_t key_count;
};

struct gw_consumers {
    const struct consumers_module *module;
    const struct gw_consumer *at;
    uint32_t count;
    struct str file; /* empty: none */
};

/* ---- at run time ---- */

struct consumer {
    struct str name, id;
    struct str groups_line; /* "a, b" */
    const struct str *groups;
    size_t group_count;
};

struct consumers;

struct consumers_module {
    /* Reads all of them. NULL: *error, in `pool`, says which variable, file or line is missing or bad. Secrets are
     * wiped where they were read. */
    struct consumers *(*read)(const struct gw_consumers *config, struct pool *pool,
                              struct str *error);
    void (*free)(struct consumers *consumers);
    /* The one with that key, or NULL. */
    const struct consumer *(*by_key)(const struct consumers *consumers, struct str key);
};

extern const struct consumers_module consumers_module;

#endif
