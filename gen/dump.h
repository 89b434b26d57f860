/* dump: the stations of a compilation as stable text, for --dump, for goldens and for people. One fact per
 * line; what stands at its default is left out, so a golden shows what its input said. */
#ifndef GEN_DUMP_H
#define GEN_DUMP_H

#include <stdio.h>

#include "api.h"
#include "ir.h"

void dump_tree(struct pool *pool, const struct node *root, FILE *out);
void dump_api(struct pool *pool, const struct api *api, FILE *out);
void dump_ir(struct pool *pool, const struct gateway *gw, FILE *out);

#endif
