/* message: the words of HTTP that h1, h2, caches and policies share: methods, statuses, field
 * lists. RFC 9110. A field list borrows its bytes from the buffer in which the head was read;
 * consecutive fields of a head are contiguous there, so that untouched runs are copied as one
 * block. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/pool.h"

/* Registered methods (OpenAPI's and CONNECT); METHOD_OTHER has its text in the head. */
enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_PATCH,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_CONNECT,
    METHOD_QUERY,
    METHOD_OTHER
};

/* Fields that the gateway itself looks at, recognised once while parsing. */
enum field_id {
    FIELD_OTHER,
    FIELD_ACCEPT_ENCODING,
    FIELD_AUTHORIZATION,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_DATE,
    FIELD_EXPECT,
    FIELD_FORWARDED,
    FIELD_HOST,
    FIELD_KEEP_ALIVE,
    FIELD_LOCATION,
    FIELD_MAX_FORWARDS,
    FIELD_ORIGIN,
    FIELD_PROXY_AUTHENTICATE,
    FIELD_PROXY_AUTHENTICATION_INFO,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_PROXY_CONNECTION,
    FIELD_SERVER,
    FIELD_SET_COOKIE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_USER_AGENT,
    FIELD_TRACEPARENT,
    FIELD_VIA,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_FORWARDED_HOST,
    FIELD_X_FORWARDED_PORT,
    FIELD_X_FORWARDED_PREFIX,
    FIELD_X_FORWARDED_PROTO,
    FIELD_X_REAL_IP,
    FIELD_HTTP2_SETTINGS,
    FIELD_COUNT
};

struct field {
    const char *name; /* start of its line */
    const char *value;
    uint32_t value_len;
    uint16_t name_len;
    uint8_t id;   /* enum field_id */
    bool dropped; /* is not forwarded */
};

struct fields {
    struct field *at;
    uint16_t count, cap;
    bool underscores; /* a name holds an underscore */
    uint64_t ids;     /* FIELD_BIT of each id that came, dropped ones too */
};

#define FIELD_BIT(id) ((uint64_t)1 << (id))

/* How a body is delimited (RFC 9112 section 6.3). */
enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct head {
    /* requests */
    enum method method;
    struct str method_text;
    struct str target;    /* as received */
    struct str authority; /* Host field or absolute-form's authority */
    struct str path;      /* target up to '?'; "*" for OPTIONS * */
    struct str query;     /* behind '?'; at NULL: there was none */
    /* responses */
    uint16_t status;
    struct str reason;
    /* both */
    uint8_t minor; /* HTTP/1.minor */
    enum framing framing;
    uint64_t length; /* FRAMING_LENGTH */
    bool keep_alive; /* the sender means to go on */
    bool expect_continue;
    bool upgrade; /* Connection names upgrade and an Upgrade field is there */
    bool te_trailers;
    bool drops_trailers;      /* Connection names fields, which may be trailers */
    bool is_extended_connect; /* RFC 8441: written down as an Upgrade */
    bool is_http2;            /* it came as a header list */
    bool is_https;            /* requests: the target is an https URL, whatever the connection is */
    bool bad_host_count;      /* requests: none or several Host fields (RFC 9112 section 3.2) */
    struct fields fields;
    size_t head_len; /* bytes of the whole head, its empty line included */
};

static inline struct str field_value(const struct field *field)
{
    return (struct str){field->value, field->value_len};
}

static inline struct str field_name(const struct field *field)
{
    return (struct str){field->name, field->name_len};
}

/* The first field with that id, or NULL. Dropped ones are passed over, here and below. */
const struct field *fields_find(const struct fields *fields, enum field_id id);

/* The first field of that name behind `after` (NULL: from the start), or NULL. */
const struct field *fields_named(const struct fields *fields, struct str name,
                                 const struct field *after);

/* Content-Type says that it is gRPC's: application/grpc, application/grpc+proto, but not application/grpc-web. */
bool fields_are_grpc(const struct fields *fields);

/* The value of that name in lines of trailers; at NULL: there is none. */
struct str trailers_find(struct str lines, struct str name);

/* Marks what must not be forwarded (RFC 9110 section 7.6.1): hop-by-hop fields and those that
 * Connection names. Never drops Host, Content-Length or what a forged Connection must not
 * remove. TE goes as well: who forwards trailers says so in a line of its own. */
void fields_drop_hop_by_hop(struct fields *fields);

/* Marks all fields with that id. */
void fields_drop(struct fields *fields, enum field_id id);

/* Marks all fields of that name. */
void fields_drop_named(struct fields *fields, struct str name);

/* Marks all fields of these names (in lower case), '_' and '.' as '-': the same to a CGI-like backend. One that ends in '-'
 * stands for all that begin like it. */
void fields_drop_alike(struct fields *fields, const struct str *names, size_t count);

/* Marks all fields whose name holds an underscore; true when there was one. CGI and its likes
 * turn X-User-Id and X_User_Id into the same variable, so that one can pass for the other. */
bool fields_drop_underscores(struct fields *fields);

/* Writes the lines of all fields that are not dropped as they were received, CRLF included,
 * without the empty line. Returns their length, or FIELDS_NO_ROOM when they do not fit. Only for
 * fields of one HTTP/1 head: they must be contiguous. */
#define FIELDS_NO_ROOM SIZE_MAX
size_t fields_write(const struct fields *fields, char *to, size_t room);

/* The method for its text, case-sensitive (RFC 9110 section 9.1), and its text; METHOD_OTHER has
 * none. */
enum method method_of(struct str text);
struct str method_name(enum method method);

/* "Not Found"; "Unknown" for statuses without a name. */
struct str status_reason(unsigned status);

/* A field's id for its name (a token), without regard to case. */
enum field_id field_id_of(struct str name);

/* RFC 9110 section 5.6.2 */
bool token_is_legal(struct str text);

/* Takes the first element off a comma-separated list, without the white space around it; maybe
 * empty. Behind the last one list->at is NULL. Not for lists whose elements may be quoted. */
struct str list_next(struct str *list);

/* True when a comma-separated list value has the token, without regard to case (RFC 9110 section
 * 5.6.1). */
bool list_has(struct str value, struct str token);

#endif
