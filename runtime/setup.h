/* setup: the gateway as this start means it: the document's constants, changed by the command line, with
 * references read from the environment and files. What is missing is named, before anything is opened. */
#ifndef SETUP_H
#define SETUP_H

#include "crew.h"
#include "options.h"

enum { SETUP_ERROR = 512 };

/* One place to listen, with a descriptor for each worker that serves it (-1: none yet). */
struct setup_place {
    enum serve_kind kind;
    struct gw_listener listener;
    int *fds;
    unsigned fd_count, fd_room;
    bool served; /* the descriptors are the workers' */
};

struct setup {
    struct pool pool;
    unsigned workers;
    VEC(struct setup_place) places;
    struct str log_output;
    struct live *live;
    int health_fd; /* -1: none */
};

/* False: `error` is a sentence. setup_close is due in either case. */
bool setup_read(struct setup *setup, const struct options *options, char error[SETUP_ERROR]);

/* What may change while running, read anew; NULL: `error` says why not. */
struct live *setup_read_live(const struct setup *setup, char error[SETUP_ERROR]);

/* Opens every place and says so on standard error. */
bool setup_listen(struct setup *setup, char error[SETUP_ERROR]);

/* The descriptors that the workers serve, for a successor; their number. */
unsigned setup_listening(const struct setup *setup, int *fds, unsigned room);

/* What each worker gets of it: `workers` posts in the setup's pool; the descriptors are then theirs. */
const struct crew_post *setup_posts(struct setup *setup);

void setup_close(struct setup *setup);

#endif
