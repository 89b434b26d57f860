/* callers: who may call an operation, in words for route tables, lock files and explain. Always one line; text from the
 * document stays unescaped. */
#ifndef GEN_CALLERS_H
#define GEN_CALLERS_H

#include "ir.h"

/* The consumers that have the credentials of their own that one of the ways in asks for, and whose groups the acl lets
 * in: "batch, web", "batch and those of /etc/consumers.yaml in staff", "batch; others by the other schemes", "none"; "" where
 * no way asks for such credentials. */
struct str callers_known(struct pool *pool, const struct gateway *gw,
                         const struct ir_operation *op);

/* True when `acl` lets in whoever is in these groups, as far as groups go. */
bool callers_groups_pass(const struct ir_acl *acl, const ir_texts *groups);

#endif
