/* pathtree: path templates become the tables of base/pathmap.h. A node of the tree stands for the templates
 * that can still take the path, in the order of precedence; it looks at the segment that copies the fewest
 * of them into several branches. Equal sets of templates share a node, a template that has been checked to
 * its end cuts off all behind it, and when the tree outgrows its budget what is left becomes a trial. */
#ifndef GEN_PATHTREE_H
#define GEN_PATHTREE_H

#include "base/pathmap.h"
#include "ir.h"

struct pathtree_template {
    const struct ir_segment *segments;
    size_t count;
    bool trailing_slash;
};

/* The tables and how long they are. */
struct pathtree {
    struct pathmap map;
    size_t firsts, roots, slots, text_len, paths, shapes, trials, pieces;
    size_t nodes;          /* among the slots; told, not used */
    const uint32_t *crowd; /* on failure: templates that cannot be told apart in time */
    size_t crowd_count;
};

/* Fills `tree`; path numbers are indexes into `templates`, no two of which have the same shape. With `fold`
 * literals are compared in lower case. false: too many templates compete for the same requests. */
bool pathtree_build(struct pool *pool, const struct pathtree_template *templates, size_t count,
                    bool fold, struct pathtree *tree);

/* Bytes of all tables. */
size_t pathtree_bytes(const struct pathtree *tree);

#endif
