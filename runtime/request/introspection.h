/* introspection: schemes whose tokens their issuer is asked about (RFC 7662). */
#ifndef REQUEST_INTROSPECTION_H
#define REQUEST_INTROSPECTION_H

#include "base/claims.h"
#include "base/grant.h"
#include "base/reference.h"
#include "request/carried.h"

struct gw_endpoint;

/* ---- configuration: constants of the generated program ---- */

struct gw_introspection {
    struct str name; /* of the scheme */
    uint32_t index;  /* among all */
    const struct gw_endpoint *endpoint;
    struct gw_text client_id,
        client_secret; /* how the gateway proves who asks; none: it does not */
    struct str hint;   /* token_type_hint; empty: none */
    struct gw_token_places places;
    struct claims_rules rules;
    struct gw_claims claims;
    uint32_t timeout; /* ms */
    uint32_t cache,
        negative_cache; /* ms for which what was said of a token holds; 0: it is asked each time */
};

struct gw_introspections {
    const struct introspection_module *module;
    const struct gw_introspection *const *at;
    uint32_t count;
};

struct introspection_module {
    /* The line by which the gateway proves who asks; empty: none. In `pool`, as is *error, which says what is missing when
     * it is false. */
    bool (*read)(const struct gw_introspection *scheme, struct pool *pool, struct str *line,
                 struct str *error);
};

extern const struct introspection_module introspection_module;

#endif
