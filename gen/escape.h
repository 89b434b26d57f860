/* escape: text from a document as harmless text in an output: inside a C string literal or comment, as one
 * line of a table, as a word of JSON (base/text does that). This is the wall between what a document says
 * and what a compiler, make or a terminal would do with it. */
#ifndef GEN_ESCAPE_H
#define GEN_ESCAPE_H

#include "base/text.h"

/* For a C string literal or comment alike: quotes, backslashes, control bytes, invalid UTF-8, invisible and
 * bidi characters, trigraphs and both comment marks, also those that join with the end of `out`. */
void escape_c(struct text *out, struct str s);

/* For a table read by people and diff: always one line, nothing invisible. */
void escape_line(struct text *out, struct str s);

#endif
