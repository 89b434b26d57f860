/* Signed requests: lines of an HTTP/1.1-like head. Whatever the input: nothing is read or written out of bounds, what is
 * read is within its bounds, the canonical request has the lines that it must have, and no signature fits a key that
 * nobody has. The first byte chooses the rules. */
#include <stdlib.h>

#include "base/sigv4.h"

enum { MAX_FIELDS = 100 };

static const struct str headers[] = {STR_INIT("content-type")};

static void check(bool fine)
{
    if (!fine)
        abort();
}

static struct str cut(struct str *text, char byte)
{
    struct str piece = str_head(*text, str_find(*text, byte));

    *text = str_from(*text, piece.len + 1);
    return piece;
}

static void read_request(struct str text, struct sigv4_request *request, struct sigv4_field *fields)
{
    struct str line = cut(&text, '\n'), target;

    request->method = cut(&line, ' ');
    target = cut(&line, ' ');
    request->path = cut(&target, '?');
    request->query = target;
    request->fields = fields;
    while (text.len > 0 && request->field_count < MAX_FIELDS) {
        line = cut(&text, '\n');
        fields[request->field_count].name = cut(&line, ':');
        fields[request->field_count++].value = line;
    }
}

static void check_canonical(struct str text, const struct sigv4 *sigv4)
{
    size_t lines = 0, names = 1;

    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    for (size_t i = 0; i < sigv4->signed_headers.len; i++)
        names += sigv4->signed_headers.at[i] == ';';
    check(names <= SIGV4_MAX_SIGNED && lines == names + 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[CRYPTO_SHA256] = {1}, body[CRYPTO_SHA256] = {2};
    struct sigv4_field fields[MAX_FIELDS];
    struct sigv4_request request = {0};
    struct sigv4_rules rules = {.region = STR("us-east-1"),
                                .service = STR("service"),
                                .clock_skew = 300,
                                .max_expires = SIGV4_MAX_EXPIRES,
                                .signed_headers = headers};
    struct sigv4 sigv4;
    const char *reason = NULL;
    struct pool pool;

    if (size < 1)
        return 0;
    rules.unsigned_payload = data[0] & 1;
    rules.signed_header_count = data[0] >> 1 & 1;
    if (data[0] & 4)
        rules.service = STR("s3");
    pool_open(&pool, NULL);
    read_request((struct str){(const char *)data + 1, size - 1}, &request, fields);
    switch (sigv4_read(&pool, &request, &rules, 1440938160, &sigv4, &reason)) {
    case SIGV4_NONE:
        break;
    case SIGV4_WRONG:
        check(reason && *reason);
        break;
    case SIGV4_READ:
        check(!reason && sigv4.access_key.len > 0 && sigv4.access_key.len <= SIGV4_MAX_ACCESS_KEY);
        check(sigv4.payload != SIGV4_PAYLOAD_UNSIGNED || rules.unsigned_payload);
        check(strlen(sigv4.moment) == 16 && sigv4.day.len == 8);
        check_canonical(sigv4_canonical(&pool, &request, &rules, &sigv4, body), &sigv4);
        check(!sigv4_verify(&pool, &request, &rules, &sigv4, key, body));
        sigv4_body_is(&sigv4, body);
        break;
    }
    pool_close(&pool);
    return 0;
}
