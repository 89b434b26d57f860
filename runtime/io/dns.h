/* dns: names to addresses without blocking (c-ares), per worker, with the TTLs of the records honoured.
 * Reads /etc/resolv.conf and /etc/hosts when they are there; GW_RESOLVER=ADDRESS[:PORT] replaces the former.
 * An empty root without either still starts: literals and localhost resolve, names fail with a reason.
 *
 * A name in use is asked for again in the background shortly before its records expire; nobody waits for
 * that. When a refresh fails, the old addresses go on being used and the question is repeated after a pause
 * that grows from 1 s to 30 s. */
#ifndef IO_DNS_H
#define IO_DNS_H

#include <sys/socket.h>

#include "base/vec.h"
#include "io/op.h"

enum { DNS_MAX_ADDRESSES = 16 };

struct dns_address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* One name being looked up, or its last answer. Kept by the upstream target it belongs to; zeroed except
 * for host and port it has not been asked for. Stays in place until dns_close. */
struct dns_name {
    struct op op;
    struct str host;
    uint16_t port;
    bool pending; /* a question is under way, whether or not somebody waits for it */
    struct dns_address addresses[DNS_MAX_ADDRESSES]; /* AAAA and A interleaved (RFC 8305) */
    size_t count;
    uint64_t fresh_until; /* loop->now, by the smallest TTL */
    uint64_t refresh_at;  /* not asked again before */
    uint64_t keep_until;  /* an old answer serves so long while a new one is awaited */
    uint64_t backoff;     /* ms to the next try after a failure */
    const char *error;    /* why the last lookup failed, or NULL */
    uint32_t changes;     /* counts the answers that lack an address of the one before */
};

/* One of the answers to a question: an address, or where a service is (RFC 2782). */
struct dns_record {
    struct dns_address address; /* of port 0 */
    struct str host;
    uint16_t port, priority, weight;
};

/* Asks for all that there is to a name, once. Stays in place until it is done, or until dns_close. */
struct dns_question {
    struct pool *pool; /* of the records */
    /* Called once, from within dns_ask_addresses or dns_ask_services or later; not when the channel is closed before. */
    void (*done)(struct dns_question *question);
    /* results */
    VEC(struct dns_record) records;
    uint64_t ttl;      /* ms, the smallest on the way; UINT64_MAX: for ever */
    const char *error; /* why there are none */
};

struct dns;

/* NULL: out of descriptors, or a GW_RESOLVER that is no address; has been logged. */
struct dns *dns_open(struct loop *loop);
void dns_close(struct dns *dns);

/* Makes sure that name->addresses are usable: true when they are now (a refresh may be under way), false
 * when name->op must be waited for; after the wake there are addresses, or name->error says why not. A
 * literal address is usable at once, for ever. Each call that returns true moves the first address of either
 * family behind its others, so that connections spread over them. */
bool dns_resolve(struct dns *dns, struct dns_name *name);

/* For who goes on using a connection: asks again when it is time to, waits for nothing. */
void dns_refresh(struct dns *dns, struct dns_name *name);

/* All addresses of a host, from where dns_resolve has them. */
void dns_ask_addresses(struct dns *dns, struct dns_question *question, struct str host);
/* All SRV records of a name, with resolv.conf's search and ndots. */
void dns_ask_services(struct dns *dns, struct dns_question *question, struct str name);

/* Whether this is one of the name's addresses. */
bool dns_has_address(const struct dns_name *name, const struct sockaddr *address);

/* "1.2.3.4", "::1" to a socket address; false when it is a name. */
bool dns_literal(struct str host, uint16_t port, struct dns_address *address);

#endif
