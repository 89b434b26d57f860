/* pathtemplate: a path key becomes segments: literal text (normalised as requests are), parameters, mixes
 * of both, and a tail when the last parameter takes the rest. "/a/" has the segment "a" and a slash at its
 * end, "/" has no segment and a slash at its end, "//" has an empty segment. */
#ifndef GEN_PATHTEMPLATE_H
#define GEN_PATHTEMPLATE_H

#include "base/urlpath.h"
#include "ir.h"
#include "job.h"

/* As many as a request has room for (GW_MAX_PARAMS of the runtime). */
enum { PATHTEMPLATE_MAX_PARAMS = 32 };

/* Fills segments, params, query and trailing_slash of an endpoint whose pattern and loc are set; what
 * follows a '?' becomes query conditions. `prefix`: the last parameter takes the rest. False after a
 * complaint. */
bool pathtemplate_read(struct job *job, struct ir_endpoint *endpoint,
                       const struct urlpath_rules *rules, bool prefix);

/* Bytes of a matched path that stand before the segment of the first parameter: what `strip: match` cuts. */
size_t pathtemplate_literal(const struct ir_endpoint *endpoint);

/* `text` with {parameters} of the endpoint as pieces; false after a complaint at text.loc. */
struct pathtemplate_pieces {
    VEC(struct ir_piece) list;
};
bool pathtemplate_fill(struct job *job, const struct ir_endpoint *endpoint, struct said text,
                       struct pathtemplate_pieces *pieces);

/* Index of a parameter, or -1. */
int pathtemplate_param(const struct ir_endpoint *endpoint, struct str name);

#endif
