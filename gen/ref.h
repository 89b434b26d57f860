/* ref: JSON pointers and $ref. A $ref is resolved where it stands, lazily and once: ref_follow gives the
 * node that a reference object finally points at, through local files and chains, and reports unresolved,
 * remote and self-referring ones with their place. Cycles through structure (a schema that contains itself)
 * are legal and are the business of whoever walks. */
#ifndef GEN_REF_H
#define GEN_REF_H

#include "job.h"
#include "node.h"

/* `node` itself, or what its "$ref" finally points at; NULL after an error was reported (or for NULL). */
struct node *ref_follow(struct job *job, struct node *node);

/* The node at a JSON pointer (RFC 6901, already URI-decoded) below root, or NULL. */
struct node *ref_pointer(const struct node *root, struct str pointer);

#endif
