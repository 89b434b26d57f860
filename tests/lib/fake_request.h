/* fake_request: a request as if it had just been read from a socket, for tests of what looks at requests. */
#ifndef FAKE_REQUEST_H
#define FAKE_REQUEST_H

#include <stdio.h>
#include <stdlib.h>

#include "http/h1_parse.h"
#include "request/worker.h"

struct fake_request {
    struct worker worker;
    struct gw_listener listener;
    struct stream stream; /* plain */
    struct exchange x;
    struct gw_req rq;
};

static const struct h1_limits fake_limits = {16 * 1024, 64 * 1024, 100};

/* `lines`: field lines, each with its CRLF, beside Host; `target`: of a GET. */
static inline void fake_request_open(struct fake_request *fake, const char *target,
                                     const char *lines)
{
    struct h1_parser parser;
    struct str text;

    memset(fake, 0, sizeof *fake);
    fake->rq.worker = &fake->worker;
    fake->rq.listener = &fake->listener;
    fake->x.stream = &fake->stream;
    fake->rq.x = &fake->x;
    pool_open(&fake->rq.pool, NULL);
    text = pool_printf(&fake->rq.pool, "GET %s HTTP/1.1\r\nHost: gw.example:8080\r\n%s\r\n", target,
                       lines);
    h1_parse_begin(&parser, H1_REQUEST, &fake_limits, &fake->rq.pool, &fake->rq.head);
    if (h1_parse(&parser, text.at, text.len) != H1_DONE) {
        fprintf(stderr, "the test's own request is bad: %s\n", parser.reason);
        abort();
    }
    fake->rq.path = fake->rq.head.path;
}

static inline void fake_request_close(struct fake_request *fake)
{
    pool_close(&fake->rq.pool);
}

#endif
