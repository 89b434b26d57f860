/* clock: what time it is. Deadlines and durations use the monotonic clock; the wall clock is only for what
 * people and other systems read. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/str.h"

/* Milliseconds and microseconds of the monotonic clock. */
uint64_t clock_ms(void);
uint64_t clock_us(void);

/* Microseconds since 1970-01-01 UTC. */
uint64_t clock_wall_us(void);

/* "2026-01-31T23:59:59.123456Z" of a wall time; 28 bytes with the NUL. Years 1970 to 9999. */
void clock_iso(uint64_t wall_us, char out[28]);

/* The seconds since 1970 of a date in one of HTTP's three formats (RFC 9110 section 5.6.7); false: it is none. */
bool clock_read_http_date(struct str text, uint64_t *seconds);

#endif
