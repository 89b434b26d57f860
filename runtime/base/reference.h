/* reference: values that are known only where the gateway runs: {env: NAME}, {file: /path}. Read at start
 * and again at HUP; what is missing is named. */
#ifndef BASE_REFERENCE_H
#define BASE_REFERENCE_H

#include "base/pool.h"

/* {env: NAME, default: …}, {file: …} or a literal. */
struct gw_text {
    enum { GW_TEXT_NONE, GW_TEXT_LITERAL, GW_TEXT_ENV, GW_TEXT_FILE } kind;
    struct str text;
    struct str fallback; /* at NULL: none */
};

/* The value, in the pool's own memory (so that a secret can be wiped there), one final newline of a file
 * dropped; false: *error names what is missing. A reference of kind none gives a value whose `at` is NULL. */
bool reference_read(const struct gw_text *reference, struct pool *pool, struct str *value,
                    struct str *error);

/* A whole file of at most 1 MiB. */
bool reference_read_file(struct str path, struct pool *pool, struct str *value, struct str *error);

#endif
