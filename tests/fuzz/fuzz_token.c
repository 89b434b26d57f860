/* A token that is inspected, as text and as its parts before they are encoded. Whatever it says: nothing in the
 * output is a control or turns the text around it, and what is printed as JSON is JSON. */
#include <stdlib.h>

#include "base/utf8.h"
#include "token_print.h"
#include "token_risk.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void check_harmless(struct str text)
{
    for (size_t at = 0; at < text.len;) {
        int32_t c = utf8_next(text, &at);
        check(c == '\n' || (c >= ' ' && c != 0x7F && !utf8_is_deceptive(c)));
    }
}

static void encode(struct text *out, struct str part)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < part.len; i++) {
        bits = bits << 8 | (unsigned char)part.at[i];
        for (count += 8; count >= 6; count -= 6)
            text_byte(out, digits[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        text_byte(out, digits[bits << (6 - count) & 63]);
}

static bool inspect(struct pool *pool, struct str text)
{
    struct token_verdict verdict = {TOKEN_REFUSED, text};
    struct text words = {.pool = pool}, json = {.pool = pool};
    struct token_object object;
    struct token token;
    struct str error = {0};

    if (!token_read(pool, text, &token, &error)) {
        check(error.len > 0);
        token_parts_text(&words, &token);
        check_harmless(text_str(&words));
        return false;
    }
    token_risks(&token, 1700000000);
    token_text(&words, &token, &verdict, 1700000000);
    check_harmless(text_str(&words));
    token_json(&json, &token, &verdict, 1700000000);
    check_harmless(text_str(&json));
    /* two levels deeper than what was read */
    check(token_read_object(pool, text_str(&json), &object, &error) ||
          token.header.json.len > TOKEN_DEPTH || token.payload.json.len > TOKEN_DEPTH);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct pool pool;
    struct text made = {.pool = &pool};

    pool_open(&pool, NULL);
    if (!inspect(&pool, input)) {
        struct str header = str_head(input, str_find(input, '\n'));
        encode(&made, header);
        text_byte(&made, '.');
        encode(&made, str_from(input, header.len + 1));
        text_add(&made, STR(".c2ln"));
        inspect(&pool, text_str(&made));
    }
    pool_close(&pool);
    return 0;
}
