#include "http/h1_parse.h"
#include "http/h1_scan.h"

/* How it reads, with care: each element (method, target, version, name, value) has a small lexer
 * that starts at the resume point. Reading is bounded by PEEK: behind the last byte there seems to
 * be a NUL, which belongs to no class, and the lexer notes that it ran dry. An element that did not
 * match then waits for more bytes; one that failed on a real byte is bad. Long elements are runs of
 * one class, so they go on wherever they were cut; short ones (method, version) are read again from
 * their start. Total work is linear.
 *
 * How it reads nearly always: a line that is there as a whole, with nothing unusual about it, is cut
 * up by looking for the bytes that end its elements, many bytes at a time. Any other line is left,
 * unread, to the lexers: they alone know what is wrong and how to wait.
 *
 * No element is looked at beyond its cap, so the verdict does not depend on how the bytes
 * arrive. */

enum state {
    AT_START,
    AT_TARGET,
    AT_VERSION,
    AT_STATUS,
    AT_REASON,
    AT_NAME,
    AT_OWS,
    AT_VALUE,
    AT_END
};

enum step { STEP_ON, STEP_MORE, STEP_DONE, STEP_BAD };

enum { FIRST_FIELDS = 32, NAME_MAX_LEN = UINT16_MAX, EMPTY_LINES_MAX = 2 };

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
    // RFC 3986 without '#', and {|}^` which browsers leave as they are. Not "<>\.
    uri     = [A-Za-z0-9._~:/?[\]@!$&'()*+,;=%{|}^`-];
*/

static enum step bad(struct h1_parser *p, unsigned status, const char *reason)
{
    h1_sense_bad(&p->sense, status, reason);
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
    return h1_sense_target(&p->sense) ? STEP_ON : STEP_BAD;
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
    "HTTP/1." [01] {
        return dry ? STEP_MORE : bad(p, 400, "the request line goes on behind the version");
    }
    "HTTP/1." [01] "\r" {
        return dry ? STEP_MORE : bad(p, 400, "a carriage return stands alone");
    }
    "HTTP/" digit "." digit {
        return bad(p, 505, "this version of HTTP is not served");
    }
    * {
        return dry ? STEP_MORE : bad(p, 400, "the version of the request line is malformed");
    }
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
        p->head->status =
            (uint16_t)((status[0] - '0') * 100 + (status[1] - '0') * 10 + status[2] - '0');
        lx->at = status[3] == ' ' ? at : at - 1; /* the reason and its space may be missing */
        p->value = lx->at;
        p->state = AT_REASON;
        return STEP_ON;
    }
    * { return dry ? STEP_MORE : bad(p, 502, "the answer has no legal status line"); }
*/
}

/* ---- field lines ---- */

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
    size_t at = scan(bytes, lx->at, lx->end, scan_control), end = lx->end, back;
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

/* Room for more fields; false when there are as many as may be. */
static bool more_fields(struct h1_parser *p)
{
    struct fields *fields = &p->head->fields;
    unsigned cap = fields->cap ? 2u * fields->cap : FIRST_FIELDS;
    struct field *at;

    if (cap > p->limits->count)
        cap = p->limits->count;
    if (cap == fields->count)
        return false;
    at = pool_take(p->pool, cap * sizeof *at);
    if (fields->count)
        memcpy(at, fields->at, fields->count * sizeof *at);
    fields->at = at;
    fields->cap = (uint16_t)cap;
    return true;
}

/* The line of `name` is complete; its value ends at `end`, white space before that not counted. */
static inline enum step add_field(struct h1_parser *p, struct str name, enum field_id id,
                                  const struct lexer *lx, size_t end)
{
    struct fields *fields = &p->head->fields;
    struct str value = slice(lx, p->value, end);
    struct field *field;

    if (name.len > NAME_MAX_LEN)
        return bad(p, 431, "a field name is too long");
    if (fields->count == fields->cap && !more_fields(p))
        return bad(p, 431, "too many fields");
    while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
        value.len--;
    field = &fields->at[fields->count++];
    *field = (struct field){.name = name.at,
                            .value = value.at,
                            .value_len = (uint32_t)value.len,
                            .name_len = (uint16_t)name.len,
                            .id = (uint8_t)id};
    if (FIELD_BIT(id) & H1_SENSED)
        return h1_sense_field(&p->sense, id, value) ? STEP_ON : STEP_BAD;
    fields->ids |= FIELD_BIT(id);
    return STEP_ON;
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
    struct str name;
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
    name = slice(lx, p->mark, p->colon);
    step = add_field(p, name, field_id_of(name), lx, lx->at - 2);
    p->mark = lx->at;
    p->state = AT_NAME;
    return step;
}

/* ---- whole lines ---- */

/* One that has no underscore and ends at `end`, where its colon is. */
static bool is_plain_name(const uint8_t *bytes, size_t at, size_t end)
{
/*!re2c
    re2c:define:YYPEEK = "bytes[at]"; // the colon is in no class
    plain+      { return at == end; }
    *           { return false; }
*/
}

static uint64_t word(const void *at)
{
    uint64_t w;

    memcpy(&w, at, sizeof w);
    return w;
}

/* A method that is worth it, with the space behind it. Needs eight bytes. */
static enum method common_method(const uint8_t *at, size_t *len)
{
    static const struct {
        char text[8], mask[8];
        uint8_t len, method;
    } common[] = {
        {"GET ", "\xff\xff\xff\xff", 4, METHOD_GET},
        {"POST ", "\xff\xff\xff\xff\xff", 5, METHOD_POST},
        {"PUT ", "\xff\xff\xff\xff", 4, METHOD_PUT},
        {"DELETE ", "\xff\xff\xff\xff\xff\xff\xff", 7, METHOD_DELETE},
        {"PATCH ", "\xff\xff\xff\xff\xff\xff", 6, METHOD_PATCH},
        {"HEAD ", "\xff\xff\xff\xff\xff", 5, METHOD_HEAD},
    };
    uint64_t w = word(at);

    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        if ((w & word(common[i].mask)) != word(common[i].text))
            continue;
        *len = common[i].len;
        return common[i].method;
    }
    return METHOD_OTHER;
}

static bool is_version(const uint8_t *at)
{
    return memcmp(at, "HTTP/1.", 7) == 0 && (at[7] == '0' || at[7] == '1');
}

/* A whole request line. False: it is left as it is. */
static bool request_line(struct h1_parser *p, struct lexer *lx, size_t len)
{
    enum { VERSION = sizeof "HTTP/1.1" - 1, REST = sizeof " HTTP/1.1\r\n" - 1 };
    size_t start = p->mark, target = 0, most = p->limits->line, end;
    const uint8_t *rest;
    enum method method;

    if (len - start < 8 || (method = common_method(lx->bytes + start, &target)) == METHOD_OTHER)
        return false;
    target += start;
    end = scan(lx->bytes, target, len - target <= most ? len : target + most + 1, scan_no_uri);
    rest = lx->bytes + end;
    if (end == target || end - target > most || len - end < REST || rest[0] != ' ' ||
        !is_version(rest + 1) || rest[REST - 2] != '\r' || rest[REST - 1] != '\n')
        return false;
    p->head->method_text = slice(lx, start, target - 1);
    p->head->method = method;
    p->head->target = slice(lx, target, end);
    p->head->minor = rest[VERSION] - '0';
    lx->at = end + REST;
    go(p, AT_NAME, lx->at, (size_t)p->limits->fields + 2);
    return true;
}

/* Where the CR of a line that is all there and all text stands; `at` when it is none. */
static inline size_t text_line(const struct lexer *lx, size_t at, size_t end)
{
    size_t cr = scan(lx->bytes, at, end, scan_control);

    return end - cr >= 2 && lx->bytes[cr] == '\r' && lx->bytes[cr + 1] == '\n' ? cr : at;
}

/* A whole status line. False: it is left as it is. */
static bool status_line(struct h1_parser *p, struct lexer *lx, size_t len)
{
    enum { REASON = sizeof "HTTP/1.1 200" - 1 };
    const uint8_t *line = lx->bytes + p->mark;
    size_t cr = text_line(lx, p->mark, len < p->cap ? len : p->cap);
    unsigned hundreds, tens, units;

    if (cr - p->mark < REASON || !is_version(line) || line[8] != ' ')
        return false;
    hundreds = line[9] - '0', tens = line[10] - '0', units = line[11] - '0';
    if (hundreds - 1 > 4 || tens > 9 || units > 9 || (line[REASON] != ' ' && line[REASON] != '\r'))
        return false;
    p->head->minor = line[7] - '0';
    p->head->status = (uint16_t)(hundreds * 100 + tens * 10 + units);
    p->head->reason = slice(lx, line[REASON] == ' ' ? p->mark + REASON + 1 : cr, cr);
    lx->at = cr + 2;
    go(p, AT_NAME, lx->at, (size_t)p->limits->fields + 2);
    return true;
}

/* Field lines for as long as they are there as a whole. A name that is known needs no other look. */
static enum step field_lines(struct h1_parser *p, struct lexer *lx)
{
    enum step step = STEP_ON;

    while (step == STEP_ON) {
        size_t at = lx->at, cr = text_line(lx, at, lx->end), colon;
        struct str name;
        enum field_id id;

        colon = scan(lx->bytes, at, cr, scan_colon);
        if (colon == cr)
            break;
        name = slice(lx, at, colon);
        id = field_id_of(name);
        if (id == FIELD_OTHER && !is_plain_name(lx->bytes, at, colon))
            break;
        for (colon++; lx->bytes[colon] == ' '; colon++)
            ;
        p->value = colon;
        step = add_field(p, name, id, lx, cr);
        lx->at = p->mark = cr + 2;
    }
    return step;
}

static enum step lex_fields(struct h1_parser *p, struct lexer *lx)
{
    enum step step = STEP_ON;

    while (step == STEP_ON) {
        if (p->state == AT_NAME && lx->at == p->mark)
            step = field_lines(p, lx);
        if (step == STEP_ON && p->state == AT_NAME)
            step = lex_name(p, lx);
        if (step == STEP_ON)
            step = lex_value(p, lx);
    }
    return step;
}

/* ---- the whole ---- */

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

static enum step finish(struct h1_parser *p, size_t len)
{
    p->state = AT_END;
    p->head->head_len = len;
    return h1_sense_all(&p->sense) ? STEP_DONE : STEP_BAD;
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

static enum h1_result refused(struct h1_parser *p)
{
    p->status = p->sense.status;
    p->reason = p->sense.reason;
    return H1_BAD;
}

enum h1_result h1_parse(struct h1_parser *parser, const char *bytes, size_t len)
{
    struct lexer lx = {.bytes = (const uint8_t *)bytes, .at = parser->scanned};
    enum step step;

    if (parser->status)
        return H1_BAD;
    if (parser->state == AT_STATUS)
        status_line(parser, &lx, len);
    else if (parser->state == AT_START && request_line(parser, &lx, len) &&
             !h1_sense_target(&parser->sense))
        return refused(parser);
    do {
        lx.end = len < parser->cap ? len : parser->cap;
        step = lex(parser, &lx);
    } while (step == STEP_ON);
    parser->scanned = lx.at;
    if (step == STEP_MORE && len > parser->cap)
        step = too_long(parser);
    if (step == STEP_DONE && parser->state != AT_END)
        step = finish(parser, lx.at);
    if (step == STEP_BAD)
        return refused(parser);
    return step == STEP_DONE ? H1_DONE : H1_MORE;
}

void h1_parse_begin(struct h1_parser *parser, enum h1_kind kind, const struct h1_limits *limits,
                    struct pool *pool, struct head *head)
{
    *head = (struct head){.method = METHOD_OTHER};
    *parser = (struct h1_parser){.limits = limits,
                                  .pool = pool,
                                  .head = head,
                                  .sense = {.kind = kind, .head = head}};
    if (kind == H1_REQUEST)
        go(parser, AT_START, 0, H1_METHOD_MAX + 1);
    else
        go(parser, AT_STATUS, 0, (size_t)limits->line + 2);
}
