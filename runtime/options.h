/* options: the gateway's command line. Usage is printed from the same table that reads it. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/text.h"
#include "base/vec.h"

enum option_action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_ROUTES,
    ACTION_MANIFEST,
    ACTION_VERSION,
    ACTION_LICENSES,
    ACTION_HEALTHCHECK,
    ACTION_HELP
};

struct option_upstream {
    struct str name, url;
};

struct options {
    enum option_action action;
    bool json;
    VEC(struct str) listen;
    struct str status; /* empty: as the document says */
    VEC(struct option_upstream) upstreams;
    unsigned workers;     /* 0: as many as there are usable CPUs */
    const char *pid_file; /* NULL: none */
};

/* false: *error is the sentence to print. All text is borrowed from argv. */
bool options_read(struct options *options, struct pool *pool, char **argv, struct str *error);

/* What --help prints. */
void options_usage(struct text *text, struct str name);

#endif
