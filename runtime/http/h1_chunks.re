#include "http/h1_parse.h"

/* A chunked body (RFC 9112 section 7.1) as a table: what may follow in which state. A byte is
 * consumed when it is looked at, so nothing is ever read again, however the bytes arrive. Data
 * is not looked at. */

enum class {
    CONTROL, HEX, TOKEN, SPACE, SEMICOLON, EQUALS, QUOTE, BACKSLASH, COLON, TEXT, CR, LF, CLASSES
};

enum state {
    START, /* of a zeroed struct; in the table: not allowed */
    SIZE_FIRST,
    SIZE,
    EXT_BEFORE, /* white space in front of a semicolon: bad, but legal */
    EXT,
    EXT_NAME,
    EXT_NAME_SPACE,
    EXT_EQUALS,
    EXT_TOKEN,
    EXT_QUOTED,
    EXT_ESCAPE,
    EXT_QUOTED_END,
    SIZE_CR,
    SIZE_LF,
    DATA,
    DATA_END,
    DATA_CR,
    TRAILER,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_CR,
    LAST_CR,
    END,
    STATES
};

#define VISIBLE(state)                                                                             \
    [HEX] = (state), [TOKEN] = (state), [SPACE] = (state), [SEMICOLON] = (state),                  \
    [EQUALS] = (state), [COLON] = (state), [TEXT] = (state)

static const uint8_t next[STATES][CLASSES] = {
    [START] = {[HEX] = SIZE},
    [SIZE_FIRST] = {[HEX] = SIZE},
    [SIZE] = {[HEX] = SIZE, [SPACE] = EXT_BEFORE, [SEMICOLON] = EXT, [CR] = SIZE_CR},
    [EXT_BEFORE] = {[SPACE] = EXT_BEFORE, [SEMICOLON] = EXT},
    [EXT] = {[SPACE] = EXT, [HEX] = EXT_NAME, [TOKEN] = EXT_NAME},
    [EXT_NAME] = {[HEX] = EXT_NAME, [TOKEN] = EXT_NAME, [SPACE] = EXT_NAME_SPACE,
                  [EQUALS] = EXT_EQUALS, [SEMICOLON] = EXT, [CR] = SIZE_CR},
    [EXT_NAME_SPACE] = {[SPACE] = EXT_NAME_SPACE, [EQUALS] = EXT_EQUALS, [SEMICOLON] = EXT},
    [EXT_EQUALS] = {[SPACE] = EXT_EQUALS, [HEX] = EXT_TOKEN, [TOKEN] = EXT_TOKEN,
                    [QUOTE] = EXT_QUOTED},
    [EXT_TOKEN] = {[HEX] = EXT_TOKEN, [TOKEN] = EXT_TOKEN, [SPACE] = EXT_BEFORE, [SEMICOLON] = EXT,
                   [CR] = SIZE_CR},
    [EXT_QUOTED] = {VISIBLE(EXT_QUOTED), [BACKSLASH] = EXT_ESCAPE, [QUOTE] = EXT_QUOTED_END},
    [EXT_ESCAPE] = {VISIBLE(EXT_QUOTED), [BACKSLASH] = EXT_QUOTED, [QUOTE] = EXT_QUOTED},
    [EXT_QUOTED_END] = {[SPACE] = EXT_BEFORE, [SEMICOLON] = EXT, [CR] = SIZE_CR},
    [SIZE_CR] = {[LF] = SIZE_LF},
    [DATA_END] = {[CR] = DATA_CR},
    [DATA_CR] = {[LF] = SIZE_FIRST},
    [TRAILER] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [CR] = LAST_CR},
    [TRAILER_NAME] = {[HEX] = TRAILER_NAME, [TOKEN] = TRAILER_NAME, [COLON] = TRAILER_VALUE},
    [TRAILER_VALUE] = {VISIBLE(TRAILER_VALUE), [BACKSLASH] = TRAILER_VALUE, [QUOTE] = TRAILER_VALUE,
                       [CR] = TRAILER_CR},
    [TRAILER_CR] = {[LF] = TRAILER},
    [LAST_CR] = {[LF] = END},
};

static enum class class_of(uint8_t byte)
{
    const uint8_t *at = &byte;

/*!re2c
    re2c:define:YYCTYPE = uint8_t;
    re2c:define:YYCURSOR = at;
    re2c:yyfill:enable = 0;

    [0-9A-Fa-f]                     { return HEX; }
    [!#$%&'*+.^_`|~0-9A-Za-z-]      { return TOKEN; }
    [ \t]                           { return SPACE; }
    ";"                             { return SEMICOLON; }
    "="                             { return EQUALS; }
    "\""                            { return QUOTE; }
    "\\"                            { return BACKSLASH; }
    ":"                             { return COLON; }
    [\x21-\x7e\x80-\xff]            { return TEXT; }
    "\r"                            { return CR; }
    "\n"                            { return LF; }
    *                               { return CONTROL; }
*/
}

static const char *reason_for(enum state state)
{
    if (state <= SIZE || state == SIZE_CR)
        return "a chunk size is malformed";
    if (state < SIZE_CR)
        return "a chunk extension is malformed";
    if (state <= DATA_CR)
        return "a chunk is longer than its size";
    return "a trailer field is malformed";
}

static bool bad(struct h1_chunks *chunks, const char *reason)
{
    chunks->reason = reason;
    return false;
}

static uint64_t hex_value(uint8_t byte)
{
    return byte <= '9' ? byte - (unsigned)'0' : (byte | 0x20u) - 'a' + 10;
}

static bool add_digit(struct h1_chunks *chunks, uint8_t byte)
{
    if (++chunks->digits > H1_CHUNK_DIGITS || chunks->left > INT64_MAX >> 4)
        return bad(chunks, "a chunk size is too big");
    chunks->left = chunks->left << 4 | hex_value(byte);
    return true;
}

static bool spend(struct h1_chunks *chunks)
{
    if (++chunks->extra > H1_EXTRA_MAX)
        return bad(chunks, "too many bytes of chunk extensions or trailer fields");
    return true;
}

/* The size line is complete. Extensions are bounded in proportion to the data that they come
 * with. */
static void begin_chunk(struct h1_chunks *chunks)
{
    chunks->state = chunks->left > 0 ? DATA : TRAILER;
    chunks->extra = chunks->left >= chunks->extra ? 0 : chunks->extra - (uint32_t)chunks->left;
    chunks->digits = 0;
}

/* One byte outside of data. */
static bool take(struct h1_chunks *chunks, uint8_t byte)
{
    enum state from = (enum state)chunks->state, to = (enum state)next[from][class_of(byte)];

    if (to == START)
        return bad(chunks, reason_for(from));
    chunks->state = to;
    if (to == SIZE)
        return add_digit(chunks, byte);
    if (to == SIZE_LF)
        begin_chunk(chunks);
    else if ((to > SIZE && to < SIZE_CR) || (to >= TRAILER && to <= TRAILER_CR))
        return spend(chunks);
    return true;
}

/* RFC 9110 section 6.5.1: what frames, routes, authenticates or says how to read the content has
 * no place behind it. Names with underscores pass for others behind CGI. */
static bool is_forbidden(struct str name)
{
    static const struct str more[] = {
        STR_INIT("age"),           STR_INIT("cache-control"),    STR_INIT("content-encoding"),
        STR_INIT("content-range"), STR_INIT("pragma"),           STR_INIT("range"),
        STR_INIT("www-authenticate"),
    };

    if (field_id_of(name) != FIELD_OTHER || str_find(name, '_') < name.len)
        return true;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (str_eq_nocase(name, more[i]))
            return true;
    return false;
}

/* The lines of bytes so far judged; `trailers` holds its start from the call before. */
static void keep_trailer(struct h1_chunks *chunks, struct text *trailers, struct str bytes)
{
    struct str line;

    text_add(trailers, bytes);
    if (chunks->state != TRAILER)
        return;
    line = str_from(text_str(trailers), chunks->line);
    if (is_forbidden(str_head(line, str_find(line, ':'))))
        trailers->len = chunks->line;
    chunks->line = trailers->len;
}

static size_t read_trailers(struct h1_chunks *chunks, struct str bytes, struct text *trailers)
{
    size_t at = 0, from = 0;

    while (at < bytes.len && chunks->state != END) {
        if (!take(chunks, (uint8_t)bytes.at[at++]))
            return at;
        if (chunks->state == TRAILER || (at == bytes.len && chunks->state < LAST_CR)) {
            if (trailers)
                keep_trailer(chunks, trailers, (struct str){bytes.at + from, at - from});
            from = at;
        }
    }
    return at;
}

static size_t read_data(struct h1_chunks *chunks, struct str bytes, struct str *data)
{
    *data = str_head(bytes, chunks->left < bytes.len ? (size_t)chunks->left : bytes.len);
    chunks->left -= data->len;
    if (chunks->left == 0)
        chunks->state = DATA_END;
    return data->len;
}

enum h1_result h1_chunks_read(struct h1_chunks *chunks, const char *bytes, size_t len, size_t *used,
                              struct str *data, struct text *trailers)
{
    size_t at = 0;

    *data = (struct str){bytes, 0};
    while (at < len && !chunks->reason && chunks->state != END) {
        struct str rest = {bytes + at, len - at};

        if (chunks->state == DATA && data->len > 0)
            break;
        if (chunks->state == DATA)
            at += read_data(chunks, rest, data);
        else if (chunks->state >= TRAILER)
            at += read_trailers(chunks, rest, trailers);
        else if (take(chunks, (uint8_t)bytes[at]))
            at++;
    }
    *used = at;
    return chunks->reason ? H1_BAD : chunks->state == END ? H1_DONE : H1_MORE;
}

size_t h1_chunk_size_line(char *to, uint64_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 1;

    for (uint64_t rest = size; rest >>= 4;)
        len++;
    for (size_t i = len; i-- > 0; size >>= 4)
        to[i] = digits[size & 15];
    to[len] = '\r';
    to[len + 1] = '\n';
    return len + 2;
}
