/* yaml_write: a tree as YAML 1.2 that reads back as the same tree: block style, long texts as literals,
 * everything doubtful in double quotes. */
#ifndef GEN_YAML_WRITE_H
#define GEN_YAML_WRITE_H

#include "base/text.h"
#include "node.h"

void yaml_write(const struct node *root, struct text *out);

#endif
