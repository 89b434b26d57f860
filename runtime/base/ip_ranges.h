/* ip_ranges: sets of IP addresses as sorted ranges that neither overlap nor touch, so that one binary search
 * tells who is in. Addresses are 16 bytes, as in base/ip.h. */
#ifndef BASE_IP_RANGES_H
#define BASE_IP_RANGES_H

#include "base/ip.h"

struct ip_range {
    uint8_t first[16], last[16];
};

/* The addresses of a network, as one range or two; how many. An IPv6 network that has all of ::ffff:0:0/96 and more
 * (::/0) is without that part: those are the IPv4 addresses, which are named as such. */
size_t ip_ranges_of(const uint8_t network[16], uint8_t bits, struct ip_range out[2]);

/* Sorts the ranges and joins those that overlap or touch; returns how many are left. */
size_t ip_ranges_merge(struct ip_range *ranges, size_t count);

/* True when one of the ranges, which are as ip_ranges_merge leaves them, holds the address. */
bool ip_ranges_hold(const struct ip_range *ranges, size_t count, const uint8_t address[16]);

#endif
