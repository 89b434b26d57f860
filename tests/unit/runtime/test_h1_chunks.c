/* Chunked bodies: what is data, what is refused, and that it does not matter how the bytes
 * arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "edge.h"
#include "http/h1_parse.h"

struct row {
    const char *name;
    struct str input;
    const char *expected; /* "data|trailers|rest", "! words of the reason", "more data" */
};

#define ROW(name, input, expected)                                                                 \
    {                                                                                              \
        name, STR_INIT(input), expected                                                            \
    }

static const struct row rows[] = {
    ROW("9112 7.1: no data", "0\r\n\r\n", "||"),
    ROW("9112 7.1: one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello||"),
    ROW("9112 7.1: chunks", "5\r\nhello\r\n1\r\n,\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "hello,0123456789||"),
    ROW("9112 7.1: hex has no case", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "01234567890123456789||"),
    ROW("9112 7.1: leading zeros", "0000000000000005\r\nhello\r\n000\r\n\r\n", "hello||"),
    ROW("9112 7.1: data may be anything", "8\r\n\r\n0\r\n\r\n\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n\n||"),
    ROW("9112 7.1: what follows is not ours", "0\r\n\r\nGET / HTTP/1.1\r\n",
        "||GET / HTTP/1.1\r\n"),
    ROW("9112 7.1.1: extension", "5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello||"),
    ROW("9112 7.1.1: extensions", "5;a;b=c;d=\"e;\\\"\r\"\r\nhello\r\n0\r\n\r\n", "! extension"),
    ROW("9112 7.1.1: quoted", "5;a=\"b;\\\"\\\\\tc\xff\"\r\nhello\r\n0;x=\"\"\r\n\r\n", "hello||"),
    ROW("9112 7.1.1: bad white space is legal", "5 ; a = b\t;c\r\nhello\r\n0\r\n\r\n", "hello||"),
    ROW("9112 7.1.1: hex digits in names", "5;abc=def;0=1\r\nhello\r\n0\r\n\r\n", "hello||"),
    ROW("9112 7.1.2: trailers", "0\r\nA: b\r\nC-d:e\r\n\r\n", "|A: b\r\nC-d:e\r\n|"),
    ROW("9112 7.1.2: trailers behind data", "1\r\nx\r\n0\r\ngrpc-status: 0\r\n\r\nZ",
        "x|grpc-status: 0\r\n|Z"),
    ROW("9110 6.5.1: framing, routing, credentials are left out",
        "0\r\nContent-Length: 5\r\nA: b\r\ntransfer-encoding: chunked\r\nHOST: x\r\n"
        "Authorization: x\r\nCookie: x\r\nSet-Cookie: x\r\nConnection: A\r\nTrailer: A\r\n"
        "Content-Encoding: gzip\r\nContent-Type: x\r\nContent-Range: x\r\nCache-Control: x\r\n"
        "TE: x\r\nX-Forwarded-For: x\r\nLocation: x\r\nC: d\r\nExpect: x\r\n\r\n",
        "|A: b\r\nC: d\r\n|"),
    ROW("names with underscores are left out", "0\r\nA_B: c\r\nD: e_f\r\n\r\n", "|D: e_f\r\n|"),
    ROW("9110 5.5: values", "0\r\nA:\r\nB: \t\"\\;=\x80\xff:\r\n\r\n",
        "|A:\r\nB: \t\"\\;=\x80\xff:\r\n|"),

    ROW("9112 7.1: no size", "\r\nhello", "! size"),
    ROW("9112 7.1: no size, extension", ";a\r\n", "! size"),
    ROW("9112 7.1: plus", "+5\r\nhello\r\n", "! size"),
    ROW("9112 7.1: minus", "-5\r\nhello\r\n", "! size"),
    ROW("9112 7.1: 0x", "0x5\r\nhello\r\n", "! size"),
    ROW("9112 7.1: letter", "5g\r\nhello\r\n", "! size"),
    ROW("9112 7.1: underscore", "1_0\r\nhello\r\n", "! size"),
    ROW("9112 7.1: leading space", " 5\r\nhello\r\n", "! size"),
    ROW("9112 7.1: trailing space", "5 \r\nhello\r\n", "! extension"),
    ROW("9112 7.1: trailing tab", "5\t\r\nhello\r\n", "! extension"),
    ROW("9112 7.1: space within", "5 5\r\nhello\r\n", "! extension"),
    ROW("9112 7.1: vertical tab", "5\x0b\r\nhello\r\n", "! size"),
    ROW("9112 7.1: NUL", "5\0\r\nhello\r\n", "! size"),
    ROW("9112 7.1: comma", "5,5\r\nhello\r\n", "! size"),
    ROW("9112 7.1: 17 digits", "00000000000000005\r\nhello\r\n", "! too big"),
    ROW("9112 7.1: 2^63", "8000000000000000\r\nhello\r\n", "! too big"),
    ROW("9112 7.1: 2^64 - 1", "ffffffffffffffff\r\nhello\r\n", "! too big"),
    ROW("9112 7.1: 2^64 + 5", "10000000000000005\r\nhello\r\n", "! too big"),
    ROW("9112 2.2: line feed behind the size", "5\nhello\r\n0\r\n\r\n", "! size"),
    ROW("9112 2.2: carriage return behind the size", "5\rhello\r\n0\r\n\r\n", "! size"),
    ROW("9112 2.2: CR CR LF", "5\r\r\nhello\r\n0\r\n\r\n", "! size"),
    ROW("9112 7.1: chunk longer than its size", "4\r\nhello\r\n0\r\n\r\n", "! longer"),
    ROW("9112 7.1: chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n", "! longer"),
    ROW("9112 7.1: line feed behind the data", "5\r\nhello\n0\r\n\r\n", "! longer"),
    ROW("9112 7.1: carriage return behind the data", "5\r\nhello\r0\r\n\r\n", "! longer"),
    ROW("9112 7.1: nothing behind the data", "5\r\nhello0\r\n\r\n", "! longer"),
    ROW("9112 7.1.1: line feed in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n", "! extension"),
    ROW("9112 7.1.1: line feed in quotes", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "! extension"),
    ROW("9112 7.1.1: escaped line feed", "5;a=\"\\\n\"\r\nhello\r\n0\r\n\r\n", "! extension"),
    ROW("9112 7.1.1: open quotes", "5;a=\"b\r\nhello\r\n0\r\n\r\n", "! extension"),
    ROW("9112 7.1.1: text behind quotes", "5;a=\"b\"c\r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: empty name", "5;\r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: empty value", "5;a=\r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: two names", "5;a b\r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: space at the end", "5;a \r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: space behind a value", "5;a=b \r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: NUL", "5;a=\"\0\"\r\nhello\r\n", "! extension"),
    ROW("9112 7.1.1: bytes that no token has", "5;a=b@c\r\nhello\r\n", "! extension"),
    ROW("9112 7.1.2: request instead of the end", "0\r\nGET / HTTP/1.1\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: space before the colon", "0\r\nA : b\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: no name", "0\r\n: b\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: no colon", "0\r\nA\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: line feed alone", "0\r\nA: b\nC: d\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: line feed for the end", "0\r\n\n", "! trailer"),
    ROW("9112 7.1.2: carriage return alone", "0\r\nA: b\rC: d\r\n\r\n", "! trailer"),
    ROW("9112 7.1.2: carriage return at the end", "0\r\n\rX", "! trailer"),
    ROW("9112 7.1.2: NUL", "0\r\nA: \0\r\n\r\n", "! trailer"),

    ROW("more: nothing", "", "more "),
    ROW("more: size", "5", "more "),
    ROW("more: data", "5\r\nhel", "more hel"),
    ROW("more: end of data", "5\r\nhello\r", "more hello"),
    ROW("more: trailer", "0\r\nA: b\r\n", "more "),
    ROW("more: last line", "0\r\n\r", "more "),
};

struct outcome {
    enum h1_result result;
    struct str text;
    size_t used; /* up to the verdict */
};

/* Reads pieces of `step` bytes (the first has `first`), each placed where nothing behind it can
 * be read. */
static struct outcome read_pieces(struct pool *pool, const struct edge *edge, struct str input,
                                  size_t first, size_t step, bool keep_trailers)
{
    struct text data = {.pool = pool}, trailers = {.pool = pool};
    struct h1_chunks chunks = {0};
    struct outcome out = {.result = H1_MORE};
    size_t at = 0;

    while (out.result == H1_MORE && at < input.len) {
        struct str piece = edge_put(edge, str_head(str_from(input, at), at == 0 ? first : step));

        while (out.result == H1_MORE && piece.len > 0) {
            struct str run;
            size_t used;

            out.result = h1_chunks_read(&chunks, piece.at, piece.len, &used, &run,
                                        keep_trailers ? &trailers : NULL);
            assert_true(used > 0 || out.result == H1_BAD);
            assert_true(used <= piece.len);
            assert_true(run.at >= piece.at && run.at + run.len <= piece.at + used);
            text_add(&data, run);
            piece = str_from(piece, used);
            at += used;
        }
    }
    out.used = at;
    if (out.result == H1_MORE)
        out.text = pool_printf(pool, "more %.*s", (int)data.len, data.at ? data.at : "");
    else if (out.result == H1_BAD)
        out.text = pool_printf(pool, "! %s", chunks.reason);
    else
        out.text = pool_printf(pool, "%.*s|%.*s|%.*s", (int)data.len, data.at ? data.at : "",
                               (int)trailers.len, trailers.at ? trailers.at : "",
                               STR_ARG(str_from(input, at)));
    return out;
}

static bool as_expected(const struct outcome *out, const char *expected)
{
    if (out->result != H1_BAD)
        return str_eq(out->text, str_of(expected));
    return expected[0] == '!' && strstr(out->text.at, expected + 2);
}

static void check_row(const struct row *row)
{
    struct edge edge = edge_open(row->input.len);
    struct pool pool;
    struct outcome whole;

    pool_open(&pool, NULL);
    whole = read_pieces(&pool, &edge, row->input, row->input.len, 1, true);
    if (!as_expected(&whole, row->expected))
        fail_msg("%s: %.*s, expected %s", row->name, STR_ARG(whole.text), row->expected);
    for (size_t i = 1; i <= row->input.len; i++) {
        struct outcome cut = read_pieces(&pool, &edge, row->input, i, row->input.len, true);
        struct outcome pieces = read_pieces(&pool, &edge, row->input, i, i, true);
        struct outcome dropped = read_pieces(&pool, &edge, row->input, i, i, false);

        if (!str_eq(cut.text, whole.text) || !str_eq(pieces.text, whole.text))
            fail_msg("%s: %.*s, in other pieces %.*s or %.*s", row->name, STR_ARG(whole.text),
                     STR_ARG(cut.text), STR_ARG(pieces.text));
        assert_int_equal(cut.used, whole.used);
        assert_int_equal(pieces.used, whole.used);
        assert_int_equal(dropped.used, whole.used);
        assert_int_equal(dropped.result, whole.result);
    }
    pool_close(&pool);
    edge_close(&edge);
}

static void rows_are_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i]);
}

/* How many of these lines are taken before the verdict. */
static size_t lines_taken(const char *line, size_t times, const char *expected)
{
    struct h1_chunks chunks = {0};
    struct str run;
    size_t used, i;

    for (i = 0; i < times; i++) {
        struct str rest = str_of(line);

        while (rest.len > 0) {
            if (h1_chunks_read(&chunks, rest.at, rest.len, &used, &run, NULL) == H1_BAD) {
                assert_non_null(strstr(chunks.reason, expected));
                return i;
            }
            rest = str_from(rest, used);
        }
    }
    return i;
}

static void extensions_and_trailers_are_bounded(void **state)
{
    char line[2000];

    (void)state;
    /* one endless line */
    snprintf(line, sizeof line, "1;%0999d", 7);
    assert_int_equal(lines_taken(line, 100, "extension"), 16);
    /* many small chunks with big extensions */
    snprintf(line, sizeof line, "1;%099d\r\nx\r\n", 7);
    assert_in_range(lines_taken(line, 10000, "extension"), 100, 200);
    /* big chunks with small extensions may go on for ever */
    snprintf(line, sizeof line, "400;chunk-signature=%064d\r\n%01024d\r\n", 7, 7);
    assert_int_equal(lines_taken(line, 10000, ""), 10000);
    /* trailers: the last chunk, then lines */
    snprintf(line, sizeof line, "%s", "0\r\n");
    {
        struct h1_chunks chunks = {0};
        struct str run;
        size_t used, total = 0;

        h1_chunks_read(&chunks, line, 3, &used, &run, NULL);
        while (h1_chunks_read(&chunks, "A: b\r\n", 6, &used, &run, NULL) == H1_MORE)
            total += used;
        assert_in_range(total, H1_EXTRA_MAX - 6, H1_EXTRA_MAX);
    }
}

static void the_verdict_stays(void **state)
{
    struct h1_chunks chunks = {0};
    struct str run;
    size_t used;

    (void)state;
    assert_int_equal(h1_chunks_read(&chunks, "0\r\n\r\n", 5, &used, &run, NULL), H1_DONE);
    assert_int_equal(h1_chunks_read(&chunks, "5\r\n", 3, &used, &run, NULL), H1_DONE);
    assert_int_equal(used, 0);
    chunks = (struct h1_chunks){0};
    assert_int_equal(h1_chunks_read(&chunks, "x", 1, &used, &run, NULL), H1_BAD);
    assert_int_equal(h1_chunks_read(&chunks, "5\r\n", 3, &used, &run, NULL), H1_BAD);
    assert_int_equal(used, 0);
}

static void size_lines_are_written(void **state)
{
    static const struct {
        uint64_t size;
        const char *line;
    } lines[] = {{0, "0\r\n"},
                 {1, "1\r\n"},
                 {15, "f\r\n"},
                 {16, "10\r\n"},
                 {6719, "1a3f\r\n"},
                 {0x10000, "10000\r\n"},
                 {UINT64_MAX, "ffffffffffffffff\r\n"}};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char to[18];
        size_t len = h1_chunk_size_line(to, lines[i].size);

        assert_int_equal(len, strlen(lines[i].line));
        assert_memory_equal(to, lines[i].line, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_expected),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
        cmocka_unit_test(the_verdict_stays),
        cmocka_unit_test(size_lines_are_written),
    };

    return cmocka_run_group_tests_name("h1_chunks", tests, NULL, NULL);
}
