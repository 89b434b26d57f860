/* reply: answers to the client: those the gateway makes itself, and the sending of any answer's body. */
#ifndef REQUEST_REPLY_H
#define REQUEST_REPLY_H

#include "request/worker.h"

/* All of these end the flow (GW_DONE). Once an answer has begun they do nothing but that. What stands in
 * rq->added_reply and the request id go along. */

/* A text of that media type. `body` must last as long as the request. */
enum gw_next reply_text(struct gw_req *rq, unsigned status, struct str content_type,
                        struct str body);

/* No body, but header lines. */
enum gw_next reply_lines(struct gw_req *rq, unsigned status, struct str lines);

/* A constant of the document. */
enum gw_next reply_constant(struct gw_req *rq, const struct gw_answer *answer);

/* A refusal in the configured format, with its own header lines (Allow, Retry-After). */
enum gw_next reply_error(struct gw_req *rq, unsigned status, const char *reason, struct str lines);

/* To the same URL of the https listener, with the listener's status; without a Host field 400. */
enum gw_next reply_redirect_https(struct gw_req *rq);

enum gw_next reply_redirect(struct gw_req *rq, const struct gw_redirect *redirect);

/* Stages the head and pumps the body; the request ends behind it. */
void reply_send(struct gw_req *rq, const struct head_out *head, struct body_in *body);

#endif
