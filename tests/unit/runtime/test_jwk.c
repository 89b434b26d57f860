/* Keys from secrets, PEM and JSON: which are taken, which skipped, and what is said about those that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/jwk.h"
#include "jose.h"

typedef struct jwk_set *make_set(struct str text, char error[JWK_ERROR]);

/* The set is refused with a sentence that begins so. */
static void check_refused(make_set *make, struct str text, const char *sentence)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = make(text, error);

    if (set)
        fail_msg("%.*s is taken, not refused: %s", STR_ARG(text), sentence);
    if (!str_starts(str_of(error), str_of(sentence)) || error[0] == 0)
        fail_msg("%.*s: %s, not: %s", STR_ARG(text), error, sentence);
    assert_int_equal(ERR_peek_error(), 0);
}

static struct jwk_set *taken(make_set *make, struct str text)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = make(text, error);

    if (!set)
        fail_msg("%.*s: %s", STR_ARG(text), error);
    assert_int_equal(ERR_peek_error(), 0);
    return set;
}

static void check_taken(make_set *make, struct str text, uint32_t algorithms)
{
    struct jwk_set *set = taken(make, text);

    assert_int_equal(set->count, 1);
    assert_int_equal(set->algorithms, algorithms);
    assert_false(set->has_kids);
    jwk_set_free(set);
}

static void secrets(void **state)
{
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    check_taken(jwk_set_of_secret, STR(JOSE_SECRET), JWS_ALL_HS);
    check_taken(jwk_set_of_secret, str_head(STR(JOSE_SECRET), 32), JWS_BIT(JWS_HS256));
    check_refused(jwk_set_of_secret, str_head(STR(JOSE_SECRET), 31), "a secret for HS256 has");
    check_refused(jwk_set_of_secret, STR(""), "a secret for HS256 has");
    check_refused(jwk_set_of_secret, jose_public_pem(&pool, jose_rsa_pem),
                  "a secret is not a PEM text");
    check_refused(jwk_set_of_secret, str_of(jose_rsa_pem), "a secret is not a PEM text");
    check_refused(jwk_set_of_secret, (struct str){pool_alloc(&pool, 300000), 300000},
                  "a secret has at most 256 KiB");
    jwk_set_free(NULL);
    pool_close(&pool);
}

/* ---- PEM ---- */

static struct str pem_of(struct pool *pool, BIO *bio)
{
    struct str pem;
    char *at;

    pem.len = (size_t)BIO_get_mem_data(bio, &at);
    pem.at = at;
    pem = pool_copy(pool, pem);
    BIO_free(bio);
    return pem;
}

static struct str public_pem(struct pool *pool, EVP_PKEY *pkey)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_non_null(pkey);
    assert_true(PEM_write_bio_PUBKEY(bio, pkey));
    EVP_PKEY_free(pkey);
    return pem_of(pool, bio);
}

static struct str certificate_pem(struct pool *pool, const char *private_pem)
{
    EVP_PKEY *pkey = jose_private(private_pem);
    X509 *own = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());

    X509_set_version(own, 2);
    X509_gmtime_adj(X509_getm_notBefore(own), 0);
    X509_gmtime_adj(X509_getm_notAfter(own), 86400);
    X509_set_pubkey(own, pkey);
    assert_true(X509_sign(own, pkey, EVP_sha256()));
    assert_true(PEM_write_bio_X509(bio, own));
    X509_free(own);
    EVP_PKEY_free(pkey);
    return pem_of(pool, bio);
}

static EVP_PKEY *rsa_with(unsigned bits, BN_ULONG exponent)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    BIGNUM *e = BN_new();

    BN_set_word(e, exponent);
    EVP_PKEY_keygen_init(context);
    EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e);
    EVP_PKEY_generate(context, &pkey);
    EVP_PKEY_CTX_free(context);
    BN_free(e);
    return pkey;
}

static EVP_PKEY *explicit_p256(void)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");

    assert_true(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"));
    return pkey;
}

static void pems_that_are_taken(void **state)
{
    static const char *const pems[] = {jose_rsa_pem, jose_p256_pem, jose_p384_pem, jose_p521_pem,
                                       jose_ed25519_pem};
    static const uint32_t algorithms[] = {JWS_ALL_RSA, JWS_BIT(JWS_ES256), JWS_BIT(JWS_ES384),
                                          JWS_BIT(JWS_ES512), JWS_BIT(JWS_EDDSA)};
    struct pool pool;
    struct str pem;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < 5; i++)
        check_taken(jwk_set_of_pem, jose_public_pem(&pool, pems[i]), algorithms[i]);
    for (size_t i = 0; i < 4; i++)
        check_taken(jwk_set_of_pem, certificate_pem(&pool, pems[i]), algorithms[i]);
    pem = jose_public_pem(&pool, jose_rsa_pem);
    check_taken(jwk_set_of_pem, pool_printf(&pool, "a word before\n\n%s\nand behind\n", pem.at),
                JWS_ALL_RSA);
    check_taken(jwk_set_of_pem, str_head(pem, pem.len - 1), JWS_ALL_RSA);
    pool_close(&pool);
}

static void pems_that_are_refused(void **state)
{
    struct pool pool;
    struct str rsa, cert;

    (void)state;
    pool_open(&pool, NULL);
    rsa = jose_public_pem(&pool, jose_rsa_pem);
    cert = certificate_pem(&pool, jose_p256_pem);
    check_refused(jwk_set_of_pem, STR(""), "there is no whole PEM block");
    check_refused(jwk_set_of_pem, STR("secret"), "there is no whole PEM block");
    check_refused(jwk_set_of_pem, str_head(rsa, rsa.len - 10), "there is no whole PEM block");
    check_refused(jwk_set_of_pem, str_of(jose_rsa_pem), "the PEM text is a private key");
    check_refused(jwk_set_of_pem, str_of(jose_p256_pem), "the PEM text is a private key");
    check_refused(jwk_set_of_pem, pool_printf(&pool, "%s%s", rsa.at, rsa.at),
                  "the PEM text has more than one block");
    check_refused(jwk_set_of_pem, pool_printf(&pool, "%s%s", cert.at, cert.at),
                  "the PEM text has more than one block");
    check_refused(jwk_set_of_pem, pool_printf(&pool, "%s%s", rsa.at, jose_rsa_pem),
                  "the PEM text has more than one block");
    check_refused(jwk_set_of_pem,
                  STR("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"),
                  "the PEM text is neither a PUBLIC KEY nor a CERTIFICATE");
    check_refused(jwk_set_of_pem,
                  STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
                  "the PEM text is no public key");
    check_refused(jwk_set_of_pem,
                  STR("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
                  "the PEM text is no certificate");
    check_refused(jwk_set_of_pem,
                  STR("-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                      "AES-128-CBC,00\n\nAAAA\n-----END PUBLIC KEY-----\n"),
                  "the PEM block is encrypted");
    check_refused(jwk_set_of_pem, (struct str){pool_alloc(&pool, 300000), 300000},
                  "the PEM text has more than 256 KiB");
    check_refused(jwk_set_of_pem, public_pem(&pool, rsa_with(1024, 65537)),
                  "an RSA key has at least 2048 bits");
    check_refused(jwk_set_of_pem, public_pem(&pool, rsa_with(2048, 3)), "the exponent of an RSA");
    check_refused(jwk_set_of_pem, public_pem(&pool, EVP_EC_gen("secp256k1")), "the curve of an EC");
    check_refused(jwk_set_of_pem, public_pem(&pool, EVP_EC_gen("P-224")), "the curve of an EC");
    check_refused(jwk_set_of_pem, public_pem(&pool, explicit_p256()), "the curve of an EC");
    check_refused(jwk_set_of_pem, public_pem(&pool, EVP_PKEY_Q_keygen(NULL, NULL, "X25519")),
                  "a key is of the type RSA, EC or Ed25519");
    check_refused(jwk_set_of_pem, public_pem(&pool, EVP_PKEY_Q_keygen(NULL, NULL, "ED448")),
                  "a key is of the type RSA, EC or Ed25519");
    pool_close(&pool);
}

/* ---- JSON ---- */

/* 32, 48 and 31 bytes. */
#define K32 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE"
#define K48 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
#define K31 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ"
#define OCT "\"kty\":\"oct\",\"k\":\"" K32 "\""
#define P256 "\"kty\":\"EC\",\"crv\":\"P-256\","
#define P256_X "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
#define P256_Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\","
#define ED_X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static void jwks_that_are_taken(void **state)
{
    static const struct {
        const char *text;
        uint32_t algorithms;
    } rows[] = {
        {"{" OCT "}", JWS_BIT(JWS_HS256)},
        {"{\"kty\":\"oct\",\"k\":\"" K48 "\"}", JWS_BIT(JWS_HS256) | JWS_BIT(JWS_HS384)},
        {"{\"kty\":\"oct\",\"k\":\"" K48 "\",\"alg\":\"HS384\"}", JWS_BIT(JWS_HS384)},
        {"{" JOSE_OTHER_JWK "}", JWS_ALL_RSA},
        {"{" JOSE_OTHER_JWK ",\"alg\":\"RS256\"}", JWS_BIT(JWS_RS256)},
        {"{" JOSE_OTHER_JWK ",\"alg\":\"PS512\",\"use\":\"sig\"}", JWS_BIT(JWS_PS512)},
        {"{" JOSE_OTHER_JWK ",\"key_ops\":[\"verify\"]}", JWS_ALL_RSA},
        {"{" JOSE_OTHER_JWK ",\"key_ops\":[\"sign\",\"verify\"]}", JWS_ALL_RSA},
        {"{" P256 P256_X P256_Y "}", JWS_BIT(JWS_ES256)},
        {"{" P256 P256_X P256_Y ",\"alg\":\"ES256\"}", JWS_BIT(JWS_ES256)},
        {"{" ED ED_X "}", JWS_BIT(JWS_EDDSA)},
        {"{" ED ED_X ",\"alg\":\"EdDSA\"}", JWS_BIT(JWS_EDDSA)},
        {" {\"keys\" : [ {" ED ED_X "} ], \"more\": [1] } ", JWS_BIT(JWS_EDDSA)},
        /* private and other members do not matter, whatever they are */
        {"{" P256 P256_X P256_Y ",\"d\":7,\"x5c\":[1],\"x5u\":\"http://a\",\"x5t\":null}",
         JWS_BIT(JWS_ES256)},
        {"{" JOSE_OTHER_JWK ",\"d\":\"AQ\",\"p\":\"AQ\",\"q\":\"AQ\",\"oth\":[]}", JWS_ALL_RSA},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_taken(jwk_set_of_json, str_of(rows[i].text), rows[i].algorithms);
}

static void jwks_that_are_skipped(void **state)
{
    static const char *const keys[] = {
        "\"kty\":\"PQ\"",
        "\"kty\":\"rsa\",\"n\":7",
        "\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AQ\",\"y\":\"AQ\"",
        "\"kty\":\"EC\",\"crv\":\"p-256\"",
        "\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AQ\"",
        "\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AQ\"",
        JOSE_OTHER_JWK ",\"use\":\"enc\"",
        JOSE_OTHER_JWK ",\"use\":\"SIG\"",
        JOSE_OTHER_JWK ",\"alg\":\"RSA-OAEP\"",
        JOSE_OTHER_JWK ",\"alg\":\"rs256\"",
        JOSE_OTHER_JWK ",\"alg\":\"none\"",
        JOSE_OTHER_JWK ",\"key_ops\":[\"sign\"]",
        JOSE_OTHER_JWK ",\"key_ops\":[]",
        JOSE_OTHER_JWK ",\"use\":\"enc\",\"key_ops\":[\"verify\"]",
        "\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQ\",\"use\":\"enc\"",
    };
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct str text = pool_printf(&pool, "{\"keys\":[{%s},{" OCT "}]}", keys[i]);
        struct jwk_set *set = taken(jwk_set_of_json, text);
        assert_int_equal(set->count, 1);
        assert_int_equal(set->skipped, 1);
        assert_int_equal(set->algorithms, JWS_BIT(JWS_HS256));
        jwk_set_free(set);
        check_refused(jwk_set_of_json, pool_printf(&pool, "{%s}", keys[i]),
                      "there is no key for verifying signatures (1 skipped)");
    }
    pool_close(&pool);
}

static const struct refused {
    const char *text, *sentence;
} refused[] = {
    {"", "line 1: "},
    {"[]", "the key: it is not an object"},
    {"\"x\"", "the key: it is not an object"},
    {"{}", "the key: it has no kty"},
    {"{\"keys\":{}}", "keys is not a list"},
    {"{\"keys\":null}", "keys is not a list"},
    {"{\"keys\":[]}", "there is no key for verifying signatures (0 skipped)"},
    {"{\"keys\":[1]}", "keys[0]: it is not an object"},
    {"{\"keys\":[{" OCT "},[]]}", "keys[1]: it is not an object"},
    {"{\"keys\":[]}\n,", "line 2: "},
    {"{" OCT ",\"kty\":\"oct\"}", "line 1: a key stands twice"},
    {"{\"keys\":[{" OCT "}],\"keys\":[]}", "line 1: a key stands twice"},
    {"{" OCT ",\"\\u006bty\":\"RSA\"}", "line 1: a key stands twice"},
    {"{\"kty\":7}", "the key: it has no kty"},
    {"{\"kty\":\"\"}", "the key: it has no kty"},
    {"{" OCT ",\"kid\":7}", "the key: kid is not a text"},
    {"{" OCT ",\"alg\":256}", "the key: alg is not a text"},
    {"{" OCT ",\"use\":[]}", "the key: use is not a text"},
    {"{" OCT ",\"key_ops\":\"verify\"}", "the key: key_ops is not a list"},
    {"{" OCT ",\"key_ops\":[7]}", "the key: key_ops is not a list"},
    {"{" OCT ",\"alg\":\"RS256\"}", "the key: its alg is not for such a key"},
    {"{" OCT ",\"alg\":\"HS512\"}", "the key: its alg is not for such a key, or for a longer"},
    {"{" JOSE_OTHER_JWK ",\"alg\":\"HS256\"}", "the key: its alg is not for such a key"},
    {"{" JOSE_OTHER_JWK ",\"alg\":\"ES256\"}", "the key: its alg is not for such a key"},
    {"{" P256 P256_X P256_Y ",\"alg\":\"ES384\"}", "the key: its alg is not for such a key"},
    {"{" ED ED_X ",\"alg\":\"ES256\"}", "the key: its alg is not for such a key"},
    {"{\"kty\":\"oct\"}", "the key: k is missing or not base64url"},
    {"{\"kty\":\"oct\",\"k\":\"\"}", "the key: k is missing or not base64url"},
    {"{\"kty\":\"oct\",\"k\":12}", "the key: k is missing or not base64url"},
    {"{\"kty\":\"oct\",\"k\":\"" K32 "=\"}", "the key: k is missing or not base64url"},
    {"{\"kty\":\"oct\",\"k\":\" " K32 "\"}", "the key: k is missing or not base64url"},
    {"{\"kty\":\"oct\",\"k\":\"" K31 "\"}", "the key: a secret for HS256 has at least 32"},
    {"{\"keys\":[{" ED ED_X "},{\"kty\":\"oct\",\"k\":\"AQ\"}]}",
     "keys[1]: a secret for HS256 has at least 32"},
    {"{\"kty\":\"RSA\"}", "the key: n or e is missing"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\"}", "the key: n or e is missing"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":65537}", "the key: n or e is missing"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":\"AQAB==\"}", "the key: n or e is missing"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":\"AAEAAQ\"}",
     "the key: n or e begins with"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":\"AQ\"}", "the key: the exponent"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":\"Aw\"}", "the key: the exponent"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":\"AQAA\"}", "the key: the exponent"},
    {"{\"kty\":\"RSA\",\"n\":\"" JOSE_OTHER_N "\",\"e\":\"AQAAAAAAAAAB\"}",
     "the key: n has at most"},
    {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "the key: an RSA key has at least 2048"},
    {"{\"kty\":\"EC\"}", "the key: it has no crv"},
    {"{" P256 P256_X "\"z\":1}", "the key: x or y is not"},
    {"{" P256 P256_X "\"y\":\"AQ\"}", "the key: x or y is not"},
    {"{" P256 "\"x\":\"AQ\"," P256_Y "}", "the key: x or y is not"},
    {"{" P256 P256_X "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
     "the key: x and y are no point of the curve"},
    {"{" P256 "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
     "the key: x and y are no point of the curve"},
    {"{\"kty\":\"EC\",\"crv\":\"P-384\"," P256_X P256_Y "}", "the key: x or y is not"},
    {"{\"kty\":\"OKP\"}", "the key: it has no crv"},
    {"{" ED "\"x\":\"AQ\"}", "the key: x is not base64url of 32 bytes"},
    {"{" ED "\"y\":\"AQ\"}", "the key: x is not base64url of 32 bytes"},
};

static void jwks_that_are_refused(void **state)
{
    struct pool pool;
    struct str text = STR("");

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check_refused(jwk_set_of_json, str_of(refused[i].text), refused[i].sentence);
    for (int i = 0; i < 40; i++)
        text = pool_printf(&pool, "[%.*s]", STR_ARG(text));
    check_refused(jwk_set_of_json, text, "line 1: it is nested too deeply");
    check_refused(jwk_set_of_json, (struct str){pool_alloc(&pool, 300000), 300000},
                  "the JWK Set has more than 256 KiB");
    check_refused(jwk_set_of_json, STR("{" OCT ",\"kid\":\"\xff\"}"), "line 1: ");
    pool_close(&pool);
}

static void a_set_is_bounded(void **state)
{
    struct pool pool;
    struct text text = {.pool = &pool};
    struct jwk_set *set;

    (void)state;
    pool_open(&pool, NULL);
    text_add(&text, STR("{\"keys\":["));
    for (int i = 0; i < JWK_KEYS_MAX; i++)
        text_printf(&text, "%s{" OCT ",\"kid\":\"%d\"}", i > 0 ? "," : "", i);
    set = taken(jwk_set_of_json, pool_printf(&pool, "%s]}", text.at));
    assert_int_equal(set->count, JWK_KEYS_MAX);
    assert_true(set->has_kids);
    assert_true(str_eq(set->keys[63].kid, STR("63")));
    jwk_set_free(set);
    check_refused(jwk_set_of_json, pool_printf(&pool, "%s,{\"kty\":\"PQ\"}]}", text.at),
                  "there are more than 64 keys");
    pool_close(&pool);
}

static void a_kid_is_kept(void **state)
{
    struct pool pool;
    char kid[JWK_KID_MAX + 2] = "";
    struct jwk_set *set;

    (void)state;
    pool_open(&pool, NULL);
    memset(kid, 'k', JWK_KID_MAX);
    set = taken(jwk_set_of_json, pool_printf(&pool, "{" OCT ",\"kid\":\"%s\"}", kid));
    assert_true(str_eq(set->keys[0].kid, str_of(kid)));
    jwk_set_free(set);
    kid[JWK_KID_MAX] = 'k';
    check_refused(jwk_set_of_json, pool_printf(&pool, "{" OCT ",\"kid\":\"%s\"}", kid),
                  "the key: kid is not a text of at most 256 bytes");
    set = taken(jwk_set_of_json, STR("{\"keys\":[{" OCT ",\"kid\":\"a\\u0000b\"},{" OCT "}]}"));
    assert_true(str_eq(set->keys[0].kid, STR("a\0b")));
    assert_null(set->keys[1].kid.at);
    jwk_set_free(set);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets),
        cmocka_unit_test(pems_that_are_taken),
        cmocka_unit_test(pems_that_are_refused),
        cmocka_unit_test(jwks_that_are_taken),
        cmocka_unit_test(jwks_that_are_skipped),
        cmocka_unit_test(jwks_that_are_refused),
        cmocka_unit_test(a_set_is_bounded),
        cmocka_unit_test(a_kid_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
