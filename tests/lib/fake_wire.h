/* fake_wire: one end of a connection as the runtime has it, the other as a plain socket, and the buffers of
 * a worker, for tests of what moves bytes. The buffers are small, so that every message crosses several. */
#ifndef FAKE_WIRE_H
#define FAKE_WIRE_H

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "http/wire.h"

struct fake_wire {
    struct loop loop;
    struct bufs bufs;
    struct wire wire;
    int peer;
};

static inline void fake_wire_ready(struct stream *stream)
{
    (void)stream;
}

static inline void fake_wire_open(struct fake_wire *fake, uint32_t buf_size)
{
    int fds[2], opened;

    signal(SIGPIPE, SIG_IGN);
    *fake = (struct fake_wire){.wire.stream.ready = fake_wire_ready};
    opened = loop_open(&fake->loop) &&
             socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0 &&
             stream_open(&fake->wire.stream, &fake->loop, fds[0]);
    assert(opened);
    (void)opened;
    bufs_open(&fake->bufs, buf_size);
    fake->peer = fds[1];
}

static inline void fake_wire_close(struct fake_wire *fake)
{
    wire_close(&fake->wire, &fake->bufs);
    bufs_close(&fake->bufs);
    loop_close(&fake->loop);
    if (fake->peer >= 0)
        close(fake->peer);
}

static inline void fake_wire_hang_up(struct fake_wire *fake)
{
    close(fake->peer);
    fake->peer = -1;
}

/* The peer says something; the wire's next read finds it. */
static inline void fake_wire_say(struct fake_wire *fake, struct str bytes)
{
    ssize_t sent = bytes.len ? send(fake->peer, bytes.at, bytes.len, 0) : 0;

    assert(sent == (ssize_t)bytes.len);
    (void)sent;
    fake->wire.stream.readable = true;
}

/* Adds all that the peer can read now to `heard`; the wire may write again then. */
static inline void fake_wire_hear(struct fake_wire *fake, struct text *heard)
{
    char bytes[4096];
    ssize_t len;

    while ((len = recv(fake->peer, bytes, sizeof bytes, 0)) > 0)
        text_add(heard, (struct str){bytes, (size_t)len});
    fake->wire.stream.writable = true;
}

/* Fills the socket with `byte`s until it takes no more; how many that were. */
static inline size_t fake_wire_stuff(struct fake_wire *fake, char byte)
{
    size_t stuffed = 0;

    while (send(fake->wire.stream.fd, &byte, 1, MSG_NOSIGNAL) == 1)
        stuffed++;
    assert(errno == EAGAIN);
    fake->wire.stream.writable = false;
    return stuffed;
}

#endif
