/* diag: what the compiler has to say. Stages only collect; printing happens once, at the end, sorted by
 * place and without duplicates. A diagnostic has a place, a severity, a code (a word with a section in
 * specs/diagnostics.md) and a sentence: lower case, no full stop, what is wrong and what would be right.
 * Text from documents is printed safely (control and bidi characters escaped). */
#ifndef GEN_DIAG_H
#define GEN_DIAG_H

#include <stdio.h>

#include "source.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };
enum diag_format { DIAG_TEXT, DIAG_JSON, DIAG_SARIF, DIAG_GITHUB };

struct diag_message {
    enum diag_severity severity;
    struct loc loc;
    const char *code;
    struct str text;
    size_t parent; /* notes: index of the message they belong to */
};

struct diags {
    struct pool *pool;
    const struct sources *sources;
    VEC(struct diag_message) list;
    size_t errors, warnings;
    bool werror; /* warnings count as errors */
    bool quiet;  /* only errors are printed */
};

/* Each returns nothing; a note belongs to the message reported last. */
void diag_error(struct diags *d, struct loc loc, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_warn(struct diags *d, struct loc loc, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_note(struct diags *d, struct loc loc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool diag_failed(const struct diags *d);

/* All messages to `out`; `colour` only concerns DIAG_TEXT. */
void diag_print(const struct diags *d, FILE *out, enum diag_format format, bool colour);

/* "; did you mean 'x'?" for the nearest of `names` within a third of its length, or "". */
struct str diag_suggest(struct pool *pool, struct str wrong, const struct str *names, size_t count);

#endif
