/* limits: how much of anything a request may bring. Bodies anywhere; what is known before the route is,
 * on the document and on listeners. Merged field by field over the levels. */
#ifndef GEN_POLICY_LIMITS_H
#define GEN_POLICY_LIMITS_H

#include "setting.h"

struct limits {
    struct setting body, upload_rate, buffer;                       /* anywhere */
    struct setting headers, header_count, uri;                      /* document, listener */
    struct setting upstream_headers, buffers;                       /* document */
    struct setting connections, connections_per_ip, header_timeout; /* listener */
};

/* out: struct limits */
extern const struct policy_type limits_document_type, limits_type, limits_listener_type;

/* `false`: bodies are neither counted nor slowed. */
struct limits limits_off(struct loc loc);

/* What `over` says of bodies replaces what `under` says. */
void limits_merge(struct limits *under, const struct limits *over);

#endif
