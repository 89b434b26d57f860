/* name: C identifiers and file names out of a document's texts. Pronounceable (listUsers becomes
 * list_users), safe whatever the text, unique, and stable: a name depends on its own text only. Where texts
 * would share a name, the one that is the name keeps it and the others get a suffix made from their text, so
 * that adding an operation renames none but those it collides with. */
#ifndef GEN_NAME_H
#define GEN_NAME_H

#include "ir.h"
#include "job.h"

/* needs: lowered IR. fills: symbol of operations, upstreams, branches and runtime values; group of operations. keeps: order. */
void name_plan(struct job *job, struct gateway *gateway);

/* Lower-case words joined by underscores, [a-z][a-z0-9_]*, at most 60 bytes; never a C word. */
struct str name_symbol(struct pool *pool, struct str text);

/* Upper case of a symbol: for enumerators. */
struct str name_upper(struct pool *pool, struct str symbol);

/* The symbols of several texts, all different: result[i] is for texts[i]. Equal texts share a symbol. */
struct str *name_unique(struct pool *pool, const struct str *texts, size_t count);

#endif
