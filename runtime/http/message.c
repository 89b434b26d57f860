#include "http/message.h"

/* ---- field names ---- */

enum { NAME_MIN = 2, NAME_MAX = 25 };

struct known_name {
    char text[32]; /* lower case, padded for comparison by words */
    enum field_id id;
};

/* By length; names of one length are found through `first`. */
static const struct known_name known_names[] = {
    {"te", FIELD_TE},
    {"via", FIELD_VIA},
    {"date", FIELD_DATE},
    {"host", FIELD_HOST},
    {"cookie", FIELD_COOKIE},
    {"expect", FIELD_EXPECT},
    {"origin", FIELD_ORIGIN},
    {"server", FIELD_SERVER},
    {"trailer", FIELD_TRAILER},
    {"upgrade", FIELD_UPGRADE},
    {"location", FIELD_LOCATION},
    {"forwarded", FIELD_FORWARDED},
    {"x-real-ip", FIELD_X_REAL_IP},
    {"connection", FIELD_CONNECTION},
    {"keep-alive", FIELD_KEEP_ALIVE},
    {"set-cookie", FIELD_SET_COOKIE},
    {"user-agent", FIELD_USER_AGENT},
    {"traceparent", FIELD_TRACEPARENT},
    {"content-type", FIELD_CONTENT_TYPE},
    {"max-forwards", FIELD_MAX_FORWARDS},
    {"authorization", FIELD_AUTHORIZATION},
    {"content-length", FIELD_CONTENT_LENGTH},
    {"http2-settings", FIELD_HTTP2_SETTINGS},
    {"accept-encoding", FIELD_ACCEPT_ENCODING},
    {"x-forwarded-for", FIELD_X_FORWARDED_FOR},
    {"proxy-connection", FIELD_PROXY_CONNECTION},
    {"x-forwarded-host", FIELD_X_FORWARDED_HOST},
    {"x-forwarded-port", FIELD_X_FORWARDED_PORT},
    {"transfer-encoding", FIELD_TRANSFER_ENCODING},
    {"x-forwarded-proto", FIELD_X_FORWARDED_PROTO},
    {"proxy-authenticate", FIELD_PROXY_AUTHENTICATE},
    {"x-forwarded-prefix", FIELD_X_FORWARDED_PREFIX},
    {"proxy-authorization", FIELD_PROXY_AUTHORIZATION},
    {"proxy-authentication-info", FIELD_PROXY_AUTHENTICATION_INFO},
};

/* Index of the first name of a length; the next entry ends the range. */
static const uint8_t first[NAME_MAX + 2] = {
    [2] = 0,   [3] = 1,   [4] = 2,   [5] = 4,   [6] = 4,   [7] = 8,   [8] = 10,
    [9] = 11,  [10] = 13, [11] = 17, [12] = 18, [13] = 20, [14] = 21, [15] = 23,
    [16] = 25, [17] = 28, [18] = 30, [19] = 32, [20] = 33, [21] = 33, [22] = 33,
    [23] = 33, [24] = 33, [25] = 33, [26] = 34,
};

_Static_assert(sizeof known_names / sizeof known_names[0] == FIELD_COUNT - 1,
               "a field without name");

/* Tokens have no byte that this folds onto a letter, a digit or a hyphen but their upper case. */
static uint64_t fold(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word | 0x2020202020202020u;
}

static bool same_name(const char *lower, struct str name)
{
    size_t at = 0;

    if (name.len < sizeof(uint64_t)) {
        for (; at < name.len; at++)
            if (lower[at] != (char)(name.at[at] | 0x20))
                return false;
        return true;
    }
    for (; at + sizeof(uint64_t) < name.len; at += sizeof(uint64_t))
        if (fold(name.at + at) != fold(lower + at))
            return false;
    at = name.len - sizeof(uint64_t);
    return fold(name.at + at) == fold(lower + at);
}

enum field_id field_id_of(struct str name)
{
    if (name.len < NAME_MIN || name.len > NAME_MAX)
        return FIELD_OTHER;
    for (unsigned i = first[name.len]; i < first[name.len + 1]; i++)
        if (same_name(known_names[i].text, name))
            return known_names[i].id;
    return FIELD_OTHER;
}

/* ---- lists ---- */

static bool is_tchar(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

bool token_is_legal(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_tchar(text.at[i]))
            return false;
    return text.len > 0;
}

struct str list_next(struct str *list)
{
    size_t comma = str_find(*list, ',');
    struct str item = str_head(*list, comma);

    *list = comma < list->len ? str_from(*list, comma + 1) : (struct str){NULL, 0};
    while (item.len > 0 && (item.at[0] == ' ' || item.at[0] == '\t'))
        item = str_from(item, 1);
    while (item.len > 0 && (item.at[item.len - 1] == ' ' || item.at[item.len - 1] == '\t'))
        item.len--;
    return item;
}

bool list_has(struct str value, struct str token)
{
    while (value.at)
        if (str_eq_nocase(list_next(&value), token))
            return true;
    return false;
}

/* ---- field lists ---- */

const struct field *fields_find(const struct fields *fields, enum field_id id)
{
    for (unsigned i = 0; i < fields->count; i++)
        if (fields->at[i].id == id && !fields->at[i].dropped)
            return &fields->at[i];
    return NULL;
}

const struct field *fields_named(const struct fields *fields, struct str name,
                                 const struct field *after)
{
    unsigned i = after ? (unsigned)(after - fields->at) + 1 : 0;

    for (; i < fields->count; i++)
        if (!fields->at[i].dropped && str_eq_nocase(field_name(&fields->at[i]), name))
            return &fields->at[i];
    return NULL;
}

void fields_drop(struct fields *fields, enum field_id id)
{
    for (unsigned i = 0; i < fields->count; i++)
        if (fields->at[i].id == id)
            fields->at[i].dropped = true;
}

static bool is_hop_by_hop(enum field_id id)
{
    switch (id) {
    case FIELD_CONNECTION:
    case FIELD_HTTP2_SETTINGS:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_AUTHENTICATE:
    case FIELD_PROXY_AUTHENTICATION_INFO:
    case FIELD_PROXY_AUTHORIZATION:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TE:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
        return true;
    default:
        return false;
    }
}

/* The fields we know are end-to-end, and some unknown ones: naming them in Connection would take
 * from the next hop what a policy has just checked (RFC 9110 section 7.6.1 forbids senders to do
 * so). */
static bool is_protected(struct str name)
{
    static const struct str more[] = {
        STR_INIT("cache-control"), STR_INIT("content-encoding"),
        STR_INIT("content-range"), STR_INIT("etag"),
        STR_INIT("range"),         STR_INIT("vary"),
    };

    if (field_id_of(name) != FIELD_OTHER)
        return true;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (str_eq_nocase(name, more[i]))
            return true;
    return false;
}

static void drop_named(struct fields *fields, struct str list)
{
    while (list.at) {
        struct str name = list_next(&list);

        if (name.len == 0 || is_protected(name))
            continue;
        for (unsigned i = 0; i < fields->count; i++)
            if (fields->at[i].id == FIELD_OTHER && str_eq_nocase(field_name(&fields->at[i]), name))
                fields->at[i].dropped = true;
    }
}

void fields_drop_hop_by_hop(struct fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++) {
        struct field *field = &fields->at[i];

        if (field->id == FIELD_CONNECTION)
            drop_named(fields, field_value(field));
        if (is_hop_by_hop(field->id))
            field->dropped = true;
    }
}

bool fields_drop_underscores(struct fields *fields)
{
    bool found = false;

    if (!fields->underscores)
        return false;
    for (unsigned i = 0; i < fields->count; i++) {
        struct field *field = &fields->at[i];

        if (memchr(field->name, '_', field->name_len)) {
            field->dropped = true;
            found = true;
        }
    }
    return found;
}

/* Where the line of field `i` ends, its CRLF included. */
static const char *line_end(const struct fields *fields, unsigned i)
{
    const struct field *field = &fields->at[i];
    const char *at;

    if (i + 1u < fields->count)
        return field[1].name;
    for (at = field->value + field->value_len; *at != '\n'; at++)
        ;
    return at + 1;
}

size_t fields_write(const struct fields *fields, char *to, size_t room)
{
    size_t len = 0;
    unsigned i = 0;

    while (i < fields->count) {
        const char *from = fields->at[i].name;
        size_t run;

        if (fields->at[i].dropped) {
            i++;
            continue;
        }
        while (i + 1u < fields->count && !fields->at[i + 1].dropped)
            i++;
        run = (size_t)(line_end(fields, i) - from);
        if (run > room - len)
            return FIELDS_NO_ROOM;
        memcpy(to + len, from, run);
        len += run;
        i++;
    }
    return len;
}

/* ---- methods and statuses ---- */

static const struct str method_names[] = {
    [METHOD_GET] = STR_INIT("GET"),         [METHOD_HEAD] = STR_INIT("HEAD"),
    [METHOD_POST] = STR_INIT("POST"),       [METHOD_PUT] = STR_INIT("PUT"),
    [METHOD_DELETE] = STR_INIT("DELETE"),   [METHOD_PATCH] = STR_INIT("PATCH"),
    [METHOD_OPTIONS] = STR_INIT("OPTIONS"), [METHOD_TRACE] = STR_INIT("TRACE"),
    [METHOD_CONNECT] = STR_INIT("CONNECT"), [METHOD_QUERY] = STR_INIT("QUERY"),
    [METHOD_OTHER] = STR_INIT(""),
};

enum method method_of(struct str text)
{
    for (unsigned i = 0; i < METHOD_OTHER; i++)
        if (str_eq(text, method_names[i]))
            return (enum method)i;
    return METHOD_OTHER;
}

struct str method_name(enum method method)
{
    return method_names[method];
}

/* https://www.iana.org/assignments/http-status-codes */
static const struct str reasons[600] = {
    [100] = STR_INIT("Continue"),
    [101] = STR_INIT("Switching Protocols"),
    [102] = STR_INIT("Processing"),
    [103] = STR_INIT("Early Hints"),
    [104] = STR_INIT("Upload Resumption Supported"),
    [200] = STR_INIT("OK"),
    [201] = STR_INIT("Created"),
    [202] = STR_INIT("Accepted"),
    [203] = STR_INIT("Non-Authoritative Information"),
    [204] = STR_INIT("No Content"),
    [205] = STR_INIT("Reset Content"),
    [206] = STR_INIT("Partial Content"),
    [207] = STR_INIT("Multi-Status"),
    [208] = STR_INIT("Already Reported"),
    [226] = STR_INIT("IM Used"),
    [300] = STR_INIT("Multiple Choices"),
    [301] = STR_INIT("Moved Permanently"),
    [302] = STR_INIT("Found"),
    [303] = STR_INIT("See Other"),
    [304] = STR_INIT("Not Modified"),
    [305] = STR_INIT("Use Proxy"),
    [307] = STR_INIT("Temporary Redirect"),
    [308] = STR_INIT("Permanent Redirect"),
    [400] = STR_INIT("Bad Request"),
    [401] = STR_INIT("Unauthorized"),
    [402] = STR_INIT("Payment Required"),
    [403] = STR_INIT("Forbidden"),
    [404] = STR_INIT("Not Found"),
    [405] = STR_INIT("Method Not Allowed"),
    [406] = STR_INIT("Not Acceptable"),
    [407] = STR_INIT("Proxy Authentication Required"),
    [408] = STR_INIT("Request Timeout"),
    [409] = STR_INIT("Conflict"),
    [410] = STR_INIT("Gone"),
    [411] = STR_INIT("Length Required"),
    [412] = STR_INIT("Precondition Failed"),
    [413] = STR_INIT("Content Too Large"),
    [414] = STR_INIT("URI Too Long"),
    [415] = STR_INIT("Unsupported Media Type"),
    [416] = STR_INIT("Range Not Satisfiable"),
    [417] = STR_INIT("Expectation Failed"),
    [421] = STR_INIT("Misdirected Request"),
    [422] = STR_INIT("Unprocessable Content"),
    [423] = STR_INIT("Locked"),
    [424] = STR_INIT("Failed Dependency"),
    [425] = STR_INIT("Too Early"),
    [426] = STR_INIT("Upgrade Required"),
    [428] = STR_INIT("Precondition Required"),
    [429] = STR_INIT("Too Many Requests"),
    [431] = STR_INIT("Request Header Fields Too Large"),
    [451] = STR_INIT("Unavailable For Legal Reasons"),
    [500] = STR_INIT("Internal Server Error"),
    [501] = STR_INIT("Not Implemented"),
    [502] = STR_INIT("Bad Gateway"),
    [503] = STR_INIT("Service Unavailable"),
    [504] = STR_INIT("Gateway Timeout"),
    [505] = STR_INIT("HTTP Version Not Supported"),
    [506] = STR_INIT("Variant Also Negotiates"),
    [507] = STR_INIT("Insufficient Storage"),
    [508] = STR_INIT("Loop Detected"),
    [510] = STR_INIT("Not Extended"),
    [511] = STR_INIT("Network Authentication Required"),
};

struct str status_reason(unsigned status)
{
    if (status >= sizeof reasons / sizeof reasons[0] || reasons[status].len == 0)
        return STR("Unknown");
    return reasons[status];
}
