/* claims: what a token says of its bearer (RFC 7519 section 4; an introspection's answer says the same way, RFC 7662
 * section 2.2), judged. Whether somebody trusted has said it is for others to find out first. */
#ifndef BASE_CLAIMS_H
#define BASE_CLAIMS_H

#include "base/data.h"

/* What the claims have to be. All zero: exp and nbf are honoured where they stand, nothing has to stand. */
struct claims_rules {
    const struct str *issuers; /* iss has to be one of them, byte by byte; none: it may be any */
    size_t issuer_count;
    const struct str *audiences; /* aud has to name one of them; none: it may be any */
    size_t audience_count;
    bool exp, nbf, iat;          /* has to stand; iat, when set, may not be in the future */
    uint32_t leeway;             /* seconds that clocks may differ */
    uint32_t maximum_expiration; /* seconds from now to exp; then exp has to stand; 0: any */
};

/* NULL: the claims obey at the time `now` (seconds since 1970), and until just before *until, which is UINT64_MAX
 * when they have no end: the time from which on exp is past, leeway included. Otherwise a sentence fit for whoever
 * sent them: it names the rule, no value.
 *
 * exp, nbf and iat are JSON numbers, with fractions or not, wherever they stand: a text, or a number too large for a
 * double, is refused. What a double can hold is a time, if a far one. A date is compared exactly up to 2^53. */
const char *claims_check(const struct data *claims, const struct claims_rules *rules, uint64_t now,
                         uint64_t *until);

#endif
