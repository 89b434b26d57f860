/* mirror: shadow traffic. A copy of a request goes to another upstream, whose answer is read and forgotten; the request
 * itself is neither delayed nor failed by that. The copy leaves behind the request's last byte; its content is kept
 * until then, up to a limit, beyond which there is no copy. */
#ifndef REQUEST_MIRROR_H
#define REQUEST_MIRROR_H

#include "client/call.h"
#include "request/req.h"

struct gw_mirror {
    const struct mirror_module *module;
    struct gw_forward to;
    uint32_t percent;      /* of the requests */
    uint32_t max_requests; /* copies that one worker may have; further ones are left out */
    uint64_t buffer;       /* bytes of content */
    uint32_t timeout;      /* ms for a copy, from when it leaves to the end of its answer */
};

/* What is to be copied; nothing of it needs to last. */
struct mirror_request {
    struct str method_text;
    enum method method;
    struct str path;  /* and query, without the target's own path */
    struct str host;  /* the client's */
    struct str lines; /* all other fields, up to the empty line */
    struct str greeting;
    enum framing framing;
    uint64_t length;
    uint64_t hash; /* balance_hash */
};

struct mirror_module {
    /* Whether this request is one of those that are copied; counts those that have no room. */
    bool (*wants)(const struct gw_req *rq, const struct gw_mirror *config);
    /* The copy. `body` is the request's or NULL; in its place the upstream has to read what is returned. */
    struct body_in *(*begin)(struct gw_req *rq, const struct gw_mirror *config,
                             const struct mirror_request *request, struct body_in *body);
    /* Gives up all copies of this worker, before its upstreams go. */
    void (*close)(struct worker *worker);
};

extern const struct mirror_module mirror_module;

#endif
