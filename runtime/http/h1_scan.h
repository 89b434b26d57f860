/* h1_scan: the bytes that end the elements of an HTTP/1.1 head, looked for many at a time, with the vector
 * instructions that every x86-64 has and with plain words elsewhere. */
#ifndef HTTP_H1_SCAN_H
#define HTTP_H1_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Each of these looks at SCAN_AT_ONCE bytes and tells by bit i whether byte i is one of:
 * scan_control  control bytes and DEL: not in a value, but for the tab (RFC 9110 section 5.5)
 * scan_colon    ":"
 * scan_no_uri   what no request target may hold: space, "#<>\ and all that is no ASCII text
 * scan_no_name  all but letters, digits, "-" and ".": not in the host names and IPv4 addresses of every day */
#ifdef __SSE2__
enum { SCAN_AT_ONCE = 16 };

static inline __m128i scan_bytes(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline __m128i scan_are(__m128i bytes, char byte)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
}

static inline unsigned scan_control(const uint8_t *at)
{
    __m128i bytes = scan_bytes(at), low = _mm_min_epu8(bytes, _mm_set1_epi8(0x1f));

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(scan_are(bytes, 0x7f), _mm_cmpeq_epi8(low, bytes)));
}

static inline unsigned scan_colon(const uint8_t *at)
{
    return (unsigned)_mm_movemask_epi8(scan_are(scan_bytes(at), ':'));
}

static inline unsigned scan_no_uri(const uint8_t *at)
{
    __m128i bytes = scan_bytes(at), found;

    /* As signed numbers, those from 0x80 on are less than a space, too. */
    found = _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8('!')), scan_are(bytes, 0x7f));
    found = _mm_or_si128(found, _mm_or_si128(scan_are(bytes, '"'), scan_are(bytes, '#')));
    found = _mm_or_si128(found, _mm_or_si128(scan_are(bytes, '<'), scan_are(bytes, '>')));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(found, scan_are(bytes, '\\')));
}

static inline __m128i scan_range(__m128i bytes, char first, char last)
{
    __m128i from = _mm_sub_epi8(bytes, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8((char)(last - first))), from);
}

static inline unsigned scan_no_name(const uint8_t *at)
{
    __m128i bytes = scan_bytes(at), lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20)), found;

    found = _mm_or_si128(scan_range(lower, 'a', 'z'), scan_range(bytes, '0', '9'));
    found = _mm_or_si128(found, scan_range(bytes, '-', '.'));
    return (unsigned)_mm_movemask_epi8(found) ^ 0xffff;
}
#else
enum { SCAN_AT_ONCE = 8 };

#define SCAN_ONES ((uint64_t)0x0101010101010101u)
#define SCAN_LOW ((uint64_t)0x7f7f7f7f7f7f7f7fu)

static inline uint64_t scan_bytes(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* These two set the top bit of each byte they mean. */
static inline uint64_t scan_are(uint64_t bytes, uint8_t byte)
{
    uint64_t other = bytes ^ SCAN_ONES * byte;

    return ~(((other & SCAN_LOW) + SCAN_LOW) | other) & ~SCAN_LOW;
}

static inline uint64_t scan_below(uint64_t bytes, uint8_t limit)
{
    return ~((bytes | ~SCAN_LOW) - SCAN_ONES * limit) & ~bytes & ~SCAN_LOW;
}

static inline unsigned scan_gather(uint64_t tops)
{
    return (unsigned)((tops >> 7) * 0x0102040810204080u >> 56);
}

static inline unsigned scan_control(const uint8_t *at)
{
    uint64_t bytes = scan_bytes(at);

    return scan_gather(scan_below(bytes, 0x20) | scan_are(bytes, 0x7f));
}

static inline unsigned scan_colon(const uint8_t *at)
{
    return scan_gather(scan_are(scan_bytes(at), ':'));
}

static inline unsigned scan_no_uri(const uint8_t *at)
{
    uint64_t bytes = scan_bytes(at);

    return scan_gather((bytes & ~SCAN_LOW) | scan_below(bytes, '!') | scan_are(bytes, 0x7f) |
                       scan_are(bytes, '"') | scan_are(bytes, '#') | scan_are(bytes, '<') |
                       scan_are(bytes, '>') | scan_are(bytes, '\\'));
}

static inline uint64_t scan_range(uint64_t bytes, uint8_t first, uint8_t last)
{
    return scan_below(bytes, (uint8_t)(last + 1)) & ~scan_below(bytes, first);
}

static inline unsigned scan_no_name(const uint8_t *at)
{
    uint64_t bytes = scan_bytes(at), lower = bytes | SCAN_ONES * 0x20;

    return scan_gather(scan_range(lower, 'a', 'z') | scan_range(bytes, '0', '9') |
                       scan_range(bytes, '-', '.')) ^
           0xff;
}
#endif

/* The first such byte in bytes[at..end), or end. */
static inline __attribute__((always_inline)) size_t
scan(const uint8_t *bytes, size_t at, size_t end, unsigned (*is)(const uint8_t *at))
{
    uint8_t last[SCAN_AT_ONCE] = {0};
    unsigned found;

    for (; end - at >= SCAN_AT_ONCE; at += SCAN_AT_ONCE) {
        found = is(bytes + at);
        if (found)
            return at + (unsigned)__builtin_ctz(found);
    }
    if (at == end)
        return end;
    if (end >= SCAN_AT_ONCE) {
        found = is(bytes + end - SCAN_AT_ONCE) >> (SCAN_AT_ONCE - (end - at));
    } else {
        memcpy(last, bytes, end);
        found = (is(last) & ((1u << end) - 1)) >> at;
    }
    return found ? at + (unsigned)__builtin_ctz(found) : end;
}

#endif
