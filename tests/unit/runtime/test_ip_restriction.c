/* Who may call: ranges against a list of networks that is walked through, and what the two lists decide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ip_ranges.h"
#include "policy/ip_restriction.h"
#include "request/live.h"
#include "request/worker.h"

enum { ROUNDS = 3000, NETWORKS = 24, ASKED = 200 };

struct network {
    uint8_t address[16], bits;
};

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* Few bytes differ, so that networks meet, touch and lie within each other. */
static void draw_address(uint8_t address[16])
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};

    memset(address, 0, 16);
    if (draw(2))
        memset(address + 10, 0xff, 2);
    for (int i = draw(2) ? 12 : 0; i < 16; i++)
        if (draw(3) == 0)
            address[i] = edges[draw(sizeof edges)];
}

static struct network draw_network(void)
{
    struct network network;

    draw_address(network.address);
    network.bits = (uint8_t)(draw(4) ? 96 + draw(33) : draw(129));
    for (unsigned i = network.bits; i < 128; i++)
        network.address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    return network;
}

/* The model: one after the other, bit by bit; a network around all of IPv4 is one of IPv6 alone. */
static bool is_in(const uint8_t address[16], const struct network *network)
{
    static const uint8_t v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    for (unsigned i = 0; i < network->bits; i++)
        if ((address[i / 8] ^ network->address[i / 8]) & (0x80 >> i % 8))
            return false;
    return network->bits >= 96 || memcmp(address, v4, 12) != 0;
}

static bool any_has(const struct network *networks, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++)
        if (is_in(address, &networks[i]))
            return true;
    return false;
}

/* By one up or down: what stands beside an edge. */
static void step(uint8_t address[16], int by)
{
    for (int i = 15; i >= 0; i--) {
        address[i] = (uint8_t)(address[i] + by);
        if (address[i] != (by > 0 ? 0 : 0xff))
            return;
    }
}

static void ask_around(const struct network *networks, size_t count, const struct ip_range *ranges,
                       size_t range_count, const uint8_t at[16])
{
    for (int by = -1; by <= 1; by++) {
        uint8_t address[16];
        memcpy(address, at, 16);
        if (by != 0)
            step(address, by);
        assert_int_equal(ip_ranges_hold(ranges, range_count, address),
                         any_has(networks, count, address));
    }
}

static void test_random_networks(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct network networks[NETWORKS];
        struct ip_range ranges[2 * NETWORKS + 2];
        size_t count = draw(NETWORKS + 1), range_count = 0;
        for (size_t i = 0; i < count; i++) {
            networks[i] = draw_network();
            range_count +=
                ip_ranges_of(networks[i].address, networks[i].bits, &ranges[range_count]);
        }
        range_count = ip_ranges_merge(ranges, range_count);
        for (size_t i = 0; i < range_count; i++) {
            uint8_t behind[16];
            assert_true(memcmp(ranges[i].first, ranges[i].last, 16) <= 0);
            ask_around(networks, count, ranges, range_count, ranges[i].first);
            ask_around(networks, count, ranges, range_count, ranges[i].last);
            if (i + 1 == range_count)
                break;
            memcpy(behind, ranges[i].last, 16);
            step(behind, 1);
            assert_true(memcmp(behind, ranges[i + 1].first, 16) < 0); /* neither meet nor touch */
        }
        for (int i = 0; i < ASKED; i++) {
            uint8_t address[16];
            draw_address(address);
            ask_around(networks, count, ranges, range_count, address);
        }
    }
}

static const struct {
    const char *network;
    const char *in[4], *out[4];
} edges[] = {
    {"0.0.0.0/0",
     {"0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"},
     {"::", "::fffe:ffff:ffff", "::1:0:0:0"}},
    {"::/0", {"::", "::fffe:ffff:ffff", "::1:0:0:0", "ffff::ffff"}, {"0.0.0.0", "255.255.255.255"}},
    {"::/80", {"::1", "::fffe:ffff:ffff"}, {"0.0.0.0", "255.255.255.255", "::1:0:0:0"}},
    {"::fffe:0:0/95",
     {"::fffe:0:0", "::fffe:ffff:ffff"},
     {"0.0.0.0", "255.255.255.255", "::fffd:ffff:ffff"}},
    {"::ffff:0:0/96", {"0.0.0.0", "255.255.255.255"}, {"::fffe:ffff:ffff", "::1:0:0:0"}},
    {"::ffff:10.0.0.0/104", {"10.0.0.0", "10.255.255.255"}, {"9.255.255.255", "11.0.0.0"}},
    {"2001:db8::/32",
     {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
     {"2001:db9::", "2001:db7::"}},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
     {"::"}},
    {"192.0.2.1", {"192.0.2.1"}, {"192.0.2.0", "192.0.2.2"}},
};

static void test_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        uint8_t address[16], bits;
        struct ip_range ranges[2];
        assert_true(ip_parse_network(str_of(edges[i].network), address, &bits));
        size_t count = ip_ranges_merge(ranges, ip_ranges_of(address, bits, ranges));
        for (int n = 0; n < 4 && edges[i].in[n]; n++) {
            assert_true(ip_parse(str_of(edges[i].in[n]), address));
            assert_true(ip_ranges_hold(ranges, count, address));
        }
        for (int n = 0; n < 4 && edges[i].out[n]; n++) {
            assert_true(ip_parse(str_of(edges[i].out[n]), address));
            assert_false(ip_ranges_hold(ranges, count, address));
        }
    }
}

static void test_neighbours_become_one(void **state)
{
    struct ip_range ranges[4];
    uint8_t address[16], bits;

    (void)state;
    assert_true(ip_parse_network(STR("::/0"), address, &bits));
    assert_int_equal(ip_ranges_of(address, bits, ranges), 2);
    assert_true(ip_parse_network(STR("0.0.0.0/0"), address, &bits));
    assert_int_equal(ip_ranges_of(address, bits, ranges + 2), 1);
    assert_int_equal(ip_ranges_merge(ranges, 3), 1);
    assert_int_equal(ip_ranges_merge(ranges, 0), 0);
}

/* 10.0.0.0/8, and 10.6.0.0/16 */
static const struct ip_range ten = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0},
                                    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 255, 255, 255}};
static const struct ip_range six = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 6, 0, 0},
                                    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 6, 255, 255}};

static const struct {
    const char *client; /* "::": on a unix socket */
    bool by_allow, by_deny, by_both;
} clients[] = {
    {"10.0.0.0", true, true, true},        {"10.5.255.255", true, true, true},
    {"10.6.0.0", true, false, false},      {"10.6.255.255", true, false, false},
    {"9.255.255.255", false, true, false}, {"11.0.0.0", false, true, false},
    {"::a00:0", false, true, false},       {"::ffff:10.6.0.1", true, false, false},
    {"2001:db8::1", false, true, false},   {"::", false, true, false},
};

static bool admits(const struct gw_ip_restriction *restriction, struct live *live,
                   const char *client)
{
    struct worker worker = {.live = live};
    struct gw_req rq = {.worker = &worker};

    assert_true(ip_parse(str_of(client), rq.client_ip));
    return ip_restriction_admits(restriction, &rq);
}

static void test_two_lists(void **state)
{
    const struct gw_ip_restriction allow = {.allow = {&ten, 1, {0}}};
    const struct gw_ip_restriction deny = {.deny = {&six, 1, {0}}};
    const struct gw_ip_restriction both = {.allow = {&ten, 1, {0}}, .deny = {&six, 1, {0}}};

    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        assert_int_equal(admits(&allow, NULL, clients[i].client), clients[i].by_allow);
        assert_int_equal(admits(&deny, NULL, clients[i].client), clients[i].by_deny);
        assert_int_equal(admits(&both, NULL, clients[i].client), clients[i].by_both);
    }
}

/* Everybody is denied, and yet a unix socket is no address. */
static void test_no_address(void **state)
{
    const struct ip_range all = {
        {0}, {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    const struct gw_ip_restriction deny = {.deny = {&all, 1, {0}}};
    const struct gw_ip_restriction allow = {.allow = {&all, 1, {0}}};

    (void)state;
    assert_true(admits(&deny, NULL, "::"));
    assert_false(admits(&deny, NULL, "::1"));
    assert_false(admits(&allow, NULL, "::"));
    assert_true(admits(&allow, NULL, "::1"));
}

/* ---- lists from files ---- */

static char list_path[] = "/tmp/test_ip_restriction.XXXXXX";

static struct live *read_files(const struct gw_ip_restriction *one, const char *text, char *error,
                               size_t error_size)
{
    static const struct gw_text no_token = {.kind = GW_TEXT_NONE};
    const struct gw_ip_restriction *const all[] = {one};
    const struct live_sources from = {
        .ip_restrictions = all, .ip_restriction_count = 1, .admin_token = &no_token};
    FILE *file = fopen(list_path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return live_read(&from, error, error_size);
}

static void test_lists_from_files(void **state)
{
    const struct gw_ip_restriction allow = {.allow.file = str_of(list_path)};
    const struct gw_ip_restriction deny = {.deny.file = str_of(list_path)};
    char error[256] = "";
    struct live *live;

    (void)state;
    close(mkstemp(list_path));
    live =
        read_files(&allow, "# ours\n10.6.0.0/16\n10.0.0.0/8 # more\n::/0\n", error, sizeof error);
    assert_non_null(live);
    assert_true(admits(&allow, live, "10.6.0.1"));
    assert_true(admits(&allow, live, "10.255.255.255"));
    assert_true(admits(&allow, live, "2001:db8::1"));
    assert_false(admits(&allow, live, "11.0.0.0"));
    assert_false(admits(&allow, live, "::"));
    live_release(live);
    live = read_files(&deny, "10.6.0.0/16\n", error, sizeof error);
    assert_non_null(live);
    assert_false(admits(&deny, live, "10.6.0.1"));
    assert_true(admits(&deny, live, "10.7.0.1"));
    assert_true(admits(&deny, live, "::"));
    live_release(live);
    assert_null(read_files(&deny, "10.6.0.0/16\n10.6.0.0/8\n", error, sizeof error));
    assert_non_null(strstr(error, ":2: not an address or network: 10.6.0.0/8"));
    unlink(list_path);
}

/* Nobody is in an empty list; of one that nobody has read the worse is taken. */
static void test_empty_and_unread_files(void **state)
{
    const struct gw_ip_restriction allow = {.allow.file = str_of(list_path)};
    const struct gw_ip_restriction deny = {.deny.file = str_of(list_path)};
    char error[256] = "";
    struct live *live;

    (void)state;
    live = read_files(&allow, "# nobody\n", error, sizeof error);
    assert_non_null(live);
    assert_false(admits(&allow, live, "10.0.0.1"));
    assert_false(admits(&deny, live, "10.0.0.1")); /* read for another list */
    live_release(live);
    live = read_files(&deny, "", error, sizeof error);
    assert_non_null(live);
    assert_true(admits(&deny, live, "10.0.0.1"));
    live_release(live);
    assert_false(admits(&allow, NULL, "10.0.0.1"));
    assert_false(admits(&deny, NULL, "10.0.0.1"));
    unlink(list_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_neighbours_become_one),
        cmocka_unit_test(test_random_networks),
        cmocka_unit_test(test_two_lists),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_lists_from_files),
        cmocka_unit_test(test_empty_and_unread_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
