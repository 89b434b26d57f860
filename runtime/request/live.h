/* live: what may change while the gateway runs: trusted proxies and the addresses of ip_restriction from files, the
 * operator's token. Read as one immutable whole, at start and at HUP; each worker holds a reference and changes over on its own
 * thread, so that reading takes no lock. The last one to let go frees it. */
#ifndef REQUEST_LIVE_H
#define REQUEST_LIVE_H

#include "request/req.h"

struct live_networks {
    const struct gw_forwarded *config; /* whose file it is */
    const struct gw_network *at;
    size_t count;
};

struct live_ranges {
    const struct gw_ip_list *list; /* whose file it is */
    const struct ip_range *at;     /* as ip_ranges_hold takes them */
    size_t count;
};

struct live {
    unsigned users; /* atomic */
    struct pool pool;
    struct str admin_token; /* at NULL: none is needed */
    const struct live_networks *networks;
    size_t networks_count;
    const struct live_ranges *ranges;
    size_t ranges_count;
    const struct consumers_module *consumers_module;
    struct consumers *consumers; /* NULL: there are none */
    const struct gw_jwts *jwts;
    struct jwk_set **jwt_keys;       /* by scheme; NULL: its keys come from elsewhere */
    struct str *introspection_lines; /* by scheme; secret */
    struct pool secrets;             /* wiped at the end */
    uint64_t number;                 /* of the reading */
};

/* What may name files and variables. */
struct live_sources {
    const struct gw_listener *listeners;
    size_t listener_count;
    const struct gw_ip_restriction *const *ip_restrictions;
    size_t ip_restriction_count;
    const struct gw_text *admin_token;
    const struct gw_consumers *consumers; /* NULL: there are none */
    const struct gw_jwts *jwts;           /* likewise */
    const struct gw_introspections *introspections;
};

/* Reads all of it, with one user; NULL: `error` (of `error_size` bytes) names the file or variable that is
 * missing or bad. */
struct live *live_read(const struct live_sources *from, char *error, size_t error_size);

struct live *live_hold(struct live *live);
void live_release(struct live *live);

/* The networks of a configuration's file, or NULL when it names none. */
const struct live_networks *live_networks_of(const struct live *live,
                                             const struct gw_forwarded *config);

/* The addresses of a list's file, or NULL when it names none. */
const struct live_ranges *live_ranges_of(const struct live *live, const struct gw_ip_list *list);

#endif
