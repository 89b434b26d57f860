#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/ws_frames.h"

/* Frames of every form of length, masked and not, ending with a Close. */
static const char stream[] = "\x81\x05hello"
                             "\x01\x83\x01\x02\x03\x04"
                             "abc"
                             "\x89\x00"
                             "\x82\x7e\x00\x03"
                             "xyz"
                             "\x82\xfe\x00\x02\x09\x09\x09\x09"
                             "pq"
                             "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01"
                             "r"
                             "\x88\x02\x03\xe8";
static const size_t ends[] = {7, 16, 18, 25, 35, 46, 50};

static bool is_end(size_t at)
{
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends[i] == at)
            return true;
    return at == 0;
}

static void test_ends_are_found_at_every_split(void **state)
{
    (void)state;
    for (size_t split = 0; split < sizeof stream; split++) {
        struct ws_frames frames = {0};
        ws_frames_pass(&frames, (struct str){stream, split});
        assert_int_equal(ws_frames_between(&frames), is_end(split));
        assert_int_equal(frames.closed, split == sizeof stream - 1);
        ws_frames_pass(&frames, str_from((struct str){stream, sizeof stream - 1}, split));
        assert_true(ws_frames_between(&frames));
        assert_true(frames.closed);
    }
}

static void test_bytes_one_by_one(void **state)
{
    struct ws_frames frames = {0};

    (void)state;
    for (size_t at = 0; at + 1 < sizeof stream; at++) {
        assert_int_equal(ws_frames_between(&frames), is_end(at));
        assert_true(ws_frames_left(&frames) >= 1);
        ws_frames_pass(&frames, (struct str){&stream[at], 1});
    }
    assert_true(frames.closed);
}

static void test_a_length_of_64_bits_is_believed(void **state)
{
    struct ws_frames frames = {0};

    (void)state;
    ws_frames_pass(&frames, (struct str){"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10});
    assert_false(ws_frames_between(&frames));
    assert_true(ws_frames_left(&frames) == UINT64_MAX);
    ws_frames_pass(&frames, (struct str){stream, sizeof stream});
    assert_true(ws_frames_left(&frames) == UINT64_MAX - sizeof stream);
}

static void test_close_frames(void **state)
{
    struct ws_frames frames = {0};
    char plain[8], masked[8];

    (void)state;
    assert_int_equal(ws_close_frame(plain, 1001, false), 4);
    assert_memory_equal(plain, "\x88\x02\x03\xe9", 4);
    assert_int_equal(ws_close_frame(masked, 1001, true), 8);
    assert_memory_equal(masked, "\x88\x82", 2);
    assert_int_equal((unsigned char)(masked[6] ^ masked[2]), 0x03);
    assert_int_equal((unsigned char)(masked[7] ^ masked[3]), 0xe9);
    ws_frames_pass(&frames, (struct str){masked, 8});
    assert_true(frames.closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_are_found_at_every_split),
        cmocka_unit_test(test_bytes_one_by_one),
        cmocka_unit_test(test_a_length_of_64_bits_is_believed),
        cmocka_unit_test(test_close_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
