/* The canonical request and the signature over it. */
#include "base/percent.h"
#include "base/sigv4.h"
#include "base/text.h"

enum { HEX = 2 * CRYPTO_SHA256 };

static struct str bytes(const unsigned char *at)
{
    return (struct str){(const char *)at, CRYPTO_SHA256};
}

static void hex(const unsigned char digest[CRYPTO_SHA256], char out[HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < CRYPTO_SHA256; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
}

static bool is_s3(const struct sigv4_rules *rules)
{
    return str_eq(rules->service, STR("s3"));
}

/* ---- the path ---- */

static void add_encoded(struct text *to, unsigned char byte)
{
    char escape[3];

    text_add(to, (struct str){escape, (size_t)(percent_put(escape, byte) - escape)});
}

/* Once: escapes are kept, in their one form. */
static void add_path_s3(struct text *to, struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        int byte = percent_escaped(path, i);
        if (path.at[i] == '/')
            text_byte(to, '/');
        else
            add_encoded(to, (unsigned char)(byte < 0 ? path.at[i] : byte));
        i += byte < 0 ? 0 : 2;
    }
}

/* Takes back the last segment behind `start`, its slash included. */
static void cut_segment(struct text *to, size_t start)
{
    while (to->len > start && to->at[to->len - 1] != '/')
        to->len--;
    to->len -= to->len > start ? 1 : 0;
}

static void add_path_normal(struct text *to, struct str path)
{
    size_t start = to->len;
    bool is_open = true; /* it ends with a slash */

    while (path.len > 0) {
        struct str segment = str_head(path, str_find(path, '/'));
        bool has_slash = segment.len < path.len;
        path = str_from(path, segment.len + 1);
        is_open = true;
        if (str_eq(segment, STR("..")))
            cut_segment(to, start);
        if (segment.len == 0 || str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            continue;
        text_byte(to, '/');
        for (size_t i = 0; i < segment.len; i++)
            add_encoded(to, (unsigned char)segment.at[i]);
        is_open = has_slash;
    }
    if (is_open)
        text_byte(to, '/');
}

/* ---- the query and the header fields ---- */

static void add_query(struct text *to, const struct sigv4 *sigv4)
{
    bool is_first = true;

    for (size_t i = 0; i < sigv4->param_count; i++) {
        const struct sigv4_param *param = &sigv4->params[i];
        if (sigv4->in_query && str_eq(param->name, STR("X-Amz-Signature")))
            continue;
        text_add(to, is_first ? STR("") : STR("&"));
        text_add(to, param->name);
        text_byte(to, '=');
        text_add(to, param->value);
        is_first = false;
    }
}

/* Without blanks at the ends, and one for many within. */
static void add_value(struct text *to, struct str value)
{
    bool is_blank = false;

    value = str_trim(value, " \t");
    for (size_t i = 0; i < value.len; i++) {
        bool was_blank = is_blank;
        is_blank = value.at[i] == ' ' || value.at[i] == '\t';
        if (!is_blank)
            text_byte(to, value.at[i]);
        else if (!was_blank)
            text_byte(to, ' ');
    }
}

static void add_field(struct text *to, const struct sigv4_request *request, struct str name)
{
    bool is_first = true;

    text_add(to, name);
    text_byte(to, ':');
    for (size_t i = 0; i < request->field_count; i++) {
        if (!str_eq_nocase(request->fields[i].name, name))
            continue;
        text_add(to, is_first ? STR("") : STR(","));
        add_value(to, request->fields[i].value);
        is_first = false;
    }
    text_byte(to, '\n');
}

static void add_fields(struct text *to, const struct sigv4_request *request, struct str names)
{
    while (names.len > 0) {
        struct str name = str_head(names, str_find(names, ';'));
        add_field(to, request, name);
        names = str_from(names, name.len + 1);
    }
}

static void add_payload(struct text *to, const struct sigv4 *sigv4,
                        const unsigned char body[CRYPTO_SHA256])
{
    char digits[HEX];

    switch (sigv4->payload) {
    case SIGV4_PAYLOAD_BODY:
        hex(body, digits);
        text_add(to, (struct str){digits, sizeof digits});
        break;
    case SIGV4_PAYLOAD_CLAIMED:
        text_add(to, sigv4->claimed);
        break;
    case SIGV4_PAYLOAD_UNSIGNED:
        text_add(to, STR("UNSIGNED-PAYLOAD"));
        break;
    }
}

struct str sigv4_canonical(struct pool *pool, const struct sigv4_request *request,
                           const struct sigv4_rules *rules, const struct sigv4 *sigv4,
                           const unsigned char body[CRYPTO_SHA256])
{
    struct text text = {.pool = pool};

    text_add(&text, request->method);
    text_byte(&text, '\n');
    if (is_s3(rules))
        add_path_s3(&text, request->path);
    else
        add_path_normal(&text, request->path);
    text_byte(&text, '\n');
    add_query(&text, sigv4);
    text_byte(&text, '\n');
    add_fields(&text, request, sigv4->signed_headers);
    text_byte(&text, '\n');
    text_add(&text, sigv4->signed_headers);
    text_byte(&text, '\n');
    add_payload(&text, sigv4, body);
    return text_str(&text);
}

/* ---- the signature ---- */

void sigv4_key(struct str secret, struct str day, const struct sigv4_rules *rules,
               unsigned char key[CRYPTO_SHA256])
{
    char first[4 + SIGV4_MAX_SECRET] = "AWS4";
    struct str head = str_head(secret, SIGV4_MAX_SECRET);

    memcpy(first + 4, head.at, head.len);
    crypto_hmac_sha256((struct str){first, 4 + head.len}, day, key);
    crypto_hmac_sha256(bytes(key), rules->region, key);
    crypto_hmac_sha256(bytes(key), rules->service, key);
    crypto_hmac_sha256(bytes(key), STR("aws4_request"), key);
    crypto_wipe(first, sizeof first);
}

bool sigv4_verify(struct pool *pool, const struct sigv4_request *request,
                  const struct sigv4_rules *rules, const struct sigv4 *sigv4,
                  const unsigned char key[CRYPTO_SHA256], const unsigned char body[CRYPTO_SHA256])
{
    struct text to_sign = {.pool = pool};
    unsigned char digest[CRYPTO_SHA256];
    char digits[HEX];

    crypto_sha256(sigv4_canonical(pool, request, rules, sigv4, body), digest);
    hex(digest, digits);
    text_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%.*s/%.*s/%.*s/aws4_request\n%.*s", sigv4->moment,
                STR_ARG(sigv4->day), STR_ARG(rules->region), STR_ARG(rules->service), HEX, digits);
    crypto_hmac_sha256(bytes(key), text_str(&to_sign), digest);
    hex(digest, digits);
    return sigv4->signature.len == HEX && crypto_equal(digits, sigv4->signature.at, HEX);
}

bool sigv4_body_is(const struct sigv4 *sigv4, const unsigned char body[CRYPTO_SHA256])
{
    char digits[HEX];

    if (sigv4->payload != SIGV4_PAYLOAD_CLAIMED)
        return true;
    hex(body, digits);
    return crypto_equal(digits, sigv4->claimed.at, HEX);
}
