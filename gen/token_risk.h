/* token_risk: what is risky about a token before anybody verifies it, by RFC 8725 (best current practices of
 * JSON web tokens). */
#ifndef GEN_TOKEN_RISK_H
#define GEN_TOKEN_RISK_H

#include "token.h"

/* Adds warnings to a token that was read; `now` in seconds since 1970. */
void token_risks(struct token *token, int64_t now);

#endif
