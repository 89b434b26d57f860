/* urlpath: the one form in which a request's path is matched, logged and sent on. What two readers of a
 * path could understand differently is resolved here or refused, so that the upstream never sees another
 * resource than the one that was matched (RFC 3986 sections 5.2.4 and 6.2.2).
 *
 *   normalize       %7E becomes ~, %2f becomes %2F, bytes that a URI may not hold raw (space aside) are
 *                   escaped, dot segments are resolved
 *   encoded_slash   keep: %2F stays as it is; decode: it becomes a slash; reject: refused
 *   merge_slashes   runs of slashes become one
 *   case_sensitive  is the matcher's business (urlpath_fold): the path goes on as the client wrote it
 *
 * Refused whatever the rules: %00 and bad escapes, control bytes, spaces, raw bytes above 0x7F, backslashes,
 * a path that does not start with a slash, dot segments that climb above the root or that some servers would
 * see beside an encoded slash or a ';' ("..%2Fadmin", "..;/admin"). Without `normalize` a dot segment is refused
 * instead of resolved. The compiler prepares templates with the same functions. No heap is used. */
#ifndef BASE_URLPATH_H
#define BASE_URLPATH_H

#include "base/str.h"

enum urlpath_slash { URLPATH_SLASH_KEEP, URLPATH_SLASH_REJECT, URLPATH_SLASH_DECODE };

struct urlpath_rules {
    bool normalize, merge_slashes, case_sensitive;
    enum urlpath_slash encoded_slash;
};

/* Bytes that `buf` of urlpath_normalise must have for a path of `len` bytes. */
static inline size_t urlpath_room(size_t len)
{
    return 3 * len;
}

/* True when urlpath_normalise has nothing to do: the path is accepted as it is. A quick scan. */
bool urlpath_is_normal(struct str path, const struct urlpath_rules *rules);

/* Sets *out to the path in its one form: `path` itself when nothing changes, else bytes in `buf`. Returns
 * NULL, or a sentence (for logs and problem documents) that says why the path is refused. */
const char *urlpath_normalise(struct str path, const struct urlpath_rules *rules, char *buf,
                              struct str *out);

/* The same for literal text of a template (one segment or a part of one): what a URI cannot hold raw is
 * escaped, UTF-8 included. `buf` as above. */
const char *urlpath_literal(struct str text, const struct urlpath_rules *rules, char *buf,
                            struct str *out);

/* True when the path holds %2F or %5C. */
bool urlpath_has_encoded_slash(struct str path);

/* ASCII letters in lower case, into buf (path.len bytes): the form that case-insensitive maps are asked. */
struct str urlpath_fold(struct str path, char *buf);

/* ---- what else of a URL is compared, alike in flows, in the matcher and in `explain` ---- */

/* Equality of a piece of a query, percent-decoded and with '+' as space, and plain text. */
bool urlpath_decodes_to(struct str raw, struct str plain);

/* True when the query has a parameter of that name, percent-decoded and with '+' as space, that is any of
 * the values; without values: when it is there. */
bool urlpath_query_is(struct str query, struct str name, const struct str *values, size_t count);

/* True when the host is the pattern, or lies below the x of "*.x". Both in lower case. */
bool urlpath_host_is(struct str host, struct str pattern);

/* True when the path is the prefix or lies below it. */
bool urlpath_below(struct str path, struct str prefix);

#endif
