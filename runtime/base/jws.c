#include "base/jws.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/pool.h"

enum family { HMAC, PKCS1, PSS, ECDSA, ED25519 };

enum {
    COORDINATE_MAX = 66, /* bytes of a number of P-521 */
    DER_MAX = 3 + 2 * (3 + COORDINATE_MAX)
};

static const struct algorithm {
    struct str name;
    enum family family;
    const char *digest;
    const char *curve; /* as OpenSSL calls it */
    size_t
        size; /* bytes: of the digest for HMAC, of a coordinate for ECDSA, of the signature for EdDSA */
} algorithms[JWS_ALGORITHMS] = {
    [JWS_HS256] = {STR_INIT("HS256"), HMAC, "SHA256", NULL, 32},
    [JWS_HS384] = {STR_INIT("HS384"), HMAC, "SHA384", NULL, 48},
    [JWS_HS512] = {STR_INIT("HS512"), HMAC, "SHA512", NULL, 64},
    [JWS_RS256] = {STR_INIT("RS256"), PKCS1, "SHA256", NULL, 0},
    [JWS_RS384] = {STR_INIT("RS384"), PKCS1, "SHA384", NULL, 0},
    [JWS_RS512] = {STR_INIT("RS512"), PKCS1, "SHA512", NULL, 0},
    [JWS_PS256] = {STR_INIT("PS256"), PSS, "SHA256", NULL, 0},
    [JWS_PS384] = {STR_INIT("PS384"), PSS, "SHA384", NULL, 0},
    [JWS_PS512] = {STR_INIT("PS512"), PSS, "SHA512", NULL, 0},
    [JWS_ES256] = {STR_INIT("ES256"), ECDSA, "SHA256", "prime256v1", 32},
    [JWS_ES384] = {STR_INIT("ES384"), ECDSA, "SHA384", "secp384r1", 48},
    [JWS_ES512] = {STR_INIT("ES512"), ECDSA, "SHA512", "secp521r1", COORDINATE_MAX},
    [JWS_EDDSA] = {STR_INIT("EdDSA"), ED25519, NULL, NULL, 64},
};

/* For each algorithm that the key is good for a context which needs only the input: it is copied for each
 * verification, so that nothing is looked up or parsed then. */
struct jws_key {
    uint32_t algorithms;
    size_t modulus; /* bytes of an RSA signature */
    EVP_MAC_CTX *macs[JWS_HS512 + 1];
    EVP_MD_CTX *digests[JWS_ALGORITHMS];
};

bool jws_algorithm_of(struct str name, enum jws_algorithm *algorithm)
{
    for (int i = 0; i < JWS_ALGORITHMS; i++)
        if (str_eq(algorithms[i].name, name)) {
            *algorithm = (enum jws_algorithm)i;
            return true;
        }
    return false;
}

struct str jws_algorithm_name(enum jws_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

/* ---- keys ---- */

static struct jws_key *key_new(void)
{
    struct jws_key *key = pool_xmalloc(sizeof *key);

    *key = (struct jws_key){0};
    return key;
}

static void *key_fail(struct jws_key *key, const char **what, const char *sentence)
{
    jws_key_free(key);
    *what = sentence;
    return NULL;
}

void jws_key_free(struct jws_key *key)
{
    if (!key)
        return;
    for (int i = 0; i < JWS_ALGORITHMS; i++) {
        if (i <= JWS_HS512)
            EVP_MAC_CTX_free(key->macs[i]); /* wipes the key */
        EVP_MD_CTX_free(key->digests[i]);
    }
    free(key);
}

static EVP_MAC_CTX *mac_ready(EVP_MAC *hmac, struct str secret, const char *digest)
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_end(),
    };

    if (context && EVP_MAC_init(context, (const unsigned char *)secret.at, secret.len, params))
        return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

struct jws_key *jws_key_of_secret(struct str secret, const char **what)
{
    struct jws_key *key = key_new();
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

    for (int i = JWS_HS256; hmac && i <= JWS_HS512 && secret.len >= algorithms[i].size; i++) {
        key->macs[i] = mac_ready(hmac, secret, algorithms[i].digest);
        if (key->macs[i])
            key->algorithms |= JWS_BIT(i);
    }
    EVP_MAC_free(hmac);
    if (secret.len < JWS_SECRET_MIN)
        return key_fail(key, what,
                        "a secret for HS256 has at least 32 bytes, for HS384 48, for HS512 64 (RFC "
                        "7518 section 3.2)");
    return key->algorithms != 0 ? key : key_fail(key, what, "OpenSSL cannot use the secret");
}

static bool pss_ready(EVP_PKEY_CTX *context)
{
    /* The mask's hash is the digest's unless it is told apart (RFC 7518 section 3.5). */
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool add_public(struct jws_key *key, EVP_PKEY *pkey, enum jws_algorithm algorithm)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *signer;

    key->digests[algorithm] = context;
    if (!context || EVP_DigestVerifyInit_ex(context, &signer, algorithms[algorithm].digest, NULL,
                                            NULL, pkey, NULL) <= 0)
        return false;
    if (algorithms[algorithm].family == PSS && !pss_ready(signer))
        return false;
    key->algorithms |= JWS_BIT(algorithm);
    return true;
}

static bool add_rsa(struct jws_key *key, EVP_PKEY *pkey)
{
    key->modulus = (size_t)EVP_PKEY_get_size(pkey);
    for (int i = JWS_RS256; i <= JWS_PS512; i++)
        if (!add_public(key, pkey, (enum jws_algorithm)i))
            return false;
    return true;
}

/* A modulus and an exponent that a verification can be trusted with, in bounded time: NULL, or what is wrong. */
static const char *judge_rsa(const EVP_PKEY *pkey)
{
    BIGNUM *exponent = NULL, *modulus = NULL;
    const char *what = NULL;
    int bits = EVP_PKEY_get_bits(pkey);

    if (bits < JWS_RSA_BITS_MIN)
        what = "an RSA key has at least 2048 bits (RFC 7518 section 3.3)";
    else if (bits > JWS_RSA_BITS_MAX)
        what = "an RSA key has at most 8192 bits";
    else if (!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) ||
             !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &modulus))
        what = "the RSA key has no modulus or no exponent";
    else if (!BN_is_odd(exponent) || BN_num_bits(exponent) < 17 || BN_num_bits(exponent) > 64)
        what = "the exponent of an RSA key is odd, at least 65537, and has at most 64 bits";
    else if (!BN_is_odd(modulus))
        what = "the modulus of an RSA key is odd";
    BN_free(exponent);
    BN_free(modulus);
    return what;
}

/* The algorithm of an EC key's curve; false: there is none, or the curve is spelled out in numbers, which may be of
 * somebody's making (CVE-2020-0601). */
static bool algorithm_of_curve(const EVP_PKEY *pkey, enum jws_algorithm *algorithm)
{
    char curve[32];
    int is_explicit = 0;

    if (!EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                        NULL) ||
        (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                &is_explicit) &&
         is_explicit))
        return false;
    for (int i = JWS_ES256; i <= JWS_ES512; i++)
        if (strcmp(curve, algorithms[i].curve) == 0) {
            *algorithm = (enum jws_algorithm)i;
            return true;
        }
    return false;
}

struct jws_key *jws_key_of_public(EVP_PKEY *pkey, const char **what)
{
    struct jws_key *key = key_new();
    enum jws_algorithm algorithm = JWS_EDDSA;
    const char *wrong = NULL;
    bool is_ready = false;

    ERR_set_mark();
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        wrong = judge_rsa(pkey);
        is_ready = !wrong && add_rsa(key, pkey);
    } else if (EVP_PKEY_is_a(pkey, "EC") && !algorithm_of_curve(pkey, &algorithm)) {
        wrong = "the curve of an EC key is P-256, P-384 or P-521, by its name";
    } else if (EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_is_a(pkey, "ED25519")) {
        is_ready = add_public(key, pkey, algorithm);
    } else {
        wrong = "a key is of the type RSA, EC or Ed25519";
    }
    ERR_pop_to_mark();
    if (is_ready)
        return key;
    return key_fail(key, what, wrong ? wrong : "OpenSSL cannot use the key");
}

uint32_t jws_key_algorithms(const struct jws_key *key)
{
    return key->algorithms;
}

void jws_key_bind(struct jws_key *key, uint32_t some)
{
    key->algorithms &= some;
}

/* ---- verifying ---- */

static bool verify_mac(const EVP_MAC_CTX *ready, struct str input, struct str signature)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t len = 0;
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(ready);
    bool good = context && EVP_MAC_update(context, (const unsigned char *)input.at, input.len) &&
                EVP_MAC_final(context, mac, &len, sizeof mac) && len == signature.len &&
                CRYPTO_memcmp(mac, signature.at, len) == 0;

    EVP_MAC_CTX_free(context);
    OPENSSL_cleanse(mac, sizeof mac);
    return good;
}

static bool verify_digest(const EVP_MD_CTX *ready, struct str input, struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_MD_CTX_copy_ex(context, ready) &&
                EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.len,
                                 (const unsigned char *)input.at, input.len) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

/* An unsigned number of fixed length as an INTEGER, which is signed and as short as can be. */
static size_t der_integer(unsigned char *out, struct str number)
{
    size_t pad;

    while (number.len > 1 && number.at[0] == 0)
        number = str_from(number, 1);
    pad = (unsigned char)number.at[0] >> 7;
    out[0] = 0x02;
    out[1] = (unsigned char)(number.len + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, number.at, number.len);
    return 2 + pad + number.len;
}

/* r and s (RFC 7518 section 3.4) as the SEQUENCE that OpenSSL takes, which checks their ranges. */
static struct str der_signature(unsigned char out[DER_MAX], struct str signature)
{
    unsigned char numbers[DER_MAX];
    size_t half = signature.len / 2, at = 0, len;

    len = der_integer(numbers, str_head(signature, half));
    len += der_integer(numbers + len, str_from(signature, half));
    out[at++] = 0x30;
    if (len > 127)
        out[at++] = 0x81;
    out[at++] = (unsigned char)len;
    memcpy(out + at, numbers, len);
    return (struct str){(const char *)out, at + len};
}

static bool verify(const struct jws_key *key, enum jws_algorithm algorithm, struct str input,
                   struct str signature)
{
    const struct algorithm *is = &algorithms[algorithm];
    unsigned char der[DER_MAX];

    switch (is->family) {
    case HMAC:
        return signature.len == is->size && verify_mac(key->macs[algorithm], input, signature);
    case PKCS1:
    case PSS:
        return signature.len == key->modulus &&
               verify_digest(key->digests[algorithm], input, signature);
    case ECDSA:
        return signature.len == 2 * is->size &&
               verify_digest(key->digests[algorithm], input, der_signature(der, signature));
    case ED25519:
        return signature.len == is->size &&
               verify_digest(key->digests[algorithm], input, signature);
    }
    return false;
}

bool jws_verify(const struct jws_key *key, enum jws_algorithm algorithm, struct str input,
                struct str signature)
{
    bool good;

    if ((key->algorithms & JWS_BIT(algorithm)) == 0)
        return false;
    ERR_set_mark();
    good = verify(key, algorithm, input, signature);
    ERR_pop_to_mark();
    return good;
}
