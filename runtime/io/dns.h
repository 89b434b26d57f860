/* dns: names to addresses without blocking (c-ares), per worker, with the TTLs of the records honoured.
 * Reads /etc/resolv.conf and /etc/hosts when they are there; GW_RESOLVER=ADDRESS[:PORT] replaces them. An
 * empty root without either still starts: literals resolve, names fail with a reason. */
#ifndef IO_DNS_H
#define IO_DNS_H

#include <sys/socket.h>

#include "io/op.h"

enum { DNS_MAX_ADDRESSES = 16 };

struct dns_address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* One name being looked up, or its last answer. Kept by the upstream target it belongs to. */
struct dns_name {
    struct op op;
    struct str host;
    uint16_t port;
    struct dns_address addresses[DNS_MAX_ADDRESSES]; /* AAAA and A interleaved (RFC 8305) */
    size_t count;
    uint64_t fresh_until; /* loop->now, by the smallest TTL; an old answer is kept while a new one fails */
    const char *error;    /* why the last lookup failed, or NULL */
};

struct dns;

struct dns *dns_open(struct loop *loop); /* NULL: out of descriptors */
void dns_close(struct dns *dns);

/* Makes sure that name->addresses are usable: true when they are now (a refresh may be under way), false
 * when name->op must be waited for. A literal address is usable at once, for ever. */
bool dns_resolve(struct dns *dns, struct dns_name *name);

/* "1.2.3.4", "::1" to a socket address; false when it is a name. */
bool dns_literal(struct str host, uint16_t port, struct dns_address *address);

#endif
