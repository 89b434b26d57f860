/* jsonpath: queries of RFC 9535 over located trees, for overlays: names, indexes, slices, wildcards,
 * descendants and filters with comparisons, existence tests, &&, ||, ! and parentheses. Function extensions
 * are refused (jsonpath-unsupported), other mistakes too (jsonpath), each at its character. References in
 * the tree are not followed: a query sees the document as written. */
#ifndef GEN_JSONPATH_H
#define GEN_JSONPATH_H

#include "job.h"
#include "node.h"

struct jsonpath;

/* A selected node and the way to it: the index among the members or items of its parent. The root has no
 * parent. */
struct jsonpath_hit {
    struct node *node;
    const struct jsonpath_hit *parent;
    size_t index;
};

struct jsonpath_hits {
    VEC(struct jsonpath_hit *) list;
};

/* A query from its text, which begins at `loc`; NULL after reporting what is wrong with it. */
struct jsonpath *jsonpath_parse(struct job *job, struct str text, struct loc loc);

/* The nodes that the query selects below root, in the order of the RFC, a node once for each way the query
 * reaches it. False after reporting that it would look at more than 10 million nodes. */
bool jsonpath_select(struct job *job, const struct jsonpath *path, struct node *root,
                     struct jsonpath_hits *hits);

#endif
