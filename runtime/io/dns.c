#include "io/dns.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "io/address.h"
#include "io/dns_srv.h"

enum {
    NAME_MAX_BYTES = 253,
    DNS_PORT = 53,
    TRY_MS = 1000, /* c-ares doubles it with every try */
    TRIES = 3,
    WAIT_MS = 5000, /* what a waiter may be kept; the question goes on */
    TTL_MIN_MS = 1000,
    TTL_MAX_MS = 24 * 3600 * 1000,
    GRACE_MS = 10 * 1000,       /* an expired answer serves so long while it is being refreshed */
    RETRY_GRACE_MS = 30 * 1000, /* the same while a failed refresh is repeated */
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 30 * 1000,
};

/* A socket of c-ares that we watch for it. */
struct watch {
    struct watch *next;
    struct dns *dns;
    struct event event;
    int fd;
};

struct dns {
    struct loop *loop;
    ares_channel channel;
    struct timer timer; /* c-ares' next time-out */
    struct watch *watches;
};

/* ---- c-ares on our loop ---- */

static void arm_timer(struct dns *dns)
{
    struct timeval room, *wait = ares_timeout(dns->channel, NULL, &room);

    if (wait)
        timer_set(dns->loop, &dns->timer,
                  (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1);
    else
        timer_clear(dns->loop, &dns->timer);
}

static void on_timer(struct timer *timer)
{
    struct dns *dns = (struct dns *)((char *)timer - offsetof(struct dns, timer));

    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(dns);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct dns *dns = ((struct watch *)arg)->dns; /* the watch may go while c-ares works */

    loop_enter(dns->loop);
    ares_process_fd(dns->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    arm_timer(dns);
    loop_run_posted(dns->loop);
}

/* c-ares tells what it wants to know about a socket; nothing: it is about to close it. */
static void on_want(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns *dns = arg;
    short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    struct watch **at = &dns->watches, *watch;

    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    watch = *at;
    if (watch)
        event_del(&watch->event);
    if (what == 0) {
        if (watch)
            *at = watch->next;
        free(watch);
        return;
    }
    if (!watch) {
        watch = *at = pool_xmalloc(sizeof *watch);
        *watch = (struct watch){.dns = dns, .fd = fd};
    }
    event_assign(&watch->event, dns->loop->base, fd, (short)(what | EV_PERSIST), on_socket, watch);
    event_add(&watch->event, NULL);
}

/* ---- answers ---- */

bool dns_literal(struct str host, uint16_t port, struct dns_address *address)
{
    struct address literal;

    if (!address_literal(&literal, host, port))
        return false;
    *address = (struct dns_address){literal.at, literal.len};
    return true;
}

static bool add_address(struct dns_name *name, const struct ares_addrinfo_node *node)
{
    struct address address = {.len = node->ai_addrlen};

    if (name->count == DNS_MAX_ADDRESSES || node->ai_addrlen > sizeof address.at)
        return false;
    memcpy(&address.at, node->ai_addr, node->ai_addrlen);
    address_set_port(&address, name->port);
    name->addresses[name->count++] = (struct dns_address){address.at, address.len};
    return true;
}

static const struct ares_addrinfo_node *of_family(const struct ares_addrinfo_node *node, int family)
{
    while (node && node->ai_family != family)
        node = node->ai_next;
    return node;
}

/* By turns, IPv6 first, each family in the server's order. */
static void take_addresses(struct dns_name *name, const struct ares_addrinfo_node *nodes)
{
    const struct ares_addrinfo_node *v6 = of_family(nodes, AF_INET6);
    const struct ares_addrinfo_node *v4 = of_family(nodes, AF_INET);

    name->count = 0;
    while (v6 || v4) {
        if (v6 && add_address(name, v6))
            v6 = of_family(v6->ai_next, AF_INET6);
        if (v4 && add_address(name, v4))
            v4 = of_family(v4->ai_next, AF_INET);
        if (name->count == DNS_MAX_ADDRESSES)
            return;
    }
}

/* In milliseconds; a number that is none counts as 0 (RFC 2181 section 8). */
static uint64_t to_ms(int ttl)
{
    return ttl > 0 ? (uint64_t)ttl * 1000 : 0;
}

/* The smallest of all records on the way. */
static uint64_t smallest_ttl(const struct ares_addrinfo *info)
{
    uint64_t ttl = TTL_MAX_MS;

    for (const struct ares_addrinfo_cname *cname = info->cnames; cname; cname = cname->next)
        if (to_ms(cname->ttl) < ttl)
            ttl = to_ms(cname->ttl);
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
        if (to_ms(node->ai_ttl) < ttl)
            ttl = to_ms(node->ai_ttl);
    return ttl > TTL_MIN_MS ? ttl : TTL_MIN_MS;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return a->sa_family != AF_INET6 ||
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

bool dns_has_address(const struct dns_name *name, const struct sockaddr *address)
{
    for (size_t i = 0; i < name->count; i++)
        if (same_address((const struct sockaddr *)&name->addresses[i].at, address))
            return true;
    return false;
}

static bool has_all_of(const struct dns_name *name, const struct dns_address *old, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!dns_has_address(name, (const struct sockaddr *)&old[i].at))
            return false;
    return true;
}

static void take_answer(struct dns_name *name, const struct ares_addrinfo *info)
{
    uint64_t now = name->op.loop->now, ttl = smallest_ttl(info);
    struct dns_address old[DNS_MAX_ADDRESSES];
    size_t old_count = name->count;

    memcpy(old, name->addresses, old_count * sizeof old[0]);
    take_addresses(name, info->nodes);
    if (!has_all_of(name, old, old_count))
        name->changes++;
    name->error = NULL;
    name->backoff = 0;
    name->fresh_until = now + ttl;
    name->refresh_at = now + ttl - ttl / 10;
    name->keep_until = name->fresh_until + GRACE_MS;
    op_end(&name->op, OP_DONE);
}

static void take_failure(struct dns_name *name, const char *error)
{
    uint64_t now = name->op.loop->now;

    name->error = error;
    name->backoff = name->backoff ? name->backoff * 2 : BACKOFF_MIN_MS;
    if (name->backoff > BACKOFF_MAX_MS)
        name->backoff = BACKOFF_MAX_MS;
    name->refresh_at = now + name->backoff;
    name->keep_until = name->refresh_at + RETRY_GRACE_MS;
    op_end(&name->op, name->count > 0 ? OP_DONE : OP_FAILED);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct dns_name *name = arg;

    (void)timeouts;
    /* The names may be gone when the channel goes. */
    if (status == ARES_EDESTRUCTION)
        return;
    name->pending = false;
    if (status == ARES_SUCCESS && info && info->nodes)
        take_answer(name, info);
    else
        take_failure(name, ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status));
    ares_freeaddrinfo(info);
}

/* ---- questions ---- */

/* As a C string; false: it cannot be one. */
static bool copy_name(struct str name, char to[NAME_MAX_BYTES + 1])
{
    if (name.len > NAME_MAX_BYTES || memchr(name.at, '\0', name.len))
        return false;
    memcpy(to, name.at, name.len);
    to[name.len] = '\0';
    return true;
}

static const struct ares_addrinfo_hints both_families = {
    .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

/* Both families at once, /etc/hosts first, then the servers, with resolv.conf's search and ndots. May
 * be answered before it returns. */
static void ask(struct dns *dns, struct dns_name *name)
{
    char host[NAME_MAX_BYTES + 1];

    if (!copy_name(name->host, host)) {
        take_failure(name, ares_strerror(ARES_EBADNAME));
        return;
    }
    name->pending = true;
    ares_getaddrinfo(dns->channel, host, NULL, &both_families, on_answer, name);
    arm_timer(dns);
}

static void on_waited_enough(struct op *op)
{
    struct dns_name *name = (struct dns_name *)op;

    if (op->state == OP_TIMED_OUT)
        name->error = "no answer from the name server in time";
}

static bool ends_in_localhost(struct str host)
{
    struct str last = STR("localhost");
    size_t head = host.len - last.len;

    return host.len >= last.len && str_eq_nocase(str_from(host, head), last) &&
           (head == 0 || host.at[head - 1] == '.');
}

/* Literals and localhost (RFC 6761, without any file) need no server, ever. IPv4 first for localhost: what
 * is developed there mostly listens on that only. */
static size_t without_server(struct str host, uint16_t port, struct dns_address addresses[2])
{
    if (dns_literal(host, port, &addresses[0]))
        return 1;
    if (!ends_in_localhost(host))
        return 0;
    dns_literal(STR("127.0.0.1"), port, &addresses[0]);
    dns_literal(STR("::1"), port, &addresses[1]);
    return 2;
}

static void begin(struct dns *dns, struct dns_name *name)
{
    op_open(&name->op, dns->loop, 0, on_waited_enough);
    name->count = without_server(name->host, name->port, name->addresses);
    if (name->count > 0)
        name->fresh_until = name->refresh_at = name->keep_until = UINT64_MAX;
    op_end(&name->op, name->count > 0 ? OP_DONE : OP_FAILED);
}

static bool usable(const struct dns *dns, const struct dns_name *name)
{
    return name->count > 0 && dns->loop->now < name->keep_until;
}

/* The first address of a family goes behind its others. */
static void rotate(struct dns_name *name, sa_family_t family)
{
    struct dns_address first, *hole = NULL;

    for (size_t i = 0; i < name->count; i++) {
        struct dns_address *address = &name->addresses[i];
        if (address->at.ss_family != family)
            continue;
        if (hole)
            *hole = *address;
        else
            first = *address;
        hole = address;
    }
    if (hole)
        *hole = first;
}

void dns_refresh(struct dns *dns, struct dns_name *name)
{
    if (!name->pending && dns->loop->now >= name->refresh_at)
        ask(dns, name);
}

bool dns_resolve(struct dns *dns, struct dns_name *name)
{
    if (!name->op.loop)
        begin(dns, name);
    dns_refresh(dns, name);
    if (usable(dns, name)) {
        if (name->count > 1) {
            rotate(name, AF_INET6);
            rotate(name, AF_INET);
        }
        return true;
    }
    if (name->pending && name->op.state != OP_RUNNING)
        op_open(&name->op, dns->loop, WAIT_MS, on_waited_enough);
    return false;
}

/* ---- questions for all there is ---- */

static void refuse(struct dns_question *question, int status)
{
    question->error = ares_strerror(status);
    question->done(question);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct dns_question *question = arg;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION)
        return;
    if (status == ARES_SUCCESS && (!info || !info->nodes))
        status = ARES_ENODATA;
    if (status == ARES_SUCCESS)
        question->ttl = smallest_ttl(info);
    for (const struct ares_addrinfo_node *node = status == ARES_SUCCESS ? info->nodes : NULL; node;
         node = node->ai_next) {
        struct dns_record *record = vec_add(question->pool, &question->records);
        memcpy(&record->address.at, node->ai_addr, node->ai_addrlen);
        record->address.len = node->ai_addrlen;
    }
    ares_freeaddrinfo(info);
    if (status == ARES_SUCCESS)
        question->done(question);
    else
        refuse(question, status);
}

void dns_ask_addresses(struct dns *dns, struct dns_question *question, struct str host)
{
    struct dns_address known[2];
    size_t count = without_server(host, 0, known);
    char name[NAME_MAX_BYTES + 1];

    for (size_t i = 0; i < count; i++)
        vec_add(question->pool, &question->records)->address = known[i];
    if (count > 0) {
        question->ttl = UINT64_MAX;
        question->done(question);
    } else if (copy_name(host, name)) {
        ares_getaddrinfo(dns->channel, name, NULL, &both_families, on_addresses, question);
        arm_timer(dns);
    } else {
        refuse(question, ARES_EBADNAME);
    }
}

static void on_services(void *arg, int status, int timeouts, unsigned char *message, int len)
{
    struct dns_question *question = arg;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION)
        return;
    if (status != ARES_SUCCESS) {
        refuse(question, status);
        return;
    }
    if (!dns_srv_read(question, message, len) || question->records.count == 0) {
        refuse(question, question->records.count == 0 ? ARES_ENODATA : ARES_EBADRESP);
        return;
    }
    question->done(question);
}

void dns_ask_services(struct dns *dns, struct dns_question *question, struct str name)
{
    enum { CLASS_IN = 1 };
    char text[NAME_MAX_BYTES + 1];

    if (!copy_name(name, text)) {
        refuse(question, ARES_EBADNAME);
        return;
    }
    ares_search(dns->channel, text, CLASS_IN, DNS_TYPE_SRV, on_services, question);
    arm_timer(dns);
}

/* ---- open, close ---- */

/* GW_RESOLVER takes the place of resolv.conf: its servers, its search list, its ndots. */
static int init_channel(struct dns *dns, const char *resolver)
{
    char lookups[] = "fb";
    struct ares_options options = {
        .timeout = TRY_MS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = on_want,
        .sock_state_cb_data = dns,
        .ndots = 1,
    };
    int which = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    int status;

    if (resolver)
        which |= ARES_OPT_DOMAINS | ARES_OPT_NDOTS;
    status = ares_init_options(&dns->channel, &options, which);
    if (status == ARES_SUCCESS && resolver) {
        status = ares_set_servers_ports_csv(dns->channel, resolver);
        if (status != ARES_SUCCESS)
            ares_destroy(dns->channel);
    }
    return status;
}

struct dns *dns_open(struct loop *loop)
{
    const char *wanted = getenv("GW_RESOLVER");
    struct dns *dns;
    struct address server;
    char text[ADDRESS_TEXT];
    unsigned seed;
    int status;

    if (wanted &&
        (!address_parse(&server, str_of(wanted), DNS_PORT) || server.at.ss_family == AF_UNIX)) {
        log_error("GW_RESOLVER is not ADDRESS[:PORT]: %s", wanted);
        return NULL;
    }
    /* Without /dev/urandom (an empty root) c-ares makes its query identifiers from rand(). */
    if (getrandom(&seed, sizeof seed, 0) == sizeof seed)
        srand(seed);
    dns = pool_xmalloc(sizeof *dns);
    *dns = (struct dns){.loop = loop, .timer.fire = on_timer};
    status = init_channel(dns, wanted ? address_text(&server, text).at : NULL);
    if (status == ARES_SUCCESS)
        return dns;
    log_error("cannot set up name resolution: %s", ares_strerror(status));
    free(dns);
    return NULL;
}

void dns_close(struct dns *dns)
{
    ares_destroy(dns->channel);
    timer_clear(dns->loop, &dns->timer);
    free(dns);
}

/* ---- libc's own look-ups, out of the way ----
 *
 * libevent and c-ares refer to them in code that is not used here. A static libc's versions would bring
 * code that reads files and blocks the thread (and a warning of the linker for each); these know no name.
 * They stand in this file because every gateway links it. */

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)host, (void)service, (void)hints;
    *result = NULL;
    return EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *none)
{
    (void)none;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    (void)name, (void)protocol;
    return NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is libc's */
int getservbyport_r(int port, const char *protocol, struct servent *room, char *buf, size_t len,
                    struct servent **result)
{
    (void)port, (void)protocol, (void)room, (void)buf, (void)len;
    *result = NULL;
    return ENOENT;
}

struct protoent *getprotobynumber(int number)
{
    (void)number;
    return NULL;
}
