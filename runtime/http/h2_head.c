#include "http/h2_head.h"

enum { ENTRY_BYTES = 32 }; /* RFC 9113 section 6.5.2: what each field counts beside its bytes */

static void refuse(struct h2_list *list, uint16_t status, const char *why)
{
    if (list->refused)
        return;
    list->refused = status;
    list->refusal = why;
}

void h2_list_begin(struct h2_list *list, struct pool *pool, const struct h1_limits *limits)
{
    *list =
        (struct h2_list){.pool = pool, .limits = limits, .lines.pool = pool, .cookies.pool = pool};
}

/* Nothing in it can end a line, or be taken for white space around a value. */
static bool is_plain(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0')
            return false;
    return value.len == 0 ||
           !(strchr(" \t", value.at[0]) || strchr(" \t", value.at[value.len - 1]));
}

static bool is_lower(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] >= 'A' && name.at[i] <= 'Z')
            return false;
    return true;
}

static void add_pseudo(struct h2_list *list, struct str name, struct str value)
{
    const struct {
        struct str name;
        struct str *value;
    } known[] = {
        {STR_INIT(":method"), &list->method},     {STR_INIT(":path"), &list->path},
        {STR_INIT(":scheme"), &list->scheme},     {STR_INIT(":authority"), &list->authority},
        {STR_INIT(":protocol"), &list->protocol}, {STR_INIT(":status"), &list->status},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!str_eq(name, known[i].name))
            continue;
        if (known[i].value->at || list->lines.len + list->cookies.len > 0)
            refuse(list, 400, "a pseudo-header field is repeated, or behind others");
        *known[i].value = pool_copy(list->pool, value);
        return;
    }
    refuse(list, 400, "an unknown pseudo-header field");
}

static void add_line(struct text *lines, struct str name, struct str value)
{
    text_add(lines, name);
    text_add(lines, STR(": "));
    text_add(lines, value);
    text_add(lines, STR("\r\n"));
}

/* RFC 9113 section 8.2.2: they are about a connection of HTTP/1.1. */
static bool is_of_connections(struct str name, struct str value)
{
    switch (field_id_of(name)) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
    case FIELD_HTTP2_SETTINGS:
        return true;
    case FIELD_TE:
        return !str_eq_nocase(value, STR("trailers"));
    default:
        return false;
    }
}

static void add_field(struct h2_list *list, struct str name, struct str value)
{
    if (!token_is_legal(name) || !is_lower(name)) {
        refuse(list, 400, "a field's name is malformed");
    } else if (is_of_connections(name, value)) {
        refuse(list, 400, "a field that HTTP/2 does not have");
    } else if (str_eq(name, STR("host"))) {
        if (list->host.at)
            refuse(list, 400, "several Host fields");
        list->host = pool_copy(list->pool, value);
    } else if (str_eq(name, STR("cookie"))) {
        if (list->cookies.len > 0)
            text_add(&list->cookies, STR("; "));
        text_add(&list->cookies, value);
    } else {
        add_line(&list->lines, name, value);
    }
}

void h2_list_add(struct h2_list *list, struct str name, struct str value)
{
    list->bytes += name.len + value.len + ENTRY_BYTES;
    if (++list->count > list->limits->count + 8u ||
        list->bytes > (size_t)list->limits->fields + list->limits->line +
                          (size_t)ENTRY_BYTES * (list->limits->count + 8u))
        refuse(list, 431, "the header section is too large");
    if (list->refused)
        return;
    if (!is_plain(value))
        refuse(list, 400, "a field's value is malformed");
    else if (name.len > 0 && name.at[0] == ':')
        add_pseudo(list, name, value);
    else
        add_field(list, name, value);
}

/* ---- requests ---- */

static const char *request_error(const struct h2_list *list, bool is_connect)
{
    if (list->status.at)
        return "a request with a status";
    if (list->method.len == 0 || !token_is_legal(list->method))
        return "no method, or a malformed one";
    if (is_connect)
        return list->path.at || list->scheme.at ? "a CONNECT request with a path" : NULL;
    if (list->path.len == 0 || list->scheme.len == 0)
        return "no path or no scheme";
    if (list->path.at[0] != '/' && !str_eq(list->path, STR("*")))
        return "the path does not begin with a slash";
    if (memchr(list->path.at, ' ', list->path.len))
        return "a space in the path";
    return NULL;
}

/* RFC 9113 section 8.3.1: :authority takes the place of Host; both together must agree. */
static const char *settle_authority(struct h2_list *list)
{
    if (list->authority.at && list->host.at && !str_eq_nocase(list->authority, list->host))
        return "the Host field contradicts :authority";
    if (!list->authority.at)
        list->authority = list->host;
    if (list->authority.len == 0)
        return "no :authority and no Host field";
    if (memchr(list->authority.at, '@', list->authority.len))
        return "user information in :authority";
    return NULL;
}

static bool parse(struct h2_list *list, enum h1_kind kind, struct str text, struct head *head)
{
    struct h1_parser parser;

    h1_parse_begin(&parser, kind, list->limits, list->pool, head);
    switch (h1_parse(&parser, text.at, text.len)) {
    case H1_DONE:
        return true;
    case H1_BAD:
        refuse(list, parser.status, parser.reason);
        break;
    case H1_MORE:
        refuse(list, 400, "the header section is malformed");
        break;
    }
    return false;
}

/* The first line, `lines`, and what a head has besides. */
static struct str whole(struct h2_list *list, struct text *first)
{
    text_add(first, text_str(&list->lines));
    if (list->cookies.len > 0)
        add_line(first, STR("cookie"), text_str(&list->cookies));
    text_add(first, STR("\r\n"));
    return text_str(first);
}

static void set_framing(struct head *head, bool ends)
{
    if (ends)
        head->framing = FRAMING_NONE;
    else if (head->framing == FRAMING_NONE)
        head->framing = FRAMING_CHUNKED;
}

/* RFC 8441: a stream that becomes a tunnel is what an Upgrade is in HTTP/1.1; the key is that of RFC 6455
 * section 4.1, which over HTTP/2 nobody looks at. */
static void add_upgrade(struct h2_list *list)
{
    if (!str_eq(list->method, STR("CONNECT")) || !str_eq(list->protocol, STR("websocket"))) {
        refuse(list, 501, "an unknown protocol for a tunnel");
        return;
    }
    list->method = STR("GET");
    text_add(&list->lines, STR("connection: Upgrade\r\nupgrade: websocket\r\n"
                               "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"));
}

bool h2_list_request(struct h2_list *list, bool ends, struct head *head)
{
    struct text first = {.pool = list->pool};
    const char *why;
    bool is_connect;

    if (!list->refused && list->protocol.at)
        add_upgrade(list);
    if (list->refused)
        return false;
    is_connect = str_eq(list->method, STR("CONNECT"));
    if ((why = request_error(list, is_connect)) || (why = settle_authority(list))) {
        refuse(list, 400, why);
        return false;
    }
    text_printf(&first, "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\n", STR_ARG(list->method),
                STR_ARG(is_connect ? list->authority : list->path), STR_ARG(list->authority));
    if (!parse(list, H1_REQUEST, whole(list, &first), head))
        return false;
    if (ends && head->framing == FRAMING_LENGTH && head->length > 0) {
        refuse(list, 400, "a Content-Length, and no content");
        return false;
    }
    if (!list->protocol.at)
        set_framing(head, ends);
    head->is_http2 = true;
    head->is_extended_connect = list->protocol.at != NULL;
    head->is_https = str_eq_nocase(list->scheme, STR("https"));
    return true;
}

/* ---- answers ---- */

bool h2_list_answer(struct h2_list *list, bool ends, struct head *head)
{
    struct text first = {.pool = list->pool};

    if (list->refused)
        return false;
    if (list->status.len != 3 || list->method.at || list->path.at || list->scheme.at ||
        list->authority.at || list->protocol.at || str_eq(list->status, STR("101"))) {
        refuse(list, 502, "the pseudo-header fields are not those of an answer");
        return false;
    }
    text_printf(&first, "HTTP/1.1 %.*s \r\n", STR_ARG(list->status));
    if (list->host.at)
        add_line(&first, STR("host"), list->host);
    if (!parse(list, H1_RESPONSE, whole(list, &first), head))
        return false;
    if (ends)
        head->framing = FRAMING_NONE;
    else if (head->framing == FRAMING_CLOSE)
        head->framing = FRAMING_CHUNKED;
    head->reason = (struct str){0};
    head->is_http2 = true;
    return true;
}

/* ---- trailers ---- */

bool h2_list_trailers(struct h2_list *list, struct text *trailers)
{
    struct text end = {.pool = list->pool};
    struct h1_chunks chunks = {0};
    struct str data, text;
    size_t used;

    if (list->method.at || list->path.at || list->scheme.at || list->authority.at ||
        list->status.at || list->protocol.at)
        refuse(list, 400, "a pseudo-header field in a trailer section");
    if (list->refused)
        return false;
    text_add(&end, STR("0\r\n"));
    text = whole(list, &end);
    if (h1_chunks_read(&chunks, text.at, text.len, &used, &data, trailers) == H1_DONE)
        return true;
    refuse(list, 400, "the trailer section is malformed");
    return false;
}

/* ---- out ---- */

static bool goes_out(struct str name)
{
    switch (field_id_of(name)) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
    case FIELD_HTTP2_SETTINGS:
        return false;
    default:
        return true;
    }
}

static struct str next_line(char **at, size_t *len)
{
    char *end = memchr(*at, '\n', *len);
    size_t whole_len = end ? (size_t)(end - *at) + 1 : *len;
    struct str line = {*at, whole_len};

    *at += whole_len;
    *len -= whole_len;
    return str_trim(line, "\r\n");
}

static bool cut(struct str line, struct h2_field *field)
{
    size_t colon = str_find(line, ':');

    if (colon == 0 || colon == line.len)
        return false;
    field->name = str_head(line, colon);
    field->value = str_trim(str_from(line, colon + 1), " \t");
    for (size_t i = 0; i < colon; i++) {
        char *c = (char *)&line.at[i];
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
    }
    return goes_out(field->name);
}

size_t h2_fields_of(char *lines, size_t len, struct h2_field *fields, size_t room)
{
    size_t count = 0;

    while (len > 0) {
        struct str line = next_line(&lines, &len);
        struct h2_field field;
        if (line.len == 0)
            break;
        if (!cut(line, &field))
            continue;
        if (count == room)
            return SIZE_MAX;
        fields[count++] = field;
    }
    return count;
}
