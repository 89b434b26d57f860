/* token_print: a token for people or for programs. Whatever it says, nothing of it becomes an escape of a
 * terminal: in JSON such characters stand as \u, elsewhere as escape_line writes them. */
#ifndef GEN_TOKEN_PRINT_H
#define GEN_TOKEN_PRINT_H

#include "base/text.h"
#include "token.h"

/* What is known of the signature: not asked, or the verdict and why (empty: it is good). */
struct token_verdict {
    enum { TOKEN_UNVERIFIED, TOKEN_VERIFIED, TOKEN_REFUSED } kind;
    struct str why;
};

/* Header and payload, as far as they could be read. */
void token_parts_text(struct text *out, const struct token *token);

/* The same with dates, signature and warnings; `now` in seconds since 1970. */
void token_text(struct text *out, const struct token *token, const struct token_verdict *verdict,
                int64_t now);

/* All that as one JSON object. */
void token_json(struct text *out, const struct token *token, const struct token_verdict *verdict,
                int64_t now);

/* "alg RS256, kid one, iss https://id.example, aud [\"shop\"], exp 2026-01-31T23:59:59Z (in 57m)": what a token says, in one
 * line, true or not. */
struct str token_says(const struct token *token, int64_t now);

#endif
