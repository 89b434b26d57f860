#include "token_claims.h"

#include "base/map.h"
#include "base/text.h"
#include "base/utf8.h"
#include "token.h"

enum { HOUR = 3600, CENTURY_DAYS = 36525 };

struct claims {
    struct pool *pool;
    struct text json; /* the object but for its last brace */
    struct map names;
    struct str error;
};

/* ---- values ---- */

bool token_seconds(struct str text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', HOUR}, {'d', 86400}};
    bool negative = text.len > 0 && text.at[0] == '-';
    struct str digits = str_from(text, negative);
    uint64_t count;

    if (digits.len < 2 || !str_to_u64(str_head(digits, digits.len - 1), &count))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (digits.at[digits.len - 1] != units[i].letter)
            continue;
        if (count > (uint64_t)(CENTURY_DAYS * 86400LL / units[i].seconds))
            return false;
        *seconds = (int64_t)count * units[i].seconds * (negative ? -1 : 1);
        return true;
    }
    return false;
}

static bool is_json(struct str text)
{
    struct json json;
    enum json_kind kind;

    json_open(&json, text, TOKEN_DEPTH);
    while ((kind = json_next(&json)) != JSON_END)
        if (kind == JSON_ERROR)
            return false;
    return true;
}

static struct str as_string(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};

    text_json(&out, text);
    return text_str(&out);
}

/* ---- members ---- */

__attribute__((format(printf, 2, 3))) static bool fail(struct claims *claims, const char *format,
                                                       ...)
{
    va_list args;

    va_start(args, format);
    claims->error = pool_vprintf(claims->pool, format, args);
    va_end(args);
    return false;
}

static bool add(struct claims *claims, struct str name, struct str value)
{
    if (map_set(&claims->names, claims->pool, name, claims))
        return fail(claims, "the claim '%.*s' is said twice", STR_ARG(name));
    text_add(&claims->json, claims->names.count > 1 ? STR(",") : STR("{"));
    text_json(&claims->json, name);
    text_byte(&claims->json, ':');
    text_add(&claims->json, value);
    return true;
}

static bool add_text(struct claims *claims, const char *name, struct str value)
{
    if (!value.at)
        return true;
    if (!utf8_valid(value))
        return fail(claims, "the claim '%s' is not UTF-8", name);
    return add(claims, str_of(name), as_string(claims->pool, value));
}

static bool add_number(struct claims *claims, const char *name, int64_t value)
{
    return add(claims, str_of(name), pool_printf(claims->pool, "%lld", (long long)value));
}

static bool add_date(struct claims *claims, const char *name, const char *option, struct str words,
                     int64_t now)
{
    int64_t seconds;

    if (!words.at)
        return true;
    if (!token_seconds(words, &seconds))
        return fail(claims, "--%s takes a time from now such as 5m, 1h, 7d or -30s, not '%.*s'",
                    option, STR_ARG(words));
    return add_number(claims, name, now + seconds);
}

/* One is a string, several are a list (RFC 7519 section 4.1.3). */
static bool add_audiences(struct claims *claims, const struct token_options *words)
{
    struct text list = {.pool = claims->pool};

    for (size_t i = 0; i < words->audiences.count; i++)
        if (!utf8_valid(words->audiences.at[i]))
            return fail(claims, "the claim 'aud' is not UTF-8");
    if (words->audiences.count < 2)
        return words->audiences.count == 0 || add_text(claims, "aud", words->audiences.at[0]);
    for (size_t i = 0; i < words->audiences.count; i++) {
        text_byte(&list, i ? ',' : '[');
        text_json(&list, words->audiences.at[i]);
    }
    text_byte(&list, ']');
    return add(claims, STR("aud"), text_str(&list));
}

/* NAME=VALUE: JSON when it reads as such, else a string. */
static bool add_claim(struct claims *claims, struct str word)
{
    struct str name = str_head(word, str_find(word, '='));
    struct str value = str_from(word, name.len + 1);

    if (name.len == 0 || name.len == word.len)
        return fail(claims, "--claim takes NAME=VALUE, not '%.*s'", STR_ARG(word));
    if (!utf8_valid(word))
        return fail(claims, "the claim '%.*s' is not UTF-8", STR_ARG(name));
    return add(claims, name, is_json(value) ? value : as_string(claims->pool, value));
}

static bool add_words(struct claims *claims, const struct token_options *words, int64_t now)
{
    bool never = str_eq(words->expires, STR("never"));

    for (size_t i = 0; i < words->claims.count; i++)
        if (!add_claim(claims, words->claims.at[i]))
            return false;
    return add_text(claims, "iss", words->issuer) && add_text(claims, "sub", words->subject) &&
           add_audiences(claims, words) && add_text(claims, "scope", words->scope) &&
           add_date(claims, "nbf", "not-before", words->not_before, now) &&
           (never || add_date(claims, "exp", "expires", words->expires, now));
}

static bool add_file(struct claims *claims, struct str file)
{
    struct token_object object;
    struct map seen = {0};

    if (!token_read_object(claims->pool, file, &object, &claims->error))
        return false;
    for (size_t i = 0; i < object.members.count; i++) {
        const struct token_member *member = &object.members.at[i];

        if (map_set(&seen, claims->pool, member->name, claims))
            return fail(claims, "it has '%.*s' twice",
                        STR_ARG(token_printable(claims->pool, member->name)));
        if (!map_get(&claims->names, member->name))
            add(claims, member->name, member->value);
    }
    return true;
}

bool token_claims(struct pool *pool, const struct token_options *words, struct str file,
                  int64_t now, struct str *json, struct str *error, bool *is_usage)
{
    struct claims claims = {.pool = pool, .json.pool = pool};

    *is_usage = !add_words(&claims, words, now);
    if (*is_usage || (words->claims_file.at && !add_file(&claims, file))) {
        *error = claims.error;
        return false;
    }
    if (!map_get(&claims.names, STR("iat")))
        add_number(&claims, "iat", now);
    if (!words->expires.at && !map_get(&claims.names, STR("exp")))
        add_number(&claims, "exp", now + HOUR);
    text_byte(&claims.json, '}');
    *json = text_str(&claims.json);
    return true;
}
