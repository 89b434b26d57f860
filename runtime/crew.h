/* crew: the worker threads, from the first to the last breath, as the main thread sees them. Every order is
 * mailed to the worker's loop and carried out on its own thread. All workers begin to serve together and
 * stop together, so that what one of them shows of the others (metrics) is always there. */
#ifndef CREW_H
#define CREW_H

#include "request/live.h"
#include "serve.h"

enum { CREW_ERROR = 256 };

/* What one worker listens on. */
struct crew_post {
    const struct serve_listener *listeners;
    size_t count;
};

/* Starts `count` workers; takes over the descriptors in `posts`, which must stay until crew_stop. False:
 * `error` is a sentence, nothing runs. */
bool crew_start(unsigned count, const struct crew_post *posts, struct live *live,
                char error[CREW_ERROR]);

/* Answers say Connection: close from now on. */
void crew_wind_down(void);

/* Stops accepting (`handed_over`: the sockets are served by somebody else as well, who goes on); crew_event
 * is readable whenever another worker accepts no more, or has nothing left in flight. */
void crew_drain(bool handed_over);
/* True when no worker accepts on what was handed over. */
bool crew_has_handed_over(void);
bool crew_is_idle(void);
int crew_event(void);

/* Requests in flight in all workers: for a message, after the fact. */
size_t crew_in_flight(void);

/* Every worker changes over to `live`. */
void crew_adopt(struct live *live);

/* Ends the loops, closes what they hold, joins. */
void crew_stop(void);

#endif
