/* typed: one value of x-gateway through libcyaml. The value is walked against its table first, because
 * libcyaml stops at its first complaint and does not place it well; what is good is printed again, one
 * scalar a line, and loaded into the table's struct. */
#ifndef GEN_POLICY_TYPED_H
#define GEN_POLICY_TYPED_H

#include "job.h"
#include "node.h"
#include "policy/type.h"

/* Where else a key belongs: "'upstreams.*.pool'", or NULL. */
typedef const char *typed_home(struct pool *pool, struct str key);

struct typed {
    struct policy_reader reader; /* first: a reader is handed back to us */
    typed_home *home;
};

void typed_begin(struct typed *typed, struct job *job, typed_home *home);

/* Types `node` and has the type's reader fill *out; false after a complaint that left nothing to read. */
bool typed_load(struct typed *typed, struct node *node, const struct policy_type *type, void *out);

/* `node` with its $ref followed; NULL after a complaint. */
struct node *typed_follow(struct job *job, struct node *node);

/* True when the table, or one inside it, has the key; *place is then where, below `prefix`. */
bool typed_has_key(struct pool *pool, const struct cyaml_schema_value *schema, struct str prefix,
                   struct str key, struct str *place);

#endif
