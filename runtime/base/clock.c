#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000u;
}

uint64_t clock_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

void clock_iso(uint64_t wall_us, char out[28])
{
    time_t seconds = (time_t)(wall_us / 1000000u % 253402300800u);
    struct tm t;

    gmtime_r(&seconds, &t);
    snprintf(out, 28, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)(t.tm_year + 1900) % 10000u,
             (unsigned)(t.tm_mon + 1) % 100u, (unsigned)t.tm_mday % 100u,
             (unsigned)t.tm_hour % 100u, (unsigned)t.tm_min % 100u, (unsigned)t.tm_sec % 100u,
             (unsigned)(wall_us % 1000000u));
}

bool clock_read_http_date(struct str text, uint64_t *seconds)
{
    static const char *const formats[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                          "%a %b %e %H:%M:%S %Y"};
    char copy[64];

    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct tm tm = {0};
        const char *end = strptime(copy, formats[i], &tm);
        time_t time = end && *end == '\0' ? timegm(&tm) : -1;
        if (time < 0)
            continue;
        *seconds = (uint64_t)time;
        return true;
    }
    return false;
}
