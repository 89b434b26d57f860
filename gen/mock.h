/* mock: an answer for an operation from what its document says: the examples, or else a value made from
 * the schema. The same document always gives the same answer. */
#ifndef GEN_MOCK_H
#define GEN_MOCK_H

#include "api.h"
#include "ir.h"
#include "job.h"

/* The most that a body made here may weigh. */
enum { MOCK_BODY_MAX = 64 * 1024 };

/* Fills *answer from the response `status` (at NULL: the lowest 2xx, else "default", else the first). False
 * after the complaint that the operation has no such response. */
bool mock_answer(struct job *job, const struct api_operation *op, struct said status,
                 struct ir_answer *answer);

/* A value of a schema as JSON on one line; false when it would recur or outgrow the limit. */
struct text;
bool mock_value(struct job *job, struct node *schema, struct text *out);

#endif
