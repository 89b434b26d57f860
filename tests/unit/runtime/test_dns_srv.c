/* SRV records out of DNS messages: what they say, and that no cut or overwritten message is read beyond its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge.h"
#include "io/dns_srv.h"

/* _a.b: an alias (CNAME) for 5 s, then two records, for 300 and for 60 s; the second name is a pointer. */
static const unsigned char message[] = {
    0,    1,   0x81, 0x80, 0,    1,    0, 3,   0,   0,  0, 0, /* one question, three answers */
    2,    '_', 'a',  1,    'b',  0,    0, 33,  0,   1,        /* asked */
    0xc0, 12,  0,    5,    0,    1,    0, 0,   0,   5,  0, 2, /* alias … */
    0xc0, 15,                                                 /* … for b */
    0xc0, 15,  0,    33,   0,    1,    0, 0,   1,   44, 0, 11,
    0,    10,  0,    3,    0x1f, 0x90, 2, 'p', '1', 1,  0, /* too short a name: see below */
};

/* The same with two sound records. */
static const unsigned char sound[] = {
    0,    1,  0x81, 0x80, 0,    1,    0,    3,   0,   0,    0,  0,  2, '_', 'a', 1,
    'b',  0,  0,    33,   0,    1,    0xc0, 12,  0,   5,    0,  1,  0, 0,   0,   90,
    0,    2,  0xc0, 15,   0xc0, 15,   0,    33,  0,   1,    0,  0,  1, 44,  0,   12,
    0,    10, 0,    3,    0x1f, 0x90, 2,    'p', '1', 0xc0, 15, 0, /* one byte more than it needs */
    0xc0, 15, 0,    33,   0,    1,    0,    0,   0,   60,   0,  11, 0, 20,  0,   0,
    0,    80, 2,    'p',  '2',  0xc0, 15,
};

struct scene {
    struct pool pool;
    struct dns_question question;
};

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    pool_open(&s->pool, NULL);
    s->question.pool = &s->pool;
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    pool_close(&s->pool);
    free(s);
    return 0;
}

static void assert_record(const struct dns_record *record, const char *host, uint16_t port,
                          uint16_t priority, uint16_t weight)
{
    assert_true(str_eq(record->host, str_of(host)));
    assert_int_equal(record->port, port);
    assert_int_equal(record->priority, priority);
    assert_int_equal(record->weight, weight);
}

static void records_are_read(void **state)
{
    struct scene *s = *state;

    assert_true(dns_srv_read(&s->question, sound, sizeof sound));
    assert_int_equal(s->question.records.count, 2);
    assert_record(&s->question.records.at[0], "p1.b", 8080, 10, 3);
    assert_record(&s->question.records.at[1], "p2.b", 80, 20, 0);
    assert_int_equal(s->question.ttl, 60000);
}

static void a_name_beyond_its_record_is_none(void **state)
{
    struct scene *s = *state;

    assert_false(dns_srv_read(&s->question, message, sizeof message));
    assert_int_equal(s->question.records.count, 0);
}

static void the_root_and_port_0_are_no_service(void **state)
{
    static const unsigned char none[] = {
        0, 1, 0x81, 0x80, 0, 0, 0, 2,  0, 0, 0, 0, 0, 0, 33, 0, 1, 0, 0, 0, 0, 0, 7, 0,   0,
        0, 0, 0,    80,   0, 0, 0, 33, 0, 1, 0, 0, 0, 9, 0,  9, 0, 0, 0, 0, 0, 0, 1, 'a', 0,
    };
    struct scene *s = *state;

    assert_true(dns_srv_read(&s->question, none, sizeof none));
    assert_int_equal(s->question.records.count, 0);
    assert_int_equal(s->question.ttl, 1000); /* a ttl of 0 is a second */
}

static void every_cut_is_malformed(void **state)
{
    struct scene *s = *state;
    struct edge edge = edge_open(sizeof sound);

    for (size_t len = 0; len < sizeof sound; len++) {
        unsigned char *at = (unsigned char *)edge.map + edge.size - len;
        memcpy(at, sound, len);
        assert_false(dns_srv_read(&s->question, at, (int)len));
    }
    edge_close(&edge);
}

static void no_overwritten_byte_is_a_crash(void **state)
{
    struct scene *s = *state;
    struct edge edge = edge_open(sizeof sound);
    unsigned char *at = (unsigned char *)edge.map + edge.size - sizeof sound;

    for (size_t i = 0; i < sizeof sound; i++)
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(at, sound, sizeof sound);
            at[i] = (unsigned char)byte;
            s->question.records.count = 0;
            if (dns_srv_read(&s->question, at, sizeof sound))
                assert_true(s->question.records.count <= 3 && s->question.ttl >= 1000);
        }
    edge_close(&edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_read, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_name_beyond_its_record_is_none, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(the_root_and_port_0_are_no_service, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(every_cut_is_malformed, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(no_overwritten_byte_is_a_crash, open_scene, close_scene),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
