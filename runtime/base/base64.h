/* base64: bytes as text (RFC 4648), read strictly: each sequence of bytes has one text. Refused: characters outside
 * of the alphabet (white space, too), a wrong length, unused bits that are not zero, padding that lacks or stands
 * where none may stand. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/pool.h"

/* Section 5 without padding, as in JWS (RFC 7515 section 2). The bytes are the pool's, a NUL follows them. */
bool base64_read_url(struct pool *pool, struct str text, struct str *bytes);

/* Section 4 with padding, as in Basic credentials (RFC 7617). */
bool base64_read(struct pool *pool, struct str text, struct str *bytes);

/* The other way: section 4 with padding, in the pool. */
struct str base64_write(struct pool *pool, struct str bytes);

/* One of the two, never a mixture: for secrets that people write down. A text that is both has one meaning. */
bool base64_read_either(struct pool *pool, struct str text, struct str *bytes);

#endif
