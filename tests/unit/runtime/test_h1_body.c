/* Bodies off a wire and onto one: where they end, what of the next message is left alone, what a cut or a
 * broken one is called, and that it does not matter how the bytes arrive or leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_wire.h"
#include "http/h1_body.h"

enum { SIZE = 64 };

struct row {
    const char *name;
    enum framing framing;
    uint64_t length;
    bool closed; /* the sender closes behind the input */
    struct str input;
    const char *expected; /* "data|trailers|rest", "... data" when more is awaited, "! reason" */
};

#define ROW(name, framing, length, closed, input, expected)                                        \
    {                                                                                              \
        name, framing, length, closed, STR_INIT(input), expected                                   \
    }

static const struct row rows[] = {
    ROW("no body", FRAMING_NONE, 0, false, "", "||"),
    ROW("a length of 0", FRAMING_LENGTH, 0, false, "", "||"),
    ROW("a length", FRAMING_LENGTH, 5, false, "hello", "hello||"),
    ROW("a length, and the next message", FRAMING_LENGTH, 5, false, "helloGET / HTTP",
        "hello||GET / HTTP"),
    ROW("a length longer than a buffer", FRAMING_LENGTH, 100, false,
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789||"),
    ROW("a length, more to come", FRAMING_LENGTH, 6, false, "hello", "... hello"),
    ROW("a length, then a close", FRAMING_LENGTH, 5, true, "hello", "hello||"),
    ROW("a length that is not kept", FRAMING_LENGTH, 6, true, "hello", "! closed"),
    ROW("a length and nothing", FRAMING_LENGTH, 1, true, "", "! closed"),
    ROW("to the close", FRAMING_CLOSE, 0, true, "hello", "hello||"),
    ROW("to the close, nothing", FRAMING_CLOSE, 0, true, "", "||"),
    ROW("to the close, which does not come", FRAMING_CLOSE, 0, false, "hello", "... hello"),
    ROW("chunks", FRAMING_CHUNKED, 0, false, "5\r\nhello\r\n1\r\n,\r\n0\r\n\r\n", "hello,||"),
    ROW("no chunk", FRAMING_CHUNKED, 0, false, "0\r\n\r\n", "||"),
    ROW("chunks, and the next message", FRAMING_CHUNKED, 0, false, "1\r\nx\r\n0\r\n\r\nGET /",
        "x||GET /"),
    ROW("chunks and trailers", FRAMING_CHUNKED, 0, false, "1\r\nx\r\n0\r\nA: b\r\nHost: c\r\n\r\nY",
        "x|A: b\r\n|Y"),
    ROW("chunks, more to come", FRAMING_CHUNKED, 0, false, "5\r\nhel", "... hel"),
    ROW("chunks without an end", FRAMING_CHUNKED, 0, false, "5\r\nhello\r\n", "... hello"),
    ROW("a chunk that is cut", FRAMING_CHUNKED, 0, true, "5\r\nhel", "! closed"),
    ROW("chunks that are cut", FRAMING_CHUNKED, 0, true, "5\r\nhello\r\n", "! closed"),
    ROW("trailers that are cut", FRAMING_CHUNKED, 0, true, "0\r\nA: b\r\n", "! closed"),
    ROW("a bad size", FRAMING_CHUNKED, 0, false, "5\r\nhello\r\n0x1\r\n", "! size"),
    ROW("a chunk longer than its size", FRAMING_CHUNKED, 0, false, "4\r\nhello\r\n", "! longer"),
    ROW("a bad trailer", FRAMING_CHUNKED, 0, false, "0\r\nA b\r\n\r\n", "! trailer"),
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Takes what there is, `bite` bytes at a time. */
static enum body_state take(struct h1_reader *reader, struct fake_wire *fake, size_t bite,
                            struct text *data)
{
    enum body_state state;
    struct str run;

    while ((state = h1_reader_peek(reader, &fake->wire, &fake->bufs, &run)) == BODY_DATA) {
        run = str_head(run, bite);
        text_add(data, run);
        h1_reader_consume(reader, run.len);
    }
    return state;
}

static const char *told(struct pool *pool, const struct fake_wire *fake, enum body_state state,
                        const struct h1_reader *reader, const struct text *data)
{
    const struct buf *in = fake->wire.in;

    switch (state) {
    case BODY_END:
        return pool_printf(pool, "%.*s|%.*s|%.*s", (int)data->len, data->at,
                           (int)reader->trailers.len, reader->trailers.at,
                           in ? (int)buf_len(in) : 0, in ? in->bytes + in->start : "")
            .at;
    case BODY_WAIT:
        return pool_printf(pool, "... %.*s", (int)data->len, data->at).at;
    case BODY_FAILED:
        return pool_printf(pool, "! %s", reader->failure).at;
    case BODY_DATA:
        break;
    }
    return "?";
}

static bool is_expected(const char *expected, const char *found)
{
    return expected[0] == '!' ? found[0] == '!' && strstr(found, expected + 2) != NULL
                              : strcmp(found, expected) == 0;
}

/* The input in two parts, the second one not sent before the first is read. */
static void read_row(const struct row *row, size_t split, size_t bite)
{
    struct head head = {.framing = row->framing, .length = row->length};
    struct h1_reader reader;
    struct fake_wire fake;
    struct pool pool;
    struct text data;
    enum body_state state;

    fake_wire_open(&fake, SIZE);
    pool_open(&pool, NULL);
    data = (struct text){.pool = &pool};
    h1_reader_open(&reader, &head, &pool);
    fake_wire_say(&fake, str_head(row->input, split));
    state = take(&reader, &fake, bite, &data);
    fake_wire_say(&fake, str_from(row->input, split));
    if (row->closed)
        fake_wire_hang_up(&fake);
    if (state == BODY_WAIT)
        state = take(&reader, &fake, bite, &data);
    if (state == BODY_END && row->input.len > split)
        wire_fill_more(&fake.wire, &fake.bufs); /* the next message */
    const char *found = told(&pool, &fake, state, &reader, &data);
    if (!is_expected(row->expected, found))
        fail_msg("%s, split at %zu, bites of %zu: %s", row->name, split, bite, found);
    assert_int_equal(reader.bad, state == BODY_FAILED && !strstr(row->expected, "closed"));
    /* It stays what it is. */
    assert_int_equal(take(&reader, &fake, bite, &data), state);
    pool_close(&pool);
    fake_wire_close(&fake);
}

static void a_body_ends_where_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t split = 0; split <= rows[i].input.len; split++)
            for (size_t bite = 1; bite <= SIZE; bite *= 4)
                read_row(&rows[i], split, bite);
}

/* Only what the buffer holds is passed over. */
static void a_skip_does_not_read_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        struct head head = {.framing = row->framing, .length = row->length};
        bool ends = row->expected[0] != '!' && row->expected[0] != '.' &&
                    row->framing != FRAMING_CLOSE && row->input.len <= SIZE;
        const char *rest = strrchr(row->expected, '|');
        struct h1_reader reader;
        struct fake_wire fake;
        struct pool pool;

        fake_wire_open(&fake, SIZE);
        pool_open(&pool, NULL);
        h1_reader_open(&reader, &head, &pool);
        fake_wire_say(&fake, row->input);
        if (row->input.len > 0)
            wire_fill(&fake.wire, &fake.bufs);
        fake.wire.stream.readable = true;
        if (h1_reader_skip(&reader, &fake.wire) != ends)
            fail_msg("%s", row->name);
        if (ends && fake.wire.in)
            assert_int_equal(buf_len(fake.wire.in), strlen(rest + 1));
        assert_true(fake.wire.stream.readable);
        pool_close(&pool);
        fake_wire_close(&fake);
    }
}

static void only_long_rests_of_known_length_are_spliced(void **state)
{
    static const struct {
        enum framing framing;
        uint64_t length;
        bool buffered, readable, spliceable;
    } cases[] = {
        {FRAMING_LENGTH, 32 * 1024, false, true, true},
        {FRAMING_LENGTH, UINT64_MAX, false, true, true},
        {FRAMING_LENGTH, 32 * 1024 - 1, false, true, false},
        {FRAMING_LENGTH, 1 << 20, true, true, false},
        {FRAMING_LENGTH, 1 << 20, false, false, false},
        {FRAMING_CLOSE, 0, false, true, false},
        {FRAMING_CHUNKED, 0, false, true, false},
        {FRAMING_NONE, 0, false, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct head head = {.framing = cases[i].framing, .length = cases[i].length};
        struct h1_reader reader;
        struct fake_wire fake;
        struct stream *from;
        uint64_t len = 0;

        fake_wire_open(&fake, SIZE);
        h1_reader_open(&reader, &head, NULL);
        if (cases[i].buffered) {
            fake_wire_say(&fake, STR("x"));
            wire_fill(&fake.wire, &fake.bufs);
        }
        fake.wire.stream.readable = cases[i].readable;
        from = h1_reader_spliceable(&reader, &fake.wire, &len);
        assert_ptr_equal(from, cases[i].spliceable ? &fake.wire.stream : NULL);
        assert_int_equal(len, cases[i].spliceable ? cases[i].length : 0);
        if (from) {
            h1_reader_spliced(&reader, len - 1);
            assert_false(reader.ended);
            h1_reader_spliced(&reader, 1);
            assert_true(reader.ended);
        }
        fake_wire_close(&fake);
    }
}

/* ---- writing ---- */

static const struct {
    enum framing framing;
    uint64_t length;
    const char
        *expected; /* with 'A' for the first part, 'B' for the second; empty parts make no chunk */
} forms[] = {
    {FRAMING_NONE, 0, "HEAD"},    {FRAMING_LENGTH, 10, "HEADAB"},
    {FRAMING_LENGTH, 4, NULL},                                /* cut to its length */
    {FRAMING_CLOSE, 0, "HEADAB"}, {FRAMING_CHUNKED, 0, NULL}, /* read back */
};

static size_t write_all(struct h1_writer *writer, struct fake_wire *fake, struct str head,
                        struct str data)
{
    ssize_t taken = h1_writer_write(writer, &fake->wire, &fake->bufs, head, data);

    assert_true(taken >= 0);
    return (size_t)taken;
}

/* "0123456789" in two parts behind a head. */
static void write_form(size_t form, size_t split)
{
    static const struct str body = STR_INIT("0123456789");
    struct h1_writer writer = {
        .framing = forms[form].framing, .left = forms[form].length, .limit = 1000};
    struct fake_wire fake;
    struct pool pool;
    struct text heard;
    size_t taken;

    fake_wire_open(&fake, SIZE);
    pool_open(&pool, NULL);
    heard = (struct text){.pool = &pool};
    taken = write_all(&writer, &fake, STR("HEAD"), str_head(body, split));
    if (split < body.len)
        taken += write_all(&writer, &fake, STR(""), str_from(body, split));
    assert_int_equal(h1_writer_end(&writer, &fake.wire, &fake.bufs, STR(""), STR("T: u\r\n")),
                     BODY_END);
    assert_int_equal(h1_writer_end(&writer, &fake.wire, &fake.bufs, STR(""), STR("T: u\r\n")),
                     BODY_END);
    fake_wire_hear(&fake, &heard);
    assert_true(str_starts(text_str(&heard), STR("HEAD")));
    struct str sent = str_from(text_str(&heard), 4);
    switch (forms[form].framing) {
    case FRAMING_NONE:
        assert_int_equal(taken, body.len); /* swallowed */
        assert_int_equal(sent.len, 0);
        break;
    case FRAMING_LENGTH:
        assert_true(str_eq(sent, str_head(body, forms[form].length)));
        assert_int_equal(taken, forms[form].length);
        break;
    case FRAMING_CLOSE:
        assert_true(str_eq(sent, body));
        break;
    case FRAMING_CHUNKED: {
        struct row back = {"read back", FRAMING_CHUNKED, 0, false, sent, "0123456789|T: u\r\n|"};
        read_row(&back, sent.len / 2, 1);
        break;
    }
    }
    pool_close(&pool);
    fake_wire_close(&fake);
}

static void what_is_written_is_framed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (size_t split = 1; split <= 10; split++)
            write_form(i, split);
}

/* A blocked receiver: the head is taken, of the body what the limit allows, a begun chunk to its end. */
static void a_blocked_receiver_stops_the_sender(void **state)
{
    static const struct {
        enum framing framing;
        size_t limit, taken, more, queued;
    } cases[] = {
        {FRAMING_LENGTH, 0, 0, 0, 4},
        {FRAMING_LENGTH, 7, 3, 0, 7},
        {FRAMING_LENGTH, 50, 10, 10, 24},
        {FRAMING_CLOSE, 7, 3, 0, 7},
        {FRAMING_CHUNKED, 0, 10, 0, 4 + 3 + 10 + 2},
        {FRAMING_NONE, 0, 10, 0, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct h1_writer writer = {
            .framing = cases[i].framing, .left = 20, .limit = cases[i].limit};
        struct fake_wire fake;

        fake_wire_open(&fake, SIZE);
        fake_wire_stuff(&fake, '-');
        assert_int_equal(write_all(&writer, &fake, STR("HEAD"), STR("0123456789")), cases[i].taken);
        assert_int_equal(write_all(&writer, &fake, STR(""), STR("0123456789")), cases[i].more);
        assert_int_equal(fake.wire.out_len, cases[i].queued);
        fake_wire_close(&fake);
    }
}

static void a_body_that_lacks_bytes_does_not_end(void **state)
{
    struct h1_writer writer = {.framing = FRAMING_LENGTH, .left = 10, .limit = 100};
    struct fake_wire fake;

    (void)state;
    fake_wire_open(&fake, SIZE);
    write_all(&writer, &fake, STR("HEAD"), STR("012345678"));
    assert_int_equal(h1_writer_end(&writer, &fake.wire, &fake.bufs, STR(""), STR("")), BODY_FAILED);
    fake_wire_close(&fake);
}

static void nobody_receives(void **state)
{
    static const enum framing framings[] = {FRAMING_NONE, FRAMING_LENGTH, FRAMING_CLOSE,
                                            FRAMING_CHUNKED};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct h1_writer writer = {.framing = framings[i], .left = 10, .limit = 100};
        struct fake_wire fake;

        fake_wire_open(&fake, SIZE);
        fake_wire_hang_up(&fake);
        /* Small chunks are gathered: their end meets it. */
        if (h1_writer_write(&writer, &fake.wire, &fake.bufs, STR("HEAD"), STR("0123456789")) >= 0)
            assert_int_equal(framings[i], FRAMING_CHUNKED);
        assert_int_equal(h1_writer_end(&writer, &fake.wire, &fake.bufs, STR(""), STR("")),
                         BODY_FAILED);
        fake_wire_close(&fake);
    }
}

static void a_writer_splices_what_is_due_and_no_more(void **state)
{
    struct h1_writer writer = {.framing = FRAMING_LENGTH, .left = 5, .limit = 100};
    struct fake_wire from, to;
    struct pool pool;
    struct text heard;

    (void)state;
    fake_wire_open(&from, SIZE);
    fake_wire_open(&to, SIZE);
    pool_open(&pool, NULL);
    heard = (struct text){.pool = &pool};
    fake_wire_say(&from, STR("helloGET"));
    assert_int_equal(h1_writer_splice(&writer, &to.wire, &to.bufs, &from.wire.stream, 6),
                     BODY_NOT_SPLICED);
    assert_int_equal(h1_writer_splice(&writer, &to.wire, &to.bufs, &from.wire.stream, 5), 5);
    assert_int_equal(writer.left, 0);
    assert_int_equal(h1_writer_end(&writer, &to.wire, &to.bufs, STR(""), STR("")), BODY_END);
    fake_wire_hear(&to, &heard);
    assert_true(str_eq(text_str(&heard), STR("hello")));
    assert_int_equal(wire_fill(&from.wire, &from.bufs), 3);
    writer = (struct h1_writer){.framing = FRAMING_CHUNKED};
    assert_int_equal(h1_writer_splice(&writer, &to.wire, &to.bufs, &from.wire.stream, 1),
                     BODY_NOT_SPLICED);
    pool_close(&pool);
    fake_wire_close(&from);
    fake_wire_close(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_ends_where_it_says),
        cmocka_unit_test(a_skip_does_not_read_on),
        cmocka_unit_test(only_long_rests_of_known_length_are_spliced),
        cmocka_unit_test(what_is_written_is_framed),
        cmocka_unit_test(a_blocked_receiver_stops_the_sender),
        cmocka_unit_test(a_body_that_lacks_bytes_does_not_end),
        cmocka_unit_test(nobody_receives),
        cmocka_unit_test(a_writer_splices_what_is_due_and_no_more),
    };

    return cmocka_run_group_tests_name("h1_body", tests, NULL, NULL);
}
