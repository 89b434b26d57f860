/* cookie: what a request's Cookie field says (RFC 6265 section 4.2). */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "http/message.h"

/* The next cookie of all Cookie fields: "name=value" as it stands, into *pair. A zeroed walk begins. */
struct cookie_walk {
    const struct field *field;
    struct str left;
};
bool cookie_next(const struct fields *fields, struct cookie_walk *walk, struct str *pair);

/* The value of the first cookie of that name, as it stands; empty when there is none. Names are case-sensitive. */
struct str cookie_named(const struct fields *fields, struct str name);

#endif
