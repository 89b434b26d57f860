/* What a signed request claims, and whether that is well formed, of now, and enough. */
#include "base/sigv4.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/percent.h"

static const struct str algorithm = STR_INIT("AWS4-HMAC-SHA256");

/* The five things of which a signature consists; at NULL: not said. */
struct parts {
    struct str credential, signed_headers, signature;
    struct str date, expires; /* only in a query */
};

struct reading {
    struct pool *pool;
    const struct sigv4_request *request;
    const struct sigv4_rules *rules;
    struct sigv4 *sigv4;
    struct parts parts;
};

/* ---- header fields ---- */

/* How many fields have that name, and the value of the last one. */
static size_t find_field(const struct sigv4_request *request, struct str name, struct str *value)
{
    size_t count = 0;

    for (size_t i = 0; i < request->field_count; i++) {
        if (!str_eq_nocase(request->fields[i].name, name))
            continue;
        *value = str_trim(request->fields[i].value, " \t");
        count++;
    }
    return count;
}

static bool is_amazon(struct str name)
{
    static const struct str prefix = STR_INIT("x-amz-");

    return str_eq_nocase(str_head(name, prefix.len), prefix);
}

/* ---- the query ---- */

/* Percent-decoded, a '+' being a space, and encoded again: the one form of it. False: a bad escape. */
static bool encode_again(struct pool *pool, struct str raw, struct str *out)
{
    char *start = pool_take(pool, 3 * raw.len + 1), *to = start;

    for (size_t i = 0; i < raw.len; i++) {
        int byte = raw.at[i] == '+' ? ' ' : raw.at[i];
        if (byte == '%') {
            if ((byte = percent_escaped(raw, i)) < 0)
                return false;
            i += 2;
        }
        to = percent_put(to, (unsigned char)byte);
    }
    *out = (struct str){start, (size_t)(to - start)};
    return true;
}

static struct str decode(struct pool *pool, struct str encoded)
{
    char *start = pool_take(pool, encoded.len + 1), *to = start;

    for (size_t i = 0; i < encoded.len; i++) {
        int byte = percent_escaped(encoded, i);
        *to++ = (char)(byte < 0 ? encoded.at[i] : byte);
        i += byte < 0 ? 0 : 2;
    }
    return (struct str){start, (size_t)(to - start)};
}

static int compare(const void *a, const void *b)
{
    const struct sigv4_param *x = a, *y = b;
    int order = str_cmp(x->name, y->name);

    return order != 0 ? order : str_cmp(x->value, y->value);
}

static const char *read_query(struct reading *reading)
{
    struct str query = reading->request->query;
    struct sigv4_param *params;
    size_t count = 0, most = 1;

    for (size_t i = 0; i < query.len; i++)
        most += query.at[i] == '&';
    if (most > SIGV4_MAX_PARAMS)
        return "the query of a signed request has too many parameters";
    params = pool_alloc(reading->pool, most * sizeof *params);
    while (query.len > 0) {
        struct str pair = str_head(query, str_find(query, '&'));
        size_t equals = str_find(pair, '=');
        query = str_from(query, pair.len + 1);
        if (pair.len == 0)
            continue;
        if (!encode_again(reading->pool, str_head(pair, equals), &params[count].name) ||
            !encode_again(reading->pool, str_from(pair, equals + 1), &params[count].value))
            return "the query of a signed request holds a bad escape";
        count++;
    }
    qsort(params, count, sizeof *params, compare);
    reading->sigv4->params = params;
    reading->sigv4->param_count = count;
    return NULL;
}

/* How many parameters have that name, and the value of the last one, decoded. */
static size_t find_param(struct reading *reading, struct str name, struct str *value)
{
    size_t count = 0;

    for (size_t i = 0; i < reading->sigv4->param_count; i++) {
        if (!str_eq(reading->sigv4->params[i].name, name))
            continue;
        *value = decode(reading->pool, reading->sigv4->params[i].value);
        count++;
    }
    return count;
}

/* ---- where the parts stand ---- */

static const char *read_part(struct parts *parts, struct str part)
{
    struct str name = str_head(part, str_find(part, '='));
    struct str *to = str_eq(name, STR("Credential"))      ? &parts->credential
                     : str_eq(name, STR("SignedHeaders")) ? &parts->signed_headers
                     : str_eq(name, STR("Signature"))     ? &parts->signature
                                                          : NULL;

    if (!to || name.len == part.len)
        return "the Authorization field holds something that is no part of a signature";
    if (to->at)
        return "the Authorization field holds a part of the signature twice";
    *to = str_from(part, name.len + 1);
    return NULL;
}

/* What stands behind the algorithm's name. */
static const char *read_authorization(struct reading *reading, struct str list)
{
    bool is_last = false;

    while (!is_last) {
        struct str part = str_head(list, str_find(list, ','));
        const char *reason = read_part(&reading->parts, str_trim(part, " \t"));
        if (reason)
            return reason;
        is_last = part.len == list.len;
        list = str_from(list, part.len + 1);
    }
    return NULL;
}

static const char *read_params(struct reading *reading)
{
    struct parts *parts = &reading->parts;
    struct str name = {0};
    const struct {
        struct str name, *value;
    } wanted[] = {
        {STR_INIT("X-Amz-Algorithm"), &name},
        {STR_INIT("X-Amz-Credential"), &parts->credential},
        {STR_INIT("X-Amz-Date"), &parts->date},
        {STR_INIT("X-Amz-Expires"), &parts->expires},
        {STR_INIT("X-Amz-SignedHeaders"), &parts->signed_headers},
        {STR_INIT("X-Amz-Signature"), &parts->signature},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        size_t count = find_param(reading, wanted[i].name, wanted[i].value);
        if (count != 1)
            return count == 0 ? "a parameter of the signature is missing in the query"
                              : "a parameter of the signature stands twice in the query";
    }
    if (!str_eq(name, algorithm))
        return "the signature's algorithm is not known";
    if (find_param(reading, STR("X-Amz-Security-Token"), &name) > 1)
        return "a parameter of the signature stands twice in the query";
    return NULL;
}

/* ---- what they say ---- */

static bool is_hex(struct str text)
{
    if (text.len != (size_t)2 * CRYPTO_SHA256)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (str_hex(text.at[i]) < 0 || (text.at[i] >= 'A' && text.at[i] <= 'F'))
            return false;
    return true;
}

/* The next piece up to a slash. */
static struct str next_piece(struct str *credential)
{
    struct str piece = str_head(*credential, str_find(*credential, '/'));

    *credential = str_from(*credential, piece.len + 1);
    return piece;
}

static bool is_access_key(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return text.len > 0 && text.len <= SIGV4_MAX_ACCESS_KEY;
}

static const char *read_credential(struct reading *reading)
{
    struct str rest = reading->parts.credential, region, service, last;
    const struct sigv4_rules *rules = reading->rules;

    reading->sigv4->access_key = next_piece(&rest);
    reading->sigv4->day = next_piece(&rest);
    region = next_piece(&rest);
    service = next_piece(&rest);
    last = rest;
    if (!is_access_key(reading->sigv4->access_key) || !str_eq(last, STR("aws4_request")))
        return "the signature's credential is malformed";
    if (!str_eq(region, rules->region))
        return "the signature is for another region";
    if (!str_eq(service, rules->service))
        return "the signature is for another service";
    return NULL;
}

static bool is_listed(struct str names, struct str name)
{
    while (names.len > 0) {
        struct str one = str_head(names, str_find(names, ';'));
        if (str_eq_nocase(one, name))
            return true;
        names = str_from(names, one.len + 1);
    }
    return false;
}

static bool is_lower_token(struct str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.len; i++) {
        char byte = name.at[i];
        if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9') &&
            !memchr(others, byte, sizeof others - 1))
            return false;
    }
    return name.len > 0;
}

/* "a;b;c": names of fields that are there, in lower case, sorted. */
static const char *read_signed_headers(struct reading *reading)
{
    struct str names = reading->parts.signed_headers, before = {0}, value;
    bool is_last = false;

    for (size_t count = 0; !is_last; count++) {
        struct str name = str_head(names, str_find(names, ';'));
        if (count == SIGV4_MAX_SIGNED)
            return "too many header fields are signed";
        if (!is_lower_token(name) || str_cmp(before, name) >= 0)
            return "the list of signed headers is malformed";
        if (find_field(reading->request, name, &value) == 0)
            return "a signed header field is missing";
        before = name;
        is_last = name.len == names.len;
        names = str_from(names, name.len + 1);
    }
    reading->sigv4->signed_headers = reading->parts.signed_headers;
    return NULL;
}

static bool must_be_signed(const struct sigv4_rules *rules, struct str name)
{
    for (size_t i = 0; i < rules->signed_header_count; i++)
        if (str_eq_nocase(rules->signed_headers[i], name))
            return true;
    return is_amazon(name);
}

static const char *check_signed_headers(const struct reading *reading)
{
    const struct sigv4_request *request = reading->request;
    struct str listed = reading->sigv4->signed_headers, value;

    if (!is_listed(listed, STR("host")) || find_field(request, STR("host"), &value) != 1)
        return "the Host field is not signed";
    for (size_t i = 0; i < request->field_count; i++)
        if (must_be_signed(reading->rules, request->fields[i].name) &&
            !is_listed(listed, request->fields[i].name))
            return "a header field that must be signed is not";
    return NULL;
}

/* ---- when ---- */

static void write_moment(uint64_t seconds, char out[17])
{
    time_t time = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&time, &tm) || strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm) != 16)
        out[0] = '\0';
}

/* YYYYMMDDThhmmssZ, and a day that exists. */
static bool read_moment(struct str text, uint64_t *seconds)
{
    char copy[17] = "", again[17];
    struct tm tm = {0};
    time_t time;

    if (text.len != 16)
        return false;
    memcpy(copy, text.at, 16);
    if (!strptime(copy, "%Y%m%dT%H%M%SZ", &tm))
        return false;
    time = timegm(&tm);
    if (time < 0)
        return false;
    *seconds = (uint64_t)time;
    write_moment(*seconds, again);
    return strcmp(copy, again) == 0;
}

/* The moment of signing: X-Amz-Date, or without it Date in this form or in HTTP's. */
static const char *read_date(struct reading *reading, uint64_t *signed_at)
{
    struct str text = reading->parts.date;
    size_t count = text.at ? 1 : find_field(reading->request, STR("x-amz-date"), &text);
    bool is_date = count == 0;

    if (is_date)
        count = find_field(reading->request, STR("date"), &text);
    if (count != 1)
        return count == 0 ? "the request does not say when it was signed"
                          : "the request says more than once when it was signed";
    if (!read_moment(text, signed_at) && !(is_date && clock_read_http_date(text, signed_at)))
        return "the date of the signature is malformed";
    write_moment(*signed_at, reading->sigv4->moment);
    if (!str_eq(reading->sigv4->day, str_head(str_of(reading->sigv4->moment), 8)))
        return "the signature's credential is of another day than its date";
    return NULL;
}

static const char *check_time(const struct reading *reading, uint64_t signed_at, uint64_t now)
{
    uint64_t expires = reading->rules->clock_skew;

    if (signed_at > now + reading->rules->clock_skew)
        return "the signature is from the future";
    if (reading->sigv4->in_query &&
        (!str_to_u64(reading->parts.expires, &expires) || expires == 0 ||
         expires > SIGV4_MAX_EXPIRES || expires > reading->rules->max_expires))
        return "X-Amz-Expires is not within its bounds";
    if (now > signed_at + expires)
        return "the signature has expired";
    return NULL;
}

/* ---- what of the body ---- */

static const char *read_payload(struct reading *reading)
{
    struct str claimed = {0};
    struct sigv4 *sigv4 = reading->sigv4;
    size_t count = find_field(reading->request, STR("x-amz-content-sha256"), &claimed);

    if (count == 0)
        count = find_param(reading, STR("X-Amz-Content-Sha256"), &claimed);
    if (count > 1)
        return "the request names two digests of its payload";
    if (count == 0)
        /* A presigned URL of s3 signs no payload, and need not say so. */
        sigv4->payload = sigv4->in_query && str_eq(reading->rules->service, STR("s3"))
                             ? SIGV4_PAYLOAD_UNSIGNED
                             : SIGV4_PAYLOAD_BODY;
    else if (str_eq(claimed, STR("UNSIGNED-PAYLOAD")))
        sigv4->payload = SIGV4_PAYLOAD_UNSIGNED;
    else if (str_starts(claimed, STR("STREAMING-")))
        return "payloads that are signed in pieces are not accepted";
    else if (is_hex(claimed))
        sigv4->payload = SIGV4_PAYLOAD_CLAIMED;
    else
        return "the digest of the payload is malformed";
    sigv4->claimed = claimed;
    if (sigv4->payload == SIGV4_PAYLOAD_UNSIGNED && !reading->rules->unsigned_payload)
        return "the payload is not signed";
    return NULL;
}

/* ---- all of it ---- */

static const char *judge(struct reading *reading, uint64_t now)
{
    const char *reason;
    uint64_t signed_at = 0;

    if (!reading->parts.credential.at || !reading->parts.signed_headers.at ||
        !reading->parts.signature.at)
        return "the Authorization field lacks a part of the signature";
    if (!is_hex(reading->parts.signature))
        return "the signature is malformed";
    reading->sigv4->signature = reading->parts.signature;
    if ((reason = read_credential(reading)) || (reason = read_date(reading, &signed_at)) ||
        (reason = check_time(reading, signed_at, now)) || (reason = read_signed_headers(reading)) ||
        (reason = check_signed_headers(reading)))
        return reason;
    return read_payload(reading);
}

/* The value of Authorization behind the algorithm's name; false: it is none of ours. */
static bool is_ours(struct str authorization, struct str *rest)
{
    char behind = authorization.len > algorithm.len ? authorization.at[algorithm.len] : ' ';

    *rest = str_trim(str_from(authorization, algorithm.len), " \t");
    return str_eq_nocase(str_head(authorization, algorithm.len), algorithm) && behind == ' ';
}

/* Without decoding: who encodes these names does not mean them. */
static bool query_is_signed(struct str query)
{
    while (query.len > 0) {
        struct str name = str_head(query, str_find(str_head(query, str_find(query, '&')), '='));
        if (str_eq(name, STR("X-Amz-Signature")) || str_eq(name, STR("X-Amz-Algorithm")))
            return true;
        query = str_from(query, str_find(query, '&') + 1);
    }
    return false;
}

/* How many Authorization fields are ours, and what the last one of them says. */
static size_t find_ours(const struct sigv4_request *request, struct str *rest)
{
    size_t count = 0;
    struct str behind;

    for (size_t i = 0; i < request->field_count; i++) {
        if (!str_eq_nocase(request->fields[i].name, STR("authorization")) ||
            !is_ours(str_trim(request->fields[i].value, " \t"), &behind))
            continue;
        *rest = behind;
        count++;
    }
    return count;
}

enum sigv4_outcome sigv4_read(struct pool *pool, const struct sigv4_request *request,
                              const struct sigv4_rules *rules, uint64_t now, struct sigv4 *sigv4,
                              const char **reason)
{
    struct reading reading = {.pool = pool, .request = request, .rules = rules, .sigv4 = sigv4};
    bool in_query = query_is_signed(request->query);
    struct str rest = {0}, value;
    size_t count = find_ours(request, &rest);

    *sigv4 = (struct sigv4){.in_query = in_query};
    if (count == 0 && !in_query)
        return SIGV4_NONE;
    *reason = in_query && count > 0 ? "the request is signed in its head and in its query" : NULL;
    if (count > 0 && find_field(request, STR("authorization"), &value) > 1)
        *reason = "there are two Authorization fields";
    if (!*reason && !str_starts(request->path, STR("/")))
        *reason = "only a path can be signed for";
    if (!*reason)
        *reason = read_query(&reading);
    if (!*reason)
        *reason = in_query ? read_params(&reading) : read_authorization(&reading, rest);
    if (!*reason)
        *reason = judge(&reading, now);
    return *reason ? SIGV4_WRONG : SIGV4_READ;
}
