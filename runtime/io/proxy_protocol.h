/* proxy_protocol: the header of HAProxy's PROXY protocol, versions 1 (text) and 2 (binary), with which a proxy says
 * at the start of a connection whom it brings. Pure functions over bytes: no socket is touched here.
 * References are to proxy-protocol.txt of HAProxy. */
#ifndef IO_PROXY_PROTOCOL_H
#define IO_PROXY_PROTOCOL_H

#include "io/address.h"

/* What is read: 16 bytes of version 2, addresses, and what TLVs still fit; a line of version 1 ends within 107 bytes. */
enum { PROXY_PROTOCOL_MAX = 4096, PROXY_PROTOCOL_LINE = 107 };

enum proxy_protocol_result { PROXY_PROTOCOL_MORE, PROXY_PROTOCOL_DONE, PROXY_PROTOCOL_BAD };

struct proxy_protocol {
    size_t len; /* DONE: bytes of the header; what follows is the client's */
    struct address
        source; /* DONE: the client; .len 0: the sender speaks for itself, or does not know */
    const char *reason; /* BAD */
};

/* Reads the header at the start of `bytes`, which are all that came so far. MORE: it is not complete (never with
 * PROXY_PROTOCOL_MAX bytes). The sender's own address counts for UNKNOWN (section 2.1), LOCAL, UNSPEC and unix
 * sockets (2.2); datagrams and values that are not specified are BAD. TLVs must be well-formed, a CRC32C must be
 * right (2.2.3); the others are skipped. The block of LOCAL is skipped unseen. */
enum proxy_protocol_result proxy_protocol_read(struct str bytes, struct proxy_protocol *header);

/* Both ends of a client's connection; IPv4 as ::ffff:a.b.c.d, as in base/ip.h. */
struct proxy_protocol_ends {
    uint8_t from[16], to[16];
    uint16_t from_port, to_port;
    bool known; /* false: a unix socket, or somebody without address */
};

/* Writes the header that introduces that client and returns its length: at most PROXY_PROTOCOL_LINE bytes. Two IPv4
 * addresses go as TCP4, anything else as TCP6; who is not known as UNKNOWN and as LOCAL. */
size_t proxy_protocol_v1(const struct proxy_protocol_ends *ends, char out[PROXY_PROTOCOL_LINE]);
size_t proxy_protocol_v2(const struct proxy_protocol_ends *ends, char out[PROXY_PROTOCOL_LINE]);

#endif
