/* caller: whether the gateway would let a request in, told here: by the credentials it carries, and by keys of consumers
 * as far as the variables and files that the document refers to are at hand. No key and no secret is ever printed. */
#ifndef GEN_CALLER_H
#define GEN_CALLER_H

#include "base/text.h"
#include "ir.h"

struct caller_request {
    struct pool *pool;
    const struct gateway *gw;
    const struct ir_operation *op;
    const struct ir_header *headers;
    size_t header_count;
    struct str query;
};

enum caller_answer {
    CALLER_SILENT, /* nobody is asked who he is, or the request has no credentials to look at: nothing was printed */
    CALLER_LET_IN,
    CALLER_REFUSED,
    CALLER_UNKNOWN /* what decides is not at hand */
};

/* Prints, scheme by scheme in the order in which they are tried, what holds and what does not and why, and whether the
 * acl lets in whom they prove; as lines of explain. */
enum caller_answer caller_explain(const struct caller_request *request, struct text *out);

#endif
