/* successor: the binary that takes this process's place (USR2): started at the same path with the same words and
 * environment, given the listening sockets, and waited for until it says that it is ready. The sockets are shared
 * meanwhile, so that no connection is refused or lost; a successor that fails leaves everything as it was. */
#ifndef SUCCESSOR_H
#define SUCCESSOR_H

#include <sys/types.h>

#include "base/str.h"

enum { SUCCESSOR_ERROR = 256, SUCCESSOR_WAIT_MS = 60 * 1000 };

struct successor {
    pid_t pid;      /* 0: none */
    int ready;      /* readable when it has something to say, or has ended */
    uint64_t until; /* clock_ms: how long it is waited for */
};

/* ---- in the process that is replaced ---- */

/* Remembers what was started: before anything changes the working directory. */
void successor_remember(char **argv);

struct successor_gifts {
    const int *listening; /* sockets, offered in LISTEN_FDS */
    unsigned listening_count;
    int health;         /* -1: none */
    struct str secrets; /* bytes that nobody else may read: keys of TLS tickets; may be empty */
};

bool successor_start(struct successor *successor, const struct successor_gifts *gifts,
                     char error[SUCCESSOR_ERROR]);

/* When `ready` is readable, or the time is over. A failed one has been ended and reaped. */
enum successor_state { SUCCESSOR_STARTS, SUCCESSOR_IS_READY, SUCCESSOR_FAILED };
enum successor_state successor_look(struct successor *successor, char error[SUCCESSOR_ERROR]);

/* ---- in the successor ---- */

/* Takes what was given out of the environment; before listen_inherit. */
void successor_inherit(void);
int successor_inherited_health(void); /* -1: none; once */
/* The secrets, at most `room` bytes; their length. Once. */
size_t successor_inherited_secrets(char *to, size_t room);
/* Tells who waits: the process that is replaced, the init above, systemd. */
void successor_say_ready(void);

/* A line for systemd ("STOPPING=1"), when it wants to hear (sd_notify(3)). */
void successor_notify(const char *line);

#endif
