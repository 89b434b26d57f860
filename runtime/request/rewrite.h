/* rewrite: the path that the upstream is asked for, and its answer's redirects and cookies translated back,
 * so that the client sees one site (nginx's proxy_redirect and proxy_cookie_path). */
#ifndef REQUEST_REWRITE_H
#define REQUEST_REWRITE_H

#include "http/h1_head.h"
#include "request/req.h"

/* Literals and path parameters, one after the other. */
void rewrite_pieces(const struct gw_req *rq, const struct gw_piece *pieces, size_t count,
                    struct text *text);

/* The path for the upstream: the target's own, then the matched path as rq->forward says, then the query. */
void rewrite_target(const struct gw_req *rq, const struct gw_target *target,
                    struct head_text *text);

/* Drops Location and Set-Cookie fields that speak of the upstream's paths or its authority and appends what
 * the client should see instead. Needs: rq->answer, rq->forward. */
void rewrite_back(struct gw_req *rq, struct text *added);

#endif
