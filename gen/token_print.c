#include "token_print.h"

#include <time.h>

#include "base/utf8.h"
#include "escape.h"

/* ---- JSON, indented ---- */

static void unicode(struct text *out, uint32_t character)
{
    if (character < 0x10000) {
        text_printf(out, "\\u%04x", character);
        return;
    }
    character -= 0x10000;
    text_printf(out, "\\u%04x\\u%04x", 0xD800 + (character >> 10), 0xDC00 + (character & 0x3FF));
}

/* The inside of a JSON string with its escapes as they are, and what a reader would not see as one. */
static void string(struct text *out, struct str inside)
{
    text_byte(out, '"');
    for (size_t at = 0; at < inside.len;) {
        size_t from = at;
        int32_t c = utf8_next(inside, &at);
        if (c < ' ' || c == 0x7F || utf8_is_deceptive(c))
            unicode(out, c < 0 ? 0xFFFD : (uint32_t)c);
        else
            text_add(out, (struct str){inside.at + from, at - from});
    }
    text_byte(out, '"');
}

static void line(struct text *out, unsigned column)
{
    text_printf(out, "\n%*s", (int)column, "");
}

static void token_of(struct text *out, enum json_kind kind, const struct json *json)
{
    static const char *const words[] = {
        [JSON_NULL] = "null",    [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_OBJECT] = "{",
        [JSON_OBJECT_END] = "}", [JSON_ARRAY] = "[",   [JSON_ARRAY_END] = "]",
    };

    if (kind == JSON_STRING || kind == JSON_KEY)
        string(out, json->token);
    else
        text_add(out, kind == JSON_NUMBER ? json->token : str_of(words[kind]));
    if (kind == JSON_KEY)
        text_add(out, STR(": "));
}

/* An object with an indentation of two, `margin` columns to the right. */
static void object_text(struct text *out, const struct token_object *object, unsigned margin)
{
    struct json json;
    enum json_kind kind, last = JSON_KEY;

    json_open(&json, object->json, TOKEN_DEPTH);
    while ((kind = json_next(&json)) != JSON_END && kind != JSON_ERROR) {
        bool opens = last == JSON_OBJECT || last == JSON_ARRAY;
        bool closes = kind == JSON_OBJECT_END || kind == JSON_ARRAY_END;

        if (!opens && !closes && last != JSON_KEY)
            text_byte(out, ',');
        if (last != JSON_KEY && !(opens && closes))
            line(out, margin + 2 * (json.depth - (kind == JSON_OBJECT || kind == JSON_ARRAY)));
        token_of(out, kind, &json);
        last = kind;
    }
}

/* ---- dates ---- */

static const char *const dates[] = {"iat", "nbf", "exp", "auth_time"};
enum { DATE_COUNT = sizeof dates / sizeof *dates };

/* "2026-01-31T23:59:59Z", or "" beyond the years that it can write. */
static struct str iso(struct pool *pool, int64_t seconds)
{
    char room[32];
    time_t when = (time_t)seconds;
    struct tm parts;

    if (seconds < 0 || seconds > 253402300799 || !gmtime_r(&when, &parts))
        return STR("");
    strftime(room, sizeof room, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return pool_copy(pool, str_of(room));
}

/* "in 57m", "3m ago", "expired 3m ago", "not yet valid, in 5m". */
static struct str when(struct pool *pool, const char *name, int64_t seconds, int64_t now)
{
    const char *span = token_span(pool, seconds - now).at;

    if (str_eq(str_of(name), STR("exp")) && seconds <= now)
        return pool_printf(pool, "expired %s ago", span);
    if (str_eq(str_of(name), STR("nbf")) && seconds > now)
        return pool_printf(pool, "not yet valid, in %s", span);
    return pool_printf(pool, seconds > now ? "in %s" : "%s ago", span);
}

/* ---- for people ---- */

static void say(struct text *out, const char *label, struct str words)
{
    text_printf(out, "%-12s ", label);
    escape_line(out, words);
    text_byte(out, '\n');
}

static void say_object(struct text *out, const char *label, const struct token_object *object)
{
    if (object->json.len == 0)
        return;
    text_printf(out, "%s\n  ", label);
    object_text(out, object, 2);
    text_byte(out, '\n');
}

static struct str signature(const struct token *token, const struct token_verdict *verdict)
{
    static const char *const words[] = {
        [TOKEN_UNVERIFIED] = "not verified, since no --key was given",
        [TOKEN_VERIFIED] = "good",
        [TOKEN_REFUSED] = "refused: ",
    };

    return pool_printf(token->pool, "%zu bytes, %s%.*s", token->signature.len, words[verdict->kind],
                       STR_ARG(verdict->why));
}

void token_parts_text(struct text *out, const struct token *token)
{
    say_object(out, "header", &token->header);
    say_object(out, "payload", &token->payload);
}

void token_text(struct text *out, const struct token *token, const struct token_verdict *verdict,
                int64_t now)
{
    token_parts_text(out, token);
    for (size_t i = 0; i < DATE_COUNT; i++) {
        int64_t seconds;
        if (token_date(token_find(&token->payload, dates[i]), &seconds))
            say(out, dates[i],
                pool_printf(token->pool, "%s, %s", iso(token->pool, seconds).at,
                            when(token->pool, dates[i], seconds, now).at));
    }
    say(out, "signature", signature(token, verdict));
    for (size_t i = 0; i < token->warnings.count; i++)
        say(out, "warning", token->warnings.at[i].text);
}

static void add_said(struct text *out, const struct token_object *object, const char *name)
{
    const struct token_member *member = token_find(object, name);

    if (!member)
        return;
    struct str words = member->kind == JSON_STRING ? member->text : member->value;
    text_printf(out, "%s%s %.*s", out->len ? ", " : "", name,
                STR_ARG(token_printable(out->pool, words)));
}

struct str token_says(const struct token *token, int64_t now)
{
    static const char *const claims[] = {"iss", "sub", "aud", "scope"};
    struct text out = {.pool = token->pool};

    add_said(&out, &token->header, "alg");
    add_said(&out, &token->header, "kid");
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        add_said(&out, &token->payload, claims[i]);
    for (size_t i = 0; i < DATE_COUNT; i++) {
        int64_t seconds;
        if (token_date(token_find(&token->payload, dates[i]), &seconds))
            text_printf(&out, "%s%s %s (%s)", out.len ? ", " : "", dates[i],
                        iso(token->pool, seconds).at, when(token->pool, dates[i], seconds, now).at);
    }
    return out.len ? text_str(&out) : STR("nothing");
}

/* ---- for programs ---- */

/* A word in JSON; what text_json leaves as it is may still deceive a reader. */
static void quoted(struct text *out, struct str words)
{
    struct text plain = {.pool = out->pool};

    text_json(&plain, words);
    string(out, (struct str){plain.at + 1, plain.len - 2});
}

static void json_dates(struct text *out, const struct token *token, int64_t now)
{
    const char *between = "";

    text_add(out, STR("  \"dates\": {"));
    for (size_t i = 0; i < DATE_COUNT; i++) {
        int64_t seconds;
        if (!token_date(token_find(&token->payload, dates[i]), &seconds))
            continue;
        text_printf(out, "%s\"%s\": {\"utc\": \"%s\", \"in_seconds\": %lld}", between, dates[i],
                    iso(token->pool, seconds).at, (long long)(seconds - now));
        between = ", ";
    }
    text_add(out, STR("},\n"));
}

void token_json(struct text *out, const struct token *token, const struct token_verdict *verdict,
                int64_t now)
{
    static const char *const words[] = {"null", "true", "false"};

    text_add(out, STR("{\n  \"header\": "));
    object_text(out, &token->header, 2);
    text_add(out, STR(",\n  \"payload\": "));
    object_text(out, &token->payload, 2);
    text_add(out, STR(",\n"));
    json_dates(out, token, now);
    text_printf(out, "  \"signature\": {\"bytes\": %zu, \"verified\": %s", token->signature.len,
                words[verdict->kind]);
    if (verdict->why.len) {
        text_add(out, STR(", \"why\": "));
        quoted(out, verdict->why);
    }
    text_add(out, STR("},\n  \"warnings\": ["));
    for (size_t i = 0; i < token->warnings.count; i++) {
        text_printf(out, "%s\n    {\"code\": \"%s\", \"text\": ", i ? "," : "",
                    token->warnings.at[i].code);
        quoted(out, token->warnings.at[i].text);
        text_byte(out, '}');
    }
    text_add(out, token->warnings.count ? STR("\n  ]\n}\n") : STR("]\n}\n"));
}
