/* token_claims: the payload of a token from the words of the command line. */
#ifndef GEN_TOKEN_CLAIMS_H
#define GEN_TOKEN_CLAIMS_H

#include "options.h"

/* What --issuer, --claim and their like say, in JSON: they go before the members of `file`, the text of
 * --claims or empty, and those before iat (now, seconds since 1970) and exp (an hour later).
 * False: *error says what is wrong with them; *is_usage when it is not the file. */
bool token_claims(struct pool *pool, const struct token_options *words, struct str file,
                  int64_t now, struct str *json, struct str *error, bool *is_usage);

/* "5m", "-30s", "1h", "7d" in seconds; false when it is none of them or beyond a hundred years. */
bool token_seconds(struct str text, int64_t *seconds);

#endif
