#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/h2_head.h"

static const struct h1_limits limits = {1024, 2048, 20};

struct pair {
    const char *name, *value;
};

static void fill(struct h2_list *list, struct pool *pool, const struct pair *pairs)
{
    h2_list_begin(list, pool, &limits);
    for (; pairs->name; pairs++)
        h2_list_add(list, str_of(pairs->name), str_of(pairs->value));
}

#define ASSERT_STR(s, z)                                                                           \
    do {                                                                                           \
        struct str found_ = (s);                                                                   \
        assert_int_equal(found_.len, strlen(z));                                                   \
        assert_memory_equal(found_.at ? found_.at : "", z, found_.len);                            \
    } while (0)

static void test_a_request_is_a_head(void **state)
{
    static const struct pair pairs[] = {{":method", "POST"},      {":scheme", "https"},
                                        {":path", "/a/b?c=d"},    {":authority", "h:8443"},
                                        {"cookie", "a=1"},        {"x-y", "z"},
                                        {"cookie", "b=2"},        {"te", "trailers"},
                                        {"content-length", "12"}, {NULL, NULL}};
    struct pool pool;
    struct h2_list list;
    struct head head;
    char lines[256];
    size_t len;

    (void)state;
    pool_open(&pool, NULL);
    fill(&list, &pool, pairs);
    assert_true(h2_list_request(&list, false, &head));
    assert_int_equal(head.method, METHOD_POST);
    ASSERT_STR(head.path, "/a/b");
    ASSERT_STR(head.query, "c=d");
    ASSERT_STR(head.authority, "h:8443");
    assert_int_equal(head.framing, FRAMING_LENGTH);
    assert_int_equal(head.length, 12);
    assert_true(head.te_trailers && head.is_http2 && head.is_https);
    ASSERT_STR(field_value(fields_find(&head.fields, FIELD_COOKIE)), "a=1; b=2");
    fields_drop(&head.fields, FIELD_HOST);
    len = fields_write(&head.fields, lines, sizeof lines);
    ASSERT_STR(((struct str){lines, len}), "x-y: z\r\nte: trailers\r\ncontent-length: 12\r\n"
                                           "cookie: a=1; b=2\r\n");
    pool_close(&pool);
}

static void test_framing(void **state)
{
    static const struct pair plain[] = {
        {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}, {NULL, NULL}};
    struct pool pool;
    struct h2_list list;
    struct head head;

    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        pool_open(&pool, NULL);
        fill(&list, &pool, plain);
        assert_true(h2_list_request(&list, ends, &head));
        assert_int_equal(head.framing, ends ? FRAMING_NONE : FRAMING_CHUNKED);
        pool_close(&pool);
    }
}

#define REQUEST                                                                                    \
    {":method", "GET"}, {":scheme", "http"}, {":path", "/"},                                       \
    {                                                                                              \
        ":authority", "h"                                                                          \
    }

static void test_what_is_refused(void **state)
{
    static const struct {
        struct pair pairs[8];
        unsigned status;
    } cases[] = {
        {{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, 400},
        {{{":method", "G T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}}, 400},
        {{{":method", "GET"}, {":scheme", "http"}, {":path", "x"}, {":authority", "h"}}, 400},
        {{{":method", "GET"}, {":scheme", "http"}, {":path", "/ x"}, {":authority", "h"}}, 400},
        {{{":method", "GET"}, {":scheme", "http"}, {":path", "/#x"}, {":authority", "h"}}, 400},
        {{REQUEST, {":path", "/"}}, 400},
        {{REQUEST, {":other", "x"}}, 400},
        {{REQUEST, {"x", "y"}, {":path", "/"}}, 400},
        {{REQUEST, {"host", "other"}}, 400},
        {{REQUEST, {"X", "y"}}, 400},
        {{REQUEST, {"", "y"}}, 400},
        {{REQUEST, {"x:y", "z"}}, 400},
        {{REQUEST, {"x", "y\r\nz: 1"}}, 400},
        {{REQUEST, {"x", "\x01"}}, 400},
        {{REQUEST, {"x", " y"}}, 400},
        {{REQUEST, {"transfer-encoding", "chunked"}}, 400},
        {{REQUEST, {"connection", "x"}}, 400},
        {{REQUEST, {"te", "gzip"}}, 400},
        {{REQUEST, {"content-length", "1"}, {"content-length", "2"}}, 400},
        {{REQUEST, {"content-length", "5"}}, 400}, /* and no content */
        {{REQUEST, {":protocol", "websocket"}}, 501},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool pool;
        struct h2_list list;
        struct head head;
        pool_open(&pool, NULL);
        fill(&list, &pool, cases[i].pairs);
        assert_false(h2_list_request(&list, true, &head));
        assert_int_equal(list.refused, cases[i].status);
        assert_non_null(list.refusal);
        pool_close(&pool);
    }
}

static void test_limits(void **state)
{
    struct pool pool;
    struct h2_list list;
    struct head head;

    (void)state;
    for (int many = 0; many < 2; many++) {
        static const struct pair pairs[] = {REQUEST, {NULL, NULL}};
        char value[800];
        memset(value, 'v', sizeof value);
        pool_open(&pool, NULL);
        fill(&list, &pool, pairs);
        for (int i = 0; i < (many ? 40 : 8); i++)
            h2_list_add(&list, STR("x"), (struct str){value, many ? 1 : sizeof value});
        assert_false(h2_list_request(&list, true, &head));
        assert_int_equal(list.refused, 431);
        assert_true(list.lines.len < 8 * sizeof value);
        pool_close(&pool);
    }
}

static void test_an_answer_and_its_trailers(void **state)
{
    static const struct pair answer[] = {{":status", "204"}, {"x", "y"}, {NULL, NULL}};
    static const struct pair bad[] = {{":status", "101"}, {NULL, NULL}};
    static const struct pair sum[] = {
        {"x-sum", "1"}, {"content-length", "3"}, {"host", "h"}, {NULL, NULL}};
    struct pool pool;
    struct h2_list list;
    struct head head;
    struct text trailers = {.pool = &pool};

    (void)state;
    pool_open(&pool, NULL);
    fill(&list, &pool, answer);
    assert_true(h2_list_answer(&list, true, &head));
    assert_int_equal(head.status, 204);
    fill(&list, &pool, bad);
    assert_false(h2_list_answer(&list, true, &head));
    assert_int_equal(list.refused, 502);
    fill(&list, &pool, sum);
    assert_true(h2_list_trailers(&list, &trailers));
    ASSERT_STR(text_str(&trailers), "x-sum: 1\r\n");
    fill(&list, &pool, answer);
    assert_false(h2_list_trailers(&list, &trailers));
    pool_close(&pool);
}

static void test_fields_that_go_out(void **state)
{
    char lines[] = "X-One: 1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nEmpty:\r\n"
                   "Date:  now \r\n\r\nX-Behind: 1\r\n";
    struct h2_field fields[4];

    (void)state;
    assert_int_equal(h2_fields_of(lines, sizeof lines - 1, fields, 4), 3);
    ASSERT_STR(fields[0].name, "x-one");
    ASSERT_STR(fields[0].value, "1");
    ASSERT_STR(fields[1].name, "empty");
    ASSERT_STR(fields[1].value, "");
    ASSERT_STR(fields[2].value, "now");
    assert_int_equal(h2_fields_of(lines, sizeof lines - 1, fields, 2), SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_a_head),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_an_answer_and_its_trailers),
        cmocka_unit_test(test_fields_that_go_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
