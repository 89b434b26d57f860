/* caller: whether the gateway would let a request in, told here: by the credentials it carries, and by keys and secrets as
 * far as the variables and files that the document refers to are at hand. Tokens are judged by the code that gateways run. */
#ifndef GEN_CALLER_H
#define GEN_CALLER_H

#include "base/text.h"
#include "caller_input.h"

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
