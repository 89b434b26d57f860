#include "setting.h"

#include "base/ip.h"
#include "member.h"
#include "ref.h"

bool setting_is_off(const struct node *node)
{
    return node != NULL && node->kind == NODE_BOOL && !node->truth;
}

/* {default: …, min: …, max: …}: a value that the operator may turn. Not built, so not to be confused
 * with a slip of the pen. */
static bool is_declared(struct job *job, const struct node *node, const char *what)
{
    if (node->kind != NODE_MAP || node_get(node, "default") == NULL ||
        node_get(node, "env") != NULL)
        return false;
    diag_error(&job->diags, node->loc, "not-implemented",
               "'%s' cannot be overridden at run time yet: write the value itself", what);
    return true;
}

static bool wrong_type(struct job *job, const struct node *node, const char *what,
                       const char *right)
{
    if (!is_declared(job, node, what))
        diag_error(&job->diags, node->loc, "wrong-type", "'%s' must be %s, not %s", what, right,
                   node_kind_name(node));
    return false;
}

bool setting_text(struct job *job, const struct node *node, const char *what, struct said *out)
{
    if (node->kind != NODE_TEXT && node->kind != NODE_INT && node->kind != NODE_FLOAT)
        return wrong_type(job, node, what, "a string");
    if (node->text.len > 0 && memchr(node->text.at, '\0', node->text.len) != NULL) {
        diag_error(&job->diags, node->loc, "bad-value", "'%s' must not hold a NUL byte", what);
        return false;
    }
    *out = (struct said){.text = node->text.at ? node->text : STR(""), .loc = node->loc};
    return true;
}

void setting_texts(struct job *job, const struct node *node, const char *what, void *out)
{
    ir_texts *list = out;
    struct said text;

    if (node == NULL)
        return;
    if (node->kind != NODE_LIST) {
        if (setting_text(job, node, what, &text))
            *vec_add(&job->pool, list) = text.text;
        return;
    }
    for (size_t i = 0; i < node->item_count; i++)
        if (setting_text(job, node->items[i], what, &text))
            *vec_add(&job->pool, list) = text.text;
}

bool setting_truth(struct job *job, const struct node *node, const char *what, bool *out)
{
    if (node->kind != NODE_BOOL)
        return wrong_type(job, node, what, "true or false");
    *out = node->truth;
    return true;
}

bool setting_number(struct job *job, const struct node *node, const char *what, uint64_t min,
                    uint64_t max, uint64_t *out)
{
    if (node->kind != NODE_INT)
        return wrong_type(job, node, what, "an integer");
    if (node->integer < 0 || (uint64_t)node->integer < min || (uint64_t)node->integer > max) {
        if (min == max)
            diag_error(&job->diags, node->loc, "range", "'%s' must be %llu", what,
                       (unsigned long long)min);
        else
            diag_error(&job->diags, node->loc, "range", "'%s' must be between %llu and %llu", what,
                       (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *out = (uint64_t)node->integer;
    return true;
}

struct unit {
    struct str name;
    uint64_t factor;
};

/* Digits followed by one of the units. */
static bool scaled(struct str text, const struct unit *units, size_t count, uint64_t *out)
{
    size_t digits = 0;
    uint64_t value;

    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    if (digits > 15 || !str_to_u64(str_head(text, digits), &value))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_from(text, digits), units[i].name)) {
            *out = value * units[i].factor;
            return value <= UINT64_MAX / units[i].factor;
        }
    }
    return false;
}

bool setting_duration(struct job *job, const struct node *node, const char *what, uint64_t *ms)
{
    static const struct unit units[] = {
        {STR_INIT("ms"), 1},      {STR_INIT("s"), 1000},     {STR_INIT("m"), 60000},
        {STR_INIT("h"), 3600000}, {STR_INIT("d"), 86400000},
    };
    uint64_t value;

    if (node->kind == NODE_INT) {
        diag_error(&job->diags, node->loc, "bad-duration",
                   "'%s' needs a unit: write %.*ss or %.*sms", what, STR_SHORT(node->text),
                   STR_SHORT(node->text));
        return false;
    }
    if (node->kind != NODE_TEXT)
        return wrong_type(job, node, what, "a duration such as 250ms, 5s or 1h");
    if (!scaled(node->text, units, sizeof units / sizeof *units, &value)) {
        diag_error(&job->diags, node->loc, "bad-duration",
                   "'%.*s' is no duration: write 250ms, 5s, 10m, 1h or 1d", STR_SHORT(node->text));
        return false;
    }
    if (value > 49ULL * 86400000) {
        diag_error(&job->diags, node->loc, "range", "'%s' must be at most 49d", what);
        return false;
    }
    *ms = value;
    return true;
}

bool setting_size(struct job *job, const struct node *node, const char *what, uint64_t *bytes)
{
    static const struct unit units[] = {
        {STR_INIT(""), 1},
        {STR_INIT("k"), 1 << 10},
        {STR_INIT("m"), 1 << 20},
        {STR_INIT("g"), 1 << 30},
    };

    if (node->kind != NODE_TEXT && node->kind != NODE_INT)
        return wrong_type(job, node, what, "a size such as 512, 10k or 10m");
    if (!scaled(node->text, units, sizeof units / sizeof *units, bytes)) {
        diag_error(&job->diags, node->loc, "bad-size",
                   "'%.*s' is no size: write 512, 10k, 10m or 1g", STR_SHORT(node->text));
        return false;
    }
    return true;
}

bool setting_status_range(struct str text, struct ir_status_range *out)
{
    size_t dash = str_find(text, '-');
    uint64_t first, last;

    if (text.len == 3 && text.at[0] >= '1' && text.at[0] <= '5' &&
        str_eq_nocase(str_from(text, 1), STR("xx"))) {
        out->first = (uint32_t)(text.at[0] - '0') * 100;
        out->last = out->first + 99;
        return true;
    }
    if (!str_to_u64(str_head(text, dash), &first))
        return false;
    last = first;
    if (dash < text.len && !str_to_u64(str_from(text, dash + 1), &last))
        return false;
    *out = (struct ir_status_range){(uint32_t)first, (uint32_t)last};
    return first >= 100 && first <= last && last <= 599;
}

static bool add_statuses(struct job *job, const struct node *node, const char *what,
                         ir_statuses *out)
{
    struct ir_status_range range;
    struct said text;

    if (!setting_text(job, node, what, &text))
        return false;
    if (!setting_status_range(text.text, &range)) {
        diag_error(&job->diags, node->loc, "bad-status",
                   "'%.*s' is no status: write a code such as 204, a range such as 200-299 or a "
                   "class such as 2xx",
                   STR_SHORT(text.text));
        return false;
    }
    *vec_add(&job->pool, out) = range;
    return true;
}

bool setting_statuses(struct job *job, const struct node *node, const char *what, void *out)
{
    bool good = true;

    if (node->kind != NODE_LIST)
        return add_statuses(job, node, what, out);
    if (node->item_count == 0)
        diag_error(&job->diags, node->loc, "bad-value", "'%s' lists nothing", what);
    for (size_t i = 0; i < node->item_count; i++)
        good &= add_statuses(job, node->items[i], what, out);
    return good;
}

void setting_said_number(struct job *job, const struct node *node, const char *what, uint64_t least,
                         uint64_t most, uint64_t *out)
{
    if (node != NULL)
        setting_number(job, node, what, least, most, out);
}

void setting_read_duration(struct job *job, const struct node *node, const char *what,
                           struct setting *out)
{
    if (node == NULL)
        return;
    out->loc = node->loc;
    out->said = setting_is_off(node) || setting_duration(job, node, what, &out->value);
}

void setting_read_size(struct job *job, const struct node *node, const char *what,
                       struct setting *out)
{
    if (node == NULL)
        return;
    out->loc = node->loc;
    out->said = setting_is_off(node) || setting_size(job, node, what, &out->value);
}

void setting_read_number(struct job *job, const struct node *node, const char *what, uint64_t min,
                         uint64_t max, struct setting *out)
{
    if (node == NULL)
        return;
    out->loc = node->loc;
    out->said = setting_number(job, node, what, min, max, &out->value);
}

bool setting_runtime(struct job *job, const struct node *node, const char *what,
                     struct ir_text *out)
{
    static const struct str keys[] = {STR_INIT("env"), STR_INIT("file"), STR_INIT("default")};
    const struct node *env, *file;
    struct said text;

    out->loc = node->loc;
    if (node->kind != NODE_MAP) {
        if (!setting_text(job, node, what, &text))
            return false;
        out->kind = IR_TEXT_LITERAL;
        out->text = text.text;
        return true;
    }
    member_known(job, node, keys, sizeof keys / sizeof *keys, "a run-time value");
    env = node_get(node, "env");
    file = node_get(node, "file");
    if ((env == NULL) == (file == NULL)) {
        diag_error(&job->diags, node->loc, "bad-value", "'%s' must be {env: NAME} or {file: /path}",
                   what);
        return false;
    }
    if (!setting_text(job, env ? env : file, what, &text))
        return false;
    if (text.text.len == 0) {
        diag_error(&job->diags, text.loc, "bad-value", "the name of the %s is empty",
                   env ? "variable" : "file");
        return false;
    }
    out->kind = env ? IR_TEXT_ENV : IR_TEXT_FILE;
    out->text = text.text;
    const struct node *fallback = node_get(node, "default");
    if (fallback != NULL && setting_text(job, fallback, "default", &text))
        out->fallback = text.text;
    return true;
}

bool setting_secret(struct job *job, const struct node *node, const char *what, struct ir_text *out)
{
    if (!setting_runtime(job, node, what, out))
        return false;
    if (out->kind != IR_TEXT_LITERAL)
        return true;
    diag_error(&job->diags, node->loc, "literal-secret",
               "'%s' is a secret: write {env: NAME} or {file: /path}", what);
    return false;
}

static bool bad(struct job *job, struct said text, const char *code, const char *why)
{
    diag_error(&job->diags, text.loc, code, "'%.*s' %s", STR_SHORT(text.text), why);
    return false;
}

/* RFC 9110 section 5.6.2 */
static bool is_token(struct str text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c != '\0' && strchr(others, c) != NULL)))
            return false;
    }
    return text.len > 0;
}

bool setting_header_name(struct job *job, struct said name)
{
    return is_token(name.text) || bad(job, name, "bad-header", "is no header name");
}

bool setting_cookie_name(struct job *job, struct said name)
{
    return is_token(name.text) || bad(job, name, "bad-value", "is no name of a cookie");
}

bool setting_header_value(struct job *job, struct said value)
{
    for (size_t i = 0; i < value.text.len; i++) {
        unsigned char c = (unsigned char)value.text.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return bad(job, value, "bad-header", "holds a control character: no header can");
    }
    struct str trimmed = str_trim(value.text, " \t");
    return trimmed.len == value.text.len ||
           bad(job, value, "bad-header", "begins or ends with a space: no header value can");
}

static bool is_host_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
}

static struct str lower_case(struct pool *pool, struct str s)
{
    struct str copy = pool_copy(pool, s);

    for (size_t i = 0; i < copy.len; i++)
        if (copy.at[i] >= 'A' && copy.at[i] <= 'Z')
            ((char *)copy.at)[i] = (char)(copy.at[i] - 'A' + 'a');
    return copy;
}

/* A DNS name or an IPv4 address, in lower case. */
static bool is_name(struct str s)
{
    if (s.len == 0 || s.len > 253 || s.at[0] == '.' || s.at[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_host_char(s.at[i]) || (s.at[i] == '.' && i + 1 < s.len && s.at[i + 1] == '.'))
            return false;
    return true;
}

static bool is_bracketed(struct str s)
{
    uint8_t address[16];

    return s.len > 2 && s.at[0] == '[' && s.at[s.len - 1] == ']' &&
           ip_parse((struct str){s.at + 1, s.len - 2}, address);
}

bool setting_host(struct job *job, struct said text, struct str *host)
{
    struct str lower = lower_case(&job->pool, text.text);
    struct str rest = str_starts(lower, STR("*.")) ? str_from(lower, 2) : lower;

    if (!str_eq(lower, STR("*")) && !is_name(rest) && !is_bracketed(lower))
        return bad(job, text, "bad-host",
                   "is no host name: write example.com or *.example.com, without scheme and port");
    *host = lower;
    return true;
}

bool setting_network(struct job *job, struct said text)
{
    uint8_t address[16], bits;

    return ip_parse_network(text.text, address, &bits) ||
           bad(job, text, "bad-network",
               "is no network: write 10.0.0.0/8 or 2001:db8::/32, without bits behind the prefix");
}

/* Splits "host:port" or "[v6]:port"; a host without port gives port -1. */
static bool split_port(struct str text, struct str *host, int32_t *port)
{
    size_t end = text.len;
    uint64_t value;

    *port = -1;
    while (end > 0 && text.at[end - 1] >= '0' && text.at[end - 1] <= '9')
        end--;
    if (end == 0 || text.at[end - 1] != ':' ||
        (text.at[0] == '[' && text.at[text.len - 1] == ']')) {
        *host = text;
        return text.len > 0 && (text.at[0] == '[' || memchr(text.at, ':', text.len) == NULL);
    }
    *host = str_head(text, end - 1);
    if (!str_to_u64(str_from(text, end), &value) || value > 65535)
        return false;
    *port = (int32_t)value;
    return host->len == 0 || host->at[0] == '[' || memchr(host->at, ':', host->len) == NULL;
}

bool setting_address(struct job *job, struct said text)
{
    static const char why[] =
        "is no address to listen at: write [::]:8080, 127.0.0.1:80 or unix:/path";
    uint8_t address[16];
    struct str host;
    int32_t port; /* 0: any free one, told at the start */

    if (str_starts(text.text, STR("unix:"))) {
        struct str path = str_from(text.text, 5);
        return (path.len > 1 && path.len < 108 && path.at[0] == '/') ||
               bad(job, text, "bad-address",
                   "must be unix: and an absolute path of up to 107 bytes");
    }
    if (!split_port(text.text, &host, &port) || port < 0)
        return bad(job, text, "bad-address", why);
    return host.len == 0 || is_bracketed(host) || (ip_parse(host, address) && ip_is_v4(address)) ||
           bad(job, text, "bad-address", why);
}

static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#' || c == '\\' || c == '{' || c == '}')
            return false;
    }
    return true;
}

bool setting_target(struct job *job, struct said text, struct ir_target *target)
{
    static const char why[] =
        "is no upstream: write http://host:port/path, https://… or unix:/path";
    bool is_https = str_eq_nocase(str_head(text.text, 8), STR("https://"));
    struct str rest = str_from(text.text, is_https ? 8 : 7);
    int32_t usual = is_https ? 443 : 80;
    struct str authority, host;
    int32_t port;

    target->url = text.text;
    target->loc = text.loc;
    target->weight = 1;
    if (str_starts(text.text, STR("unix:"))) {
        target->is_unix = true;
        target->host = str_from(text.text, 5);
        target->authority = STR("localhost");
        target->path = STR("");
        return setting_address(job, text);
    }
    if (!is_https && !str_eq_nocase(str_head(text.text, 7), STR("http://")))
        return bad(job, text, "bad-url", why);
    authority = str_head(rest, str_find(rest, '/'));
    target->path = str_from(rest, authority.len);
    while (target->path.len > 0 && target->path.at[target->path.len - 1] == '/')
        target->path.len--;
    if (memchr(authority.at, '@', authority.len) != NULL)
        return bad(job, text, "bad-url", "must not carry a user name or password");
    authority = lower_case(&job->pool, authority);
    if (!split_port(authority, &host, &port) || port == 0 || !(is_name(host) || is_bracketed(host)))
        return bad(job, text, "bad-url", why);
    if (!is_path(target->path))
        return bad(job, text, "bad-url", "must be a plain path without query, spaces or braces");
    target->is_https = is_https;
    target->authority = port == usual ? host : authority;
    target->port = (uint32_t)(port < 0 ? usual : port);
    target->host = host.at[0] == '[' ? (struct str){host.at + 1, host.len - 2} : host;
    return true;
}
