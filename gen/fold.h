/* fold: lines of generated C that are wider than the page, broken where clang-format would break them. Only
 * an initialiser that is one string literal gets so wide; every other line is short by construction. */
#ifndef GEN_FOLD_H
#define GEN_FOLD_H

#include "base/text.h"

enum { FOLD_WIDTH = 100 };

/* Appends `lines` to `out`. */
void fold(struct text *out, struct str lines);

#endif
