/* scalar: what a plain scalar means in YAML 1.2's core schema: null, a boolean, an integer (decimal, 0o17,
 * 0x1F), a number (also .inf, .nan), else text. What YAML 1.1 read otherwise (yes, on, 1:30, 1_000, dates,
 * 017 as octal) is what it looks like. JSON's numbers and words are a part of it. */
#ifndef GEN_SCALAR_H
#define GEN_SCALAR_H

#include "node.h"

/* needs: node->text. fills: node->kind and its value. An integer beyond 64 bits is a NODE_FLOAT. */
void scalar_resolve(struct pool *pool, struct node *node);

#endif
