#include "log_text.h"

#include <stdlib.h>

#include "base/pool.h"
#include "base/utf8.h"

void log_text_number(struct log_text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    if (number < 10) {
        log_text_byte(text, (char)('0' + number));
        return;
    }
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    log_text_put(text, (struct str){digits + at, sizeof digits - at});
}

static void put_hex(struct log_text *text, struct str prefix, unsigned byte)
{
    static const char digits[] = "0123456789abcdef";

    log_text_put(text, prefix);
    log_text_byte(text, digits[byte >> 4 & 15]);
    log_text_byte(text, digits[byte & 15]);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#define EACH(byte) ((uint64_t)(byte)*0x0101010101010101u)

/* True when all eight bytes are plain. Each term sets the top bit of a byte that is not: beyond ASCII, below
 * space, DEL, quote, backslash. */
static bool are_plain(const char *at)
{
    uint64_t word, low;

    memcpy(&word, at, 8);
    low = word & EACH(0x7f);
    return ((word | ~(low + EACH(0x60)) | (low + EACH(1)) | ~((low ^ EACH('"')) + EACH(0x7f)) |
             ~((low ^ EACH('\\')) + EACH(0x7f))) &
            EACH(0x80)) == 0;
}

/* How many bytes at the start are plain. */
static size_t plain_run(const char *at, size_t len)
{
    size_t run = 0;

    while (run + 8 <= len && are_plain(at + run))
        run += 8;
    if (len >= 8 && len - run < 8 && are_plain(at + len - 8))
        return len;
    while (run < len && is_plain((unsigned char)at[run]))
        run++;
    return run;
}

/* One character that needs care in JSON; returns the bytes read. Broken UTF-8 becomes U+FFFD. */
static size_t put_json_special(struct log_text *text, struct str s, size_t at)
{
    size_t next = at;
    int32_t character = utf8_next(s, &next);

    if (character < 0)
        log_text_put(text, STR("\\ufffd"));
    else if (character == '"' || character == '\\') {
        log_text_byte(text, '\\');
        log_text_byte(text, (char)character);
    } else if (character < 0x20 || character == 0x7f)
        put_hex(text, STR("\\u00"), (unsigned)character);
    else
        log_text_put(text, (struct str){s.at + at, next - at});
    return next - at;
}

/* One byte that needs care in Apache's log. */
static size_t put_apache_special(struct log_text *text, struct str s, size_t at)
{
    if (s.at[at] == '"' || s.at[at] == '\\') {
        log_text_byte(text, '\\');
        log_text_byte(text, s.at[at]);
    } else {
        put_hex(text, STR("\\x"), (unsigned char)s.at[at]);
    }
    return 1;
}

void log_text_escape(struct log_text *text, struct str s, size_t max)
{
    char *last = text->at + max;

    for (size_t at = 0; at < s.len && text->at < last && !text->full;) {
        size_t room = (size_t)(last - text->at);
        size_t rest = s.len - at < room ? s.len - at : room;
        size_t run = plain_run(s.at + at, rest);
        log_text_put(text, (struct str){s.at + at, run});
        at += run;
        if (run < rest)
            at += text->apache ? put_apache_special(text, s, at) : put_json_special(text, s, at);
    }
}

/* ---- credentials ---- */

enum { NAME_MAX_LEN = 40 };

/* A parameter's name as it is compared: decoded, lower case, without '_', '-' and '.'. */
static size_t normal_name(struct str name, char to[NAME_MAX_LEN])
{
    size_t len = 0;

    for (size_t i = 0; i < name.len && len < NAME_MAX_LEN; i++) {
        char c = name.at[i];
        if (c == '%' && i + 2 < name.len && str_hex(name.at[i + 1]) >= 0 &&
            str_hex(name.at[i + 2]) >= 0) {
            c = (char)(str_hex(name.at[i + 1]) << 4 | str_hex(name.at[i + 2]));
            i += 2;
        }
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c != '_' && c != '-' && c != '.')
            to[len++] = c;
    }
    return len;
}

/* Those that the document's own schemes have, in the normal form. */
static struct own_name {
    char text[NAME_MAX_LEN];
    size_t len;
} * own_names;
static uint32_t own_name_count;

void log_text_credentials(const struct str *names, uint32_t count)
{
    free(own_names);
    own_names = count > 0 ? pool_xmalloc(count * sizeof *own_names) : NULL;
    own_name_count = count;
    for (uint32_t i = 0; i < count; i++)
        own_names[i].len = normal_name(names[i], own_names[i].text);
}

static bool is_credential(struct str name)
{
    static const struct str whole[] = {
        STR_INIT("key"),  STR_INIT("code"),    STR_INIT("sig"),       STR_INIT("pwd"),
        STR_INIT("pass"), STR_INIT("auth"),    STR_INIT("jwt"),       STR_INIT("sid"),
        STR_INIT("otp"),  STR_INIT("session"), STR_INIT("sessionid"), STR_INIT("samlresponse"),
    };
    static const struct str endings[] = {
        STR_INIT("token"),     STR_INIT("secret"),        STR_INIT("password"),  STR_INIT("passwd"),
        STR_INIT("signature"), STR_INIT("authorization"), STR_INIT("assertion"), STR_INIT("apikey"),
        STR_INIT("accesskey"), STR_INIT("credential"),
    };
    char buffer[NAME_MAX_LEN];
    struct str normal = {buffer, normal_name(name, buffer)};

    for (uint32_t i = 0; i < own_name_count; i++)
        if (str_eq(normal, (struct str){own_names[i].text, own_names[i].len}))
            return true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (str_eq(normal, whole[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (normal.len >= endings[i].len &&
            normal.at[normal.len - 1] == endings[i].at[endings[i].len - 1] &&
            str_eq(str_from(normal, normal.len - endings[i].len), endings[i]))
            return true;
    }
    return false;
}

static size_t piece_len(struct str query)
{
    size_t len = 0;

    while (len < query.len && query.at[len] != '&' && query.at[len] != ';')
        len++;
    return len;
}

void log_text_query(struct log_text *text, struct str query, size_t max)
{
    char *last = text->at + max;

    while (query.len > 0 && text->at < last && !text->full) {
        size_t len = piece_len(query);
        struct str piece = str_head(query, len);
        size_t equals = str_find(piece, '=');
        if (equals < len && is_credential(str_head(piece, equals))) {
            log_text_escape(text, str_head(piece, equals + 1), (size_t)(last - text->at));
            log_text_put(text, STR("***"));
        } else {
            log_text_escape(text, piece, (size_t)(last - text->at));
        }
        if (len < query.len)
            log_text_byte(text, query.at[len]);
        query = str_from(query, len + 1);
    }
}

void log_text_url(struct log_text *text, struct str url, size_t max)
{
    size_t mark = str_find(url, '?');

    log_text_escape(text, str_head(url, mark), max);
    if (mark < url.len) {
        log_text_byte(text, '?');
        log_text_query(text, str_from(url, mark + 1), max);
    }
}
