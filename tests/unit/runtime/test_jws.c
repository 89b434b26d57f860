/* Signatures, each algorithm with one key that is ready. The vectors are those of the standards; what they lack is
 * signed here by OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <pthread.h>

#include "base/base64.h"
#include "base/jwk.h"
#include "jose.h"

#define RFC7515_PAYLOAD                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"             \
    "b290Ijp0cnVlfQ"

#define RFC7520_PAYLOAD                                                                            \
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91"             \
    "IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXi"             \
    "gJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"

struct vector {
    const char *name;
    enum jws_algorithm algorithm;
    const char *jwk, *input, *signature;
};

static struct jwk_set *set_of(const char *json)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = jwk_set_of_json(str_of(json), error);

    if (!set)
        fail_msg("%s: %s", json, error);
    return set;
}

/* Each byte of the signature counts, its length, too, and each byte of the input. */
static void check_mutations(const struct jws_key *key, enum jws_algorithm algorithm,
                            struct str input, struct str signature, struct pool *pool)
{
    char *at = (char *)pool_copy(pool, signature).at;
    char *other = (char *)pool_copy(pool, input).at;
    struct str longer;

    for (size_t i = 0; i < signature.len; i++) {
        at[i] = (char)(at[i] ^ 1 << i % 8);
        assert_false(jws_verify(key, algorithm, input, (struct str){at, signature.len}));
        at[i] = signature.at[i];
    }
    for (size_t i = 0; i < input.len; i += 7) {
        other[i] = (char)(other[i] ^ 0x20);
        assert_false(jws_verify(key, algorithm, (struct str){other, input.len}, signature));
        other[i] = input.at[i];
    }
    longer = (struct str){memcpy(pool_alloc(pool, signature.len + 1), signature.at, signature.len),
                          signature.len + 1};
    assert_false(jws_verify(key, algorithm, input, longer));
    assert_false(jws_verify(key, algorithm, input, str_head(signature, signature.len - 1)));
    assert_false(jws_verify(key, algorithm, input, str_head(signature, signature.len / 2)));
    assert_false(jws_verify(key, algorithm, input, str_from(signature, 1)));
    assert_false(jws_verify(key, algorithm, input, STR("")));
    assert_false(jws_verify(key, algorithm, STR(""), signature));
}

static void vectors_of_the_standards_verify(void **state)
{
    static const struct vector vectors[] = {
        {"RFC 7515 appendix A.1", JWS_HS256,
         "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75a"
         "KtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}",
         "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC7515_PAYLOAD,
         "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
        {"RFC 7515 appendix A.2", JWS_RS256,
         "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mP"
         "ddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b326"
         "90r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa"
         "2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9"
         "_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}",
         "eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD,
         "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF"
         "5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK"
         "5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt"
         "FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
         "p0igcN_IoypGlUPQGe77Rw"},
        {"RFC 7515 appendix A.3", JWS_ES256,
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPH"
         "vRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
         "eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD,
         "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K"
         "g6NU1Q"},
        {"RFC 7515 appendix A.4", JWS_ES512,
         "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06w"
         "TjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcL"
         "I87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
         "eyJhbGciOiJFUzUxMiJ9."
         "UGF5bG9hZA",
         "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO"
         "0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9E"
         "RBXukOXolLzeO_Jn"},
        {"RFC 8037 appendix A.4", JWS_EDDSA,
         "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwI"
         "aaPcHURo\"}",
         "eyJhbGciOiJFZERTQSJ9."
         "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_M"
         "uM0KAg"},
        {"RFC 7520 section 4.1", JWS_RS256,
         "{\"kty\":\"RSA\",\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-"
         "O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6X"
         "C0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9b"
         "TwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnb"
         "LY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\",\"e\":\"AQAB\"}",
         "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." RFC7520_PAYLOAD,
         "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx"
         "996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHR"
         "D68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrD"
         "aLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH8"
         "4ogoree7vjbU5y18kDquDg"},
        {"RFC 7520 section 4.2", JWS_PS384,
         "{\"kty\":\"RSA\",\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-"
         "O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6X"
         "C0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9b"
         "TwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnb"
         "LY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\",\"e\":\"AQAB\"}",
         "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." RFC7520_PAYLOAD,
         "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsG"
         "qDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8Z"
         "nyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8c"
         "BE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmW"
         "jwZ6oD4ifKo8DYM-X72Eaw"},
        {"RFC 7520 section 4.3", JWS_ES512,
         "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v1"
         "3nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\",\"y\":\"AdymlHvOiLxXkEhayXQ"
         "nNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1\"}",
         "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." RFC7520_PAYLOAD,
         "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4V"
         "a2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8"
         "OcGDqoRuBomu9xQ2"},
        {"RFC 7520 section 4.4", JWS_HS256,
         "{\"kty\":\"oct\",\"k\":\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg\"}",
         "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9." RFC7520_PAYLOAD,
         "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *is = &vectors[i];
        struct jwk_set *set = set_of(is->jwk);
        struct str signature;
        struct pool pool;

        pool_open(&pool, NULL);
        assert_true(base64_read_url(&pool, str_of(is->signature), &signature));
        for (int a = 0; a < JWS_ALGORITHMS; a++) {
            bool good =
                jws_verify(set->keys[0].key, (enum jws_algorithm)a, str_of(is->input), signature);
            if (good != (a == (int)is->algorithm))
                fail_msg("%s with algorithm %d is %s", is->name, a, good ? "good" : "bad");
        }
        check_mutations(set->keys[0].key, is->algorithm, str_of(is->input), signature, &pool);
        pool_close(&pool);
        jwk_set_free(set);
    }
}

/* ---- all algorithms with all keys ---- */

static const char *const pems[] = {jose_rsa_pem, jose_p256_pem, jose_p384_pem, jose_p521_pem,
                                   jose_ed25519_pem};

static struct jws_key *key_of(const char *private_pem)
{
    EVP_PKEY *pkey = jose_private(private_pem);
    const char *what = NULL;
    struct jws_key *key = jws_key_of_public(pkey, &what);

    EVP_PKEY_free(pkey);
    if (!key)
        fail_msg("%s", what);
    return key;
}

static const char *pem_for(const char *alg)
{
    static const char *const curves[] = {"ES256", "ES384", "ES512"};

    for (size_t i = 0; i < 3; i++)
        if (strcmp(alg, curves[i]) == 0)
            return pems[1 + i];
    return alg[0] == 'E' ? jose_ed25519_pem : jose_rsa_pem;
}

static struct str signed_by(struct pool *pool, enum jws_algorithm algorithm, struct str input)
{
    const char *alg = jws_algorithm_name(algorithm).at;

    return jose_signature(pool, alg, alg[0] == 'H' ? STR(JOSE_SECRET) : str_of(pem_for(alg)),
                          input);
}

static void a_key_is_for_its_algorithms_only(void **state)
{
    static const uint32_t masks[] = {JWS_ALL_RSA, JWS_BIT(JWS_ES256), JWS_BIT(JWS_ES384),
                                     JWS_BIT(JWS_ES512), JWS_BIT(JWS_EDDSA)};
    struct jws_key *keys[6];
    struct pool pool;
    const char *what;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < 5; i++) {
        keys[i] = key_of(pems[i]);
        assert_int_equal(jws_key_algorithms(keys[i]), masks[i]);
    }
    keys[5] = jws_key_of_secret(STR(JOSE_SECRET), &what);
    assert_int_equal(jws_key_algorithms(keys[5]), JWS_ALL_HS);
    for (int a = 0; a < JWS_ALGORITHMS; a++) {
        struct str input = STR("header.claims");
        struct str signature = signed_by(&pool, (enum jws_algorithm)a, input);
        unsigned good = 0;

        for (size_t i = 0; i < 6; i++)
            for (int as = 0; as < JWS_ALGORITHMS; as++)
                if (jws_verify(keys[i], (enum jws_algorithm)as, input, signature)) {
                    assert_int_equal(as, a);
                    assert_true(jws_key_algorithms(keys[i]) & JWS_BIT(a));
                    good++;
                }
        assert_int_equal(good, 1);
    }
    for (size_t i = 0; i < 6; i++)
        jws_key_free(keys[i]);
    pool_close(&pool);
}

static void a_bound_key_is_for_one_algorithm(void **state)
{
    struct jws_key *key = key_of(jose_rsa_pem);
    struct pool pool;
    struct str input = STR("x.y");

    (void)state;
    pool_open(&pool, NULL);
    jws_key_bind(key, JWS_BIT(JWS_PS256));
    assert_true(jws_verify(key, JWS_PS256, input, signed_by(&pool, JWS_PS256, input)));
    assert_false(jws_verify(key, JWS_RS256, input, signed_by(&pool, JWS_RS256, input)));
    assert_false(jws_verify(key, JWS_PS384, input, signed_by(&pool, JWS_PS384, input)));
    jws_key_bind(key, JWS_BIT(JWS_RS256)); /* nothing comes back */
    assert_int_equal(jws_key_algorithms(key), 0);
    jws_key_free(key);
    pool_close(&pool);
}

static void a_secret_is_as_long_as_the_hash(void **state)
{
    static const struct {
        size_t len;
        uint32_t algorithms;
    } rows[] = {
        {0, 0},
        {31, 0},
        {32, JWS_BIT(JWS_HS256)},
        {47, JWS_BIT(JWS_HS256)},
        {48, JWS_BIT(JWS_HS256) | JWS_BIT(JWS_HS384)},
        {63, JWS_BIT(JWS_HS256) | JWS_BIT(JWS_HS384)},
        {64, JWS_ALL_HS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *what = NULL;
        struct jws_key *key = jws_key_of_secret(str_head(STR(JOSE_SECRET), rows[i].len), &what);
        assert_int_equal(key ? jws_key_algorithms(key) : 0, rows[i].algorithms);
        assert_true(key || str_starts(str_of(what), STR("a secret for HS256 has at least 32")));
        jws_key_free(key);
    }
}

/* ---- what attackers send ---- */

/* Numbers of a curve, as many bytes as `size`. */
static void put(unsigned char *to, size_t size, const BIGNUM *number)
{
    BN_bn2binpad(number, to, (int)size);
}

/* r and s of zero, of the order and beyond it (CVE-2022-21449). */
static void psychic_signatures_are_refused(void **state)
{
    static const struct {
        int nid;
        enum jws_algorithm algorithm;
        size_t size;
    } curves[] = {{NID_X9_62_prime256v1, JWS_ES256, 32},
                  {NID_secp384r1, JWS_ES384, 48},
                  {NID_secp521r1, JWS_ES512, 66}};

    (void)state;
    for (size_t c = 0; c < 3; c++) {
        struct jws_key *key = key_of(pems[1 + c]);
        EC_GROUP *group = EC_GROUP_new_by_curve_name(curves[c].nid);
        const BIGNUM *order = EC_GROUP_get0_order(group);
        BIGNUM *values[6];
        unsigned char bytes[132];

        for (size_t i = 0; i < 6; i++)
            values[i] = BN_new();
        BN_one(values[1]);
        BN_copy(values[2], order);
        BN_copy(values[3], order);
        BN_add_word(values[3], 1);
        BN_copy(values[4], order);
        BN_sub_word(values[4], 1);
        BN_one(values[5]);
        BN_lshift(values[5], values[5], (int)curves[c].size * 8);
        BN_sub_word(values[5], 1);
        for (size_t r = 0; r < 6; r++)
            for (size_t s = 0; s < 6; s++) {
                put(bytes, curves[c].size, values[r]);
                put(bytes + curves[c].size, curves[c].size, values[s]);
                assert_false(jws_verify(key, curves[c].algorithm, STR("a.b"),
                                        (struct str){(char *)bytes, 2 * curves[c].size}));
            }
        for (size_t i = 0; i < 6; i++)
            BN_free(values[i]);
        EC_GROUP_free(group);
        jws_key_free(key);
    }
}

/* A good r and s in other clothes: DER, r + n, twice. */
static void a_signature_has_one_form(void **state)
{
    struct jws_key *key = key_of(jose_p256_pem);
    EVP_PKEY *pkey = jose_private(jose_p256_pem);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[128];
    size_t len = sizeof der;
    struct pool pool;
    struct str fixed;

    (void)state;
    pool_open(&pool, NULL);
    assert_true(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, pkey, NULL) > 0);
    assert_true(EVP_DigestSign(context, der, &len, (const unsigned char *)"a.b", 3) > 0);
    fixed = jose_fixed(&pool, der, len, 32);
    assert_true(jws_verify(key, JWS_ES256, STR("a.b"), fixed));
    assert_false(jws_verify(key, JWS_ES256, STR("a.b"), (struct str){(char *)der, len}));
    fixed = jose_fixed(&pool, der, len, 33); /* leading zeros */
    assert_false(jws_verify(key, JWS_ES256, STR("a.b"), fixed));
    fixed = jose_fixed(&pool, der, len, 48);
    assert_false(jws_verify(key, JWS_ES256, STR("a.b"), fixed));
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    jws_key_free(key);
    pool_close(&pool);
}

static void a_salt_is_as_long_as_the_digest(void **state)
{
    static const int salts[] = {0, 20, 31, 33, 64, RSA_PSS_SALTLEN_MAX};
    struct jws_key *key = key_of(jose_rsa_pem);
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++)
        assert_false(jws_verify(
            key, JWS_PS256, STR("a.b"),
            jose_signature_salted(&pool, "PS256", str_of(jose_rsa_pem), STR("a.b"), salts[i])));
    assert_true(
        jws_verify(key, JWS_PS256, STR("a.b"),
                   jose_signature_salted(&pool, "PS256", str_of(jose_rsa_pem), STR("a.b"), 32)));
    jws_key_free(key);
    pool_close(&pool);
}

static void names_are_exact(void **state)
{
    static const char *const none[] = {
        "",      "none",  "None",    "NONE",   "hs256",    "HS256 ", "HS128",   "HS2567",
        "EDDSA", "eddsa", "Ed25519", "ES256K", "RSA-OAEP", "dir",    "HS256\n", "RS1"};
    enum jws_algorithm algorithm;

    (void)state;
    for (int i = 0; i < JWS_ALGORITHMS; i++) {
        assert_true(jws_algorithm_of(jws_algorithm_name((enum jws_algorithm)i), &algorithm));
        assert_int_equal(algorithm, i);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(jws_algorithm_of(str_of(none[i]), &algorithm));
    assert_false(jws_algorithm_of(STR("HS256\0"), &algorithm));
}

/* What others have queued stays, and nothing is added. */
static void the_queue_of_errors_stays(void **state)
{
    struct jws_key *key = key_of(jose_p256_pem);
    char signature[64] = "";

    (void)state;
    ERR_clear_error();
    assert_false(jws_verify(key, JWS_ES256, STR("a.b"), (struct str){signature, 64}));
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 77);
    assert_false(jws_verify(key, JWS_ES256, STR("a.b"), (struct str){signature, 64}));
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
    assert_int_equal(ERR_peek_error(), 0);
    jws_key_free(key);
}

struct job {
    struct jws_key *const *keys; /* RSA, P-256, a secret */
    const struct str *signatures;
    bool fine;
};

static void *verify_often(void *arg)
{
    static const enum jws_algorithm algorithms[] = {JWS_RS256, JWS_ES256, JWS_HS256};
    struct job *job = arg;

    job->fine = true;
    for (size_t i = 0; i < 600; i++) {
        bool good =
            jws_verify(job->keys[i % 3], algorithms[i % 3], STR("a.b"), job->signatures[i % 3]);
        bool bad =
            jws_verify(job->keys[i % 3], algorithms[i % 3], STR("a.c"), job->signatures[i % 3]);
        job->fine &= good && !bad;
    }
    return NULL;
}

static void threads_share_a_key(void **state)
{
    struct jws_key *keys[3] = {key_of(jose_rsa_pem), key_of(jose_p256_pem)};
    struct str signatures[3];
    struct job jobs[4];
    pthread_t threads[4];
    struct pool pool;
    const char *what;

    (void)state;
    pool_open(&pool, NULL);
    keys[2] = jws_key_of_secret(STR(JOSE_SECRET), &what);
    signatures[0] = signed_by(&pool, JWS_RS256, STR("a.b"));
    signatures[1] = signed_by(&pool, JWS_ES256, STR("a.b"));
    signatures[2] = signed_by(&pool, JWS_HS256, STR("a.b"));
    for (size_t i = 0; i < 4; i++) {
        jobs[i] = (struct job){keys, signatures, false};
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(jobs[i].fine);
    }
    for (size_t i = 0; i < 3; i++)
        jws_key_free(keys[i]);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_standards_verify),
        cmocka_unit_test(a_key_is_for_its_algorithms_only),
        cmocka_unit_test(a_bound_key_is_for_one_algorithm),
        cmocka_unit_test(a_secret_is_as_long_as_the_hash),
        cmocka_unit_test(psychic_signatures_are_refused),
        cmocka_unit_test(a_signature_has_one_form),
        cmocka_unit_test(a_salt_is_as_long_as_the_digest),
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(the_queue_of_errors_stays),
        cmocka_unit_test(threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
