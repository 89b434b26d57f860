/* h2_head: the header lists of HTTP/2 (RFC 9113 section 8) to and from heads as HTTP/1.1 has them, which all modules
 * work on. What comes in is written down as an HTTP/1.1 head and read by the parser of HTTP/1.1: nothing that
 * it refuses gets past this door, so that no list can become two requests further on. */
#ifndef HTTP_H2_HEAD_H
#define HTTP_H2_HEAD_H

#include "http/h1_parse.h"

/* A list while it arrives. */
struct h2_list {
    struct pool *pool;
    const struct h1_limits *limits;
    struct text lines;   /* "name: value\r\n" */
    struct text cookies; /* crumbs, joined (RFC 9113 section 8.2.3) */
    struct str method, path, scheme, authority, host, protocol, status;
    size_t bytes; /* of names and values, as SETTINGS_MAX_HEADER_LIST_SIZE counts them */
    uint32_t count;
    uint16_t
        refused; /* a status: the list is malformed or too long, the rest of it is passed over */
    const char *refusal; /* a sentence */
};

void h2_list_begin(struct h2_list *list, struct pool *pool, const struct h1_limits *limits);

/* The next field. Never fails: see `refused`. */
void h2_list_add(struct h2_list *list, struct str name, struct str value);

/* The list is complete: fills *head as the parser of HTTP/1.1 does; its strings live in the pool. `ends`: no
 * content follows. Else head->framing is LENGTH, or CHUNKED when no length was said. False: `refused`. */
bool h2_list_request(struct h2_list *list, bool ends, struct head *head);
bool h2_list_answer(struct h2_list *list, bool ends, struct head *head);

/* The fields as lines of trailers, without those that must not be trailers (RFC 9110 section 6.5.1). */
bool h2_list_trailers(struct h2_list *list, struct text *trailers);

/* One field of a head that goes out; names in lower case. */
struct h2_field {
    struct str name, value;
};

/* Cuts a head's lines ("Name: value\r\n"…, up to an empty line or the end) into fields, without those that are about
 * an HTTP/1.1 connection. Writes lower case into `lines`, which the fields point to. At most `room`; the
 * number, or SIZE_MAX when there are more. */
size_t h2_fields_of(char *lines, size_t len, struct h2_field *fields, size_t room);

#endif
