#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"

enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COMMA_OR_END, NOTHING, FAILED };

/* What the lexer finds; the grammar is kept by json_next. */
enum lexeme {
    LEX_END,
    LEX_BAD,
    LEX_NULL,
    LEX_TRUE,
    LEX_FALSE,
    LEX_NUMBER,
    LEX_STRING,
    LEX_OBJECT,
    LEX_OBJECT_END,
    LEX_ARRAY,
    LEX_ARRAY_END,
    LEX_COMMA,
    LEX_COLON,
};

/* Past the end the lexers see a NUL. JSON has no place for one, so it ends every token, and the input needs
 * neither a sentinel nor a copy. */

/*!re2c
    re2c:api = custom;
    re2c:api:style = free-form;
    re2c:yyfill:enable = 0;
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYPEEK = "(at < end ? (unsigned char)text[at] : 0)";
    re2c:define:YYSKIP = "at++;";
    re2c:define:YYBACKUP = "backup = at;";
    re2c:define:YYRESTORE = "at = backup;";

    hex   = [0-9a-fA-F];
    digit = [0-9];
    whole = "-"? ("0" | [1-9] digit*);
    point = "." digit+;
    power = [eE] [-+]? digit+;
    tail  = [\x80-\xBF];
    utf8  = [\xC2-\xDF] tail
          | "\xE0" [\xA0-\xBF] tail | [\xE1-\xEC\xEE\xEF] tail tail | "\xED" [\x80-\x9F] tail
          | "\xF0" [\x90-\xBF] tail tail | [\xF1-\xF3] tail tail tail
          | "\xF4" [\x80-\x8F] tail tail;
    plain = [\x20-\x7F] \ ["\\];
    high  = "\\u" [dD] [89abAB] hex hex;
    low   = "\\u" [dD] [c-fC-F] hex hex;
    unit  = "\\u" ([0-9abcefABCEF] hex | [dD] [0-7]) hex hex;
*/

static enum lexeme bad(struct json *json, size_t at, const char *sentence)
{
    json->start = at;
    json->error = sentence;
    return LEX_BAD;
}

/* From behind the opening quote to behind the closing one. */
static enum lexeme lex_string(struct json *json, size_t at)
{
    const char *text = json->input.at;
    size_t end = json->input.len, begin = at, start, backup;

    json->escaped = false;
    for (;;) {
        start = at;
        /*!re2c
            ["] {
                json->token = (struct str){text + begin, start - begin};
                json->at = at;
                return LEX_STRING;
            }
            (plain | utf8)+ { continue; }
            ("\\" ["\\/bfnrt] | unit | high low)+ {
                json->escaped = true;
                continue;
            }
            high | low  { return bad(json, start, "half of a surrogate pair stands alone"); }
            "\\"        { return bad(json, start, "a string has no such escape"); }
            [\x80-\xFF] { return bad(json, start, "this byte is not UTF-8"); }
            * {
                if (start >= end)
                    return bad(json, end, "the text ends within a string");
                return bad(json, start, "a control character in a string must be escaped");
            }
        */
    }
}

static enum lexeme lex_number(struct json *json, size_t at)
{
    json->token = (struct str){json->input.at + json->start, at - json->start};
    json->at = at;
    return LEX_NUMBER;
}

static enum lexeme lex(struct json *json)
{
    const char *text = json->input.at;
    size_t at = json->at, end = json->input.len, start, backup;

    for (;;) {
        start = json->start = at;
        /*!re2c
            [ \t\r\n]+ { continue; }
            "{"        { return json->at = at, LEX_OBJECT; }
            "}"        { return json->at = at, LEX_OBJECT_END; }
            "["        { return json->at = at, LEX_ARRAY; }
            "]"        { return json->at = at, LEX_ARRAY_END; }
            ","        { return json->at = at, LEX_COMMA; }
            ":"        { return json->at = at, LEX_COLON; }
            "null"     { return json->at = at, LEX_NULL; }
            "true"     { return json->at = at, LEX_TRUE; }
            "false"    { return json->at = at, LEX_FALSE; }
            ["]        { return lex_string(json, at); }
            whole point? power?      { return lex_number(json, at); }
            "-"? "0" digit+          { return bad(json, start, "a number must not begin with 0"); }
            "-"                      { return bad(json, start, "digits must follow the '-'"); }
            whole "."                { return bad(json, start, "digits must follow the '.'"); }
            whole point? [eE] [-+]?  { return bad(json, start, "an exponent needs digits"); }
            [a-zA-Z_$][a-zA-Z_$0-9]* { return bad(json, start, "JSON has no such word; a string needs double quotes"); }
            "'"                      { return bad(json, start, "a string needs double quotes"); }
            "#" | "/*" | "//"        { return bad(json, start, "JSON has no comments"); }
            "\xEF\xBB\xBF"           { return bad(json, start, "JSON begins without a byte order mark"); }
            * {
                if (start >= end)
                    return LEX_END;
                return bad(json, start, "a value cannot begin like this");
            }
        */
    }
}

void json_open(struct json *json, struct str input, uint32_t depth_limit)
{
    *json = (struct json){.input = input, .depth_limit = depth_limit, .expect = VALUE};
}

static enum json_kind fail(struct json *json, const char *sentence)
{
    json->expect = FAILED;
    json->error = sentence;
    return JSON_ERROR;
}

static bool in_object(const struct json *json)
{
    uint32_t level = json->depth - 1;

    return json->depth > 0 && (json->objects[level / 64] >> level % 64 & 1) != 0;
}

static enum json_kind complete(struct json *json, enum json_kind kind)
{
    json->expect = json->depth > 0 ? COMMA_OR_END : NOTHING;
    return kind;
}

static enum json_kind enter(struct json *json, enum json_kind kind)
{
    uint32_t level = json->depth;
    uint64_t bit = (uint64_t)1 << level % 64;

    if (level >= json->depth_limit || level >= JSON_DEPTH_MAX)
        return fail(json, "values are nested too deeply");
    if (kind == JSON_OBJECT)
        json->objects[level / 64] |= bit;
    else
        json->objects[level / 64] &= ~bit;
    json->depth++;
    json->expect = kind == JSON_OBJECT ? KEY_OR_END : VALUE_OR_END;
    return kind;
}

static enum json_kind leave(struct json *json, enum json_kind kind)
{
    json->depth--;
    return complete(json, kind);
}

static enum json_kind read_value(struct json *json, enum lexeme lexeme)
{
    switch (lexeme) {
    case LEX_NULL:
        return complete(json, JSON_NULL);
    case LEX_TRUE:
        return complete(json, JSON_TRUE);
    case LEX_FALSE:
        return complete(json, JSON_FALSE);
    case LEX_NUMBER:
        return complete(json, JSON_NUMBER);
    case LEX_STRING:
        return complete(json, JSON_STRING);
    case LEX_OBJECT:
        return enter(json, JSON_OBJECT);
    case LEX_ARRAY:
        return enter(json, JSON_ARRAY);
    case LEX_ARRAY_END:
        if (json->expect == VALUE_OR_END)
            return leave(json, JSON_ARRAY_END);
        return fail(json, json->depth > 0 && !in_object(json)
                              ? "a value must follow the ',' before the array ends"
                              : "a value is due here");
    case LEX_END:
        return fail(json, json->depth > 0 ? "the text ends too early" : "there is no value");
    default:
        return fail(json, "a value is due here");
    }
}

static enum json_kind read_key(struct json *json, enum lexeme lexeme)
{
    struct str key = json->token;
    size_t start = json->start;
    bool escaped = json->escaped;

    if (lexeme == LEX_OBJECT_END && json->expect == KEY_OR_END)
        return leave(json, JSON_OBJECT_END);
    if (lexeme == LEX_OBJECT_END)
        return fail(json, "a key must follow the ',' before the object ends");
    if (lexeme == LEX_END)
        return fail(json, "the text ends too early");
    if (lexeme != LEX_STRING)
        return fail(json, "a key in double quotes is due here");
    lexeme = lex(json);
    if (lexeme == LEX_BAD)
        return fail(json, json->error);
    if (lexeme != LEX_COLON)
        return fail(json, "a ':' must follow the key");
    json->start = start;
    json->token = key;
    json->escaped = escaped;
    json->expect = VALUE;
    return JSON_KEY;
}

/* Between two members. */
static enum json_kind read_end(struct json *json, enum lexeme lexeme)
{
    if (lexeme == LEX_END)
        return fail(json, "the text ends too early");
    if (in_object(json)) {
        if (lexeme == LEX_OBJECT_END)
            return leave(json, JSON_OBJECT_END);
        return fail(json, "a ',' or '}' is due here");
    }
    if (lexeme == LEX_ARRAY_END)
        return leave(json, JSON_ARRAY_END);
    return fail(json, "a ',' or ']' is due here");
}

enum json_kind json_next(struct json *json)
{
    enum lexeme lexeme;

    if (json->expect == FAILED)
        return JSON_ERROR;
    lexeme = lex(json);
    if (lexeme == LEX_COMMA && json->expect == COMMA_OR_END) {
        json->expect = in_object(json) ? KEY : VALUE;
        lexeme = lex(json);
    }
    if (lexeme == LEX_BAD)
        return fail(json, json->expect == NOTHING ? "nothing may follow the value" : json->error);
    switch ((enum expect)json->expect) {
    case VALUE:
    case VALUE_OR_END:
        return read_value(json, lexeme);
    case KEY:
    case KEY_OR_END:
        return read_key(json, lexeme);
    case COMMA_OR_END:
        return read_end(json, lexeme);
    default:
        return lexeme == LEX_END ? JSON_END : fail(json, "nothing may follow the value");
    }
}

bool json_skip(struct json *json, enum json_kind first)
{
    uint32_t depth = json->depth;

    if (first != JSON_OBJECT && first != JSON_ARRAY)
        return first != JSON_ERROR;
    while (json->depth >= depth)
        if (json_next(json) == JSON_ERROR)
            return false;
    return true;
}

static uint32_t hex_of(const char *at)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        uint32_t c = (unsigned char)at[i];
        value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* One escape, known to be good, from `at`; returns its length. */
static size_t decode_escape(const char *at, char *out, size_t *len)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *named = strchr(from, at[1]);
    uint32_t character;

    if (at[1] != 'u') {
        out[(*len)++] = named ? to[named - from] : at[1];
        return 2;
    }
    character = hex_of(at + 2);
    if (character >= 0xD800 && character < 0xDC00) {
        character = 0x10000 + ((character - 0xD800) << 10) + (hex_of(at + 8) - 0xDC00);
        *len += utf8_put(out + *len, character);
        return 12;
    }
    *len += utf8_put(out + *len, character);
    return 6;
}

struct str json_text(const struct json *json, struct pool *pool)
{
    struct str raw = json->token;
    size_t len = 0, at = 0;
    char *out;

    if (!json->escaped)
        return raw;
    out = pool_take(pool, raw.len + 1); /* an escape is never shorter than what it stands for */
    while (at < raw.len) {
        size_t run = str_find(str_from(raw, at), '\\');
        memcpy(out + len, raw.at + at, run);
        len += run;
        at += run;
        if (at < raw.len)
            at += decode_escape(raw.at + at, out, &len);
    }
    out[len] = '\0';
    return (struct str){out, len};
}

bool json_to_i64(struct str number, int64_t *value)
{
    bool negative = str_starts(number, STR("-"));
    uint64_t magnitude, limit = (uint64_t)INT64_MAX + negative;

    if (!str_to_u64(str_from(number, negative), &magnitude) || magnitude > limit)
        return false;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool json_double(struct str number, double *value)
{
    char z[256];

    if (number.len >= sizeof z)
        return false;
    memcpy(z, number.at, number.len);
    z[number.len] = '\0';
    *value = strtod(z, NULL);
    return isfinite(*value);
}
