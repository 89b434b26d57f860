#include "base/json.h"
#include "base/utf8.h"
#include "jsonpath_query.h"
#include "scalar.h"

/* Parentheses and filters in filters; bytes of a query. */
enum { DEEPEST = 64, LONGEST = 64 * 1024 };

struct parser {
    struct job *job;
    struct pool *pool;
    struct str text;
    struct loc loc;
    size_t at;
    int depth;
    bool failed;
};

/* The place of a character of the query. When the query does not stand on its line as it is (it was escaped
 * or folded), its beginning has to do. */
static struct loc place(const struct parser *p, size_t at)
{
    struct str line = source_line(&p->job->sources, p->loc);
    struct loc loc = p->loc;
    size_t start = 0;

    for (uint32_t col = 1; col < loc.col && start < line.len; col++)
        utf8_next(line, &start);
    line = str_from(line, start);
    if (line.len > 0 && (line.at[0] == '\'' || line.at[0] == '"')) {
        line = str_from(line, 1);
        loc.col++;
    }
    if (!str_starts(line, p->text))
        return p->loc;
    loc.col += (uint32_t)utf8_count(str_head(p->text, at));
    return loc;
}

static void fail_as(struct parser *p, const char *code, const char *what)
{
    if (!p->failed)
        diag_error(&p->job->diags, place(p, p->at), code, "%s", what);
    p->failed = true;
}

static void fail(struct parser *p, const char *what)
{
    fail_as(p, "jsonpath", what);
}

/* The byte at the cursor; 0 at the end, and after an error, so that every loop ends. */
static char peek(const struct parser *p)
{
    return !p->failed && p->at < p->text.len ? p->text.at[p->at] : '\0';
}

static void blanks(struct parser *p)
{
    while (peek(p) != '\0' && strchr(" \t\n\r", peek(p)))
        p->at++;
}

static bool accept(struct parser *p, const char *what)
{
    if (p->failed || !str_starts(str_from(p->text, p->at), str_of(what)))
        return false;
    p->at += strlen(what);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_first(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static struct str parse_name(struct parser *p)
{
    size_t start = p->at;

    if (!is_name_first(peek(p)))
        fail(p, "a name must begin with a letter or '_'; put others in brackets: ['…']");
    while (is_name_first(peek(p)) || is_digit(peek(p)))
        p->at++;
    return (struct str){p->text.at + start, p->at - start};
}

/* Within ±(2^53 - 1), without leading zeros and without "-0" (RFC 9535 §2.1). */
static int64_t parse_integer(struct parser *p)
{
    size_t start = p->at;
    int64_t value = 0;

    p->at += peek(p) == '-';
    while (is_digit(peek(p)))
        p->at++;
    struct str token = {p->text.at + start, p->at - start};
    if (str_eq(token, STR("-0")) || !json_to_i64(token, &value) || value > 9007199254740991 ||
        value < -9007199254740991) {
        p->at = start;
        fail(p, "an index must be an integer of at most 53 bits without leading zeros");
    }
    return value;
}

/* Index of the quote that ends the string at the cursor, or of the end of the query. */
static size_t string_end(const struct parser *p)
{
    size_t at = p->at + 1;

    while (at < p->text.len && p->text.at[at] != p->text.at[p->at])
        at += p->text.at[at] == '\\' ? 2 : 1;
    return at < p->text.len ? at : p->text.len;
}

/* Writes the inside of a quoted string as that of a JSON string in double quotes. Each kind of quote may be
 * escaped only among its own (RFC 9535 §2.3.1.1), where JSON knows but one: the other becomes no escape. */
static size_t as_json(struct str inside, char quote, char *json)
{
    size_t len = 0;

    for (size_t i = 0; i < inside.len; i++) {
        char c = inside.at[i];
        if (c == '\\' && i + 1 < inside.len) {
            c = inside.at[++i];
            if (c != '\'' || quote == '"')
                json[len++] = '\\';
            if (c == '"' && quote == '\'')
                c = '\'';
        } else if (c == '"') {
            json[len++] = '\\';
        }
        json[len++] = c;
    }
    return len;
}

/* The one JSON reader judges and decodes what stands in the quotes. */
static struct str parse_string(struct parser *p)
{
    size_t start = p->at, end = string_end(p), len;
    struct str inside = str_head(str_from(p->text, start + 1), end - start - 1);
    char *json = pool_take(p->pool, 2 * inside.len + 2);
    struct json reader;

    if (end == p->text.len) {
        fail(p, "this string does not end");
        return STR("");
    }
    json[0] = '"';
    len = 1 + as_json(inside, p->text.at[start], json + 1);
    json[len++] = '"';
    json_open(&reader, (struct str){json, len}, 1);
    if (json_next(&reader) != JSON_STRING) {
        fail(p, reader.error);
        return STR("");
    }
    p->at = end + 1;
    return json_text(&reader, p->pool);
}

static struct query *parse_query(struct parser *p);
static struct filter *parse_or(struct parser *p);

static void parse_slice(struct parser *p, struct selector *s)
{
    s->kind = SELECTOR_SLICE;
    s->step = 1;
    blanks(p);
    if (is_digit(peek(p)) || peek(p) == '-') {
        s->end = parse_integer(p);
        s->has_end = true;
        blanks(p);
    }
    if (!accept(p, ":"))
        return;
    blanks(p);
    if (is_digit(peek(p)) || peek(p) == '-')
        s->step = parse_integer(p);
}

static void parse_index_or_slice(struct parser *p, struct selector *s)
{
    s->kind = SELECTOR_INDEX;
    if (peek(p) != ':') {
        s->start = parse_integer(p);
        s->has_start = true;
    }
    size_t after = p->at;
    blanks(p);
    if (accept(p, ":"))
        parse_slice(p, s);
    else
        p->at = after;
}

static void parse_selector(struct parser *p, struct segment *segment)
{
    struct selector *s = vec_add(p->pool, &segment->selectors);
    char c = peek(p);

    if (c == '\'' || c == '"') {
        s->kind = SELECTOR_NAME;
        s->name = parse_string(p);
    } else if (accept(p, "*")) {
        s->kind = SELECTOR_WILDCARD;
    } else if (accept(p, "?")) {
        s->kind = SELECTOR_FILTER;
        blanks(p);
        s->filter = parse_or(p);
    } else if (is_digit(c) || c == '-' || c == ':') {
        parse_index_or_slice(p, s);
    } else {
        fail(p, "a selector is due here: a quoted name, an index, a slice, '*' or '?'");
    }
}

static void parse_brackets(struct parser *p, struct segment *segment)
{
    do {
        blanks(p);
        parse_selector(p, segment);
        blanks(p);
    } while (accept(p, ","));
    if (!accept(p, "]"))
        fail(p, "a ',' or ']' is due here");
}

static void parse_shorthand(struct parser *p, struct segment *segment)
{
    struct selector *s = vec_add(p->pool, &segment->selectors);

    if (accept(p, "*")) {
        s->kind = SELECTOR_WILDCARD;
        return;
    }
    s->kind = SELECTOR_NAME;
    s->name = parse_name(p);
}

/* One more segment; false when the query ends here. */
static bool parse_segment(struct parser *p, struct query *query)
{
    size_t before = p->at;
    struct segment segment = {0};

    blanks(p);
    if (accept(p, "[")) {
        parse_brackets(p, &segment);
    } else if (accept(p, "..")) {
        segment.descends = true;
        if (accept(p, "["))
            parse_brackets(p, &segment);
        else
            parse_shorthand(p, &segment);
    } else if (accept(p, ".")) {
        parse_shorthand(p, &segment);
    } else {
        p->at = before; /* blanks at the end belong to whoever is around */
        return false;
    }
    if (segment.descends || segment.selectors.count != 1 ||
        (segment.selectors.at[0].kind != SELECTOR_NAME &&
         segment.selectors.at[0].kind != SELECTOR_INDEX))
        query->singular = false;
    *vec_add(p->pool, &query->segments) = segment;
    return !p->failed;
}

static struct query *parse_query(struct parser *p)
{
    struct query *query = pool_new(p->pool, struct query);

    query->singular = true;
    query->relative = peek(p) == '@';
    if (!accept(p, "$") && !accept(p, "@"))
        fail(p, "a query must begin with '$'");
    while (parse_segment(p, query))
        ;
    return query;
}

static void parse_number(struct parser *p, struct node *node)
{
    size_t start = p->at;
    struct json reader;

    while (is_digit(peek(p)) || (peek(p) != '\0' && strchr("+-.eE", peek(p))))
        p->at++;
    node->text = (struct str){p->text.at + start, p->at - start};
    json_open(&reader, node->text, 1);
    if (json_next(&reader) != JSON_NUMBER || json_next(&reader) != JSON_END) {
        p->at = start;
        fail(p, "this is no number");
        return;
    }
    scalar_resolve(p->pool, node);
}

static void parse_word(struct parser *p, struct node *node)
{
    size_t start = p->at;
    struct str word = parse_name(p);

    node->text = word;
    if (str_eq(word, STR("true")) || str_eq(word, STR("false")) || str_eq(word, STR("null"))) {
        scalar_resolve(p->pool, node);
        return;
    }
    bool call = peek(p) == '(';
    p->at = start;
    if (call)
        fail_as(p, "jsonpath-unsupported", "function extensions are not supported");
    else
        fail(p, "this word has no meaning; a string needs quotes, a member '@.'");
}

static void parse_operand(struct parser *p, struct operand *operand)
{
    char c = peek(p);

    if (c == '@' || c == '$') {
        operand->query = parse_query(p);
    } else if (c == '\'' || c == '"') {
        operand->literal = (struct node){.kind = NODE_TEXT, .text = parse_string(p)};
    } else if (is_digit(c) || c == '-') {
        parse_number(p, &operand->literal);
    } else if (is_name_first(c)) {
        parse_word(p, &operand->literal);
    } else {
        fail(p, "a value or a query is due here");
    }
}

static bool parse_comparison(struct parser *p, enum comparison *comparison)
{
    static const char *const signs[] = {
        [COMPARE_EQ] = "==", [COMPARE_NE] = "!=", [COMPARE_LE] = "<=",
        [COMPARE_GE] = ">=", [COMPARE_LT] = "<",  [COMPARE_GT] = ">",
    };
    static const enum comparison order[] = {COMPARE_EQ, COMPARE_NE, COMPARE_LE,
                                            COMPARE_GE, COMPARE_LT, COMPARE_GT};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (accept(p, signs[order[i]])) {
            *comparison = order[i];
            return true;
        }
    return false;
}

static void need_singular(struct parser *p, const struct operand *operand, size_t at)
{
    if (!operand->query || operand->query->singular || p->failed)
        return;
    p->at = at;
    fail(p, "what is compared must select one node at most: only names and indexes");
}

static struct filter *parse_test(struct parser *p)
{
    struct filter *filter = pool_new(p->pool, struct filter);
    size_t start = p->at, second;

    parse_operand(p, &filter->a);
    size_t after = p->at;
    blanks(p);
    if (!parse_comparison(p, &filter->comparison)) {
        p->at = p->failed ? p->at : after;
        filter->kind = FILTER_EXISTS;
        if (!filter->a.query)
            fail(p, "a comparison is due after a literal");
        return filter;
    }
    filter->kind = FILTER_COMPARE;
    need_singular(p, &filter->a, start);
    blanks(p);
    second = p->at;
    parse_operand(p, &filter->b);
    need_singular(p, &filter->b, second);
    return filter;
}

static struct filter *join(struct parser *p, enum filter_kind kind, const struct filter *left,
                           const struct filter *right)
{
    struct filter *filter = pool_new(p->pool, struct filter);

    filter->kind = kind;
    filter->left = left;
    filter->right = right;
    return filter;
}

/* "!" binds to a parenthesis or an existence test only (RFC 9535 §2.3.5.1). */
static struct filter *parse_basic(struct parser *p)
{
    bool negated = peek(p) == '!';
    struct filter *filter;

    p->at += negated;
    blanks(p);
    if (accept(p, "(")) {
        blanks(p);
        filter = parse_or(p);
        blanks(p);
        if (!accept(p, ")"))
            fail(p, "a ')' is due here");
    } else {
        size_t start = p->at;
        filter = parse_test(p);
        if (negated && filter->kind == FILTER_COMPARE && !p->failed) {
            p->at = start;
            fail(p, "a comparison behind '!' needs parentheses");
        }
    }
    return negated ? join(p, FILTER_NOT, filter, NULL) : filter;
}

static struct filter *parse_and(struct parser *p)
{
    struct filter *left = parse_basic(p);

    for (;;) {
        size_t before = p->at;
        blanks(p);
        if (!accept(p, "&&")) {
            p->at = before;
            return left;
        }
        blanks(p);
        left = join(p, FILTER_AND, left, parse_basic(p));
    }
}

static struct filter *parse_or(struct parser *p)
{
    struct filter *left;

    if (++p->depth > DEEPEST)
        fail(p, "filters and parentheses are nested too deeply");
    left = parse_and(p);
    for (;;) {
        size_t before = p->at;
        blanks(p);
        if (!accept(p, "||")) {
            p->at = before;
            break;
        }
        blanks(p);
        left = join(p, FILTER_OR, left, parse_and(p));
    }
    p->depth--;
    return left;
}

struct jsonpath *jsonpath_parse(struct job *job, struct str text, struct loc loc)
{
    struct parser p = {.job = job, .pool = &job->pool, .text = text, .loc = loc};
    struct jsonpath *path = pool_new(&job->pool, struct jsonpath);

    if (text.len > LONGEST)
        fail(&p, "this query is longer than 64 KiB");
    if (!str_starts(text, STR("$")))
        fail(&p, "a query must begin with '$'");
    path->loc = loc;
    path->query = parse_query(&p);
    if (!p.failed && p.at < text.len)
        fail(&p, peek(&p) == '-' ? "a name with a '-' stands in brackets: ['x-gateway']"
                                 : "the query ends before this");
    return p.failed ? NULL : path;
}
