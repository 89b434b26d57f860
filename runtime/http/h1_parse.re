#include <arpa/inet.h>

#include "http/h1_parse.h"

/* How it reads: each element (method, target, version, name, value) has a small lexer that starts at the
 * resume point. Reading is bounded by PEEK: behind the last byte there seems to be a NUL, which belongs to
 * no class, and the lexer notes that it ran dry. An element that did not match then waits for more bytes;
 * one that failed on a real byte is bad. Long elements are runs of one class, so they go on wherever they
 * were cut; short ones (method, version) are read again from their start. Total work is linear.
 *
 * No element is looked at beyond its cap, so the verdict does not depend on how the bytes arrive. */

enum state { AT_START, AT_TARGET, AT_VERSION, AT_STATUS, AT_REASON, AT_NAME, AT_OWS, AT_VALUE, AT_END };

enum step { STEP_ON, STEP_MORE, STEP_DONE, STEP_BAD };

enum { FIRST_FIELDS = 32, NAME_MAX_LEN = UINT16_MAX, EMPTY_LINES_MAX = 2, HOST_MAX = 255 + sizeof ":65535" - 1 };

struct lexer {
    const uint8_t *bytes;
    size_t at, end;
};

/*!re2c
    re2c:api = custom;
    re2c:api:style = free-form;
    re2c:yyfill:enable = 0;
    re2c:flags:b = 1;
    re2c:define:YYCTYPE = "uint8_t";
    re2c:define:YYPEEK = "(uint8_t)(at < end ? bytes[at] : (dry = true, 0))";
    re2c:define:YYSKIP = "at++;";
    re2c:define:YYBACKUP = "back = at;";
    re2c:define:YYRESTORE = "at = back;";

    tchar   = [!#$%&'*+.^_`|~0-9A-Za-z-];
    plain   = tchar \ [_];
    text    = [\t\x20-\x7e\x80-\xff];
    digit   = [0-9];
    hex     = [0-9A-Fa-f];
    // RFC 3986 without '#', and {|}^` which browsers leave as they are. Not "<>\.
    uri     = [A-Za-z0-9._~:/?[\]@!$&'()*+,;=%{|}^`-];
*/

static enum step bad(struct h1_parser *p, unsigned status, const char *reason)
{
    p->status = p->kind == H1_RESPONSE ? 502 : (uint16_t)status;
    p->reason = reason;
    return STEP_BAD;
}

static void go(struct h1_parser *p, enum state state, size_t at, size_t room)
{
    p->state = state;
    p->mark = at;
    p->cap = at + room;
}

static struct str slice(const struct lexer *lx, size_t from, size_t to)
{
    return (struct str){(const char *)lx->bytes + from, to - from};
}

/* ---- start lines ---- */

/* What stands before the closing bracket of an IP literal. */
static bool is_ipv6(struct str text)
{
    char z[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t len = str_find(text, ']');

    if (len >= sizeof z)
        return false;
    memcpy(z, text.at, len);
    z[len] = '\0';
    return inet_pton(AF_INET6, z, &address) == 1;
}

/* RFC 3986 section 3.2.2 */
bool h1_host_is_legal(struct str authority)
{
    const uint8_t *bytes = (const uint8_t *)authority.at;
    size_t at = 0, end = authority.len, back;
    bool dry = false;

    if (end > HOST_MAX)
        return false;
/*!re2c
    // A comma is legal in a reg-name, but is what two merged Host fields look like.
    name  = ([A-Za-z0-9._~!$&'()*+;=-] | "%" hex{2})+;
    port  = "0"* ([1-9] digit{0,3} | [1-5] digit{4} | "6" [0-4] digit{3} | "65" [0-4] digit{2}
          | "655" [0-2] digit | "6553" [0-5])?;

    name (":" port)?                    { return dry && at == end; }
    "[" [0-9A-Fa-f:.]+ "]" (":" port)?  { return at == end && is_ipv6(str_from(authority, 1)); }
    *                                   { return false; }
*/
}

static void split_query(struct head *head, struct str text)
{
    size_t mark = str_find(text, '?');

    head->path = str_head(text, mark);
    if (mark < text.len)
        head->query = str_from(text, mark + 1);
}

/* http://authority/path?query (RFC 9112 section 3.2.2) */
static enum step absolute_form(struct h1_parser *p, struct str target)
{
    struct head *head = p->head;
    size_t scheme = str_find(target, ':'), len = 0;
    struct str rest = str_from(target, scheme);

    if (!(str_eq_nocase(str_head(target, scheme), STR("http")) ||
          str_eq_nocase(str_head(target, scheme), STR("https"))) ||
        !str_starts(rest, STR("://")))
        return bad(p, 400, "the request target is neither a path nor an http URL");
    rest = str_from(rest, 3);
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    head->authority = str_head(rest, len);
    if (!h1_host_is_legal(head->authority))
        return bad(p, 400, "the request target names no legal host");
    split_query(head, str_from(rest, len));
    /* RFC 9112 section 3.2.4: OPTIONS for a whole server, seen through a proxy */
    if (head->path.len == 0)
        head->path = head->method == METHOD_OPTIONS && !head->query.at ? STR("*") : STR("/");
    p->absolute = true;
    return STEP_ON;
}

static enum step target_form(struct h1_parser *p)
{
    struct head *head = p->head;
    struct str target = head->target;

    if (head->method == METHOD_CONNECT) {
        head->authority = target;
        if (!h1_host_is_legal(target) || !strchr("0123456789", target.at[target.len - 1]) ||
            !memrchr(target.at, ':', target.len))
            return bad(p, 400, "the target of CONNECT is not host:port");
        return STEP_ON;
    }
    if (target.at[0] == '/') {
        split_query(head, target);
        return STEP_ON;
    }
    if (str_eq(target, STR("*"))) {
        head->path = target;
        if (head->method != METHOD_OPTIONS)
            return bad(p, 400, "only OPTIONS may ask for *");
        return STEP_ON;
    }
    return absolute_form(p, target);
}

static enum step lex_method(struct h1_parser *p, struct lexer *lx)
{
    const uint8_t *bytes = lx->bytes;
    size_t at = p->mark, back = at, end = lx->end;
    bool dry = false;

/*!re2c
    "\r\n" {
        if (++p->empty_lines > EMPTY_LINES_MAX)
            return bad(p, 400, "empty lines instead of a request line");
        lx->at = at;
        go(p, AT_START, at, H1_METHOD_MAX + 1);
        return STEP_ON;
    }
    tchar+ " " {
        p->head->method_text = slice(lx, p->mark, at - 1);
        p->head->method = method_of(p->head->method_text);
        lx->at = at;
        go(p, AT_TARGET, at, (size_t)p->limits->line + 1);
        return STEP_ON;
    }
    * { return dry ? STEP_MORE : bad(p, 400, "the request line does not begin with a method"); }
*/
}

static enum step bad_target(struct h1_parser *p, uint8_t byte)
{
    if (byte == '\r' || byte == '\n')
        return bad(p, 400, "the request line has no version");
    if (byte == '#')
        return bad(p, 400, "the request target has a fragment");
    return bad(p, 400, "the request target has a byte that must be escaped");
}

static enum step target_done(struct h1_parser *p, struct lexer *lx, size_t at)
{
    p->head->target = slice(lx, p->mark, at - 1);
    if (p->head->target.len == 0)
        return bad(p, 400, "the request line has no target");
    lx->at = at;
    go(p, AT_VERSION, at, sizeof "HTTP/1.1\r\n" - 1);
    return target_form(p);
}

static enum step lex_target(struct h1_parser *p, struct lexer *lx)
{
    const uint8_t *bytes = lx->bytes;
    size_t at = lx->at, end = lx->end;
    bool dry = false;

/*!re2c
    uri* " "    { return target_done(p, lx, at); }
    uri+ {
        if (!dry)
            return bad_target(p, bytes[at]);
        lx->at = at;
        return STEP_MORE;
    }
    *           { return dry ? STEP_MORE : bad_target(p, bytes[lx->at]); }
*/
}

static enum step lex_version(struct h1_parser *p, struct lexer *lx)
{
    const uint8_t *bytes = lx->bytes;
    size_t at = p->mark, end = lx->end, back;
    bool dry = false;

/*!re2c
    "HTTP/1." [01] "\r\n" {
        p->head->minor = bytes[at - 3] - '0';
        lx->at = at;
        go(p, AT_NAME, at, (size_t)p->limits->fields + 2);
        return STEP_ON;
    }
    "HTTP/1." [01] { return dry ? STEP_MORE : bad(p, 400, "the request line does not end behind the version"); }
    "HTTP/1." [01] "\r" { return dry ? STEP_MORE : bad(p, 400, "a carriage return stands alone"); }
    "HTTP/" digit "." digit { return bad(p, 505, "this version of HTTP is not served"); }
    * { return dry ? STEP_MORE : bad(p, 400, "the version of the request line is malformed"); }
*/
}

static enum step lex_status(struct h1_parser *p, struct lexer *lx)
{
    const uint8_t *bytes = lx->bytes;
    size_t at = p->mark, end = lx->end, back;
    bool dry = false;

/*!re2c
    "HTTP/1." [01] " " [1-5] digit digit [ \r] {
        const uint8_t *status = bytes + at - 4;

        p->head->minor = bytes[p->mark + 7] - '0';
        p->head->status = (uint16_t)((status[0] - '0') * 100 + (status[1] - '0') * 10 + status[2] - '0');
        lx->at = status[3] == ' ' ? at : at - 1; /* the reason and its space may be missing */
        p->value = lx->at;
        p->state = AT_REASON;
        return STEP_ON;
    }
    * { return dry ? STEP_MORE : bad(p, 502, "the answer has no legal status line"); }
*/
}

/* ---- field lines ---- */

/* Over bytes that are neither control bytes nor DEL, eight at a time; stops within eight bytes of the end.
 * RFC 9110 section 5.5 */
static size_t skip_text(const uint8_t *bytes, size_t at, size_t end)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

    for (; end - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word, del;

        memcpy(&word, bytes + at, sizeof word);
        del = word ^ ones * 0x7f;
        if (((word - ones * 0x20) & ~word & tops) || ((del - ones) & ~del & tops))
            break;
    }
    return at;
}

static enum step bad_text(struct h1_parser *p, uint8_t byte)
{
    if (byte == '\r')
        return bad(p, 400, "a carriage return stands alone");
    if (byte == '\n')
        return bad(p, 400, "a line ends without carriage return");
    return bad(p, 400, "a control byte in the head");
}

/* Text up to CRLF; on STEP_ON lx->at is behind it. */
static enum step lex_text(struct h1_parser *p, struct lexer *lx)
{
    const uint8_t *bytes = lx->bytes;
    size_t at = skip_text(bytes, lx->at, lx->end), end = lx->end, back;
    bool dry = false;

    lx->at = at;
/*!re2c
    text* "\r\n"    { lx->at = at; return STEP_ON; }
    text+ {
        lx->at = at;
        return dry ? STEP_MORE : bad_text(p, bytes[at]);
    }
    *               { return dry ? STEP_MORE : bad_text(p, bytes[lx->at]); }
*/
}

static enum step lex_reason(struct h1_parser *p, struct lexer *lx)
{
    enum step step = lex_text(p, lx);

    if (step == STEP_ON) {
        p->head->reason = slice(lx, p->value, lx->at - 2);
        go(p, AT_NAME, lx->at, (size_t)p->limits->fields + 2);
    }
    return step;
}

static inline uint64_t bit(enum field_id id)
{
    return (uint64_t)1 << id;
}

static bool digits_to_u64(struct str text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');

        if (digit > 9 || *value > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return text.len > 0;
}

/* RFC 9112 section 6.3: a request says it once; for answers RFC 9110 section 8.6 lets identical values pass. */
static enum step read_length(struct h1_parser *p, struct str list)
{
    bool seen = p->seen & bit(FIELD_CONTENT_LENGTH);
    struct str item = list;
    uint64_t value;

    if (p->seen & bit(FIELD_TRANSFER_ENCODING))
        return bad(p, 400, "Content-Length together with Transfer-Encoding");
    if (p->kind == H1_REQUEST && seen)
        return bad(p, 400, "more than one Content-Length");
    do {
        if (p->kind == H1_RESPONSE)
            item = list_next(&list);
        if (!digits_to_u64(item, &value) || (seen && value != p->head->length))
            return bad(p, 400, "Content-Length is not one number");
        p->head->length = value;
        seen = true;
    } while (p->kind == H1_RESPONSE && list.at);
    return STEP_ON;
}

/* RFC 9112 section 6.1: chunked once and last; we know no other coding. */
static enum step read_codings(struct h1_parser *p, struct str list)
{
    if (p->seen & bit(FIELD_CONTENT_LENGTH))
        return bad(p, 400, "Transfer-Encoding together with Content-Length");
    if (p->head->minor == 0)
        return bad(p, 400, "Transfer-Encoding in HTTP/1.0");
    do {
        struct str item = list_next(&list);

        if (p->chunked)
            return bad(p, 400, "chunked is not the last transfer coding, or is there twice");
        if (!token_is_legal(item))
            return bad(p, 400, "Transfer-Encoding is malformed");
        if (!str_eq_nocase(item, STR("chunked")))
            return bad(p, 501, "unknown transfer coding");
        p->chunked = true;
    } while (list.at);
    return STEP_ON;
}

static enum step read_host(struct h1_parser *p, struct str value)
{
    if (p->seen & bit(FIELD_HOST)) {
        p->head->bad_host_count = true;
        return bad(p, 400, "more than one Host field");
    }
    if (!h1_host_is_legal(value))
        return bad(p, 400, "the Host field is malformed");
    if (!p->absolute && p->head->method != METHOD_CONNECT)
        p->head->authority = value;
    /* RFC 9112 section 3.2.2 has us prefer the target; one that disagrees is an attack on somebody. */
    else if (!str_eq_nocase(value, p->head->authority))
        return bad(p, 400, "the Host field disagrees with the request target");
    return STEP_ON;
}

static void read_connection(struct h1_parser *p, struct str list)
{
    do {
        struct str item = list_next(&list);

        p->close |= str_eq_nocase(item, STR("close"));
        p->keep_alive |= str_eq_nocase(item, STR("keep-alive"));
        p->upgrade |= str_eq_nocase(item, STR("upgrade"));
    } while (list.at);
}

/* Fields that mean something to the framing or the connection. */
static enum step read_field(struct h1_parser *p, enum field_id id, struct str value)
{
    enum step step = STEP_ON;

    switch (id) {
    case FIELD_CONTENT_LENGTH:
        step = read_length(p, value);
        break;
    case FIELD_TRANSFER_ENCODING:
        step = read_codings(p, value);
        break;
    case FIELD_CONNECTION:
        read_connection(p, value);
        break;
    case FIELD_HOST:
        if (p->kind == H1_REQUEST)
            step = read_host(p, value);
        break;
    case FIELD_EXPECT:
        if (p->kind == H1_REQUEST && !str_eq_nocase(value, STR("100-continue")))
            step = bad(p, 417, "this expectation cannot be met");
        break;
    case FIELD_TE:
        p->head->te_trailers |= list_has(value, STR("trailers"));
        break;
    default:
        break;
    }
    p->seen |= bit(id);
    return step;
}

static void more_fields(struct h1_parser *p)
{
    struct fields *fields = &p->head->fields;
    unsigned cap = fields->cap ? 2u * fields->cap : FIRST_FIELDS;
    struct field *at;

    if (cap > p->limits->count)
        cap = p->limits->count;
    at = pool_take(p->pool, cap * sizeof *at);
    if (fields->count)
        memcpy(at, fields->at, fields->count * sizeof *at);
    fields->at = at;
    fields->cap = (uint16_t)cap;
}

/* The line [mark, end) is complete; its colon and the start of its value are known. */
static enum step add_field(struct h1_parser *p, const struct lexer *lx, size_t end)
{
    struct fields *fields = &p->head->fields;
    struct str name = slice(lx, p->mark, p->colon), value;
    struct field *field;

    if (name.len > NAME_MAX_LEN)
        return bad(p, 431, "a field name is too long");
    if (fields->count >= p->limits->count)
        return bad(p, 431, "too many fields");
    if (fields->count == fields->cap)
        more_fields(p);
    while (end > p->value && (lx->bytes[end - 1] == ' ' || lx->bytes[end - 1] == '\t'))
        end--;
    value = slice(lx, p->value, end);
    field = &fields->at[fields->count++];
    *field = (struct field){.name = name.at,
                            .value = value.at,
                            .value_len = (uint32_t)value.len,
                            .name_len = (uint16_t)name.len,
                            .id = (uint8_t)field_id_of(name)};
    return field->id == FIELD_OTHER ? STEP_ON : read_field(p, field->id, value);
}

static enum step bad_name(struct h1_parser *p, const struct lexer *lx, size_t at)
{
    uint8_t byte = lx->bytes[at];

    if (byte == ' ' || byte == '\t')
        return at == p->mark ? bad(p, 400, "a folded field line")
                             : bad(p, 400, "white space before the colon of a field");
    if (byte == ':')
        return bad(p, 400, "a field without a name");
    if (byte == '\r' || byte == '\n')
        return at == p->mark ? bad_text(p, byte) : bad(p, 400, "a field line without colon");
    return bad(p, 400, "a byte that no field name may have");
}

/* The name up to its colon, or the empty line. RFC 9112 section 5 */
static enum step lex_name(struct h1_parser *p, struct lexer *lx)
{
    const uint8_t *bytes = lx->bytes;
    size_t start = lx->at, at = start, end = lx->end;
    bool dry = false, first = start == p->mark;

/*!re2c
    plain* ":"      { goto colon; }
    tchar+ ":"      { p->head->fields.underscores = true; goto colon; }
    "\r\n"          { lx->at = at; return first ? STEP_DONE : bad_name(p, lx, start); }
    tchar+          { lx->at = at;
                      if (!dry)
                          return bad_name(p, lx, at);
                      if (memchr(bytes + start, '_', at - start))
                          p->head->fields.underscores = true;
                      return STEP_MORE; }
    *               { return dry && (first || start == end) ? STEP_MORE : bad_name(p, lx, start); }
*/
colon:
    lx->at = at;
    p->colon = at - 1;
    if (p->colon == p->mark)
        return bad_name(p, lx, p->mark);
    p->state = AT_OWS;
    return STEP_ON;
}

static enum step lex_value(struct h1_parser *p, struct lexer *lx)
{
    enum step step;

    if (p->state == AT_OWS) {
        while (lx->at < lx->end && (lx->bytes[lx->at] == ' ' || lx->bytes[lx->at] == '\t'))
            lx->at++;
        if (lx->at == lx->end)
            return STEP_MORE;
        p->value = lx->at;
        p->state = AT_VALUE;
    }
    step = lex_text(p, lx);
    if (step != STEP_ON)
        return step;
    step = add_field(p, lx, lx->at - 2);
    p->mark = lx->at;
    p->state = AT_NAME;
    return step;
}

static enum step lex_fields(struct h1_parser *p, struct lexer *lx)
{
    enum step step = STEP_ON;

    while (step == STEP_ON) {
        if (p->state == AT_NAME)
            step = lex_name(p, lx);
        if (step == STEP_ON)
            step = lex_value(p, lx);
    }
    return step;
}

/* ---- the whole ---- */

static void finish_request(struct h1_parser *p)
{
    struct head *head = p->head;

    if (p->chunked)
        head->framing = FRAMING_CHUNKED;
    else if (p->seen & bit(FIELD_CONTENT_LENGTH))
        head->framing = FRAMING_LENGTH;
    /* RFC 9110 section 10.1.1: without a body there is nothing to wait for; HTTP/1.0 knows no 100. */
    head->expect_continue = p->seen & bit(FIELD_EXPECT) && head->minor == 1 &&
                            (p->chunked || head->length > 0);
}

/* RFC 9112 section 6.3. A body where none may be is a broken sender: its connection is not used again. */
static void finish_response(struct h1_parser *p)
{
    struct head *head = p->head;

    if (head->status < 200 || head->status == 204 || head->status == 304) {
        if (p->chunked || (head->status != 304 && head->length > 0))
            head->keep_alive = false;
    } else if (p->chunked) {
        head->framing = FRAMING_CHUNKED;
    } else if (p->seen & bit(FIELD_CONTENT_LENGTH)) {
        head->framing = FRAMING_LENGTH;
    } else {
        head->framing = FRAMING_CLOSE;
        head->keep_alive = false;
    }
}

static enum step finish(struct h1_parser *p, size_t len)
{
    struct head *head = p->head;

    head->head_len = len;
    head->keep_alive = !p->close && (head->minor == 1 || p->keep_alive);
    head->upgrade = head->minor == 1 && p->upgrade && p->seen & bit(FIELD_UPGRADE);
    p->state = AT_END;
    if (p->kind == H1_RESPONSE) {
        finish_response(p);
        return STEP_DONE;
    }
    if (head->minor == 1 && !(p->seen & bit(FIELD_HOST))) {
        head->bad_host_count = true;
        return bad(p, 400, "no Host field");
    }
    finish_request(p);
    return STEP_DONE;
}

/* The element did not end within its cap. */
static enum step too_long(struct h1_parser *p)
{
    switch (p->state) {
    case AT_START:
        return bad(p, 501, "the method is longer than any known one");
    case AT_TARGET:
        return bad(p, 414, "the request target is too long");
    case AT_STATUS:
    case AT_REASON:
        return bad(p, 502, "the status line is too long");
    default:
        return bad(p, 431, "the fields are too long");
    }
}

static enum step lex(struct h1_parser *p, struct lexer *lx)
{
    switch (p->state) {
    case AT_START:
        return lex_method(p, lx);
    case AT_TARGET:
        return lex_target(p, lx);
    case AT_VERSION:
        return lex_version(p, lx);
    case AT_STATUS:
        return lex_status(p, lx);
    case AT_REASON:
        return lex_reason(p, lx);
    case AT_END:
        return STEP_DONE;
    default:
        return lex_fields(p, lx);
    }
}

enum h1_result h1_parse(struct h1_parser *parser, const char *bytes, size_t len)
{
    struct lexer lx = {.bytes = (const uint8_t *)bytes, .at = parser->scanned};
    enum step step;

    if (parser->status)
        return H1_BAD;
    do {
        lx.end = len < parser->cap ? len : parser->cap;
        step = lex(parser, &lx);
    } while (step == STEP_ON);
    parser->scanned = lx.at;
    if (step == STEP_MORE && len > parser->cap)
        step = too_long(parser);
    if (step == STEP_DONE && parser->state != AT_END)
        step = finish(parser, lx.at);
    return step == STEP_DONE ? H1_DONE : step == STEP_MORE ? H1_MORE : H1_BAD;
}

void h1_parse_begin(struct h1_parser *parser, enum h1_kind kind, const struct h1_limits *limits,
                    struct pool *pool, struct head *head)
{
    *head = (struct head){.method = METHOD_OTHER};
    *parser = (struct h1_parser){.kind = kind, .limits = limits, .pool = pool, .head = head};
    if (kind == H1_REQUEST)
        go(parser, AT_START, 0, H1_METHOD_MAX + 1);
    else
        go(parser, AT_STATUS, 0, (size_t)limits->line + 2);
}
