/* probe: tells sick targets by asking them. Each target of an upstream with a health check is asked once in each
 * interval, on a new connection of its own: GET and a status, a connection (and the TLS handshake), or the health
 * service of gRPC. So many failures one after another make it sick, so many successes well again; both are told to
 * all workers (share.h) and logged. One worker asks for the whole process. */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include "client/upstream.h"

struct probes;

struct probe_module {
    /* Asks the targets of all `upstreams` that have a check, on their loop, from some moment within the first
     * interval on. Once, until share_close. */
    struct probes *(*open)(struct upstreams *upstreams);
    /* Before the upstreams are freed. Names may still be looked up: dns_close comes before the loop's next turn. */
    void (*close)(struct probes *probes);
    /* A target of these upstreams has come, and is asked at once; one goes, and is asked no more. */
    void (*watch)(struct probes *probes, struct target *target);
    void (*unwatch)(struct probes *probes, struct target *target);
};

extern const struct probe_module probe_module;

#endif
