/* The seconds of X-Request-Timeout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "request/deadline.h"

static void seconds_become_milliseconds(void **state)
{
    static const struct {
        const char *text;
        uint32_t ms; /* 0: no number of seconds */
    } rows[] = {
        {"1", 1000},
        {"2.5", 2500},
        {"0.25", 250},
        {"0.001", 1},
        {"10.005", 10005},
        {"0", 1},
        {"0.000", 1},
        {"4294966", 4294966000},
        {"4294967", UINT32_MAX},
        {"18446744073709551615.999", UINT32_MAX},
        {"18446744073709551616", 0},
        {"", 0},
        {".", 0},
        {".5", 0},
        {"1.", 0},
        {"1.0000", 0},
        {"1.2.3", 0},
        {"1.-2", 0},
        {"1.+2", 0},
        {"-1", 0},
        {"+1", 0},
        {"01", 0},
        {" 1", 0},
        {"1 ", 0},
        {"1s", 0},
        {"1e3", 0},
        {"0x1", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t ms = deadline_seconds(str_of(rows[i].text));
        if (ms != rows[i].ms)
            fail_msg("'%s' gives %u, not %u", rows[i].text, ms, rows[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(seconds_become_milliseconds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
