#include "http/message.h"

/* ---- field names ---- */

enum { NAME_MIN = 2, NAME_MAX = 25, NAME_SLOTS = 64 };

struct known_name {
    char text[30]; /* lower case, padded for comparison by words */
    uint8_t len, id;
};

/* Where a name stands: its length, first and last but one byte are its own, and the factor was searched until no
 * two names met in one slot. Lower case, or folded. */
static inline unsigned name_slot(size_t len, uint8_t first, uint8_t last_but_one)
{
    uint32_t key = (uint32_t)len << 16 | (uint32_t)first << 8 | last_but_one;

    return key * 0xee429805u >> 26;
}

#define NAME(text, id)                                                                             \
    {                                                                                              \
        text, sizeof(text) - 1, id                                                                 \
    }

static const struct known_name known_names[NAME_SLOTS] = {
    [1] = NAME("content-length", FIELD_CONTENT_LENGTH),
    [2] = NAME("cookie", FIELD_COOKIE),
    [5] = NAME("traceparent", FIELD_TRACEPARENT),
    [7] = NAME("content-type", FIELD_CONTENT_TYPE),
    [9] = NAME("location", FIELD_LOCATION),
    [10] = NAME("origin", FIELD_ORIGIN),
    [12] = NAME("via", FIELD_VIA),
    [14] = NAME("http2-settings", FIELD_HTTP2_SETTINGS),
    [16] = NAME("authorization", FIELD_AUTHORIZATION),
    [17] = NAME("x-forwarded-proto", FIELD_X_FORWARDED_PROTO),
    [18] = NAME("x-real-ip", FIELD_X_REAL_IP),
    [20] = NAME("te", FIELD_TE),
    [21] = NAME("trailer", FIELD_TRAILER),
    [22] = NAME("date", FIELD_DATE),
    [27] = NAME("x-forwarded-for", FIELD_X_FORWARDED_FOR),
    [29] = NAME("host", FIELD_HOST),
    [30] = NAME("server", FIELD_SERVER),
    [33] = NAME("accept-encoding", FIELD_ACCEPT_ENCODING),
    [35] = NAME("max-forwards", FIELD_MAX_FORWARDS),
    [36] = NAME("set-cookie", FIELD_SET_COOKIE),
    [38] = NAME("keep-alive", FIELD_KEEP_ALIVE),
    [40] = NAME("x-forwarded-prefix", FIELD_X_FORWARDED_PREFIX),
    [41] = NAME("transfer-encoding", FIELD_TRANSFER_ENCODING),
    [42] = NAME("upgrade", FIELD_UPGRADE),
    [46] = NAME("proxy-authorization", FIELD_PROXY_AUTHORIZATION),
    [47] = NAME("x-forwarded-host", FIELD_X_FORWARDED_HOST),
    [48] = NAME("user-agent", FIELD_USER_AGENT),
    [50] = NAME("proxy-authenticate", FIELD_PROXY_AUTHENTICATE),
    [52] = NAME("x-forwarded-port", FIELD_X_FORWARDED_PORT),
    [56] = NAME("forwarded", FIELD_FORWARDED),
    [58] = NAME("proxy-authentication-info", FIELD_PROXY_AUTHENTICATION_INFO),
    [60] = NAME("proxy-connection", FIELD_PROXY_CONNECTION),
    [62] = NAME("expect", FIELD_EXPECT),
    [63] = NAME("connection", FIELD_CONNECTION),
};

static uint64_t word8(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

static uint32_t word4(const char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Text has no byte that a set bit 5 turns into a letter, a digit or a hyphen but their upper case. The last
 * word overlaps the one before. */
static inline bool same_name(const char *lower, const char *name, size_t len)
{
    const uint64_t fold = 0x2020202020202020u;
    size_t at = 0;

    if (len < 4) {
        while (at < len && lower[at] == (char)(name[at] | 0x20))
            at++;
        return at == len;
    }
    if (len < 8)
        return word4(lower) == (word4(name) | (uint32_t)fold) &&
               word4(lower + len - 4) == (word4(name + len - 4) | (uint32_t)fold);
    for (; at + 8 < len; at += 8)
        if (word8(lower + at) != (word8(name + at) | fold))
            return false;
    return word8(lower + len - 8) == (word8(name + len - 8) | fold);
}

enum field_id field_id_of(struct str name)
{
    const struct known_name *known;

    if (name.len < NAME_MIN || name.len > NAME_MAX)
        return FIELD_OTHER;
    known = &known_names[name_slot(name.len, (uint8_t)(name.at[0] | 0x20),
                                   (uint8_t)(name.at[name.len - 2] | 0x20))];
    if (known->len != name.len || !same_name(known->text, name.at, name.len))
        return FIELD_OTHER;
    return known->id;
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
    if (!(fields->ids & FIELD_BIT(id)))
        return NULL;
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

bool fields_are_grpc(const struct fields *fields)
{
    const struct field *field = fields_find(fields, FIELD_CONTENT_TYPE);
    struct str type = field ? field_value(field) : (struct str){0};
    struct str rest = str_from(type, sizeof "application/grpc" - 1);

    return str_eq_nocase(str_head(type, sizeof "application/grpc" - 1), STR("application/grpc")) &&
           (rest.len == 0 || rest.at[0] == '+' || rest.at[0] == ';');
}

struct str trailers_find(struct str lines, struct str name)
{
    while (lines.len > 0) {
        struct str line = str_head(lines, str_find(lines, '\n'));
        size_t colon = str_find(line, ':');
        if (str_eq_nocase(str_head(line, colon), name))
            return str_trim(str_from(line, colon + 1), " \t\r");
        lines = str_from(lines, line.len + 1);
    }
    return (struct str){0};
}

void fields_drop(struct fields *fields, enum field_id id)
{
    if (!(fields->ids & FIELD_BIT(id)))
        return;
    for (unsigned i = 0; i < fields->count; i++)
        if (fields->at[i].id == id)
            fields->at[i].dropped = true;
}

void fields_drop_named(struct fields *fields, struct str name)
{
    for (unsigned i = 0; i < fields->count; i++)
        if (fields->at[i].name_len == name.len && str_eq_nocase(field_name(&fields->at[i]), name))
            fields->at[i].dropped = true;
}

#define HOP_BY_HOP                                                                                 \
    (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_HTTP2_SETTINGS) | FIELD_BIT(FIELD_KEEP_ALIVE) | \
     FIELD_BIT(FIELD_PROXY_AUTHENTICATE) | FIELD_BIT(FIELD_PROXY_AUTHENTICATION_INFO) |            \
     FIELD_BIT(FIELD_PROXY_AUTHORIZATION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |                    \
     FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) | FIELD_BIT(FIELD_UPGRADE))

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
    if (!(fields->ids & HOP_BY_HOP))
        return;
    for (unsigned i = 0; i < fields->count; i++) {
        struct field *field = &fields->at[i];

        if (field->id == FIELD_CONNECTION)
            drop_named(fields, field_value(field));
        if (FIELD_BIT(field->id) & HOP_BY_HOP)
            field->dropped = true;
    }
}

static bool is_alike(struct str name, struct str known)
{
    bool is_prefix = known.at[known.len - 1] == '-';

    if (is_prefix ? name.len < known.len : name.len != known.len)
        return false;
    for (size_t i = 0; i < known.len; i++) {
        char c = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] + 32) : name.at[i];
        if (c != known.at[i] && !(known.at[i] == '-' && (c == '_' || c == '.')))
            return false;
    }
    return true;
}

void fields_drop_alike(struct fields *fields, const struct str *names, size_t count)
{
    for (unsigned i = 0; i < fields->count; i++)
        for (size_t n = 0; n < count; n++)
            if (is_alike(field_name(&fields->at[i]), names[n]))
                fields->at[i].dropped = true;
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
