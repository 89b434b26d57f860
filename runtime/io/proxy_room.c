#include "io/proxy_room.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "io/proxy_protocol.h"

enum { QUIET_MS = 60 * 1000 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* A connection that waits. */
struct guest {
    struct event event;
    struct timer timer;
    struct guest *next, *previous;
    struct proxy_room *room;
    struct address peer;
    int fd;
};

struct proxy_room {
    struct loop *loop;
    struct proxy_room_owner owner;
    struct guest *first, *last; /* in the order of arrival */
    size_t count;
    uint32_t timeout_ms;
};

/* ---- who is turned away ---- */

/* Whatever one balancer does wrong it does for every connection: one worker says it for all, once a minute. */
static void say_once(uint64_t now, const struct address *peer, const char *reason)
{
    static uint64_t quiet_until; /* loop->now, atomic */
    uint64_t until = __atomic_load_n(&quiet_until, __ATOMIC_RELAXED);
    char text[ADDRESS_TEXT];

    if (now >= until && __atomic_compare_exchange_n(&quiet_until, &until, now + QUIET_MS, false,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        log_warn("closed a connection of the trusted proxy %.*s for its PROXY header: %s",
                 STR_ARG(address_text(peer, text)), reason);
}

static void refuse(struct proxy_room *room, int fd, const struct address *peer, const char *reason)
{
    close(fd);
    say_once(room->loop->now, peer, reason);
    room->owner.refused(room->owner.owner);
}

/* ---- reading ---- */

enum look { LOOK_WAITS, LOOK_ENTERS, LOOK_LEAVES, LOOK_BAD };

/* Looks at what has come, and takes it only when it is a whole header. *client: the one that enters. */
static enum look look(int fd, struct address *client, const char **reason)
{
    char bytes[PROXY_PROTOCOL_MAX];
    struct proxy_protocol header;
    ssize_t len = recv(fd, bytes, sizeof bytes, MSG_PEEK);

    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? LOOK_WAITS : LOOK_LEAVES;
    if (len == 0)
        return LOOK_LEAVES; /* a balancer that only wanted to know whether the port is open */
    switch (proxy_protocol_read((struct str){bytes, (size_t)len}, &header)) {
    case PROXY_PROTOCOL_MORE:
        return LOOK_WAITS;
    case PROXY_PROTOCOL_BAD:
        *reason = header.reason;
        return LOOK_BAD;
    case PROXY_PROTOCOL_DONE:
        break;
    }
    if (recv(fd, bytes, header.len, 0) != (ssize_t)header.len)
        return LOOK_LEAVES;
    if (header.source.len > 0)
        *client = header.source;
    return LOOK_ENTERS;
}

/* ---- guests ---- */

/* Takes one out of the room; its descriptor stays open. */
static int let_go(struct guest *guest)
{
    struct proxy_room *room = guest->room;
    int fd = guest->fd;

    event_del(&guest->event);
    timer_clear(room->loop, &guest->timer);
    *(guest->previous ? &guest->previous->next : &room->first) = guest->next;
    *(guest->next ? &guest->next->previous : &room->last) = guest->previous;
    room->count--;
    free(guest);
    return fd;
}

static void turn_away(struct guest *guest, const char *reason)
{
    struct proxy_room *room = guest->room;
    struct address peer = guest->peer;

    refuse(room, let_go(guest), &peer, reason);
}

static void on_late(struct timer *timer)
{
    turn_away(CONTAINER(struct guest, timer, timer), "it was not complete in time");
}

static void look_at(struct guest *guest, bool ended)
{
    struct proxy_room *room = guest->room;
    struct address client = guest->peer;
    const char *reason = NULL;

    switch (look(guest->fd, &client, &reason)) {
    case LOOK_WAITS:
        if (ended)
            turn_away(guest, "the connection ended within it");
        return;
    case LOOK_ENTERS:
        room->owner.entered(room->owner.owner, let_go(guest), &client);
        return;
    case LOOK_LEAVES:
        close(let_go(guest));
        return;
    case LOOK_BAD:
        turn_away(guest, reason);
        return;
    }
}

/* Edge-triggered: what stays unread is not reported again. */
static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct guest *guest = arg;
    struct loop *loop = guest->room->loop;

    (void)fd;
    loop_enter(loop);
    look_at(guest, what & EV_CLOSED);
    loop_run_posted(loop);
}

static void wait_here(struct proxy_room *room, int fd, const struct address *peer)
{
    struct guest *guest = pool_xmalloc(sizeof *guest);

    if (room->count >= PROXY_ROOM_MAX)
        turn_away(room->first, "too many others wait for theirs");
    *guest = (struct guest){.room = room, .peer = *peer, .fd = fd, .previous = room->last};
    *(room->last ? &room->last->next : &room->first) = guest;
    room->last = guest;
    room->count++;
    guest->timer.fire = on_late;
    timer_set(room->loop, &guest->timer, room->timeout_ms);
    event_assign(&guest->event, room->loop->base, fd, EV_READ | EV_CLOSED | EV_PERSIST | EV_ET,
                 on_event, guest);
    if (event_add(&guest->event, NULL) != 0)
        turn_away(guest, strerror(errno));
}

/* ---- the module ---- */

static void room_enter(struct proxy_room *room, int fd, const struct address *peer)
{
    struct address client = *peer;
    const char *reason = NULL;

    switch (look(fd, &client, &reason)) {
    case LOOK_WAITS:
        wait_here(room, fd, peer);
        return;
    case LOOK_ENTERS:
        room->owner.entered(room->owner.owner, fd, &client);
        return;
    case LOOK_LEAVES:
        close(fd);
        return;
    case LOOK_BAD:
        refuse(room, fd, peer, reason);
        return;
    }
}

static struct proxy_room *room_open(struct loop *loop, uint32_t timeout_ms,
                                    const struct proxy_room_owner *owner)
{
    struct proxy_room *room = pool_xmalloc(sizeof *room);

    *room = (struct proxy_room){.loop = loop, .owner = *owner, .timeout_ms = timeout_ms};
    return room;
}

static void room_hurry(struct proxy_room *room, uint32_t timeout_ms)
{
    if (room->timeout_ms > timeout_ms)
        room->timeout_ms = timeout_ms;
    for (struct guest *guest = room->first; guest; guest = guest->next)
        if (guest->timer.due > room->loop->now + timeout_ms)
            timer_set(room->loop, &guest->timer, timeout_ms);
}

static size_t room_count(const struct proxy_room *room)
{
    return room->count;
}

static void room_close(struct proxy_room *room)
{
    struct guest *guest, *next;

    for (guest = room->first; guest; guest = next) {
        next = guest->next;
        close(let_go(guest));
    }
    free(room);
}

const struct proxy_room_module proxy_room_module = {
    .open = room_open,
    .enter = room_enter,
    .hurry = room_hurry,
    .count = room_count,
    .close = room_close,
};
