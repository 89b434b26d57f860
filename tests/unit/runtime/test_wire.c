/* The bytes of a connection on their way: nothing is lost, doubled or put out of order, whatever the socket
 * takes; no more is kept than was allowed; every buffer comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_wire.h"

enum { SIZE = 16 };

static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
enum { ALPHABET_LEN = sizeof ALPHABET - 1 };

static void assert_str(struct str found, const char *at, size_t len)
{
    assert_int_equal(found.len, len);
    if (len > 0)
        assert_memory_equal(found.at, at, len);
}

/* The buffers that wait to be taken again, and what they should be at the end: all of them. */
static void assert_all_back(struct fake_wire *fake, uint32_t made)
{
    assert_null(fake->wire.out);
    assert_null(fake->wire.out_last);
    assert_int_equal(fake->wire.out_len, 0);
    assert_int_equal(fake->bufs.held, 0);
    assert_true(fake->bufs.idle_count >= made);
}

/* ---- in ---- */

static void a_read_begins_where_the_last_one_ended(void **state)
{
    (void)state;
    for (size_t split = 0; split <= SIZE; split++) {
        struct fake_wire fake;
        fake_wire_open(&fake, SIZE);
        fake_wire_say(&fake, (struct str){ALPHABET, split});
        assert_int_equal(wire_fill(&fake.wire, &fake.bufs), split ? (ssize_t)split : STREAM_AGAIN);
        fake_wire_say(&fake, (struct str){ALPHABET + split, SIZE - split});
        if (split < SIZE)
            assert_int_equal(wire_fill(&fake.wire, &fake.bufs), SIZE - split);
        assert_str((struct str){fake.wire.in->bytes, buf_len(fake.wire.in)}, ALPHABET, SIZE);
        fake_wire_say(&fake, STR("more"));
        assert_int_equal(wire_fill(&fake.wire, &fake.bufs), WIRE_FULL);
        wire_drop_in(&fake.wire, &fake.bufs);
        assert_all_back(&fake, 1);
        assert_int_equal(wire_fill(&fake.wire, &fake.bufs), 4); /* it was not lost */
        fake_wire_close(&fake);
    }
}

/* A head of `keep` bytes stays, `used` bytes behind it are done with: what is unread moves down to the head. */
static void room_is_made_down_to_what_is_kept(void **state)
{
    (void)state;
    for (uint32_t keep = 0; keep <= SIZE; keep++) {
        for (uint32_t start = keep; start <= SIZE; start++) {
            struct fake_wire fake;
            struct buf *in;
            uint32_t unread = SIZE - start, room = start - keep;
            fake_wire_open(&fake, SIZE);
            fake_wire_say(&fake, (struct str){ALPHABET, SIZE});
            assert_int_equal(wire_fill(&fake.wire, &fake.bufs), SIZE);
            in = fake.wire.in;
            in->keep = keep;
            in->start = start;
            fake_wire_say(&fake, (struct str){ALPHABET + SIZE, SIZE});
            assert_int_equal(wire_fill(&fake.wire, &fake.bufs), room ? (ssize_t)room : WIRE_FULL);
            assert_str((struct str){in->bytes, keep}, ALPHABET, keep);
            assert_str((struct str){in->bytes + in->start, buf_len(in)}, ALPHABET + start,
                       unread + room);
            fake_wire_close(&fake);
        }
    }
}

static void ends_and_failures_are_told(void **state)
{
    struct fake_wire fake;

    (void)state;
    fake_wire_open(&fake, SIZE);
    fake_wire_say(&fake, STR("x"));
    fake_wire_hang_up(&fake);
    assert_int_equal(wire_fill_more(&fake.wire, &fake.bufs), 1);
    assert_int_equal(wire_fill_more(&fake.wire, &fake.bufs), 0);
    fake_wire_close(&fake);

    fake_wire_open(&fake, SIZE);
    fake.wire.stream.failed = true;
    fake.wire.stream.readable = false;
    assert_int_equal(wire_fill(&fake.wire, &fake.bufs), STREAM_FAILED);
    assert_null(fake.wire.in); /* no buffer for nothing */
    fake_wire_close(&fake);
}

/* ---- out ---- */

static struct text queued(struct pool *pool, const struct wire *wire)
{
    struct text text = {.pool = pool};

    for (const struct buf *buf = wire->out; buf; buf = buf->next)
        text_add(&text, (struct str){buf->bytes + buf->start, buf_len(buf)});
    return text;
}

static void a_queue_gives_back_what_it_took(void **state)
{
    (void)state;
    for (size_t split = 0; split <= ALPHABET_LEN; split++) {
        for (size_t cut = 0; cut <= ALPHABET_LEN; cut++) {
            struct fake_wire fake;
            struct pool pool;
            struct text left;
            fake_wire_open(&fake, SIZE);
            pool_open(&pool, NULL);
            wire_queue(&fake.wire, &fake.bufs, (struct str){ALPHABET, split});
            wire_queue(&fake.wire, &fake.bufs,
                       (struct str){ALPHABET + split, ALPHABET_LEN - split});
            assert_int_equal(fake.wire.out_len, ALPHABET_LEN);
            assert_int_equal(fake.bufs.held, ALPHABET_LEN);
            wire_forget(&fake.wire, &fake.bufs, cut);
            left = queued(&pool, &fake.wire);
            assert_str(text_str(&left), ALPHABET + cut, ALPHABET_LEN - cut);
            assert_int_equal(fake.wire.out_len, left.len);
            assert_int_equal(fake.bufs.held, left.len);
            wire_forget(&fake.wire, &fake.bufs, left.len);
            assert_all_back(&fake, (ALPHABET_LEN + SIZE - 1) / SIZE);
            pool_close(&pool);
            fake_wire_close(&fake);
        }
    }
}

/* Flushed bit by bit into a socket that is read bit by bit, it arrives in order. */
static void a_flush_goes_on_where_it_was_blocked(void **state)
{
    struct fake_wire fake;
    struct pool pool;
    struct text heard;
    enum { ROUNDS = 4000 };
    size_t stuffed;

    (void)state;
    fake_wire_open(&fake, SIZE);
    pool_open(&pool, NULL);
    heard = (struct text){.pool = &pool};
    stuffed = fake_wire_stuff(&fake, '-');
    for (size_t i = 0; i < ROUNDS; i++)
        wire_queue(&fake.wire, &fake.bufs, (struct str){ALPHABET, ALPHABET_LEN});
    assert_int_equal(wire_flush(&fake.wire, &fake.bufs), WIRE_BLOCKED);
    do
        fake_wire_hear(&fake, &heard);
    while (wire_flush(&fake.wire, &fake.bufs) == WIRE_BLOCKED);
    fake_wire_hear(&fake, &heard);
    assert_int_equal(heard.len, stuffed + ROUNDS * ALPHABET_LEN);
    for (size_t i = 0; i < ROUNDS; i++)
        assert_memory_equal(heard.at + stuffed + i * ALPHABET_LEN, ALPHABET, ALPHABET_LEN);
    assert_int_equal(wire_flush(&fake.wire, &fake.bufs), WIRE_SENT); /* of nothing */
    assert_all_back(&fake, 1);
    pool_close(&pool);
    fake_wire_close(&fake);
}

static void a_flush_to_nobody_is_broken(void **state)
{
    struct fake_wire fake;

    (void)state;
    fake_wire_open(&fake, SIZE);
    wire_queue(&fake.wire, &fake.bufs, STR("x"));
    fake_wire_hang_up(&fake);
    assert_int_equal(wire_flush(&fake.wire, &fake.bufs), WIRE_BROKEN);
    assert_int_equal(wire_flush(&fake.wire, &fake.bufs), WIRE_BROKEN);
    fake_wire_close(&fake);
}

/* ---- send ---- */

static const struct {
    const char *name;
    bool blocked;  /* the socket takes nothing */
    bool full;     /* what all queues may hold is reached */
    size_t before; /* queued already */
    size_t head, body, must, limit;
    ssize_t accepted;
} sends[] = {
    {"all into the socket", false, false, 0, 5, 20, 5, 0, 25},
    {"behind what was queued", false, false, 7, 5, 20, 5, 0, 25},
    {"nothing at all", false, false, 0, 0, 0, 0, 0, 0},
    {"blocked, no queue allowed", true, false, 0, 0, 20, 0, 0, 0},
    {"blocked: the head must", true, false, 0, 5, 20, 5, 0, 5},
    {"blocked: up to the limit", true, false, 0, 5, 20, 5, 12, 12},
    {"blocked: the limit is more", true, false, 0, 5, 20, 5, 100, 25},
    {"blocked: the queue counts", true, false, 7, 5, 20, 0, 12, 5},
    {"blocked: the queue is over the limit", true, false, 40, 5, 20, 0, 12, 0},
    {"blocked: over the limit the head must all the same", true, false, 40, 5, 20, 5, 12, 5},
    {"blocked: everything must", true, false, 0, 5, 20, 25, 0, 25},
    {"full: nothing is kept", true, true, 0, 0, 20, 0, 100, 0},
    {"full: the head must all the same", true, true, 0, 5, 20, 5, 100, 5},
    {"full, but the socket takes it", false, true, 0, 5, 20, 5, 0, 25},
};

static void what_a_socket_refuses_is_kept_within_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sends / sizeof *sends; i++) {
        struct fake_wire fake;
        struct pool pool;
        struct wire_pieces pieces = {.count = 0};
        struct text heard;
        size_t stuffed = 0, accepted;

        fake_wire_open(&fake, SIZE);
        pool_open(&pool, NULL);
        heard = (struct text){.pool = &pool};
        if (sends[i].blocked)
            stuffed = fake_wire_stuff(&fake, '-');
        wire_queue(&fake.wire, &fake.bufs, (struct str){ALPHABET, sends[i].before});
        fake.bufs.held_max = sends[i].full ? 1 : 0;
        fake.bufs.held += sends[i].full; /* of another connection */
        wire_piece(&pieces, (struct str){ALPHABET, sends[i].head});
        wire_piece(&pieces, (struct str){ALPHABET + sends[i].head, sends[i].body});
        if (wire_send(&fake.wire, &fake.bufs, &pieces, sends[i].must, sends[i].limit) !=
            sends[i].accepted)
            fail_msg("%s", sends[i].name);
        accepted = (size_t)sends[i].accepted;
        fake.bufs.held -= sends[i].full;
        if (fake.wire.out_len != (sends[i].blocked ? sends[i].before + accepted : 0))
            fail_msg("%s: %zu bytes are queued", sends[i].name, fake.wire.out_len);
        assert_int_equal(fake.bufs.held, fake.wire.out_len);
        do
            fake_wire_hear(&fake, &heard);
        while (wire_flush(&fake.wire, &fake.bufs) != WIRE_SENT);
        fake_wire_hear(&fake, &heard);
        assert_int_equal(heard.len, stuffed + sends[i].before + accepted);
        assert_memory_equal(heard.at + stuffed, ALPHABET, sends[i].before);
        assert_memory_equal(heard.at + stuffed + sends[i].before, ALPHABET, accepted);
        pool_close(&pool);
        fake_wire_close(&fake);
    }
}

/* The socket takes a part: the rest is queued from exactly there. */
static void a_part_is_not_sent_twice(void **state)
{
    enum { LEN = 1 << 20 };
    struct fake_wire fake;
    struct pool pool;
    struct wire_pieces pieces = {.count = 0};
    struct text heard;
    char *bytes = test_malloc(LEN);

    (void)state;
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (char)(i % 251);
    fake_wire_open(&fake, SIZE);
    pool_open(&pool, NULL);
    heard = (struct text){.pool = &pool};
    wire_piece(&pieces, (struct str){bytes, 1000});
    wire_piece(&pieces, (struct str){bytes + 1000, LEN - 1000});
    assert_int_equal(wire_send(&fake.wire, &fake.bufs, &pieces, 0, LEN), LEN);
    assert_in_range(fake.wire.out_len, 1, LEN - 1001); /* else this tests nothing */
    do
        fake_wire_hear(&fake, &heard);
    while (wire_flush(&fake.wire, &fake.bufs) != WIRE_SENT);
    fake_wire_hear(&fake, &heard);
    assert_int_equal(heard.len, LEN);
    assert_memory_equal(heard.at, bytes, LEN);
    test_free(bytes);
    pool_close(&pool);
    fake_wire_close(&fake);
}

static void sending_to_nobody_fails(void **state)
{
    struct fake_wire fake;
    struct wire_pieces pieces = {.count = 0};

    (void)state;
    fake_wire_open(&fake, SIZE);
    fake_wire_hang_up(&fake);
    wire_piece(&pieces, STR("x"));
    assert_int_equal(wire_send(&fake.wire, &fake.bufs, &pieces, 1, 1), -1);
    assert_int_equal(fake.wire.out_len, 0);
    fake_wire_close(&fake);
}

/* ---- splice ---- */

static void a_splice_moves_bytes_and_keeps_what_is_not_taken(void **state)
{
    static const size_t lengths[] = {1, SIZE, ALPHABET_LEN - 1, ALPHABET_LEN, 1000};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        bool blocked = i % 2;
        size_t len = lengths[i / 2], moved = len < ALPHABET_LEN ? len : ALPHABET_LEN, stuffed = 0;
        struct fake_wire from, to;
        struct pool pool;
        struct text heard;

        fake_wire_open(&from, SIZE);
        fake_wire_open(&to, SIZE);
        pool_open(&pool, NULL);
        heard = (struct text){.pool = &pool};
        assert_int_equal(wire_splice(&to.wire, &to.bufs, &from.wire.stream, len), STREAM_AGAIN);
        fake_wire_say(&from, (struct str){ALPHABET, ALPHABET_LEN});
        if (blocked)
            stuffed = fake_wire_stuff(&to, '-');
        assert_int_equal(wire_splice(&to.wire, &to.bufs, &from.wire.stream, len), moved);
        assert_int_equal(to.wire.out_len, blocked ? moved : 0);
        fake_wire_hear(&to, &heard);
        assert_int_equal(wire_flush(&to.wire, &to.bufs), WIRE_SENT);
        fake_wire_hear(&to, &heard);
        assert_int_equal(heard.len, stuffed + moved);
        assert_memory_equal(heard.at + stuffed, ALPHABET, moved);
        pool_close(&pool);
        fake_wire_close(&from);
        fake_wire_close(&to);
    }
}

static void a_splice_to_nobody_fails(void **state)
{
    struct fake_wire from, to;

    (void)state;
    fake_wire_open(&from, SIZE);
    fake_wire_open(&to, SIZE);
    fake_wire_say(&from, STR("x"));
    fake_wire_hang_up(&to);
    assert_int_equal(wire_splice(&to.wire, &to.bufs, &from.wire.stream, 1), STREAM_FAILED);
    assert_true(to.bufs.pipe[0] < 0); /* there are bytes in it that belong to nobody */
    fake_wire_close(&from);
    fake_wire_close(&to);
}

/* ---- the end ---- */

static void closing_gives_everything_back(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct fake_wire fake;
        fake_wire_open(&fake, SIZE);
        wire_queue(&fake.wire, &fake.bufs, (struct str){ALPHABET, ALPHABET_LEN});
        fake_wire_say(&fake, STR("x"));
        wire_fill(&fake.wire, &fake.bufs);
        (reset ? wire_reset : wire_close)(&fake.wire, &fake.bufs);
        assert_null(fake.wire.in);
        assert_all_back(&fake, 1 + (ALPHABET_LEN + SIZE - 1) / SIZE);
        assert_int_equal(fake.wire.stream.fd, -1);
        fake_wire_close(&fake); /* again, of what is closed: nothing happens */
    }
}

static void buffers_are_used_again(void **state)
{
    struct bufs bufs;
    struct buf *first, *second;

    (void)state;
    bufs_open(&bufs, SIZE);
    first = buf_take(&bufs);
    second = buf_take(&bufs);
    first->start = first->end = first->keep = 7;
    buf_give(&bufs, second);
    buf_give(&bufs, first);
    assert_int_equal(bufs.idle_count, 2);
    assert_ptr_equal(buf_take(&bufs), first); /* the warm one, and clean */
    assert_int_equal(first->start + first->end + first->keep, 0);
    assert_null(first->next);
    buf_give(&bufs, first);
    bufs_close(&bufs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_are_used_again),
        cmocka_unit_test(a_read_begins_where_the_last_one_ended),
        cmocka_unit_test(room_is_made_down_to_what_is_kept),
        cmocka_unit_test(ends_and_failures_are_told),
        cmocka_unit_test(a_queue_gives_back_what_it_took),
        cmocka_unit_test(a_flush_goes_on_where_it_was_blocked),
        cmocka_unit_test(a_flush_to_nobody_is_broken),
        cmocka_unit_test(what_a_socket_refuses_is_kept_within_limits),
        cmocka_unit_test(a_part_is_not_sent_twice),
        cmocka_unit_test(sending_to_nobody_fails),
        cmocka_unit_test(a_splice_moves_bytes_and_keeps_what_is_not_taken),
        cmocka_unit_test(a_splice_to_nobody_fails),
        cmocka_unit_test(closing_gives_everything_back),
    };

    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
