/* vocabulary: the language as a JSON Schema, for editors: what may stand in the x-gateway blocks of a document.
 * Made from policy.def and the tables that the compiler reads blocks by; it accepts all that they accept, and
 * refuses unknown, misplaced and not yet built keys, unknown words and wrong types. */
#ifndef GEN_VOCABULARY_H
#define GEN_VOCABULARY_H

#include "base/text.h"

/* As YAML. */
void vocabulary_schema(struct text *out);

#endif
