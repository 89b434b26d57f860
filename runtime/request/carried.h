/* carried: what a request carries under a name, where credentials may stand: in header fields, in parameters of the query
 * and in cookies. */
#ifndef REQUEST_CARRIED_H
#define REQUEST_CARRIED_H

#include "request/req.h"

struct carried {
    struct str text; /* empty: nothing */
    bool is_twice;   /* and differs: who is asked behind the gateway may take the other one */
};

/* One more finding; an empty one is none. */
void carried_add(struct carried *carried, struct str text);

void carried_in_fields(const struct gw_req *rq, struct str name, struct carried *carried);
/* Percent-decoded, '+' as space: what a backend would make of it. */
void carried_in_query(struct gw_req *rq, struct str name, struct carried *carried);
void carried_in_cookies(const struct gw_req *rq, struct str name, struct carried *carried);

/* Leaves the parameters of these names out of the query. */
void carried_drop_from_query(struct gw_req *rq, const struct str *names, size_t count);

/* Where tokens stand, by name. */
struct gw_token_places {
    const struct str *headers, *cookies, *params;
    uint32_t header_count, cookie_count, param_count;
};

/* A token: in Authorization behind Bearer (RFC 6750 section 2.1), in other fields with or without it. */
struct carried carried_token(struct gw_req *rq, const struct gw_token_places *places);

/* The next "name=value" of a query. */
struct str carried_next_pair(struct str *query);

#endif
