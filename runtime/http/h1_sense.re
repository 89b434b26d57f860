#include <arpa/inet.h>

#include "http/h1_scan.h"
#include "http/h1_sense.h"

/*!re2c
    re2c:api = custom;
    re2c:api:style = free-form;
    re2c:yyfill:enable = 0;
    re2c:define:YYCTYPE = "uint8_t";
    re2c:define:YYPEEK = "(uint8_t)(at < end ? bytes[at] : 0)";
    re2c:define:YYSKIP = "at++;";
    re2c:define:YYBACKUP = "back = at;";
    re2c:define:YYRESTORE = "at = back;";
*/

enum { HOST_MAX = 255 + sizeof ":65535" - 1 };

bool h1_sense_bad(struct h1_sense *s, unsigned status, const char *reason)
{
    s->status = s->kind == H1_RESPONSE ? 502 : (uint16_t)status;
    s->reason = reason;
    return false;
}

/* ---- the target ---- */

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

/* Names and IPv4 addresses in plain letters, with a port below 60000 or none: nearly every host. */
static bool is_plain_host(const uint8_t *bytes, size_t len)
{
    size_t colon = scan(bytes, 0, len, scan_no_name), digits;

    if (colon == 0 || colon == len)
        return colon > 0;
    digits = len - colon - 1;
    if (bytes[colon] != ':' || digits > 5 || (digits == 5 && bytes[colon + 1] > '5'))
        return false;
    for (size_t at = colon + 1; at < len; at++)
        if ((uint8_t)(bytes[at] - '0') > 9)
            return false;
    return true;
}

/* RFC 3986 section 3.2.2 */
bool h1_host_is_legal(struct str authority)
{
    const uint8_t *bytes = (const uint8_t *)authority.at;
    size_t at = 0, end = authority.len, back;

    if (end > HOST_MAX)
        return false;
    if (is_plain_host(bytes, end))
        return true;
/*!re2c
    // A comma is legal in a reg-name, but is what two merged Host fields look like.
    name  = ([A-Za-z0-9._~!$&'()*+;=-] | "%" [0-9A-Fa-f]{2})+;
    port  = "0"* ([1-9] [0-9]{0,3} | [1-5] [0-9]{4} | "6" [0-4] [0-9]{3} | "65" [0-4] [0-9]{2}
          | "655" [0-2] [0-9] | "6553" [0-5])?;

    name (":" port)?                    { return at == end; }
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
static bool absolute_form(struct h1_sense *s, struct str target)
{
    struct head *head = s->head;
    size_t scheme = str_find(target, ':'), len = 0;
    struct str rest = str_from(target, scheme);

    if (!(str_eq_nocase(str_head(target, scheme), STR("http")) ||
          str_eq_nocase(str_head(target, scheme), STR("https"))) ||
        !str_starts(rest, STR("://")))
        return h1_sense_bad(s, 400, "the request target is neither a path nor an http URL");
    rest = str_from(rest, 3);
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    head->authority = str_head(rest, len);
    if (!h1_host_is_legal(head->authority))
        return h1_sense_bad(s, 400, "the request target names no legal host");
    head->is_https = scheme == sizeof "https" - 1;
    split_query(head, str_from(rest, len));
    /* RFC 9112 section 3.2.4: OPTIONS for a whole server, seen through a proxy */
    if (head->path.len == 0)
        head->path = head->method == METHOD_OPTIONS && !head->query.at ? STR("*") : STR("/");
    s->absolute = true;
    return true;
}

bool h1_sense_target(struct h1_sense *s)
{
    struct head *head = s->head;
    struct str target = head->target;

    if (head->method == METHOD_CONNECT) {
        head->authority = target;
        if (!h1_host_is_legal(target) || !strchr("0123456789", target.at[target.len - 1]) ||
            !memrchr(target.at, ':', target.len))
            return h1_sense_bad(s, 400, "the target of CONNECT is not host:port");
        return true;
    }
    if (target.at[0] == '/') {
        split_query(head, target);
        return true;
    }
    if (str_eq(target, STR("*"))) {
        head->path = target;
        if (head->method != METHOD_OPTIONS)
            return h1_sense_bad(s, 400, "only OPTIONS may ask for *");
        return true;
    }
    return absolute_form(s, target);
}

/* ---- fields ---- */

/* Whether a field with that id has come before. */
static inline bool has_seen(const struct h1_sense *s, enum field_id id)
{
    return s->head->fields.ids & FIELD_BIT(id);
}

static bool digits_to_u64(struct str text, uint64_t *value)
{
    enum { NEVER_TOO_MUCH = 18 };
    uint64_t sum = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');

        if (digit > 9 || (i >= NEVER_TOO_MUCH && sum > ((uint64_t)INT64_MAX - digit) / 10))
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return text.len > 0;
}

static bool take_length(struct h1_sense *s, struct str digits)
{
    uint64_t value;

    if (!digits_to_u64(digits, &value) ||
        (has_seen(s, FIELD_CONTENT_LENGTH) && value != s->head->length))
        return h1_sense_bad(s, 400, "Content-Length is not one number");
    /* Leading zeros are legal, and octal to some. */
    s->rewrite_length |=
        has_seen(s, FIELD_CONTENT_LENGTH) || (digits.len > 1 && digits.at[0] == '0');
    s->head->length = value;
    s->head->fields.ids |= FIELD_BIT(FIELD_CONTENT_LENGTH);
    return true;
}

/* RFC 9112 section 6.3: a request says it once. For answers identical values may pass (RFC 9110
 * section 8.6). */
static bool read_length(struct h1_sense *s, struct str value)
{
    if (has_seen(s, FIELD_TRANSFER_ENCODING))
        return h1_sense_bad(s, 400, "Content-Length together with Transfer-Encoding");
    if (s->kind == H1_REQUEST && has_seen(s, FIELD_CONTENT_LENGTH))
        return h1_sense_bad(s, 400, "more than one Content-Length");
    if (s->kind == H1_REQUEST || str_find(value, ',') == value.len)
        return take_length(s, value);
    do {
        if (!take_length(s, list_next(&value)))
            return false;
    } while (value.at);
    return true;
}

/* RFC 9112 section 6.1: chunked once and last. */
static bool read_codings(struct h1_sense *s, struct str list)
{
    if (has_seen(s, FIELD_CONTENT_LENGTH))
        return h1_sense_bad(s, 400, "Transfer-Encoding together with Content-Length");
    if (s->head->minor == 0)
        return h1_sense_bad(s, 400, "Transfer-Encoding in HTTP/1.0");
    do {
        struct str item = list_next(&list);

        if (s->chunked)
            return h1_sense_bad(s, 400, "chunked twice, or not the last transfer coding");
        if (!token_is_legal(item))
            return h1_sense_bad(s, 400, "Transfer-Encoding is malformed");
        s->chunked = str_eq_nocase(item, STR("chunked"));
        s->unknown_coding |= !s->chunked;
    } while (list.at);
    return true;
}

/* RFC 9112 section 6.3: without chunked at its end a request's end is unknown, whatever the codings are.
 * Section 6.1: we know no other one. */
static bool judge_codings(struct h1_sense *s)
{
    if (!has_seen(s, FIELD_TRANSFER_ENCODING))
        return true;
    if (s->kind == H1_REQUEST && !s->chunked)
        return h1_sense_bad(s, 400, "chunked is not the last transfer coding");
    if (s->unknown_coding)
        return h1_sense_bad(s, 501, "unknown transfer coding");
    return true;
}

static bool read_host(struct h1_sense *s, struct str value)
{
    if (has_seen(s, FIELD_HOST)) {
        s->head->bad_host_count = true;
        return h1_sense_bad(s, 400, "more than one Host field");
    }
    if (!h1_host_is_legal(value))
        return h1_sense_bad(s, 400, "the Host field is malformed");
    if (!s->absolute && s->head->method != METHOD_CONNECT)
        s->head->authority = value;
    /* RFC 9112 section 3.2.2 has us prefer the target; one that disagrees is an attack on
     * somebody. */
    else if (!str_eq_nocase(value, s->head->authority))
        return h1_sense_bad(s, 400, "the Host field disagrees with the request target");
    return true;
}

static void read_connection(struct h1_sense *s, struct str list)
{
    do {
        struct str item = list_next(&list);

        s->close |= str_eq_nocase(item, STR("close"));
        s->keep_alive |= str_eq_nocase(item, STR("keep-alive"));
        s->upgrade |= str_eq_nocase(item, STR("upgrade"));
        s->head->drops_trailers |= item.len > 0 && field_id_of(item) == FIELD_OTHER &&
                                   !str_eq_nocase(item, STR("close"));
    } while (list.at);
}

/* RFC 9110 section 10.1.1: there is one that we know. */
static void read_expectations(struct h1_sense *s, struct str list)
{
    do {
        struct str item = list_next(&list);
        bool known = str_eq_nocase(item, STR("100-continue"));

        s->expects |= known;
        s->expects_more |= item.len > 0 && !known;
    } while (list.at);
}

/* Fields that mean something to the framing or the connection. */
bool h1_sense_field(struct h1_sense *s, enum field_id id, struct str value)
{
    bool good = true;

    switch (id) {
    case FIELD_CONTENT_LENGTH:
        good = read_length(s, value);
        break;
    case FIELD_TRANSFER_ENCODING:
        good = read_codings(s, value);
        break;
    case FIELD_CONNECTION:
        read_connection(s, value);
        break;
    case FIELD_HOST:
        if (s->kind == H1_REQUEST)
            good = read_host(s, value);
        break;
    case FIELD_EXPECT:
        read_expectations(s, value);
        break;
    case FIELD_TE:
        s->head->te_trailers |= list_has(value, STR("trailers"));
        break;
    default:
        break;
    }
    s->head->fields.ids |= FIELD_BIT(id);
    return good;
}

/* ---- the whole ---- */

static void finish_request(struct h1_sense *s)
{
    struct head *head = s->head;

    if (s->chunked)
        head->framing = FRAMING_CHUNKED;
    else if (has_seen(s, FIELD_CONTENT_LENGTH))
        head->framing = FRAMING_LENGTH;
    /* RFC 9110 section 10.1.1: without a body there is nothing to wait for; HTTP/1.0 knows no
     * 100. */
    head->expect_continue =
        s->expects && head->minor == 1 && (s->chunked || head->length > 0);
    if (has_seen(s, FIELD_EXPECT) && !head->expect_continue)
        fields_drop(&head->fields, FIELD_EXPECT);
}

/* RFC 9112 section 6.3. A body where none may be is a broken sender: its connection is not used
 * again. */
static void finish_response(struct h1_sense *s)
{
    struct head *head = s->head;

    if (head->status < 200 || head->status == 204 || head->status == 304) {
        if (s->chunked || (head->status != 304 && head->length > 0))
            head->keep_alive = false;
    } else if (s->chunked) {
        head->framing = FRAMING_CHUNKED;
    } else if (has_seen(s, FIELD_CONTENT_LENGTH)) {
        head->framing = FRAMING_LENGTH;
    } else {
        head->framing = FRAMING_CLOSE;
        head->keep_alive = false;
    }
}

bool h1_sense_all(struct h1_sense *s)
{
    struct head *head = s->head;

    if (!judge_codings(s))
        return false;
    head->keep_alive = !s->close && (head->minor == 1 || s->keep_alive);
    if (s->rewrite_length) /* not to be repeated to the other side: head->length says it */
        fields_drop(&head->fields, FIELD_CONTENT_LENGTH);
    head->upgrade = head->minor == 1 && s->upgrade && has_seen(s, FIELD_UPGRADE);
    if (s->kind == H1_RESPONSE) {
        finish_response(s);
        return true;
    }
    if (head->minor == 1 && !has_seen(s, FIELD_HOST)) {
        head->bad_host_count = true;
        return h1_sense_bad(s, 400, "no Host field");
    }
    if (s->expects_more)
        return h1_sense_bad(s, 417, "this expectation cannot be met");
    finish_request(s);
    return true;
}

