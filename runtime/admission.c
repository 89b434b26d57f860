#include "admission.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"

enum { FIRST_SLOTS = 256 };

/* One address with open connections. */
struct visitor {
    struct visitor *next;
    uint8_t address[16];
    uint32_t count;
};

struct admission {
    struct admission *next;
    const struct gw_listener *config;
    pthread_mutex_t lock;
    uint32_t connections;
    struct visitor **slots; /* chains; only with connections_per_ip */
    uint32_t slot_count, visitor_count;
    uint64_t key;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct admission *all;

struct admission *admission_of(const struct gw_listener *config)
{
    struct admission *admission;

    if (config->connections == 0 && config->connections_per_ip == 0)
        return NULL;
    pthread_mutex_lock(&all_lock);
    for (admission = all; admission && admission->config != config; admission = admission->next)
        ;
    if (!admission) {
        admission = pool_xmalloc(sizeof *admission);
        *admission = (struct admission){.next = all, .config = config, .key = random_u64() | 1};
        pthread_mutex_init(&admission->lock, NULL);
        all = admission;
    }
    pthread_mutex_unlock(&all_lock);
    return admission;
}

/* An IPv6 client owns its /64; IPv4 as ::ffff:a.b.c.d. False for unix sockets, which are all one. */
static bool address_of(const struct sockaddr *peer, uint8_t address[16])
{
    memset(address, 0, 16);
    if (peer->sa_family == AF_INET) {
        memset(address + 10, 0xff, 2);
        memcpy(address + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
        return true;
    }
    if (peer->sa_family != AF_INET6)
        return false;
    memcpy(address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address))
        memset(address + 8, 0, 8);
    return true;
}

static struct visitor **slot_of(const struct admission *admission, const uint8_t address[16])
{
    uint64_t halves[2], hash;

    memcpy(halves, address, sizeof halves);
    hash = (halves[0] ^ admission->key) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ hash >> 29 ^ halves[1]) * (admission->key | 1);
    return &admission->slots[(hash >> 32) & (admission->slot_count - 1)];
}

static void grow(struct admission *admission)
{
    struct visitor **old = admission->slots;
    uint32_t old_count = admission->slot_count;

    if (old && admission->visitor_count < old_count)
        return;
    admission->slot_count = old_count > 0 ? old_count * 2 : FIRST_SLOTS;
    admission->slots = pool_xmalloc(admission->slot_count * sizeof *admission->slots);
    memset(admission->slots, 0, admission->slot_count * sizeof *admission->slots);
    for (uint32_t i = 0; old && i < old_count; i++) {
        struct visitor *visitor = old[i], *next;
        for (; visitor; visitor = next) {
            struct visitor **slot = slot_of(admission, visitor->address);
            next = visitor->next;
            visitor->next = *slot;
            *slot = visitor;
        }
    }
    free(old);
}

/* The link to the address's visitor, or to the end of its chain. */
static struct visitor **find(const struct admission *admission, const uint8_t address[16])
{
    struct visitor **link = slot_of(admission, address);

    while (*link && memcmp((*link)->address, address, 16) != 0)
        link = &(*link)->next;
    return link;
}

static bool visitor_enter(struct admission *admission, const uint8_t address[16])
{
    struct visitor **link;

    grow(admission);
    link = find(admission, address);
    if (*link && (*link)->count >= admission->config->connections_per_ip)
        return false;
    if (!*link) {
        *link = pool_xmalloc(sizeof **link);
        **link = (struct visitor){.next = NULL};
        memcpy((*link)->address, address, 16);
        admission->visitor_count++;
    }
    (*link)->count++;
    return true;
}

bool admission_enter(struct admission *admission, const struct sockaddr *peer)
{
    const struct gw_listener *config = admission->config;
    uint8_t address[16];
    bool allowed;

    pthread_mutex_lock(&admission->lock);
    allowed = config->connections == 0 || admission->connections < config->connections;
    if (allowed && config->connections_per_ip > 0 && address_of(peer, address))
        allowed = visitor_enter(admission, address);
    if (allowed)
        admission->connections++;
    pthread_mutex_unlock(&admission->lock);
    return allowed;
}

void admission_leave(struct admission *admission, const struct sockaddr *peer)
{
    uint8_t address[16];

    pthread_mutex_lock(&admission->lock);
    admission->connections--;
    if (admission->config->connections_per_ip > 0 && address_of(peer, address)) {
        struct visitor **link = find(admission, address), *visitor = *link;
        if (visitor && --visitor->count == 0) {
            *link = visitor->next;
            free(visitor);
            admission->visitor_count--;
        }
    }
    pthread_mutex_unlock(&admission->lock);
}
