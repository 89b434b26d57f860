/* child: runs another program to its end and hands back what it said. Interrupts go to the child; we stay
 * to tidy up. */
#ifndef GEN_CHILD_H
#define GEN_CHILD_H

#include "base/pool.h"

struct child {
    bool started;      /* false: there is no such program */
    bool interrupted;  /* ended by INT, TERM or HUP */
    int status;        /* exit status; 128 + signal when killed */
    struct str output; /* standard output and error */
};

/* argv ends with NULL; the child speaks English (LC_ALL=C) and does not see an outer make's variables. */
struct child child_run(struct pool *pool, const char *const *argv);

#endif
