/* Name resolution against a name server of our own, in this process and on the same loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/address.h"
#include "io/dns.h"

static struct loop loop;
static struct dns *dns;

/* ---- the name server ---- */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3 };

struct record {
    const char *name;
    int type;
    uint32_t ttl;
    const char *data;
};

static const struct record zone[] = {
    {"both.test", TYPE_A, 60, "192.0.2.1"},       {"both.test", TYPE_A, 60, "192.0.2.2"},
    {"both.test", TYPE_A, 60, "192.0.2.3"},       {"both.test", TYPE_AAAA, 30, "2001:db8::1"},
    {"both.test", TYPE_AAAA, 90, "2001:db8::2"},  {"four.test", TYPE_A, 20, "192.0.2.4"},
    {"six.test", TYPE_AAAA, 20, "2001:db8::6"},   {"zero.test", TYPE_A, 0, "192.0.2.5"},
    {"long.test", TYPE_A, 1u << 31, "192.0.2.6"}, {"alias.test", TYPE_CNAME, 7, "four.test"},
    {"half.test", TYPE_A, 20, "192.0.2.7"}, /* and SERVFAIL for the other family */
};

static struct server {
    int udp, tcp;
    struct event on_udp, on_tcp, on_tcp_query;
    unsigned queries, tcp_queries;
    bool down; /* SERVFAIL for everything */
} server;

struct message {
    unsigned char at[4096];
    size_t len;
};

static void put(struct message *message, const void *bytes, size_t len)
{
    assert_true(message->len + len <= sizeof message->at);
    memcpy(message->at + message->len, bytes, len);
    message->len += len;
}

static void put16(struct message *message, unsigned value)
{
    put(message, (unsigned char[]){(unsigned char)(value >> 8), (unsigned char)value}, 2);
}

static void put_name(struct message *message, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");
        put(message, &(unsigned char){(unsigned char)len}, 1);
        put(message, name, len);
        name += len + (name[len] == '.');
    }
    put(message, "", 1);
}

static void put_record(struct message *message, const struct record *record)
{
    unsigned char data[32];
    size_t len_at;

    put_name(message, record->name);
    put16(message, (unsigned)record->type);
    put16(message, 1);
    put16(message, record->ttl >> 16);
    put16(message, record->ttl & 0xFFFF);
    len_at = message->len;
    put16(message, 0);
    if (record->type == TYPE_CNAME) {
        put_name(message, record->data);
    } else {
        assert_int_equal(inet_pton(record->type == TYPE_A ? AF_INET : AF_INET6, record->data, data),
                         1);
        put(message, data, record->type == TYPE_A ? 4 : 16);
    }
    message->at[len_at + 1] = (unsigned char)(message->len - len_at - 2);
}

static unsigned put_answers(struct message *message, const char *name, int type)
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof zone / sizeof *zone; i++) {
        if (strcasecmp(zone[i].name, name) != 0)
            continue;
        if (zone[i].type == TYPE_CNAME) {
            put_record(message, &zone[i]);
            return 1 + put_answers(message, zone[i].data, type);
        }
        if (zone[i].type == type) {
            put_record(message, &zone[i]);
            count++;
        }
    }
    for (int i = 0; strcmp(name, "big.test") == 0 && type == TYPE_A && i < 40; i++) {
        char data[32];
        snprintf(data, sizeof data, "198.51.100.%d", i);
        put_record(message, &(struct record){"big.test", TYPE_A, 60, data});
        count++;
    }
    return count;
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof zone / sizeof *zone; i++)
        if (strcasecmp(zone[i].name, name) == 0)
            return true;
    return strcmp(name, "big.test") == 0;
}

static size_t read_question(const unsigned char *query, char *name, int *type)
{
    size_t at = 12;

    *name = '\0';
    while (query[at]) {
        strncat(name, (const char *)query + at + 1, query[at]);
        if (query[at + 1 + query[at]])
            strcat(name, ".");
        at += query[at] + 1u;
    }
    *type = query[at + 1] << 8 | query[at + 2];
    return at + 5;
}

/* False: no answer at all. */
static bool answer(const unsigned char *query, bool over_tcp, struct message *reply)
{
    char name[256];
    int type;
    size_t question_end = read_question(query, name, &type);
    bool truncated = strcmp(name, "big.test") == 0 && type == TYPE_A && !over_tcp;
    unsigned code = NOERROR, count = 0;

    server.queries++;
    server.tcp_queries += over_tcp;
    if (strcmp(name, "mute.test") == 0)
        return false;
    reply->len = 0;
    put(reply, query, question_end);
    if (strcmp(name, "garbage.test") == 0) {
        put(reply, "\xc0\xff\xc0\xff\xff\xff\xff", 7);
        reply->at[2] = 0x81;
        reply->at[7] = 9; /* nine answers that are not there */
        return true;
    }
    if (server.down || (strcmp(name, "half.test") == 0 && type == TYPE_AAAA))
        code = SERVFAIL;
    else if (!is_known(name))
        code = NXDOMAIN;
    else if (!truncated)
        count = put_answers(reply, name, type);
    reply->at[2] = (unsigned char)(0x81 | (truncated ? 2 : 0));
    reply->at[3] = (unsigned char)(0x80 | code);
    reply->at[7] = (unsigned char)count;
    return true;
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
    unsigned char query[512];
    struct message reply;
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    ssize_t len = recvfrom(fd, query, sizeof query, 0, (struct sockaddr *)&from, &from_len);

    (void)what, (void)arg;
    assert_true(len > 12);
    /* Noise that does not belong to the question must be passed over. */
    sendto(fd, "noise", 5, 0, (struct sockaddr *)&from, from_len);
    if (answer(query, false, &reply))
        sendto(fd, reply.at, reply.len, 0, (struct sockaddr *)&from, from_len);
}

static void on_tcp_query(evutil_socket_t fd, short what, void *arg)
{
    unsigned char query[514];
    struct message reply;

    (void)what, (void)arg;
    assert_true(recv(fd, query, sizeof query, 0) > 14);
    if (answer(query + 2, true, &reply)) {
        unsigned char head[2] = {(unsigned char)(reply.len >> 8), (unsigned char)reply.len};
        send(fd, head, 2, 0);
        send(fd, reply.at, reply.len, 0);
    }
    close(fd);
}

static void on_tcp(evutil_socket_t fd, short what, void *arg)
{
    (void)what, (void)arg;
    event_assign(&server.on_tcp_query, loop.base, accept(fd, NULL, NULL), EV_READ, on_tcp_query,
                 NULL);
    event_add(&server.on_tcp_query, NULL);
}

static int open_all(void **state)
{
    struct address at;
    char text[ADDRESS_TEXT];

    (void)state;
    server = (struct server){0};
    if (!loop_open(&loop))
        return -1;
    do { /* a port that is free for both */
        address_parse(&at, STR("127.0.0.1:0"), 0);
        server.udp = socket(AF_INET, SOCK_DGRAM, 0);
        server.tcp = socket(AF_INET, SOCK_STREAM, 0);
        bind(server.udp, (struct sockaddr *)&at.at, at.len);
        getsockname(server.udp, (struct sockaddr *)&at.at, &at.len);
    } while (bind(server.tcp, (struct sockaddr *)&at.at, at.len) < 0);
    listen(server.tcp, 8);
    event_assign(&server.on_udp, loop.base, server.udp, EV_READ | EV_PERSIST, on_udp, NULL);
    event_assign(&server.on_tcp, loop.base, server.tcp, EV_READ | EV_PERSIST, on_tcp, NULL);
    event_add(&server.on_udp, NULL);
    event_add(&server.on_tcp, NULL);
    setenv("GW_RESOLVER", address_text(&at, text).at, 1);
    dns = dns_open(&loop);
    return dns ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    dns_close(dns);
    event_del(&server.on_udp);
    event_del(&server.on_tcp);
    close(server.udp);
    close(server.tcp);
    loop_close(&loop);
    return 0;
}

/* ---- helpers ---- */

static unsigned woken;

static void on_wake(struct loop_call *call)
{
    (void)call;
    woken++;
}

static void wait_for(struct dns_name *name)
{
    struct op_waiter waiter = {0};

    woken = 0;
    op_wait(&name->op, &waiter, on_wake);
    while (woken == 0)
        loop_turn(&loop);
}

static void settle(struct dns_name *name)
{
    while (name->pending)
        loop_turn(&loop);
}

static struct dns_name look_up(const char *host)
{
    struct dns_name name = {.host = str_of(host), .port = 80};

    return name;
}

static const char *text_of(const struct dns_name *name, size_t i)
{
    static char text[ADDRESS_TEXT];
    struct address address = {name->addresses[i].at, name->addresses[i].len};

    assert_true(i < name->count);
    return address_text(&address, text).at;
}

/* ---- tests ---- */

static void test_literals_need_no_server(void **state)
{
    static const char *rows[][2] = {
        {"192.0.2.9", "192.0.2.9:80"},
        {"2001:db8::9", "[2001:db8::9]:80"},
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct dns_name name = look_up(rows[i][0]);
        assert_true(dns_resolve(dns, &name));
        assert_string_equal(text_of(&name, 0), rows[i][1]);
        loop.now += UINT64_C(1) << 40;
        assert_true(dns_resolve(dns, &name));
    }
    assert_int_equal(server.queries, 0);
}

static void test_localhost_needs_no_server(void **state)
{
    static const char *rows[] = {"localhost", "LocalHost", "api.localhost"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct dns_name name = look_up(rows[i]);
        assert_true(dns_resolve(dns, &name));
        assert_int_equal(name.count, 2);
        assert_string_equal(text_of(&name, 0), "127.0.0.1:80");
        assert_string_equal(text_of(&name, 1), "[::1]:80");
    }
    struct dns_name name = look_up("notlocalhost");
    assert_false(dns_resolve(dns, &name));
    settle(&name);
}

static void test_both_families_interleaved(void **state)
{
    static const char *wanted[] = {"[2001:db8::1]:80", "192.0.2.1:80", "[2001:db8::2]:80",
                                   "192.0.2.2:80", "192.0.2.3:80"};
    struct dns_name name = look_up("both.test");

    (void)state;
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    assert_int_equal(name.op.state, OP_DONE);
    assert_int_equal(name.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(text_of(&name, i), wanted[i]);
    assert_null(name.error);
    assert_true(dns_resolve(dns, &name));
    assert_int_equal(server.queries, 2);
}

static void test_addresses_take_turns(void **state)
{
    struct dns_name name = look_up("both.test");

    (void)state;
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    for (int turn = 1; turn < 7; turn++) {
        char v6[32], v4[32];
        snprintf(v6, sizeof v6, "[2001:db8::%d]:80", turn % 2 + 1);
        snprintf(v4, sizeof v4, "192.0.2.%d:80", turn % 3 + 1);
        assert_true(dns_resolve(dns, &name));
        assert_string_equal(text_of(&name, 0), v6);
        assert_string_equal(text_of(&name, 1), v4);
        assert_int_equal(name.count, 5);
    }
}

static void test_one_family(void **state)
{
    static const char *hosts[] = {"four.test", "six.test", "half.test", "FOUR.test", "four.test."};

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct dns_name name = look_up(hosts[i]);
        assert_false(dns_resolve(dns, &name));
        wait_for(&name);
        assert_int_equal(name.count, 1);
    }
}

static void test_one_question_for_all_who_wait(void **state)
{
    struct dns_name name = look_up("four.test");
    struct op_waiter waiters[3] = {0};

    (void)state;
    woken = 0;
    for (int i = 0; i < 3; i++) {
        assert_false(dns_resolve(dns, &name));
        op_wait(&name.op, &waiters[i], on_wake);
    }
    op_leave(&waiters[1], true);
    while (woken < 2)
        loop_turn(&loop);
    assert_int_equal(server.queries, 2); /* A and AAAA */
}

static void test_ttl(void **state)
{
    static const struct {
        const char *host;
        uint64_t ms;
    } rows[] = {{"both.test", 30000},
                {"alias.test", 7000},
                {"zero.test", 1000},
                {"long.test", 1000 /* not a number of seconds: RFC 2181 */}};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct dns_name name = look_up(rows[i].host);
        assert_false(dns_resolve(dns, &name));
        wait_for(&name);
        assert_true(name.fresh_until >= loop.now + rows[i].ms - 500);
        assert_true(name.fresh_until <= loop.now + rows[i].ms);
    }
}

static void test_refresh_in_the_background(void **state)
{
    struct dns_name name = look_up("four.test");

    (void)state;
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    loop.now += 15000;
    assert_true(dns_resolve(dns, &name));
    assert_false(name.pending);
    loop.now += 4000; /* shortly before the end */
    assert_true(dns_resolve(dns, &name));
    assert_true(name.pending);
    assert_true(dns_resolve(dns, &name));
    settle(&name);
    assert_int_equal(server.queries, 4);
    loop.now += 25000; /* expired, not long ago: it serves until the new one is there */
    assert_true(dns_resolve(dns, &name));
    assert_true(name.pending);
    settle(&name);
    loop.now += 3600 * 1000; /* nobody asked for an hour: the old one may be anybody's now */
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    assert_int_equal(name.op.state, OP_DONE);
    assert_int_equal(server.queries, 8);
}

static void test_old_answer_serves_while_the_server_fails(void **state)
{
    static const uint64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct dns_name name = look_up("four.test");

    (void)state;
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    server.down = true;
    loop.now += 3600 * 1000;
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    assert_int_equal(name.op.state, OP_DONE); /* better than nothing */
    for (int i = 0; i < 7; i++) {
        unsigned queries = server.queries;
        assert_non_null(name.error);
        assert_int_equal(name.count, 1);
        assert_int_equal(name.backoff, pauses[i]);
        assert_true(dns_resolve(dns, &name));
        assert_false(name.pending);
        assert_int_equal(server.queries, queries);
        loop.now = name.refresh_at;
        assert_true(dns_resolve(dns, &name));
        assert_true(name.pending);
        settle(&name);
    }
    server.down = false;
    loop.now = name.refresh_at;
    assert_true(dns_resolve(dns, &name));
    settle(&name);
    assert_null(name.error);
    assert_int_equal(name.backoff, 0);
}

static void test_failures_are_held_down(void **state)
{
    static const char *hosts[] = {"none.test", "garbage.test", "broken.test"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct dns_name name = look_up(hosts[i]);
        server.down = i == 2;
        assert_false(dns_resolve(dns, &name));
        wait_for(&name);
        assert_int_equal(name.op.state, OP_FAILED);
        assert_int_equal(name.count, 0);
        assert_non_null(name.error);
        unsigned queries = server.queries;
        assert_false(dns_resolve(dns, &name));
        wait_for(&name); /* told at once */
        assert_int_equal(server.queries, queries);
        loop.now += 1001;
        assert_false(dns_resolve(dns, &name));
        assert_true(name.pending);
        settle(&name);
        assert_int_equal(name.backoff, 2000);
    }
}

static void test_truncated_answer_is_fetched_over_tcp(void **state)
{
    struct dns_name name = look_up("big.test");

    (void)state;
    assert_false(dns_resolve(dns, &name));
    wait_for(&name);
    assert_int_equal(server.tcp_queries, 1);
    assert_int_equal(name.count, DNS_MAX_ADDRESSES);
}

static void test_mute_server(void **state)
{
    struct dns_name name = look_up("mute.test");
    struct op_waiter waiter = {0};

    (void)state;
    woken = 0;
    assert_false(dns_resolve(dns, &name));
    op_wait(&name.op, &waiter, on_wake);
    loop_turn(&loop);
    loop.now += 6000;
    loop_run_timers(&loop);
    loop_run_posted(&loop);
    assert_int_equal(woken, 1);
    assert_int_equal(name.op.state, OP_TIMED_OUT);
    assert_non_null(name.error);
    /* The question is still under way: the next one waits for the same. */
    assert_true(name.pending);
    assert_false(dns_resolve(dns, &name));
    assert_int_equal(name.op.state, OP_RUNNING);
    /* The last one leaves: nothing breaks, and the name can be asked for again. */
    op_wait(&name.op, &waiter, on_wake);
    op_leave(&waiter, false);
    assert_int_equal(name.op.state, OP_CANCELLED);
    assert_false(dns_resolve(dns, &name));
    assert_int_equal(name.op.state, OP_RUNNING);
    op_cancel(&name.op);
}

static void test_names_that_cannot_be(void **state)
{
    static char label[300];
    struct dns_name names[3] = {look_up("x"), look_up("..."), look_up("x")};

    (void)state;
    memset(label, 'a', sizeof label - 1);
    names[0].host = str_of(label);
    names[2].host = (struct str){"a\0b", 3};
    for (int i = 0; i < 3; i++) {
        assert_false(dns_resolve(dns, &names[i]));
        wait_for(&names[i]);
        assert_int_equal(names[i].op.state, OP_FAILED);
        assert_non_null(names[i].error);
    }
}

static void test_resolver_must_be_an_address(void **state)
{
    static const char *bad[] = {"::1::", "ns.example.com", "1.2.3.4:x", "unix:/x"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        setenv("GW_RESOLVER", bad[i], 1);
        assert_null(dns_open(&loop));
    }
}

static void test_libc_knows_no_names(void **state)
{
    struct addrinfo *result;

    (void)state;
    assert_int_equal(getaddrinfo("localhost", "http", NULL, &result), EAI_NONAME);
    assert_null(getservbyname("http", "tcp"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_literals_need_no_server),
        TEST(test_localhost_needs_no_server),
        TEST(test_both_families_interleaved),
        TEST(test_addresses_take_turns),
        TEST(test_one_family),
        TEST(test_one_question_for_all_who_wait),
        TEST(test_ttl),
        TEST(test_refresh_in_the_background),
        TEST(test_old_answer_serves_while_the_server_fails),
        TEST(test_failures_are_held_down),
        TEST(test_truncated_answer_is_fetched_over_tcp),
        TEST(test_mute_server),
        TEST(test_names_that_cannot_be),
        TEST(test_resolver_must_be_an_address),
        TEST(test_libc_knows_no_names),
    };

    return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
