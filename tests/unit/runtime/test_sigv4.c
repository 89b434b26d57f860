/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>

#include "base/sigv4.h"

enum { MAX_FIELDS = 200 };

/* 2015-08-30 12:36:00 and 2013-05-24 00:00:00, the moments of AWS's examples */
static const uint64_t suite_now = 1440938160, s3_now = 1369353600;

static const struct sigv4_rules suite = {.region = STR_INIT("us-east-1"),
                                         .service = STR_INIT("service"),
                                         .clock_skew = 300,
                                         .max_expires = SIGV4_MAX_EXPIRES};
static const struct sigv4_rules s3 = {.region = STR_INIT("us-east-1"),
                                      .service = STR_INIT("s3"),
                                      .clock_skew = 300,
                                      .max_expires = SIGV4_MAX_EXPIRES,
                                      .unsigned_payload = true};

static const struct str suite_secret = STR_INIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
static const struct str s3_secret = STR_INIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/* A request as text: "GET /a?b HTTP/1.1\nName:value\n\nbody". */
struct asked {
    struct sigv4_request request;
    struct sigv4_field fields[MAX_FIELDS];
    struct str body;
};

static struct str cut(struct str *text, char byte)
{
    struct str piece = str_head(*text, str_find(*text, byte));

    *text = str_from(*text, piece.len + 1);
    return piece;
}

static void ask(struct asked *asked, struct str text)
{
    struct str line = cut(&text, '\n'), target;
    size_t count = 0;

    asked->request.method = cut(&line, ' ');
    target = str_head(line, line.len - strlen(" HTTP/1.1"));
    asked->request.path = cut(&target, '?');
    asked->request.query = target;
    while (text.len > 0 && (line = cut(&text, '\n')).len > 0) {
        assert_true(count < MAX_FIELDS);
        asked->fields[count].name = cut(&line, ':');
        asked->fields[count++].value = line;
    }
    asked->request.fields = asked->fields;
    asked->request.field_count = count;
    asked->body = text;
}

/* NULL: it is signed; else why not. */
static const char *judge(struct str text, const struct sigv4_rules *rules, struct str secret,
                         uint64_t now)
{
    struct asked *asked = calloc(1, sizeof *asked);
    unsigned char key[CRYPTO_SHA256], body[CRYPTO_SHA256];
    const char *reason = "nothing";
    struct sigv4 sigv4;
    struct pool pool;

    pool_open(&pool, NULL);
    ask(asked, text);
    if (sigv4_read(&pool, &asked->request, rules, now, &sigv4, &reason) == SIGV4_READ) {
        bool is_known = str_eq(sigv4.access_key, STR("AKIDEXAMPLE")) ||
                        str_eq(sigv4.access_key, STR("AKIAIOSFODNN7EXAMPLE"));
        sigv4_key(is_known ? secret : STR("x"), sigv4.day, rules, key);
        crypto_sha256(asked->body, body);
        reason = !sigv4_verify(&pool, &asked->request, rules, &sigv4, key, body) ? "signature"
                 : !sigv4_body_is(&sigv4, body)                                  ? "body"
                                                                                 : NULL;
    }
    pool_close(&pool);
    free(asked);
    return reason;
}

/* ---- AWS's test suite ---- */

#define SUITE(signed_headers, signature)                                                           \
    "Authorization:AWS4-HMAC-SHA256 "                                                              \
    "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "                             \
    "SignedHeaders=" signed_headers ", Signature=" signature "\nX-Amz-Date:20150830T123600Z\n"
#define HOST "Host:example.amazonaws.com\n"
#define ALL "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BODY_DIGEST "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"
#define SUITE_QUERY(signed_headers, more, signature)                                               \
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2F"      \
    "service%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=" signed_headers       \
    "&X-Amz-Expires=3600" more "&X-Amz-Signature=" signature " HTTP/1.1\n"

#define GET_VANILLA                                                                                \
    "GET / HTTP/1.1\n" HOST SUITE(                                                                 \
        "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
#define GET_QUERY                                                                                  \
    "GET /?" SUITE_QUERY("host", "",                                                               \
                         "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d") HOST
#define POST_FORM                                                                                  \
    "POST / HTTP/1.1\nContent-Type:application/x-www-form-urlencoded\n" HOST "Content-Length:13\n" \
    "x-amz-content-sha256:" BODY_DIGEST "\n" SUITE(                                                \
        "content-length;content-type;host;x-amz-content-sha256;x-amz-date",                        \
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b") "\nParam1=value1"

static const struct {
    const char *name, *text;
} vectors[] = {
    {"get-vanilla", GET_VANILLA},
    {"get-vanilla-query", GET_QUERY},
    {"get-vanilla-empty-query-key",
     "GET /?Param1=value1 HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb")},
    {"get-vanilla-query-order-key-case",
     "GET /?Param2=value2&Param1=value1 HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")},
    {"get-vanilla-query-order-encoded",
     "GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1 HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac")},
    {"get-vanilla-query-order-encoded, in the query",
     "GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1&" SUITE_QUERY(
         "host", "", "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787") HOST},
    {"get-vanilla-query-unreserved",
     "GET /?" ALL "=" ALL " HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197")},
    {"get-vanilla-utf8-query",
     "GET /?\xE1\x88\xB4=bar HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")},
    {"get-vanilla-with-session-token",
     "GET / HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date;x-amz-security-token",
         "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8") "X-Amz-Security-Token:"
                                                                             "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267\n"},
    {"get-header-key-duplicate",
     "GET / HTTP/1.1\n" HOST "My-Header1:value2\nMy-Header1:value2\nMy-Header1:value1\n" SUITE(
         "host;my-header1;x-amz-date",
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea")},
    {"get-header-value-order",
     "GET / HTTP/1.1\n" HOST
     "My-Header1:value4\nMy-Header1:value1\nMy-Header1:value3\nMy-Header1:value2\n" SUITE(
         "host;my-header1;x-amz-date",
         "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01")},
    {"get-header-value-trim",
     "GET / HTTP/1.1\n" HOST "My-Header1: value1\nMy-Header2: \"a   b   c\"\n" SUITE(
         "host;my-header1;my-header2;x-amz-date",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")},
    {"get-unreserved",
     "GET /" ALL " HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")},
    {"get-utf8",
     "GET /\xE1\x88\xB4 HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")},
    {"get-space",
     "GET /example space/ HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741")},
    {"get-slashes",
     "GET //example// HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84")},
    {"get-slash-dot-slash",
     "GET /./ HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")},
    {"get-relative-relative",
     "GET /example1/example2/../.. HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")},
    {"post-vanilla-query",
     "POST /?Param1=value1 HTTP/1.1\n" HOST SUITE(
         "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")},
    {"post-header-key-sort",
     "POST / HTTP/1.1\n" HOST "My-Header1:value1\n" SUITE(
         "host;my-header1;x-amz-date",
         "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")},
    {"post-x-www-form-urlencoded", POST_FORM},
    {"post-x-www-form-urlencoded-parameters",
     "POST / HTTP/1.1\nContent-Type:application/x-www-form-urlencoded; charset=utf-8\n" HOST
     "Content-Length:13\nx-amz-content-sha256:" BODY_DIGEST "\n" SUITE(
         "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
         "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422") "\nParam1=value1"},
};

static void vectors_of_aws(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const char *reason = judge(str_of(vectors[i].text), &suite, suite_secret, suite_now);
        if (reason)
            fail_msg("%s: %s", vectors[i].name, reason);
    }
}

/* ---- the examples of the documentation of S3 ---- */

#define S3(signed_headers, signature)                                                              \
    "Authorization: AWS4-HMAC-SHA256 "                                                             \
    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"                          \
    "SignedHeaders=" signed_headers ",Signature=" signature "\n"
#define S3_HOST "Host: examplebucket.s3.amazonaws.com\n"
#define S3_DATE "x-amz-date: 20130524T000000Z\n"
#define NO_BODY                                                                                    \
    "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
#define S3_PRESIGNED                                                                               \
    "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F"      \
    "20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"    \
    "X-Amz-SignedHeaders=host&X-Amz-Signature="                                                    \
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\n" S3_HOST

static const char *const s3_examples[] = {
    "GET /test.txt HTTP/1.1\n" S3_HOST "Range: bytes=0-9\n" NO_BODY S3_DATE S3(
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    "PUT /test%24file.text HTTP/1.1\n" S3_HOST "Date: Fri, 24 May 2013 00:00:00 GMT\n" S3_DATE
    "x-amz-storage-class: REDUCED_REDUNDANCY\n"
    "x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\n" S3(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd") "\nWelcome to Amazon S3.",
    "GET /?lifecycle HTTP/1.1\n" S3_HOST S3_DATE NO_BODY S3(
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    "GET /?max-keys=2&prefix=J HTTP/1.1\n" S3_HOST S3_DATE NO_BODY S3(
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    S3_PRESIGNED,
};

static void examples_of_s3(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof s3_examples / sizeof *s3_examples; i++) {
        const char *reason = judge(str_of(s3_examples[i]), &s3, s3_secret, s3_now);
        if (reason)
            fail_msg("example %zu of s3: %s", i, reason);
    }
}

/* ---- what is no longer what was signed ---- */

/* `text` with `from` replaced by `to` at its first place; the caller frees it. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *out = NULL;

    if (!at)
        fail_msg("'%s' does not occur", from);
    if (asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) < 0)
        abort();
    return out;
}

/* want NULL: it does not matter */
static const struct {
    const char *text, *from, *to, *want;
} changes[] = {
    /* harmless: the same to the letter */
    {GET_VANILLA, "SHA256 Cred", "SHA256   Cred", NULL},
    {GET_VANILLA, "AWS4-HMAC", "aws4-hmac", NULL},
    {GET_VANILLA, "request, S", "request,S", NULL},
    {GET_VANILLA, "request, S", "request \t, S", NULL},
    {GET_VANILLA, "X-Amz-Date:", "x-aMZ-date: \t", NULL},
    {GET_VANILLA, "GET /", "GET /.", NULL},
    {GET_VANILLA, "GET / ", "GET /? ", NULL},
    {GET_VANILLA, "GET / ", "GET /?& ", NULL},
    {GET_VANILLA, "Host", "Accept:everything\nHost", NULL},
    {GET_QUERY, "%2F", "%2f", NULL},
    {GET_QUERY, "%2F", "/", NULL},
    {GET_QUERY, "=AKID", "=%41KID", NULL},
    {GET_QUERY, "&X-Amz-Date=20150830T123600Z", "",
     "a parameter of the signature is missing in the query"},
    /* the request */
    {GET_VANILLA, "GET", "PUT", "signature"},
    {GET_VANILLA, "GET", "get", "signature"},
    {GET_VANILLA, "GET /", "GET /a", "signature"},
    {GET_VANILLA, "GET / ", "GET /?a ", "signature"},
    {GET_VANILLA, "GET / ", "GET /?= ", "signature"},
    {GET_VANILLA, "GET / ", "GET /?%zz ", "the query of a signed request holds a bad escape"},
    {GET_VANILLA, "GET / ", "GET /?a=%4 ", "the query of a signed request holds a bad escape"},
    {GET_VANILLA, "example.", "example2.", "signature"},
    {GET_VANILLA, HOST, HOST HOST, "the Host field is not signed"},
    {GET_VANILLA, HOST, "", "a signed header field is missing"},
    {GET_VANILLA, "\nHost", "\nX-Amz-Target:x\nHost", "a header field that must be signed is not"},
    {GET_VANILLA, "host;x-amz-date", "host", "a header field that must be signed is not"},
    {GET_VANILLA, "host;x-amz-date", "x-amz-date", "the Host field is not signed"},
    {GET_VANILLA, "host;x-amz-date", "host;x-amz-date;x-b", "a signed header field is missing"},
    {GET_VANILLA, "host;x-amz-date", "x-amz-date;host", "the list of signed headers is malformed"},
    {GET_VANILLA, "host;x-amz-date", "host;host;x-amz-date",
     "the list of signed headers is malformed"},
    {GET_VANILLA, "host;x-amz-date", "Host;x-amz-date", "the list of signed headers is malformed"},
    {GET_VANILLA, "host;x-amz-date", "host;x-amz-date;", "the list of signed headers is malformed"},
    {GET_VANILLA, "host;x-amz-date", ";host;x-amz-date", "the list of signed headers is malformed"},
    {GET_VANILLA, "host;x-amz-date", "host; x-amz-date", "the list of signed headers is malformed"},
    {GET_VANILLA, "host;x-amz-date", "", "the list of signed headers is malformed"},
    /* the credential */
    {GET_VANILLA, "AKIDEXAMPLE/", "", "the signature's credential is malformed"},
    {GET_VANILLA, "AKIDEXAMPLE/", "/", "the signature's credential is malformed"},
    {GET_VANILLA, "AKIDEXAMPLE/", "A B/", "the signature's credential is malformed"},
    {GET_VANILLA, "aws4_request", "aws4_request/", "the signature's credential is malformed"},
    {GET_VANILLA, "aws4_request", "aws4", "the signature's credential is malformed"},
    {GET_VANILLA, "/aws4_request", "", "the signature's credential is malformed"},
    {GET_VANILLA, "us-east-1", "us-east-2", "the signature is for another region"},
    {GET_VANILLA, "/service", "/Service", "the signature is for another service"},
    {GET_VANILLA, "20150830/", "20150831/",
     "the signature's credential is of another day than its date"},
    {GET_VANILLA, "20150830/", "2015083/",
     "the signature's credential is of another day than its date"},
    /* the date */
    {GET_VANILLA, "20150830T", "20150829T",
     "the signature's credential is of another day than its date"},
    {GET_VANILLA, "123600Z", "123601Z", "signature"},
    {GET_VANILLA, "123600Z", "124101Z", "the signature is from the future"},
    {GET_VANILLA, "123600Z", "123059Z", "the signature has expired"},
    {GET_VANILLA, "20150830T123600Z", "20150230T123600Z", "the date of the signature is malformed"},
    {GET_VANILLA, "20150830T123600Z", "20150830T123600", "the date of the signature is malformed"},
    {GET_VANILLA, "20150830T123600Z", "20150830T126000Z", "the date of the signature is malformed"},
    {GET_VANILLA, "20150830T123600Z", "20150830T 23600Z", "the date of the signature is malformed"},
    {GET_VANILLA, "20150830T123600Z", "2015-08-30T12:36:00Z",
     "the date of the signature is malformed"},
    {GET_VANILLA, "20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT",
     "the date of the signature is malformed"},
    {GET_VANILLA, "\nX-Amz-Date", "\nX-Amz-Date:20150830T123600Z\nX-Amz-Date",
     "the request says more than once when it was signed"},
    /* the parts */
    {GET_VANILLA, "Credential=", "credential=",
     "the Authorization field holds something that is no part of a signature"},
    {GET_VANILLA, "Credential=", "Credential",
     "the Authorization field holds something that is no part of a signature"},
    {GET_VANILLA, "Credential=", "Extra=1, Credential=",
     "the Authorization field holds something that is no part of a signature"},
    {GET_VANILLA, "Credential=", ", Credential=",
     "the Authorization field holds something that is no part of a signature"},
    {GET_VANILLA, "bf31", "bf31,",
     "the Authorization field holds something that is no part of a signature"},
    {GET_VANILLA, "bf31",
     "bf31, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
     "the Authorization field holds a part of the signature twice"},
    {GET_VANILLA, ", SignedHeaders=host;x-amz-date", "",
     "the Authorization field lacks a part of the signature"},
    {GET_VANILLA, "SHA256 ", "SHA256", "nothing"},
    {GET_VANILLA, "SHA256 ", "SHA512 ", "nothing"},
    {GET_VANILLA, "Authorization", "Authorisation", "nothing"},
    {GET_VANILLA, "Authorization", "Authorization:Basic YTpi\nAuthorization",
     "there are two Authorization fields"},
    {GET_VANILLA, "=5fa0", "=5fA0", "the signature is malformed"},
    {GET_VANILLA, "=5fa0", "=fa0", "the signature is malformed"},
    {GET_VANILLA, "=5fa0", "=g5fa", "the signature is malformed"},
    {GET_VANILLA, "=5fa0", "=6fa0", "signature"},
    {GET_VANILLA, "bf31", "bf32", "signature"},
    /* in the query */
    {GET_QUERY, "Host", "Authorization:AWS4-HMAC-SHA256 x\nHost",
     "the request is signed in its head and in its query"},
    {GET_QUERY, "Host", "X-Amz-Date:20150830T123600Z\nHost",
     "a header field that must be signed is not"},
    {GET_QUERY, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256",
     "the signature's algorithm is not known"},
    {GET_QUERY, "X-Amz-Algorithm", "x-amz-algorithm",
     "a parameter of the signature is missing in the query"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=3600",
     "a parameter of the signature stands twice in the query"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-%45xpires=3601",
     "a parameter of the signature stands twice in the query"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=0", "X-Amz-Expires is not within its bounds"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=604801",
     "X-Amz-Expires is not within its bounds"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=", "X-Amz-Expires is not within its bounds"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=-1", "X-Amz-Expires is not within its bounds"},
    {GET_QUERY, "X-Amz-Expires=3600", "X-Amz-Expires=3601", "signature"},
    {GET_QUERY, "X-Amz-Expires=3600",
     "X-Amz-Expires=3600&X-Amz-Security-Token=a&X-Amz-Security-Token=a",
     "a parameter of the signature stands twice in the query"},
    {GET_QUERY, "GET /?", "GET /?a=b&", "signature"},
    {GET_QUERY, "GET /", "GET /a", "signature"},
    {GET_QUERY, "=e93c", "=e94c", "signature"},
    /* the body */
    {POST_FORM, "Param1=value1", "Param1=value2", "body"},
    {POST_FORM, "\n\nParam1=value1", "\n\n", "body"},
    {POST_FORM, ":9095", ":9096", "signature"},
    {POST_FORM, ":9095", ":909", "the digest of the payload is malformed"},
    {POST_FORM, BODY_DIGEST, "UNSIGNED-PAYLOAD", "the payload is not signed"},
    {POST_FORM, BODY_DIGEST, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
     "payloads that are signed in pieces are not accepted"},
    {POST_FORM,
     "x-amz-content-sha256:", "x-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-content-sha256:",
     "the request names two digests of its payload"},
    {GET_VANILLA "\n", "Z\n\n", "Z\n\nbody", "signature"},
    {GET_VANILLA, "\nX-Amz-Date", "\nDate", "a signed header field is missing"},
};

static void changes_are_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *text = replaced(changes[i].text, changes[i].from, changes[i].to);
        const char *reason = judge(str_of(text), &suite, suite_secret, suite_now);
        if (!reason != !changes[i].want || (reason && strcmp(reason, changes[i].want) != 0))
            fail_msg("'%s' for '%s': %s", changes[i].to, changes[i].from, reason ? reason : "fine");
        free(text);
    }
}

/* Each byte of a signed request but its version and what the test's reader goes by. */
static void no_byte_can_be_changed(void **state)
{
    static const char *const texts[] = {GET_VANILLA, GET_QUERY, POST_FORM};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *text = strdup(texts[i]);
        char *version = strstr(text, "HTTP/1.1");
        for (char *at = text; *at; at++) {
            if (strchr("\n :", *at) || (at >= version && at < version + 8))
                continue;
            *at ^= 1;
            if (!judge(str_of(text), &suite, suite_secret, suite_now))
                fail_msg("'%s' passes", text);
            *at ^= 1;
        }
        free(text);
    }
}

static void time_has_limits(void **state)
{
    struct sigv4_rules strict = suite;

    (void)state;
    assert_null(judge(STR(GET_VANILLA), &suite, suite_secret, suite_now + 300));
    assert_null(judge(STR(GET_VANILLA), &suite, suite_secret, suite_now - 300));
    assert_string_equal(judge(STR(GET_VANILLA), &suite, suite_secret, suite_now + 301),
                        "the signature has expired");
    assert_string_equal(judge(STR(GET_VANILLA), &suite, suite_secret, suite_now - 301),
                        "the signature is from the future");
    assert_null(judge(STR(GET_QUERY), &suite, suite_secret, suite_now + 3600));
    assert_null(judge(STR(GET_QUERY), &suite, suite_secret, suite_now - 300));
    assert_string_equal(judge(STR(GET_QUERY), &suite, suite_secret, suite_now + 3601),
                        "the signature has expired");
    assert_string_equal(judge(STR(GET_QUERY), &suite, suite_secret, suite_now - 301),
                        "the signature is from the future");
    strict.max_expires = 3599;
    assert_string_equal(judge(STR(GET_QUERY), &strict, suite_secret, suite_now),
                        "X-Amz-Expires is not within its bounds");
    strict.clock_skew = 0;
    assert_null(judge(STR(GET_VANILLA), &strict, suite_secret, suite_now));
    assert_string_equal(judge(STR(GET_VANILLA), &strict, suite_secret, suite_now + 1),
                        "the signature has expired");
}

static void rules_can_ask_for_more(void **state)
{
    static const struct str more[] = {STR_INIT("content-type"), STR_INIT("accept")};
    struct sigv4_rules rules = suite;
    char *text;

    (void)state;
    rules.signed_headers = more;
    rules.signed_header_count = 2;
    assert_null(judge(STR(POST_FORM), &rules, suite_secret, suite_now));
    text = replaced(POST_FORM, "Host", "Accept:a\nHost");
    assert_string_equal(judge(str_of(text), &rules, suite_secret, suite_now),
                        "a header field that must be signed is not");
    free(text);
    rules = s3;
    rules.unsigned_payload = false;
    assert_string_equal(judge(STR(S3_PRESIGNED), &rules, s3_secret, s3_now),
                        "the payload is not signed");
}

static void another_key_does_not_fit(void **state)
{
    (void)state;
    assert_string_equal(judge(STR(GET_VANILLA), &suite, s3_secret, suite_now), "signature");
    assert_string_equal(judge(STR(GET_VANILLA), &suite, STR(""), suite_now), "signature");
}

static void lists_have_limits(void **state)
{
    char fields[4096] = "", names[2048] = "", query[2048] = "GET /?";
    char *text, *longer;

    (void)state;
    for (int i = 0; i < 100; i++) {
        sprintf(fields + strlen(fields), "a%03d:x\n", i);
        sprintf(names + strlen(names), "a%03d;", i);
    }
    text = replaced(GET_VANILLA, "SignedHeaders=", "SignedHeaders=+");
    longer = replaced(text, "+", names);
    free(text);
    text = replaced(longer, HOST, HOST "+");
    free(longer);
    longer = replaced(text, "+", fields);
    assert_string_equal(judge(str_of(longer), &suite, suite_secret, suite_now),
                        "too many header fields are signed");
    free(text);
    free(longer);

    for (int i = 0; i < SIGV4_MAX_PARAMS - 1; i++)
        strcat(query, "a&");
    text = replaced(GET_VANILLA, "GET /", query);
    assert_string_equal(judge(str_of(text), &suite, suite_secret, suite_now), "signature");
    strcat(query, "&");
    longer = replaced(GET_VANILLA, "GET /", query);
    assert_string_equal(judge(str_of(longer), &suite, suite_secret, suite_now),
                        "the query of a signed request has too many parameters");
    free(text);
    free(longer);
}

/* ---- the canonical request, to the letter ---- */

static const struct {
    const char *service, *target, *want; /* path and query */
} targets[] = {
    {"service", "/", "/\n"},
    {"service", "/a/b/", "/a/b/\n"},
    {"service", "/a//b///", "/a/b/\n"},
    {"service", "/a/./b/../c/..", "/a/\n"},
    {"service", "/../../a", "/a\n"},
    {"service", "/a/..b/...", "/a/..b/...\n"},
    {"service", "/a%20b/%c3", "/a%2520b/%25c3\n"},
    {"service", "/a:b@c$", "/a%3Ab%40c%24\n"},
    {"s3", "/a//b/./../c", "/a//b/./../c\n"},
    {"s3", "/a%20b/%c3%A4/%41", "/a%20b/%C3%A4/A\n"},
    {"s3", "/a%2fb/%", "/a%2Fb/%25\n"},
    {"service", "/?b=2&a=1&b=1&a", "/\na=&a=1&b=1&b=2"},
    {"service", "/?a-b=1&a=2", "/\na=2&a-b=1"},
    {"service", "/?B=1&a=1&A=1&b=1", "/\nA=1&B=1&a=1&b=1"},
    {"service", "/?a=b+c&d=b%2bc&e=%20", "/\na=b%20c&d=b%2Bc&e=%20"},
    {"service", "/?a=b=c&d==&=&=x", "/\n=&=x&a=b%3Dc&d=%3D"},
    {"service", "/?a=/:@%2F!&&c=*'()", "/\na=%2F%3A%40%2F%21&c=%2A%27%28%29"},
    {"service", "/?x=%e4&x=~", "/\nx=%E4&x=~"},
};

static void targets_have_one_form(void **state)
{
    static const char tail[] = "\nhost:h\n\nhost\nUNSIGNED-PAYLOAD";
    static const unsigned char none[CRYPTO_SHA256];

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct sigv4_rules rules = s3;
        struct asked *asked = calloc(1, sizeof *asked);
        const char *reason = NULL;
        struct sigv4 sigv4;
        struct pool pool;
        struct str want, got;

        rules.service = str_of(targets[i].service);
        pool_open(&pool, NULL);
        ask(asked,
            pool_printf(&pool,
                        "GET %s HTTP/1.1\nHost:h\nAuthorization:AWS4-HMAC-SHA256 Credential="
                        "A/20150830/us-east-1/%s/aws4_request,SignedHeaders=host,Signature=%064d\n"
                        "Date:20150830T123600Z\n",
                        targets[i].target, targets[i].service, 0));
        if (sigv4_read(&pool, &asked->request, &rules, suite_now, &sigv4, &reason) != SIGV4_READ)
            fail_msg("%s: %s", targets[i].target, reason);
        assert_int_equal(sigv4.payload, SIGV4_PAYLOAD_BODY);
        sigv4.payload = SIGV4_PAYLOAD_UNSIGNED;
        want = pool_printf(&pool, "GET\n%s%s", targets[i].want, tail);
        got = sigv4_canonical(&pool, &asked->request, &rules, &sigv4, none);
        if (!str_eq(want, got))
            fail_msg("%s gives %.*s", targets[i].target, STR_ARG(got));
        pool_close(&pool);
        free(asked);
    }
}

/* ---- HMAC (RFC 4231) ---- */

static void hmac_of_rfc_4231(void **state)
{
    static const unsigned char jefe[] = {0x5B, 0xDC, 0xC1, 0x46, 0xBF, 0x60, 0x75, 0x4E,
                                         0x6A, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xC7,
                                         0x5A, 0x00, 0x3F, 0x08, 0x9D, 0x27, 0x39, 0x83,
                                         0x9D, 0xEC, 0x58, 0xB9, 0x64, 0xEC, 0x38, 0x43};
    static const unsigned char large[] = {0x60, 0xE4, 0x31, 0x59, 0x1E, 0xE0, 0xB6, 0x7F,
                                          0x0D, 0x8A, 0x26, 0xAA, 0xCB, 0xF5, 0xB7, 0x7F,
                                          0x8E, 0x0B, 0xC6, 0x21, 0x37, 0x28, 0xC5, 0x14,
                                          0x05, 0x46, 0x04, 0x0F, 0x0E, 0xE3, 0x7F, 0x54};
    unsigned char out[CRYPTO_SHA256];
    char key[131];

    (void)state;
    crypto_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
    assert_memory_equal(out, jefe, sizeof out);
    memset(key, 0xAA, sizeof key);
    crypto_hmac_sha256((struct str){key, sizeof key},
                       STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_memory_equal(out, large, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_of_rfc_4231),         cmocka_unit_test(targets_have_one_form),
        cmocka_unit_test(vectors_of_aws),           cmocka_unit_test(examples_of_s3),
        cmocka_unit_test(changes_are_noticed),      cmocka_unit_test(no_byte_can_be_changed),
        cmocka_unit_test(time_has_limits),          cmocka_unit_test(rules_can_ask_for_more),
        cmocka_unit_test(another_key_does_not_fit), cmocka_unit_test(lists_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
