/* jsonpath_query: a parsed query, as jsonpath_parse leaves it to jsonpath_select. */
#ifndef GEN_JSONPATH_QUERY_H
#define GEN_JSONPATH_QUERY_H

#include "jsonpath.h"

enum selector_kind {
    SELECTOR_NAME,
    SELECTOR_WILDCARD,
    SELECTOR_INDEX,
    SELECTOR_SLICE,
    SELECTOR_FILTER,
};

struct selector {
    enum selector_kind kind;
    struct str name;
    int64_t start, end, step; /* an index is `start` */
    bool has_start, has_end;
    const struct filter *filter;
};

struct segment {
    bool descends;
    VEC(struct selector) selectors;
};

struct query {
    bool relative; /* begins at '@' */
    bool singular; /* selects one node at most */
    VEC(struct segment) segments;
};

/* One side of a comparison: a literal or a singular query. */
struct operand {
    const struct query *query; /* NULL: the literal */
    struct node literal;
};

enum filter_kind { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_EXISTS, FILTER_COMPARE };
enum comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

struct filter {
    enum filter_kind kind;
    const struct filter *left, *right; /* FILTER_NOT: left */
    struct operand a, b;               /* FILTER_EXISTS: a.query */
    enum comparison comparison;
};

struct jsonpath {
    struct loc loc;
    struct query *query;
};

#endif
