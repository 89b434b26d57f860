/* jose: the signer's side of tokens, for tests of who verifies them: fixed keys, keys as JWK and PEM, tokens of any
 * header and claims with a signature that is right. */
#ifndef LIB_JOSE_H
#define LIB_JOSE_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/pool.h"
#include "base/text.h"

static const char jose_rsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC2vx7PFOO5NOOA\n"
    "hgQVvuQpEHA5LBP8miq6EhjenfyahDXb5xfWoixA+Cl52OTYAdkND+v94YQZ227E\n"
    "K18eixswlzuLOt353AUwyvthF9v4JsX4M5ZawR0rTk2qx57C/2PsgFu2nvR0XsdW\n"
    "mudUiONo59vpMLgcNB1in/zC6pkNchHvjJR36vLqJoFaDy3wRRb3RhzrTASbq7EL\n"
    "8UEG8J4qqlNTXpYvcJuurlF4Q/rHpAZQVw40rlokrD9TWPwbv72LtOkuFSfMvoFn\n"
    "R9yWg83UuF0l5cCnd8hUic0vjw8Old4H9sAnPGzRISygTtPsBUdhd6POrz+n1d7D\n"
    "neFKDcf5AgMBAAECggEABCxcbPzz+F6OQ1a/WTNhsTqC+U3vJwvIg86yMUwTuoiK\n"
    "3WVedaEJNAPSh3SVdHz4tv2dyr58cJKX+t7v45XGQtELdNQlfPmc4SHxAxP7tV+b\n"
    "b/eSKES/DVmOmJGndIkk///Oi5HuUN815F2nb3zOhoxo84nU2fwIbG0xfs5t+ND2\n"
    "PhER9oE2SxIiOtNOjzEGvoWzZLoOHJE5GxvldwugjcPW7oaHOoN3a4B/HECjWdyK\n"
    "zEqwHoMRdJr3FHJLZXo+FGNQ/LRCIsJB8Bxod9PYDM5YNaaZyQayzykAvUi6djSq\n"
    "8/qqOp8OYybEfsvry6JEoTXR+IDqN1tjv5BPEaYJywKBgQDtC755r+3NT9oYCnOB\n"
    "SKRWoxrKEzFijo6RWkhr7lv23wdYQ+2h9F1ABwWZEG/Yv0oqJVBpqQP0MkuDPsCO\n"
    "q/kN6ozhu4RXisCtDrztGliV17a1meEVzuLPL/iwaP6+WoGTzyy2fKZOmIvcikxm\n"
    "ZdBoQH9jkMHbaPm3PdEDGtXlCwKBgQDFW+Lai2sdmy7u/QBiy6F9+cRaqvj7Fb19\n"
    "AgwUlTWfpp0ndamFyaQ0IWpu2eTccBsTBKfvleEmwPsKvSoZJc6kO3qYASsg5kUG\n"
    "6HlSJBNiQIbZUVibbI+BRCncU3U5cjVVIe2WHNVnwR4rCW85Gt377/pemWy6ymEV\n"
    "JIf4BqwhiwKBgQCNxWRaKxoynPt3PWjvfZ6sIki3atsycshZroF568kc0S73X0kU\n"
    "f631yT1T2jzKiT22DzMUvn0a46m+CR3pNnlyFUHFD/2KzfWGizX7KLKqi6U+35V7\n"
    "EY0dFTfLakBRYJf26wV27v4YK6wabqxa4bHPaCPITJ9ktlgDe/kxvi8HGQKBgBBa\n"
    "GqOs5YUgdHUMtVl6Mbk0VpaEj/iNxpNy9flGm5jMvzyjvRX+rQI8uorQtuukxjl/\n"
    "K0Loki0Z1DMBlVlcDpEA9Jlfj2k8av+1h0fNAWYknoem+8Z06jb1pNpCd/X4hn61\n"
    "PvAvF2dvUsaSE4sRtM7JBV+NKrsXRY/w5Osh8mUdAoGBAIPj0FVlK5HVSxXkzBCp\n"
    "XQL19ZRXFVdHgWUohcvwKOZJ2zpVyJcWVBiN2zZ6axWMMBSzNlCagjOxOuKPuDdK\n"
    "pK8wNatu2kDvD7aQraSBFGO6PWByTrg4J+/0zckKH/m0OwrKYlFk8oHpuzwPY4Hl\n"
    "vcQ62xfVAbgodad04AxAI5FN\n"
    "-----END PRIVATE KEY-----\n";
static const char jose_p256_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsfoiygZR6QTiMTjE\n"
    "gSnhbmJJ1B1rjimVbImow7htu7qhRANCAAQPqw2KrD2gA/PLrUSdJr+a//oUxdcS\n"
    "mryauIEDnYYJ546XpNgcFeYuLT+FonPdiJ131jkiZfszNBHqQdFiHSoS\n"
    "-----END PRIVATE KEY-----\n";
static const char jose_p384_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDdVPIUrldw/0iUzOTF\n"
    "r5frspVCTpt4+MrExPA0MIAwdlQWQrlMeLhakNLFUu/QOgKhZANiAATTEjJNqrDG\n"
    "XrarsByVccETGVckWpVGD0KJ4PtJQkaSc8eL/5tJESZSmpaILQzXXmdme3ozvmZq\n"
    "69Tc4dQQP7ja6sFZJ/jGT5bhV31EbXPDSDV5sQJsWvCP4ZWaSMSX40c=\n"
    "-----END PRIVATE KEY-----\n";
static const char jose_p521_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBE3Wxgw1zTwDkI0WW\n"
    "91nBuPPw6GW9XtwpRoYXSTeOXm3cFriqBSGuna/vCTdXcL+5+AjI1H4f8sAym1l5\n"
    "qWuK49OhgYkDgYYABAE4Qv4+ysru9uPT9G0/n7kQ/BMwzwb//S6PTqN8c9Su83/4\n"
    "MLy3lDSZlA54rpSJTuvzvXtzNYIPixP0Y1uXt6ukwQBDsIbIB3vRpOJ+SwUHXep8\n"
    "FBvQcfFEVfZYRznn8YYQKEG8vJQuBzLo5kbzxUiytNJp+wO6p3ZSW7ianSZcguJw\n"
    "eg==\n"
    "-----END PRIVATE KEY-----\n";
static const char jose_ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIBmZxdcrhweQcXQrC5yjpt5XMsF8HJ5mKf30jDEJRoSu\n"
    "-----END PRIVATE KEY-----\n";

/* Bilbo's of RFC 7520 section 3.4: a key that has signed nothing here. */
#define JOSE_OTHER_N                                                                               \
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_"       \
    "AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tp"   \
    "e-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniU"   \
    "FAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
#define JOSE_OTHER_JWK "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" JOSE_OTHER_N "\""

/* 64 bytes. */
#define JOSE_SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

static inline void jose_need(bool fine)
{
    if (!fine)
        abort();
}

static inline struct str jose_base64url(struct pool *pool, struct str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct text text = {.pool = pool};
    uint32_t group = 0;
    unsigned bits = 0;

    text_add(&text, STR(""));
    for (size_t i = 0; i < bytes.len; i++)
        for (group = group << 8 | (unsigned char)bytes.at[i], bits += 8; bits >= 6; bits -= 6)
            text_byte(&text, letters[group >> (bits - 6) & 63]);
    if (bits > 0)
        text_byte(&text, letters[group << (6 - bits) & 63]);
    return text_str(&text);
}

static inline EVP_PKEY *jose_private(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    jose_need(pkey);
    BIO_free(bio);
    return pkey;
}

static inline struct str jose_public_pem(struct pool *pool, const char *private_pem)
{
    EVP_PKEY *pkey = jose_private(private_pem);
    BIO *bio = BIO_new(BIO_s_mem());
    struct str pem;
    char *at;

    jose_need(PEM_write_bio_PUBKEY(bio, pkey));
    pem.len = (size_t)BIO_get_mem_data(bio, &at);
    pem.at = at;
    pem = pool_copy(pool, pem);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return pem;
}

static inline struct str jose_number(struct pool *pool, const EVP_PKEY *pkey, const char *name,
                                     size_t size)
{
    unsigned char bytes[1024];
    BIGNUM *number = NULL;

    jose_need(EVP_PKEY_get_bn_param(pkey, name, &number));
    if (size == 0)
        size = (size_t)BN_num_bytes(number);
    jose_need(size <= sizeof bytes && BN_bn2binpad(number, bytes, (int)size) == (int)size);
    BN_free(number);
    return jose_base64url(pool, (struct str){(char *)bytes, size});
}

/* The members of the public JWK, without braces. */
static inline const char *jose_jwk(struct pool *pool, const char *private_pem)
{
    EVP_PKEY *pkey = jose_private(private_pem);
    int bits = EVP_PKEY_get_bits(pkey);
    unsigned char raw[32];
    size_t len = sizeof raw, size = (size_t)(bits + 7) / 8;
    struct str jwk;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        struct str n = jose_number(pool, pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        struct str e = jose_number(pool, pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        jwk = pool_printf(pool, "\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%.*s\"", STR_ARG(n), STR_ARG(e));
    } else if (EVP_PKEY_is_a(pkey, "EC")) {
        struct str x = jose_number(pool, pkey, OSSL_PKEY_PARAM_EC_PUB_X, size);
        struct str y = jose_number(pool, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, size);
        jwk = pool_printf(pool, "\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%.*s\",\"y\":\"%.*s\"", bits,
                          STR_ARG(x), STR_ARG(y));
    } else {
        jose_need(EVP_PKEY_get_raw_public_key(pkey, raw, &len));
        struct str x = jose_base64url(pool, (struct str){(char *)raw, len});
        jwk = pool_printf(pool, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.*s\"", STR_ARG(x));
    }
    EVP_PKEY_free(pkey);
    return jwk.at;
}

/* A DER signature as r and s of fixed length (RFC 7518 section 3.4). */
static inline struct str jose_fixed(struct pool *pool, const unsigned char *der, size_t len, size_t size)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char *out = pool_alloc(pool, 2 * size);

    jose_need(signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, (int)size) >= 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + size, (int)size) >= 0);
    ECDSA_SIG_free(signature);
    return (struct str){(char *)out, 2 * size};
}

static inline const char *jose_digest(const char *alg)
{
    return alg[2] == '2' ? "SHA256" : alg[2] == '3' ? "SHA384" : "SHA512";
}

/* The bytes of a signature. `key` is the secret for HS*, otherwise a private PEM. salt: RSA_PSS_SALTLEN_…. */
static inline struct str jose_signature_salted(struct pool *pool, const char *alg, struct str key,
                                               struct str input, int salt)
{
    unsigned char bytes[1024];
    size_t len = sizeof bytes;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *signer;
    EVP_PKEY *pkey;
    struct str signature;

    if (alg[0] == 'H') {
        unsigned mac_len;
        EVP_MD_CTX_free(context);
        jose_need(HMAC(EVP_get_digestbyname(jose_digest(alg)), key.at, (int)key.len,
                       (const unsigned char *)input.at, input.len, bytes, &mac_len));
        return pool_copy(pool, (struct str){(char *)bytes, mac_len});
    }
    pkey = jose_private(key.at);
    jose_need(EVP_DigestSignInit_ex(context, &signer, alg[1] == 'd' ? NULL : jose_digest(alg), NULL, NULL,
                                    pkey, NULL) > 0);
    if (alg[0] == 'P')
        jose_need(EVP_PKEY_CTX_set_rsa_padding(signer, RSA_PKCS1_PSS_PADDING) > 0 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(signer, salt) > 0);
    jose_need(EVP_DigestSign(context, bytes, &len, (const unsigned char *)input.at, input.len) > 0);
    signature = alg[0] == 'E' && alg[1] == 'S'
                    ? jose_fixed(pool, bytes, len, (size_t)(EVP_PKEY_get_bits(pkey) + 7) / 8)
                    : pool_copy(pool, (struct str){(char *)bytes, len});
    EVP_PKEY_free(pkey);
    EVP_MD_CTX_free(context);
    return signature;
}

static inline struct str jose_signature(struct pool *pool, const char *alg, struct str key,
                                        struct str input)
{
    return jose_signature_salted(pool, alg, key, input, RSA_PSS_SALTLEN_DIGEST);
}

/* A token whose signature is made as `alg` says, whatever the header says. */
static inline struct str jose_token(struct pool *pool, const char *alg, struct str key, struct str header,
                                    struct str claims)
{
    struct str head = jose_base64url(pool, header), body = jose_base64url(pool, claims);
    struct str input = pool_printf(pool, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
    struct str tail = jose_base64url(pool, jose_signature(pool, alg, key, input));

    return pool_printf(pool, "%.*s.%.*s", STR_ARG(input), STR_ARG(tail));
}

#endif
