#include "token.h"

#include "base/text.h"

/* ---- base64url, also as it should not be ---- */

enum { IS_PADDED = 1, IS_STANDARD = 2, HAS_BITS_LEFT = 4 };

static int digit(char c, unsigned *oddities)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-' || c == '_')
        return c == '-' ? 62 : 63;
    if (c == '+' || c == '/') {
        *oddities |= IS_STANDARD;
        return c == '+' ? 62 : 63;
    }
    return -1;
}

/* False: *at is the place of what base64 does not have, or part.len when a character is missing. */
static bool decode(struct pool *pool, struct str part, struct str *bytes, unsigned *oddities,
                   size_t *at)
{
    char *out = pool_take(pool, part.len + 1);
    size_t len = 0, end = part.len;
    uint32_t bits = 0;
    unsigned count = 0;

    while (end > 0 && part.len - end < 2 && part.at[end - 1] == '=')
        end--;
    *oddities = end < part.len ? IS_PADDED : 0;
    for (*at = 0; *at < end; (*at)++) {
        int value = digit(part.at[*at], oddities);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[len++] = (char)(bits >> count & 0xFF);
        }
    }
    *at = part.len;
    if (end % 4 == 1)
        return false;
    if (bits & ((1u << count) - 1))
        *oddities |= HAS_BITS_LEFT;
    *bytes = (struct str){out, len};
    return true;
}

static bool decode_part(struct token *token, const char *what, struct str part, struct str *bytes,
                        struct str *error)
{
    unsigned oddities;
    size_t at;

    if (!decode(token->pool, part, bytes, &oddities, &at)) {
        *error = at < part.len
                     ? pool_printf(token->pool, "character %zu of the %s is none of base64url",
                                   at + 1, what)
                     : pool_printf(token->pool, "the %s ends within a byte", what);
        return false;
    }
    if (oddities & IS_PADDED)
        token_warn(token, "base64", "the %s is padded with '=': gateways refuse that", what);
    if (oddities & IS_STANDARD)
        token_warn(token, "base64", "the %s has '+' or '/', which base64url does not", what);
    if (oddities & HAS_BITS_LEFT)
        token_warn(
            token, "base64",
            "the last character of the %s has bits that mean nothing: the same token could be "
            "written in another way",
            what);
    return true;
}

/* ---- JSON ---- */

struct str token_printable(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};

    for (size_t i = 0; i < text.len; i++)
        text_add(&out, text.at[i] == '\0'   ? STR("\xE2\x90\x80")
                       : text.at[i] == '\n' ? STR("\xE2\x90\xA4")
                                            : (struct str){text.at + i, 1});
    return out.len ? text_str(&out) : STR("");
}

static bool object_failed(struct pool *pool, const struct json *json, struct str *error)
{
    *error = json->error
                 ? pool_printf(pool, "byte %zu of its JSON: %s", json->start + 1, json->error)
                 : STR("it is no JSON object");
    return false;
}

bool token_read_object(struct pool *pool, struct str text, struct token_object *object,
                       struct str *error)
{
    struct json json;
    enum json_kind kind;

    *object = (struct token_object){.json = text};
    json_open(&json, text, TOKEN_DEPTH);
    if (json_next(&json) != JSON_OBJECT)
        return object_failed(pool, &json, error);
    while ((kind = json_next(&json)) == JSON_KEY) {
        struct token_member *member = vec_add(pool, &object->members);

        member->name = json_text(&json, pool);
        member->kind = json_next(&json);
        size_t start = json.start;
        if (member->kind == JSON_STRING)
            member->text = json_text(&json, pool);
        if (member->kind == JSON_ERROR || !json_skip(&json, member->kind))
            return object_failed(pool, &json, error);
        member->value = str_head(str_from(text, start), json.at - start);
    }
    if (kind != JSON_OBJECT_END || json_next(&json) != JSON_END)
        return object_failed(pool, &json, error);
    return true;
}

const struct token_member *token_find(const struct token_object *object, const char *name)
{
    for (size_t i = 0; i < object->members.count; i++)
        if (str_eq(object->members.at[i].name, str_of(name)))
            return &object->members.at[i];
    return NULL;
}

bool token_date(const struct token_member *member, int64_t *seconds)
{
    double value;

    if (!member || member->kind != JSON_NUMBER || !json_double(member->value, &value) ||
        value < -1e15 || value > 1e15)
        return false;
    *seconds = (int64_t)value;
    return true;
}

struct str token_span(struct pool *pool, int64_t seconds)
{
    long long s = seconds < 0 ? -seconds : seconds;

    if (s < 100)
        return pool_printf(pool, "%llds", s);
    if (s < 100 * 60)
        return pool_printf(pool, "%lldm", (s + 30) / 60);
    if (s < 72 * 3600)
        return pool_printf(pool, "%lldh", (s + 1800) / 3600);
    return pool_printf(pool, "%lldd", (s + 43200) / 86400);
}

/* ---- the token ---- */

void token_warn(struct token *token, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    *vec_add(token->pool, &token->warnings) =
        (struct token_warning){code, pool_vprintf(token->pool, format, args)};
    va_end(args);
}

static struct str without_word(struct str text, struct str word)
{
    if (!str_eq_nocase(str_head(text, word.len), word))
        return text;
    return str_trim(str_from(text, word.len), " \t\r\n");
}

static bool read_object(struct token *token, const char *what, struct str part,
                        struct token_object *object, struct str *error)
{
    struct str bytes;

    if (!decode_part(token, what, part, &bytes, error))
        return false;
    if (token_read_object(token->pool, bytes, object, error))
        return true;
    *object = (struct token_object){0};
    *error = pool_printf(token->pool, "the %s cannot be read: %.*s", what, STR_ARG(*error));
    return false;
}

static bool split(struct token *token, struct str parts[3], struct str *error)
{
    struct str rest = token->compact;
    size_t dots = 0;

    for (size_t i = 0; i < rest.len; i++)
        dots += rest.at[i] == '.';
    for (size_t i = 0; i < 3; i++) {
        parts[i] = str_head(rest, str_find(rest, '.'));
        rest = str_from(rest, parts[i].len + 1);
    }
    if (dots == 2)
        return true;
    if (dots == 4 && read_object(token, "header", parts[0], &token->header, error))
        *error = STR("an encrypted token (JWE), of which only the header can be read: gateways "
                     "take signed ones");
    else
        *error =
            pool_printf(token->pool,
                        "a token is three parts with dots between them, not %zu: is it opaque, "
                        "to be introspected?",
                        dots + 1);
    return false;
}

bool token_read(struct pool *pool, struct str text, struct token *token, struct str *error)
{
    struct str parts[3];

    *token = (struct token){.pool = pool};
    if (text.len > TOKEN_LONGEST) {
        *error = STR("it is longer than 1 MiB");
        return false;
    }
    text = str_trim(text, " \t\r\n");
    text = without_word(text, STR("Authorization:"));
    token->compact = without_word(text, STR("Bearer "));
    if (token->compact.len == 0) {
        *error = STR("there is none");
        return false;
    }
    return split(token, parts, error) &&
           read_object(token, "header", parts[0], &token->header, error) &&
           read_object(token, "payload", parts[1], &token->payload, error) &&
           decode_part(token, "signature", parts[2], &token->signature, error);
}
