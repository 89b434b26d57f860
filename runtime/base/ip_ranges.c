#include "base/ip_ranges.h"

#include <stdlib.h>

static void fill_behind(uint8_t address[16], unsigned bits)
{
    for (unsigned i = bits; i < 128; i++)
        address[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

size_t ip_ranges_of(const uint8_t network[16], uint8_t bits, struct ip_range out[2])
{
    static const uint8_t before_v4[16] = {0, 0, 0,   0,   0,   0,   0,   0,
                                          0, 0, 255, 254, 255, 255, 255, 255};
    static const uint8_t v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    static const uint8_t behind_v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    memcpy(out[0].first, network, 16);
    memcpy(out[0].last, network, 16);
    fill_behind(out[0].last, bits);
    if (bits >= 96 || !ip_is_in(v4, network, bits))
        return 1;
    memcpy(out[1].first, behind_v4, 16);
    memcpy(out[1].last, out[0].last, 16);
    memcpy(out[0].last, before_v4, 16);
    return memcmp(out[1].first, out[1].last, 16) <= 0 ? 2 : 1;
}

static int compare(const void *a, const void *b)
{
    return memcmp(((const struct ip_range *)a)->first, ((const struct ip_range *)b)->first, 16);
}

/* True when `address` lies behind `last`, with others in between. */
static bool leaves_a_gap(const uint8_t last[16], const uint8_t address[16])
{
    uint8_t next[16];
    int i = 15;

    if (memcmp(address, last, 16) <= 0)
        return false;
    memcpy(next, last, 16);
    while (++next[i] == 0)
        i--;
    return memcmp(address, next, 16) > 0;
}

size_t ip_ranges_merge(struct ip_range *ranges, size_t count)
{
    size_t kept = 0;

    if (count == 0)
        return 0;
    qsort(ranges, count, sizeof *ranges, compare);
    for (size_t i = 1; i < count; i++) {
        if (leaves_a_gap(ranges[kept].last, ranges[i].first))
            ranges[++kept] = ranges[i];
        else if (memcmp(ranges[i].last, ranges[kept].last, 16) > 0)
            memcpy(ranges[kept].last, ranges[i].last, 16);
    }
    return kept + 1;
}

bool ip_ranges_hold(const struct ip_range *ranges, size_t count, const uint8_t address[16])
{
    size_t from = 0;

    while (from < count) {
        size_t middle = from + (count - from) / 2;
        if (memcmp(address, ranges[middle].first, 16) < 0)
            count = middle;
        else if (memcmp(address, ranges[middle].last, 16) > 0)
            from = middle + 1;
        else
            return true;
    }
    return false;
}
