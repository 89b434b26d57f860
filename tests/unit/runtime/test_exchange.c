/* Pumps by themselves: bodies that are always there, and receivers that always take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <unistd.h>

#include "http/exchange.h"

enum { PIECE = 64 * 1024, MIB = 1024 * 1024 };

static struct loop loop;
static uint64_t left; /* of the body */
static unsigned done;

static enum body_state peek(struct body_in *in, struct str *data)
{
    static const char bytes[PIECE];

    (void)in;
    *data = (struct str){bytes, left < PIECE ? left : PIECE};
    return left > 0 ? BODY_DATA : BODY_END;
}

static void consume(struct body_in *in, size_t len)
{
    (void)in;
    left -= len;
}

static ssize_t take_all(struct body_out *out, struct str data)
{
    (void)out;
    return (ssize_t)data.len;
}

static enum body_state end(struct body_out *out, struct str trailers)
{
    (void)out, (void)trailers;
    return BODY_END;
}

static void on_done(struct pump *pump, bool complete)
{
    (void)pump;
    assert_true(complete);
    done++;
}

static const struct body_in_ops in_ops = {.peek = peek, .consume = consume};
static const struct body_out_ops out_ops = {.write = take_all, .end = end};

static void test_a_body_is_moved_to_its_end(void **state)
{
    struct body_in in = {.ops = &in_ops};
    struct body_out out = {.ops = &out_ops};
    struct pump pump = {.loop = &loop, .done = on_done};

    (void)state;
    left = 10 * MIB + 1;
    done = 0;
    pump_start(&pump, &in, &out);
    for (int turns = 0; turns < 50 && done == 0; turns++)
        loop_turn(&loop);
    assert_int_equal(done, 1);
    assert_int_equal(pump.moved, 10 * MIB + 1);
    assert_null(in.pump);
    assert_null(out.pump);
}

/* Somebody else, who is ready in each turn. */
static unsigned others;

static void on_readable(int fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    others++;
    loop_run_posted(&loop);
}

/* However fast both ends are: between two pieces of a bounded size all others have their turn. */
static void test_a_fast_body_leaves_others_their_turn(void **state)
{
    struct body_in in = {.ops = &in_ops};
    struct body_out out = {.ops = &out_ops};
    struct pump pump = {.loop = &loop, .done = on_done};
    struct event event;
    int ends[2];

    (void)state;
    left = (uint64_t)1024 * MIB;
    done = others = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    event_assign(&event, loop.base, ends[0], EV_READ | EV_PERSIST, on_readable, NULL);
    event_add(&event, NULL);
    pump_start(&pump, &in, &out);
    for (unsigned turns = 1; turns <= 20; turns++) {
        uint64_t before = pump.moved;
        loop_turn(&loop);
        assert_int_equal(others, turns);
        assert_in_range(pump.moved - before, 1, MIB / 2);
    }
    pump_stop(&pump);
    event_del(&event);
    close(ends[0]);
    close(ends[1]);
}

static int open_loop(void **state)
{
    (void)state;
    return loop_open(&loop) ? 0 : -1;
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(&loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_body_is_moved_to_its_end, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_a_fast_body_leaves_others_their_turn, open_loop,
                                        close_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
