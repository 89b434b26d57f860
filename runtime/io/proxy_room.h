/* proxy_room: where connections of trusted proxies wait until their PROXY header is complete. Behind it stands a
 * connection as if the client had come itself: exactly the header has been read, so that neither TLS nor HTTP knows.
 * Who takes too long, ends early or sends something else is closed. Who waits costs less than 400 bytes and no buffer; when
 * PROXY_ROOM_MAX wait, the one that came first has to go.
 *
 * Only a document that uses it has it in its binary: everything goes through proxy_room_module. */
#ifndef IO_PROXY_ROOM_H
#define IO_PROXY_ROOM_H

#include "io/address.h"
#include "io/loop.h"

enum { PROXY_ROOM_MAX = 4096 };

struct proxy_room;

struct proxy_room_owner {
    /* Takes over the descriptor. `client` is whom the header names, or the peer itself. */
    void (*entered)(void *owner, int fd, const struct address *client);
    /* One was closed for want of a good header. */
    void (*refused)(void *owner);
    void *owner;
};

struct proxy_room_module {
    /* timeout_ms: from accept to the header's end. Aborts when there is no memory. */
    struct proxy_room *(*open)(struct loop *loop, uint32_t timeout_ms,
                               const struct proxy_room_owner *owner);
    /* Takes over a connected, non-blocking descriptor. `entered` or `refused` may be called before it returns. */
    void (*enter)(struct proxy_room *room, int fd, const struct address *peer);
    /* Nobody waits for longer than `timeout_ms` from now on. */
    void (*hurry)(struct proxy_room *room, uint32_t timeout_ms);
    /* How many wait. */
    size_t (*count)(const struct proxy_room *room);
    /* Closes all that wait, and the room. */
    void (*close)(struct proxy_room *room);
};

extern const struct proxy_room_module proxy_room_module;

#endif
