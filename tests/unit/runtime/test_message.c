/* The words of HTTP: names, lists, what is forwarded and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge.h"
#include "http/h1_parse.h"

static const struct {
    const char *name;
    enum field_id id;
} names[] = {
    {"Accept-Encoding", FIELD_ACCEPT_ENCODING},
    {"Authorization", FIELD_AUTHORIZATION},
    {"Connection", FIELD_CONNECTION},
    {"Content-Length", FIELD_CONTENT_LENGTH},
    {"Content-Type", FIELD_CONTENT_TYPE},
    {"Cookie", FIELD_COOKIE},
    {"Date", FIELD_DATE},
    {"Expect", FIELD_EXPECT},
    {"Forwarded", FIELD_FORWARDED},
    {"Host", FIELD_HOST},
    {"Keep-Alive", FIELD_KEEP_ALIVE},
    {"Location", FIELD_LOCATION},
    {"Max-Forwards", FIELD_MAX_FORWARDS},
    {"Origin", FIELD_ORIGIN},
    {"Proxy-Authenticate", FIELD_PROXY_AUTHENTICATE},
    {"Proxy-Authentication-Info", FIELD_PROXY_AUTHENTICATION_INFO},
    {"Proxy-Authorization", FIELD_PROXY_AUTHORIZATION},
    {"Proxy-Connection", FIELD_PROXY_CONNECTION},
    {"Server", FIELD_SERVER},
    {"Set-Cookie", FIELD_SET_COOKIE},
    {"TE", FIELD_TE},
    {"Trailer", FIELD_TRAILER},
    {"Transfer-Encoding", FIELD_TRANSFER_ENCODING},
    {"Upgrade", FIELD_UPGRADE},
    {"User-Agent", FIELD_USER_AGENT},
    {"Traceparent", FIELD_TRACEPARENT},
    {"Via", FIELD_VIA},
    {"X-Forwarded-For", FIELD_X_FORWARDED_FOR},
    {"X-Forwarded-Host", FIELD_X_FORWARDED_HOST},
    {"X-Forwarded-Port", FIELD_X_FORWARDED_PORT},
    {"X-Forwarded-Prefix", FIELD_X_FORWARDED_PREFIX},
    {"X-Forwarded-Proto", FIELD_X_FORWARDED_PROTO},
    {"X-Real-IP", FIELD_X_REAL_IP},
    {"HTTP2-Settings", FIELD_HTTP2_SETTINGS},
};

static void names_have_ids(void **state)
{
    struct edge edge = edge_open(64);

    (void)state;
    assert_int_equal(sizeof names / sizeof names[0], FIELD_COUNT - 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        size_t len = strlen(names[i].name);

        strcpy(text, names[i].name);
        assert_int_equal(field_id_of(edge_put(&edge, str_of(text))), names[i].id);
        for (size_t k = 0; k < len;
             k++) /* the other case of each letter, then another byte in its place */
            if ((text[k] | 0x20) >= 'a' && (text[k] | 0x20) <= 'z')
                text[k] ^= 0x20;
        assert_int_equal(field_id_of(edge_put(&edge, str_of(text))), names[i].id);
        for (size_t k = 0; k < len; k++) {
            char kept = text[k];

            text[k] = '_';
            assert_int_equal(field_id_of(edge_put(&edge, str_of(text))), FIELD_OTHER);
            text[k] = kept;
        }
        assert_int_equal(field_id_of((struct str){text, len - 1}), FIELD_OTHER);
        strcpy(text + len, "x");
        assert_int_equal(field_id_of(str_of(text)), FIELD_OTHER);
    }
    assert_int_equal(field_id_of(STR("")), FIELD_OTHER);
    assert_int_equal(field_id_of(STR("a")), FIELD_OTHER);
    assert_int_equal(field_id_of(STR("x-forwarded-for-and-for-some-more-words")), FIELD_OTHER);
    edge_close(&edge);
}

static void methods_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METHOD_OTHER; i++) {
        assert_true(method_name((enum method)i).len > 2);
        assert_int_equal(method_of(method_name((enum method)i)), i);
    }
    assert_int_equal(method_of(STR("get")), METHOD_OTHER);
    assert_int_equal(method_of(STR("GETS")), METHOD_OTHER);
    assert_int_equal(method_of(STR("GE")), METHOD_OTHER);
    assert_int_equal(method_of(STR("")), METHOD_OTHER);
    assert_int_equal(method_name(METHOD_OTHER).len, 0);
}

static void statuses_have_reasons(void **state)
{
    (void)state;
    assert_true(str_eq(status_reason(200), STR("OK")));
    assert_true(str_eq(status_reason(404), STR("Not Found")));
    assert_true(str_eq(status_reason(511), STR("Network Authentication Required")));
    assert_true(str_eq(status_reason(99), STR("Unknown")));
    assert_true(str_eq(status_reason(299), STR("Unknown")));
    assert_true(str_eq(status_reason(599), STR("Unknown")));
    assert_true(str_eq(status_reason(70000), STR("Unknown")));
}

static void lists_are_taken_apart(void **state)
{
    struct str list = STR("a ,\tbc\t,, d e,");
    static const char *const items[] = {"a", "bc", "", "d e", ""};

    (void)state;
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        assert_non_null(list.at);
        assert_true(str_eq(list_next(&list), str_of(items[i])));
    }
    assert_null(list.at);
    assert_true(list_has(STR("close"), STR("close")));
    assert_true(list_has(STR("a, CLOSE ,b"), STR("close")));
    assert_false(list_has(STR("a close, closed"), STR("close")));
    assert_false(list_has(STR(""), STR("close")));
    assert_true(token_is_legal(STR("aZ09!#$%&'*+-.^_`|~")));
    assert_false(token_is_legal(STR("")));
    assert_false(token_is_legal(STR("a b")));
    assert_false(token_is_legal(STR("a\0")));
    assert_false(token_is_legal(STR("\x80")));
}

/* ---- field lists of real heads ---- */

static struct head parsed(struct pool *pool, const char *lines)
{
    static const struct h1_limits limits = {.line = 100, .fields = 4000, .count = 100};
    struct str bytes = pool_printf(pool, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    struct h1_parser parser;
    struct head head;

    h1_parse_begin(&parser, H1_REQUEST, &limits, pool, &head);
    assert_int_equal(h1_parse(&parser, bytes.at, bytes.len), H1_DONE);
    return head;
}

static void assert_written(const struct fields *fields, const char *expected)
{
    size_t len = strlen(expected);
    char to[4000];

    assert_int_equal(fields_write(fields, to, len), len);
    assert_memory_equal(to, expected, len);
    if (len > 0)
        assert_true(fields_write(fields, to, len - 1) == FIELDS_NO_ROOM);
}

static void hop_by_hop_fields_stay_here(void **state)
{
    static const struct {
        const char *name, *lines, *kept;
    } rows[] = {
        {"nothing to drop", "A: b\r\nC: d\r\n", "Host: a\r\nA: b\r\nC: d\r\n"},
        {"9110 7.6.1: the known ones",
         "Connection: close\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: trailers\r\n"
         "Upgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authorization: x\r\n",
         "Host: a\r\n"},
        {"between others", "A: b\r\nTE: x\r\nC: d\r\nUpgrade: x\r\nConnection: y\r\nE:f\r\n",
         "Host: a\r\nA: b\r\nC: d\r\nE:f\r\n"},
        {"9110 7.6.1: what Connection names",
         "X-A: b\r\nConnection: x-a, X-B\r\nX-B: c\r\nX-C: d\r\nX-A: e\r\n",
         "Host: a\r\nX-C: d\r\n"},
        {"9110 7.6.1: in several fields", "Connection: a\r\nA: b\r\nC: d\r\nConnection: , c,\r\n",
         "Host: a\r\n"},
        {"a forged Connection takes nothing that others rely on",
         "Connection: host, content-length, authorization, cookie, x-forwarded-for, x-real-ip, "
         "content-type, cache-control, forwarded\r\nContent-Length: 0\r\nAuthorization: b\r\n"
         "Cookie: c\r\nX-Forwarded-For: d\r\nX-Real-IP: e\r\nContent-Type: f\r\nCache-Control: "
         "g\r\n"
         "Forwarded: h\r\n",
         "Host: a\r\nContent-Length: 0\r\nAuthorization: b\r\nCookie: c\r\nX-Forwarded-For: d\r\n"
         "X-Real-IP: e\r\nContent-Type: f\r\nCache-Control: g\r\nForwarded: h\r\n"},
        {"white space stays as it was", "A:b \t\r\nTE: x \r\nB: \r\nC:\r\n",
         "Host: a\r\nA:b \t\r\nB: \r\nC:\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pool pool;
        struct head head;

        pool_open(&pool, NULL);
        head = parsed(&pool, rows[i].lines);
        print_message("  %s\n", rows[i].name);
        fields_drop_hop_by_hop(&head.fields);
        assert_written(&head.fields, rows[i].kept);
        pool_close(&pool);
    }
}

static void fields_are_found(void **state)
{
    struct pool pool;
    struct head head;
    const struct field *field;

    (void)state;
    pool_open(&pool, NULL);
    head = parsed(&pool, "X-A: 1\r\nCookie: 2\r\nx-a: 3\r\nCookie: 4\r\n");
    assert_true(str_eq(field_value(fields_find(&head.fields, FIELD_COOKIE)), STR("2")));
    assert_null(fields_find(&head.fields, FIELD_TE));
    field = fields_named(&head.fields, STR("X-a"), NULL);
    assert_true(str_eq(field_value(field), STR("1")));
    field = fields_named(&head.fields, STR("X-a"), field);
    assert_true(str_eq(field_value(field), STR("3")));
    assert_null(fields_named(&head.fields, STR("X-a"), field));
    assert_null(fields_named(&head.fields, STR("X"), NULL));
    head.fields.at[1].dropped = true;
    assert_true(str_eq(field_value(fields_named(&head.fields, STR("x-a"), NULL)), STR("3")));
    fields_drop(&head.fields, FIELD_COOKIE);
    assert_null(fields_find(&head.fields, FIELD_COOKIE));
    assert_written(&head.fields, "Host: a\r\nx-a: 3\r\n");
    pool_close(&pool);
}

static void underscores_are_dropped(void **state)
{
    struct pool pool;
    struct head head;

    (void)state;
    pool_open(&pool, NULL);
    head = parsed(&pool, "X_User: 1\r\nA: b_c\r\n_: 2\r\nContent_Length: 3\r\n");
    assert_true(fields_drop_underscores(&head.fields));
    assert_written(&head.fields, "Host: a\r\nA: b_c\r\n");
    head = parsed(&pool, "A: b_c\r\n");
    assert_false(fields_drop_underscores(&head.fields));
    pool_close(&pool);
}

static void all_dropped_writes_nothing(void **state)
{
    struct pool pool;
    struct head head;

    (void)state;
    pool_open(&pool, NULL);
    head = parsed(&pool, "A: b\r\n");
    for (unsigned i = 0; i < head.fields.count; i++)
        head.fields.at[i].dropped = true;
    assert_written(&head.fields, "");
    assert_int_equal(fields_write(&(struct fields){0}, NULL, 0), 0);
    pool_close(&pool);
}

static void trailers_are_found(void **state)
{
    static const struct {
        const char *lines, *name, *value; /* NULL: there is none */
    } rows[] = {
        {"a: 1\r\nb: 2\r\n", "a", "1"},
        {"a: 1\r\nb: 2\r\n", "B", "2"},
        {"A:\t1 2 \r\na: 3\r\n", "a", "1 2"},
        {"a:\r\n", "a", ""},
        {"a: b: c", "a", "b: c"},
        {"ab: 1\r\n", "a", NULL},
        {"b: a: 1\r\n", "a", NULL},
        {"", "a", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str found = trailers_find(str_of(rows[i].lines), str_of(rows[i].name));
        assert_int_equal(found.at != NULL, rows[i].value != NULL);
        if (rows[i].value)
            assert_true(str_eq(found, str_of(rows[i].value)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_ids),
        cmocka_unit_test(methods_have_names),
        cmocka_unit_test(statuses_have_reasons),
        cmocka_unit_test(lists_are_taken_apart),
        cmocka_unit_test(hop_by_hop_fields_stay_here),
        cmocka_unit_test(fields_are_found),
        cmocka_unit_test(underscores_are_dropped),
        cmocka_unit_test(all_dropped_writes_nothing),
        cmocka_unit_test(trailers_are_found),
    };

    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
