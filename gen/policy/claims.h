/* claims: what the claims of a token mean to the gateway, on schemes whose tokens make some. */
#ifndef GEN_POLICY_CLAIMS_H
#define GEN_POLICY_CLAIMS_H

#include "setting.h"

/* The members that say it; NULL: absent. */
struct claims_said {
    const struct node *consumer_claim, *groups_claim, *scopes_claim, *forward_claims;
};

void claims_read(struct job *job, const struct claims_said *said, struct ir_claims *claims);

/* A claim's name, or its names from the outside in; absent leaves `path`, an ir_texts, empty. */
void claims_read_path(struct job *job, const struct node *node, const char *what, void *path);

/* "name", or a JSON pointer (RFC 6901) such as /realm_access/roles, added to `path`, an ir_texts. */
void claims_split(struct pool *pool, struct str name, void *path);

/* Where tokens stand: header_names (Authorization where nothing is said), cookie_names, uri_param_names; each of `headers`,
 * `cookies` and `params` is an ir_texts. */
struct token_places_said {
    const struct node *headers, *cookies, *params, *owner;
    const char *what;
};
void claims_read_places(struct job *job, const struct token_places_said *said, void *headers,
                        void *cookies, void *params);

#endif
