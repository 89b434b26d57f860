/* init: what process 1 has to be. A container's first process gets no default signal actions and inherits
 * every orphan; so the program stays a small init there and runs the gateway as its child. */
#ifndef INIT_H
#define INIT_H

#include <stdbool.h>

/* Runs the caller on in a child process. In the child: returns true. In the parent: forwards signals to the newest
 * gateway, reaps, and returns false with *status once that has ended. Needs: no threads yet. */
bool init_split(int *status);

/* A gateway that serves is the newest from then on. Does nothing without an init above. */
void init_tell_newest(void);

#endif
