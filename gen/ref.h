/* ref: JSON pointers and $ref. A $ref is resolved where it stands, lazily and once: ref_follow gives the
 * node that a reference object finally points at, through local files and chains, and reports unresolved
 * (ref-unresolved), remote (ref-remote) and self-referring (ref-loop) ones with their place. Cycles through
 * structure (a schema that contains itself) are legal and are the business of whoever walks, and so are the
 * siblings of "$ref". A reference is seen from the file in which it stands; the pointer behind '#' is one
 * into the document as written, it does not pass through other references. */
#ifndef GEN_REF_H
#define GEN_REF_H

#include "job.h"
#include "node.h"

/* `node` itself, or what its "$ref" finally points at; NULL after an error was reported (or for NULL). */
struct node *ref_follow(struct job *job, struct node *node);

/* The node at a JSON pointer (RFC 6901, already URI-decoded) below root, or NULL. */
struct node *ref_pointer(const struct node *root, struct str pointer);

#endif
