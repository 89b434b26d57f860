/* grant: what the claims of a token mean: who its bearer is, in which groups, with which scopes. */
#ifndef BASE_GRANT_H
#define BASE_GRANT_H

#include "base/data.h"

/* ---- configuration: constants of the generated program ---- */

/* A claim that upstreams are told in a field of its own. */
struct gw_claim_field {
    struct str name; /* of the field */
    const struct str *path;
    uint32_t path_count;
};

struct gw_claim_fields {
    const struct gw_claim_field *at;
    uint32_t count;
};

/* Paths into the claims; without one nothing is known, but for scopes, which are `scope` or `scp` then. */
struct gw_claims {
    const struct str *consumer, *groups, *scopes;
    uint32_t consumer_count, group_count, scope_count;
    struct gw_claim_fields told;
};

/* ---- of one token ---- */

struct grant {
    const struct data *claims; /* an object */
    struct str consumer;       /* empty: none */
    const struct str *groups;
    size_t group_count;
    struct str scopes; /* apart by single spaces */
};

/* Reads what verified claims say, into the pool that has them. Groups are a scalar or a list of some; scopes a text that
 * spaces divide (RFC 8693 section 4.2), or a list of such words. What else stands there is left out alone: the others count,
 * as one of them may be denied. */
void grant_read(struct grant *grant, const struct gw_claims *config, const struct data *claims,
                struct pool *pool);

/* True when all of `needed` are among its scopes; both are apart by single spaces. */
bool grant_has_scopes(const struct grant *grant, struct str needed);
bool grant_has_group(const struct grant *grant, struct str group);

#endif
