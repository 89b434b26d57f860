/* address: where a socket is: literals, ports and unix paths, to and from text. No name is looked up here. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <sys/socket.h>

#include "base/str.h"

struct address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* "unix:" and the longest path, or "[", the longest IPv6 address, "]:65535"; and a NUL. */
enum { ADDRESS_TEXT = 128 };

/* "1.2.3.4", "::1" and a port; false when the host is a name. */
bool address_literal(struct address *address, struct str host, uint16_t port);

/* "/path", or "@name" of Linux' abstract namespace; false when it is empty, too long or holds a NUL. */
bool address_unix(struct address *address, struct str path);

/* "1.2.3.4:80", "[::1]:80", ":80" (all addresses, both families), "unix:/path". A port left out is
 * `default_port`, unless that is 0. */
bool address_parse(struct address *address, struct str text, uint16_t default_port);

/* The same form back, NUL-terminated; "unix:" for a peer without a path. */
struct str address_text(const struct address *address, char out[ADDRESS_TEXT]);

/* The address without a port ("::1", "1.2.3.4"; an IPv4-mapped address as IPv4); empty for unix. */
struct str address_host(const struct address *address, char out[ADDRESS_TEXT]);

/* 0 for unix. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

bool address_eq(const struct address *a, const struct address *b);

#endif
