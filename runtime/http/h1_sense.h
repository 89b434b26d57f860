/* h1_sense: what the parts of an HTTP/1.1 head mean for target, framing and connection (RFC
 * 9112). The parser hands over each part once, in order of arrival, so that nonsense is refused
 * as soon as it can be known. Each function returns false when the head is bad; status and
 * reason are then set. */
#ifndef HTTP_H1_SENSE_H
#define HTTP_H1_SENSE_H

#include "http/message.h"

enum h1_kind { H1_REQUEST, H1_RESPONSE };

struct h1_sense {
    enum h1_kind kind;
    struct head *head;
    uint16_t status; /* bad: the answer's */
    const char *reason;
    bool absolute; /* the target has an authority */
    bool chunked, unknown_coding, close, keep_alive, upgrade;
    bool expects, expects_more; /* 100-continue; something else */
    bool rewrite_length;        /* Content-Length is there several times, or with leading zeros */
};

/* Notes what is wrong; `status` is for requests, a bad answer is always 502. Returns false. */
bool h1_sense_bad(struct h1_sense *s, unsigned status, const char *reason);

/* The method and a target that is not empty are known: path, query, authority. */
bool h1_sense_target(struct h1_sense *s);

/* The fields that mean something here. */
#define H1_SENSED                                                                                  \
    (FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |                        \
     FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_EXPECT) |               \
     FIELD_BIT(FIELD_TE))

/* One of them; notes in head->fields.ids that it came. */
bool h1_sense_field(struct h1_sense *s, enum field_id id, struct str value);

/* The head is complete: framing, keep_alive, expect_continue, upgrade. */
bool h1_sense_all(struct h1_sense *s);

/* True when `authority` is a legal Host: uri-host [":" port] (RFC 3986 section 3.2.2). */
bool h1_host_is_legal(struct str authority);

#endif
