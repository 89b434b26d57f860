/* Who the client is, and what the upstream is told about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ip.h"
#include "fake_request.h"
#include "request/forwarded.h"
#include "request/live.h"

/* 10.0.0.0/8, 2001:db8::/32 */
static const struct gw_network networks[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10}, 104},
    {{0x20, 0x01, 0x0d, 0xb8}, 32},
};

static const struct gw_forwarded modes[] = {
    [GW_FORWARDED_FOR] = {networks, 2, {0}, GW_FORWARDED_FOR},
    [GW_FORWARDED_RFC7239] = {networks, 2, {0}, GW_FORWARDED_RFC7239},
    [GW_FORWARDED_REAL_IP] = {networks, 2, {0}, GW_FORWARDED_REAL_IP},
};

enum { FOR = GW_FORWARDED_FOR, RFC = GW_FORWARDED_RFC7239, REAL = GW_FORWARDED_REAL_IP };

static void set_peer(struct sockaddr_storage *peer, const char *text)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)peer;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)peer;

    memset(peer, 0, sizeof *peer);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        peer->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
        peer->ss_family = AF_INET6;
    else
        peer->ss_family = AF_UNIX;
}

static void open_from(struct fake_request *fake, int mode, const char *peer, const char *lines)
{
    struct sockaddr_storage at;

    fake_request_open(fake, "/base/pets", lines);
    fake->listener.port_text = STR("8080");
    fake->listener.forwarded = mode >= 0 ? &modes[mode] : NULL;
    set_peer(&at, peer);
    forwarded_resolve(&fake->rq, (const struct sockaddr *)&at);
}

static const struct {
    int mode; /* -1: nobody is trusted */
    const char *peer, *lines, *client;
} clients[] = {
    /* nobody is trusted */
    {-1, "1.2.3.4", "", "1.2.3.4"},
    {-1, "10.0.0.1", "X-Forwarded-For: 9.9.9.9\r\n", "10.0.0.1"},
    {-1, "::ffff:1.2.3.4", "", "1.2.3.4"},
    {-1, "2001:0db8::0001", "", "2001:db8::1"},
    {-1, "unix", "", "unix:"},
    /* a stranger's word */
    {FOR, "1.2.3.4", "X-Forwarded-For: 9.9.9.9\r\n", "1.2.3.4"},
    {FOR, "11.0.0.1", "X-Forwarded-For: 9.9.9.9\r\n", "11.0.0.1"},
    {FOR, "unix", "X-Forwarded-For: 9.9.9.9\r\n", "unix:"},
    /* behind proxies */
    {FOR, "10.0.0.1", "", "10.0.0.1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"},
    {FOR, "::ffff:10.0.0.1", "X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"},
    {FOR, "2001:db8::7", "X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.0.0.2 ,10.0.0.3\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 10.0.0.2\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9:1234\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: [2003::1]:99\r\n", "2003::1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: [2003::1]\r\n", "2003::1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 2003::1\r\n", "2003::1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9,,\r\n", "9.9.9.9"},
    {FOR, "10.0.0.1", "X-Forwarded-For: ,9.9.9.9 , \r\n", "9.9.9.9"},
    /* what is no address ends the chain there */
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, unknown\r\n", "10.0.0.1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, nonsense, 10.0.0.2\r\n", "10.0.0.2"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, 10.0.0.999\r\n", "10.0.0.1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, [10.0.0.2]\r\n", "10.0.0.1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, [::1\r\n", "10.0.0.1"},
    {FOR, "10.0.0.1", "X-Forwarded-For: 9.9.9.9, 10.0.0.2:port\r\n", "10.0.0.1"},
    /* each mode reads its own field only */
    {FOR, "10.0.0.1", "Forwarded: for=9.9.9.9\r\nX-Real-IP: 8.8.8.8\r\n", "10.0.0.1"},
    {REAL, "10.0.0.1", "X-Forwarded-For: 7.7.7.7\r\nX-Real-IP: 8.8.8.8\r\n", "8.8.8.8"},
    {RFC, "10.0.0.1", "X-Forwarded-For: 7.7.7.7\r\nX-Real-IP: 8.8.8.8\r\n", "10.0.0.1"},
    /* RFC 7239 */
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9\r\n", "9.9.9.9"},
    {RFC, "1.2.3.4", "Forwarded: for=9.9.9.9\r\n", "1.2.3.4"},
    {RFC, "10.0.0.1", "Forwarded: For=\"9.9.9.9:80\";proto=https;by=10.0.0.1\r\n", "9.9.9.9"},
    {RFC, "10.0.0.1", "Forwarded: for=\"[2003::1]:4711\"\r\n", "2003::1"},
    {RFC, "10.0.0.1", "Forwarded: for=6.6.6.6, for=9.9.9.9;host=\"a,b\" , for=10.0.0.2\r\n",
     "9.9.9.9"},
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9\r\nForwarded: for=10.0.0.2\r\n", "9.9.9.9"},
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9, for=unknown\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9, for=_hidden, for=10.0.0.4\r\n", "10.0.0.4"},
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9, proto=http\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: ,for=9.9.9.9,\r\n", "9.9.9.9"},
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9 for=8.8.8.8\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: for=\"9.9.9.9\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: for=\"9.9.\\9.9\"\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: for\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: for=\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: =9.9.9.9\r\n", "10.0.0.1"},
    {RFC, "10.0.0.1", "Forwarded: for=9.9.9.9;\r\n", "10.0.0.1"},
};

static void test_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        struct fake_request fake;
        open_from(&fake, clients[i].mode, clients[i].peer, clients[i].lines);
        if (!str_eq(fake.rq.client_address, str_of(clients[i].client)))
            fail_msg("row %zu (%s): %.*s instead of %s", i, clients[i].lines,
                     STR_ARG(fake.rq.client_address), clients[i].client);
        fake_request_close(&fake);
    }
}

/* A chain longer than any real one is not walked, and costs no more than its length. */
static void test_endless(void **state)
{
    struct fake_request fake;
    char lines[8192] = "Forwarded: for=9.9.9.9";

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(lines, ", for=10.0.0.2");
    strcat(lines, "\r\n");
    open_from(&fake, RFC, "10.0.0.1", lines);
    assert_true(str_eq(fake.rq.client_address, STR("10.0.0.1")));
    fake_request_close(&fake);
}

static const struct {
    int mode;
    const char *peer, *lines;
    uint32_t strip;
    const char *expected;
} written[] = {
    {-1, "1.2.3.4", "", 0,
     "X-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Proto: http\r\n"
     "X-Forwarded-Host: gw.example:8080\r\nX-Forwarded-Port: 8080\r\n"},
    {FOR, "1.2.3.4",
     "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
     "X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nX-Real-IP: 6.6.6.6\r\n",
     0,
     "X-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Proto: http\r\n"
     "X-Forwarded-Host: gw.example:8080\r\nX-Forwarded-Port: 8080\r\n"},
    {FOR, "10.0.0.1",
     "X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: "
     "https\r\n"
     "X-Forwarded-Host: api.example\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /outer/\r\n",
     5,
     "X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.0.0.2, 10.0.0.1\r\nX-Real-IP: 9.9.9.9\r\n"
     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example\r\nX-Forwarded-Port: 443\r\n"
     "X-Forwarded-Prefix: /outer/base\r\n"},
    {FOR, "10.0.0.1",
     "X-Forwarded-Proto: ht tp\r\nX-Forwarded-Host: a/b\r\nX-Forwarded-Port: x\r\n", 6,
     "X-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-Proto: http\r\n"
     "X-Forwarded-Host: gw.example:8080\r\nX-Forwarded-Port: 8080\r\nX-Forwarded-Prefix: "
     "/base\r\n"},
    {REAL, "10.0.0.1", "X-Real-IP: 9.9.9.9\r\nX-Forwarded-For: 6.6.6.6\r\n", 0,
     "X-Forwarded-For: 9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n"
     "X-Forwarded-Host: gw.example:8080\r\nX-Forwarded-Port: 8080\r\n"},
    {RFC, "10.0.0.1",
     "Forwarded: for=9.9.9.9;proto=https;host=api.example\r\nX-Forwarded-Proto: ftp\r\n", 0,
     "X-Forwarded-For: 9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"
     "X-Forwarded-Host: api.example\r\nX-Forwarded-Port: 8080\r\n"
     "Forwarded: for=9.9.9.9;proto=https;host=api.example, for=10.0.0.1;host=\"gw.example:8080\";"
     "proto=http\r\n"},
    {RFC, "2003::1", "Forwarded: for=9.9.9.9\r\n", 0,
     "X-Forwarded-For: 2003::1\r\nX-Real-IP: 2003::1\r\nX-Forwarded-Proto: http\r\n"
     "X-Forwarded-Host: gw.example:8080\r\nX-Forwarded-Port: 8080\r\n"
     "Forwarded: for=\"[2003::1]\";host=\"gw.example:8080\";proto=http\r\n"},
    {RFC, "unix", "", 0,
     "X-Forwarded-For: unix:\r\nX-Real-IP: unix:\r\nX-Forwarded-Proto: http\r\n"
     "X-Forwarded-Host: gw.example:8080\r\nX-Forwarded-Port: 8080\r\n"
     "Forwarded: for=unknown;host=\"gw.example:8080\";proto=http\r\n"},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        struct gw_rewrite rewrite = {.strip = written[i].strip};
        struct gw_forward forward = {.rewrite = &rewrite};
        struct fake_request fake;
        struct text lines;
        open_from(&fake, written[i].mode, written[i].peer, written[i].lines);
        lines = (struct text){.pool = &fake.rq.pool};
        fake.rq.forward = &forward;
        forwarded_lines(&fake.rq, &lines);
        if (strcmp(lines.at, written[i].expected) != 0)
            fail_msg("row %zu:\n%s\ninstead of\n%s", i, lines.at, written[i].expected);
        fake_request_close(&fake);
    }
}

/* The client's own fields never go on beside ours, in no mode. */
static void test_dropped(void **state)
{
    (void)state;
    for (int mode = -1; mode <= REAL; mode++) {
        struct fake_request fake;
        open_from(&fake, mode, "10.0.0.1",
                  "Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Host: a\r\n"
                  "x-forwarded-port: 1\r\nX-FORWARDED-PREFIX: /\r\nX-Forwarded-Proto: a\r\n"
                  "X-Real-IP: 1.1.1.1\r\nX-Other: stays\r\n");
        for (unsigned i = 0; i < fake.rq.head.fields.count; i++) {
            const struct field *field = &fake.rq.head.fields.at[i];
            bool stays = str_eq_nocase(field_name(field), STR("host")) ||
                         str_eq(field_name(field), STR("X-Other"));
            assert_int_equal(field->dropped, !stays);
        }
        fake_request_close(&fake);
    }
}

/* ---- lists from files ---- */

static char list_path[] = "/tmp/trusted-XXXXXX";

static void write_list(const char *text)
{
    FILE *file = fopen(list_path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const struct {
    const char *text;
    const char *error; /* NULL: good */
} lists[] = {
    {"", NULL},
    {"# comment\n\n10.1.0.0/16 # office\n  2003::/16\r\n1.2.3.4", NULL},
    {"10.0.0.0/33\n", ":1: not an address or network: 10.0.0.0/33"},
    {"\n10.0.0.1/8\n", ":2: not an address or network: 10.0.0.1/8"},
    {"proxy.example\n", ":1: not an address or network: proxy.example"},
    {"10.0.0.0/\n", ":1: not an address or network: 10.0.0.0/"},
    {"2003::/129\n", ":1: not an address or network: 2003::/129"},
};

static struct live *read_live(const struct gw_listener *listeners, size_t count,
                              const struct gw_text *token, char *error, size_t error_size)
{
    const struct live_sources from = {
        .listeners = listeners, .listener_count = count, .admin_token = token};

    return live_read(&from, error, error_size);
}

static void test_list_files(void **state)
{
    static const struct gw_text no_token = {.kind = GW_TEXT_NONE};
    struct gw_forwarded config = {.trusted_file = str_of(list_path)};
    struct gw_listener listeners[2] = {{.forwarded = &config}, {.forwarded = &config}};

    (void)state;
    close(mkstemp(list_path));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char error[256] = "";
        write_list(lists[i].text);
        struct live *live = read_live(listeners, 2, &no_token, error, sizeof error);
        assert_int_equal(live != NULL, lists[i].error == NULL);
        if (!live) {
            assert_memory_equal(error, list_path, strlen(list_path));
            assert_string_equal(error + strlen(list_path), lists[i].error);
            continue;
        }
        assert_non_null(live_networks_of(live, &config));
        live_release(live);
    }
    unlink(list_path);
}

static void test_trusted_by_file(void **state)
{
    static const struct gw_text no_token = {.kind = GW_TEXT_NONE};
    struct gw_forwarded config = {.trusted_file = str_of(list_path)};
    struct gw_listener listener = {.forwarded = &config};
    struct sockaddr_storage peer;
    struct fake_request fake;
    char error[256] = "";

    (void)state;
    write_list("10.1.0.0/16\n");
    fake_request_open(&fake, "/", "X-Forwarded-For: 9.9.9.9\r\n");
    fake.worker.live = read_live(&listener, 1, &no_token, error, sizeof error);
    assert_non_null(fake.worker.live);
    fake.rq.listener = &listener;
    set_peer(&peer, "10.1.2.3");
    forwarded_resolve(&fake.rq, (const struct sockaddr *)&peer);
    assert_true(str_eq(fake.rq.client_address, STR("9.9.9.9")));
    set_peer(&peer, "10.2.2.3");
    forwarded_resolve(&fake.rq, (const struct sockaddr *)&peer);
    assert_true(str_eq(fake.rq.client_address, STR("10.2.2.3")));
    live_release(fake.worker.live);
    fake_request_close(&fake);
    unlink(list_path);
}

static void test_missing(void **state)
{
    struct gw_forwarded config = {.trusted_file = STR_INIT("/nowhere/proxies.txt")};
    struct gw_listener listener = {.forwarded = &config};
    const struct gw_text none = {.kind = GW_TEXT_NONE};
    const struct gw_text env = {GW_TEXT_ENV, STR_INIT("GW_TEST_NO_SUCH"), {0}};
    const struct gw_text file = {GW_TEXT_FILE, STR_INIT("/nowhere/token"), {0}};
    char error[256];

    (void)state;
    assert_null(read_live(&listener, 1, &none, error, sizeof error));
    assert_string_equal(error, "cannot read /nowhere/proxies.txt: No such file or directory");
    assert_null(read_live(NULL, 0, &env, error, sizeof error));
    assert_string_equal(error, "environment variable GW_TEST_NO_SUCH is not set");
    assert_null(read_live(NULL, 0, &file, error, sizeof error));
    assert_string_equal(error, "cannot read /nowhere/token: No such file or directory");
    setenv("GW_TEST_NO_SUCH", "", 1);
    assert_null(read_live(NULL, 0, &env, error, sizeof error));
    assert_string_equal(error, "the admin token is empty");
    unsetenv("GW_TEST_NO_SUCH");
}

/* ---- networks ---- */

static void test_networks(void **state)
{
    static const struct {
        const char *address, *network;
        bool in;
    } rows[] = {
        {"10.255.0.1", "10.0.0.0/8", true},
        {"11.0.0.1", "10.0.0.0/8", false},
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.5", "1.2.3.4", false},
        {"1.2.3.5", "0.0.0.0/0", true},
        {"::1", "0.0.0.0/0", false},
        {"1.2.3.5", "::/0", true},
        {"::1", "::/0", true},
        {"2001:db8::1", "2001:db8::/33", true},
        {"2001:db8:8000::1", "2001:db8::/33", false},
        {"10.0.0.129", "10.0.0.128/25", true},
        {"10.0.0.127", "10.0.0.128/25", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t address[16], network[16], bits;
        assert_true(ip_parse(str_of(rows[i].address), address));
        assert_true(ip_parse_network(str_of(rows[i].network), network, &bits));
        if (ip_is_in(address, network, bits) != rows[i].in)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),        cmocka_unit_test(test_client),
        cmocka_unit_test(test_endless),         cmocka_unit_test(test_lines),
        cmocka_unit_test(test_dropped),         cmocka_unit_test(test_list_files),
        cmocka_unit_test(test_trusted_by_file), cmocka_unit_test(test_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
