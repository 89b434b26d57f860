/* member: a member of a map, read as what it should be. Whoever gives a tree its meaning comes here: each
 * call follows a $ref, checks the kind, reports what is wrong at its place and hands back a neutral value,
 * so that the caller need not look twice. */
#ifndef GEN_MEMBER_H
#define GEN_MEMBER_H

#include "job.h"
#include "node.h"

/* For printf("%.*s") of text from documents: long names are cut. */
#define STR_SHORT(s) (int)((s).len > 100 ? 100 : (s).len), (s).len ? (s).at : ""

/* False after "what must be a map, not a list" was reported; quiet about NULL. */
bool member_is(struct job *job, const struct node *node, enum node_kind kind, const char *what);

/* The value under key, followed, when it is of that kind; NULL when absent or reported. */
struct node *member_map(struct job *job, const struct node *owner, const char *key);
struct node *member_list(struct job *job, const struct node *owner, const char *key);

/* Text or a number as written; at NULL when absent or reported. */
struct said member_text(struct job *job, const struct node *owner, const char *key);

/* True when the key is there and says true. */
bool member_truth(struct job *job, const struct node *owner, const char *key);

/* A scalar as text: strings and numbers; at NULL when reported. */
struct said member_scalar(struct job *job, const struct node *node, const char *what);

/* Reports keys that `names` does not have: an error when one of them is near (a slip of the pen would
 * silently change what the gateway does), a warning otherwise. Keys that begin with x- are free, but for
 * those that look like x-gateway. */
void member_known(struct job *job, const struct node *map, const struct str *names, size_t count,
                  const char *what);

#endif
