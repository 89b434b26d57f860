#include "base/jwk.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/data.h"

/* A set that is being made, with all that it takes on the way: wiped when it fails. */
struct making {
    struct jwk_set set; /* first: what the others see */
    struct pool pool;   /* as long as the set */
    struct pool scratch;
    struct jwk keys[JWK_KEYS_MAX];
};

/* ---- sets ---- */

static struct making *making_new(void)
{
    struct making *making = pool_xmalloc(sizeof *making);

    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
    *making = (struct making){0};
    making->set.keys = making->keys;
    pool_open(&making->pool, NULL);
    pool_open(&making->scratch, NULL);
    return making;
}

void jwk_set_free(struct jwk_set *set)
{
    struct making *making = (struct making *)set;

    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        jws_key_free(making->keys[i].key);
    pool_close_wiped(&making->pool);
    pool_close_wiped(&making->scratch);
    free(making);
}

/* The set, or NULL when there is something to say. */
static struct jwk_set *made(struct making *making, const char *what, char error[JWK_ERROR])
{
    if (what) {
        snprintf(error, JWK_ERROR, "%s", what);
        jwk_set_free(&making->set);
        return NULL;
    }
    pool_close_wiped(&making->scratch);
    return &making->set;
}

/* Takes the key, which may be NULL when *what says why. */
static bool add_key(struct making *making, struct str kid, struct jws_key *key)
{
    if (!key)
        return false;
    making->keys[making->set.count++] =
        (struct jwk){.kid = kid.at ? pool_copy(&making->pool, kid) : kid, .key = key};
    making->set.algorithms |= jws_key_algorithms(key);
    making->set.has_kids |= kid.at != NULL;
    return true;
}

struct jwk_set *jwk_set_of_secret(struct str secret, char error[JWK_ERROR])
{
    struct making *making = making_new();
    const char *what = NULL;

    if (str_find_str(secret, STR("-----BEGIN ")) < secret.len)
        what = "a secret is not a PEM text: a public key would let everybody sign";
    else if (secret.len > JWK_TEXT_MAX)
        what = "a secret has at most 256 KiB";
    else
        add_key(making, (struct str){0}, jws_key_of_secret(secret, &what));
    return made(making, what, error);
}

/* ---- PEM ---- */

/* The key of a block; NULL: *what says why. */
static EVP_PKEY *key_of_block(const char *name, const unsigned char *bytes, long len,
                              const char **what)
{
    const unsigned char *at = bytes;
    EVP_PKEY *pkey = NULL;

    if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
        pkey = d2i_PUBKEY(NULL, &at, len);
        *what = pkey ? NULL : "the PEM text is no public key";
    } else if (strcmp(name, PEM_STRING_X509) == 0) {
        X509 *certificate = d2i_X509(NULL, &at, len);
        pkey = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
        *what = pkey ? NULL : "the PEM text is no certificate with a key";
    } else if (strstr(name, "PRIVATE KEY")) {
        *what =
            "the PEM text is a private key, and only whoever signs may have it: take its PUBLIC "
            "KEY";
    } else {
        *what = "the PEM text is neither a PUBLIC KEY nor a CERTIFICATE";
    }
    if (pkey && at != bytes + len) {
        *what = "the PEM block has bytes behind its key";
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return pkey;
}

static EVP_PKEY *read_pem(BIO *text, const char **what)
{
    char *name = NULL, *header = NULL, *more = NULL;
    unsigned char *bytes = NULL, *behind = NULL;
    long len = 0, more_len = 0;
    EVP_PKEY *pkey = NULL;

    if (!PEM_read_bio(text, &name, &header, &bytes, &len)) {
        *what = "there is no whole PEM block in the text";
        return NULL;
    }
    if (header[0])
        *what = "the PEM block is encrypted";
    else
        pkey = key_of_block(name, bytes, len, what);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, (size_t)len);
    if (pkey && PEM_read_bio(text, &name, &more, &behind, &more_len)) {
        *what = "the PEM text has more than one block: give the one key, or a JWK Set";
        OPENSSL_free(name);
        OPENSSL_free(more);
        OPENSSL_clear_free(behind, (size_t)more_len);
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

struct jwk_set *jwk_set_of_pem(struct str text, char error[JWK_ERROR])
{
    struct making *making = making_new();
    const char *what = NULL;
    BIO *bio;
    EVP_PKEY *pkey;

    if (text.len > JWK_TEXT_MAX)
        return made(making, "the PEM text has more than 256 KiB", error);
    ERR_set_mark();
    bio = BIO_new_mem_buf(text.len > 0 ? text.at : "", (int)text.len);
    pkey = bio ? read_pem(bio, &what) : NULL;
    if (pkey)
        add_key(making, (struct str){0}, jws_key_of_public(pkey, &what));
    else if (!what)
        what = "OpenSSL cannot read the PEM text";
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    ERR_pop_to_mark();
    return made(making, what, error);
}

/* ---- one JWK ---- */

/* NULL with *what: the key is wrong. NULL without: it is for others. */
typedef struct jws_key *read_key(struct pool *scratch, const struct data *jwk, const char **what);

static void *wrong(const char **what, const char *sentence)
{
    *what = sentence;
    return NULL;
}

/* A text; false: it is none. Absent is fine when `text` has its default. */
static bool member_text(const struct data *jwk, const char *name, struct str *text)
{
    const struct data *member = data_get(jwk, name);

    if (!member)
        return true;
    *text = member->text;
    return member->kind == DATA_TEXT;
}

static bool member_bytes(struct pool *scratch, const struct data *jwk, const char *name,
                         struct str *bytes)
{
    const struct data *member = data_get(jwk, name);

    return member && member->kind == DATA_TEXT && member->text.len > 0 &&
           base64_read_url(scratch, member->text, bytes);
}

/* Takes `params`; NULL: OpenSSL finds them wrong. */
static EVP_PKEY *public_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (context && params && EVP_PKEY_fromdata_init(context) > 0 &&
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return pkey;
}

/* Takes `pkey`. */
static struct jws_key *ready(EVP_PKEY *pkey, const char **what, const char *refused)
{
    struct jws_key *key = pkey ? jws_key_of_public(pkey, what) : wrong(what, refused);

    EVP_PKEY_free(pkey);
    return key;
}

static struct jws_key *read_oct(struct pool *scratch, const struct data *jwk, const char **what)
{
    struct str secret;

    if (!member_bytes(scratch, jwk, "k", &secret))
        return wrong(what, "k is missing or not base64url");
    return jws_key_of_secret(secret, what);
}

static OSSL_PARAM *rsa_params(struct str n, struct str e)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
    OSSL_PARAM *params = NULL;

    if (builder && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
        params = OSSL_PARAM_BLD_to_param(builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    return params;
}

static struct jws_key *read_rsa(struct pool *scratch, const struct data *jwk, const char **what)
{
    struct str n, e;

    if (!member_bytes(scratch, jwk, "n", &n) || !member_bytes(scratch, jwk, "e", &e))
        return wrong(what, "n or e is missing or not base64url");
    if (n.at[0] == 0 || e.at[0] == 0)
        return wrong(what, "n or e begins with a zero byte (RFC 7518 section 6.3.1)");
    if (n.len > JWS_RSA_BITS_MAX / 8 || e.len > 8)
        return wrong(what, "n has at most 8192 bits, e at most 64");
    return ready(public_key("RSA", rsa_params(n, e)), what, "n and e are no RSA key");
}

static OSSL_PARAM *ec_params(const char *curve, const unsigned char *point, size_t len)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, len),
        OSSL_PARAM_construct_end(),
    };

    return OSSL_PARAM_dup(params);
}

static struct jws_key *read_ec(struct pool *scratch, const struct data *jwk, const char **what)
{
    static const struct {
        struct str crv;
        size_t size;
    } curves[] = {{STR_INIT("P-256"), 32}, {STR_INIT("P-384"), 48}, {STR_INIT("P-521"), 66}};
    unsigned char point[1 + 2 * 66] = {POINT_CONVERSION_UNCOMPRESSED};
    struct str crv = STR(""), x, y;
    size_t i = 0, count = sizeof curves / sizeof *curves;

    if (!member_text(jwk, "crv", &crv) || crv.len == 0)
        return wrong(what, "it has no crv that is a text");
    while (i < count && !str_eq(curves[i].crv, crv))
        i++;
    if (i == count)
        return NULL;
    if (!member_bytes(scratch, jwk, "x", &x) || !member_bytes(scratch, jwk, "y", &y) ||
        x.len != curves[i].size || y.len != curves[i].size)
        return wrong(what, "x or y is not base64url of the curve's size (RFC 7518 section 6.2.1)");
    memcpy(point + 1, x.at, x.len);
    memcpy(point + 1 + x.len, y.at, y.len);
    return ready(public_key("EC", ec_params(curves[i].crv.at, point, 1 + 2 * x.len)), what,
                 "x and y are no point of the curve");
}

static struct jws_key *read_okp(struct pool *scratch, const struct data *jwk, const char **what)
{
    struct str crv = STR(""), x;

    if (!member_text(jwk, "crv", &crv) || crv.len == 0)
        return wrong(what, "it has no crv that is a text");
    if (!str_eq(crv, STR("Ed25519")))
        return NULL;
    if (!member_bytes(scratch, jwk, "x", &x) || x.len != 32)
        return wrong(what, "x is not base64url of 32 bytes (RFC 8037 section 2)");
    return ready(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.at, x.len),
        what, "x is no key");
}

/* Whether `use` and `key_ops` let the key verify; false with *what: they are no such members. */
static bool is_for_verifying(const struct data *jwk, const char **what)
{
    const struct data *ops = data_get(jwk, "key_ops");
    struct str use = STR("sig");
    bool verifies = !ops;

    if (!member_text(jwk, "use", &use))
        return wrong(what, "use is not a text") != NULL;
    if (ops && ops->kind != DATA_LIST)
        return wrong(what, "key_ops is not a list of texts") != NULL;
    for (const struct data *op = ops ? ops->first : NULL; op; op = op->next) {
        if (op->kind != DATA_TEXT)
            return wrong(what, "key_ops is not a list of texts") != NULL;
        verifies |= str_eq(op->text, STR("verify"));
    }
    return verifies && str_eq(use, STR("sig"));
}

static struct jws_key *read_by_type(struct pool *scratch, const struct data *jwk, const char **what)
{
    static const struct {
        struct str kty;
        read_key *read;
    } types[] = {
        {STR_INIT("RSA"), read_rsa},
        {STR_INIT("EC"), read_ec},
        {STR_INIT("OKP"), read_okp},
        {STR_INIT("oct"), read_oct},
    };
    struct str kty = STR("");

    if (!member_text(jwk, "kty", &kty) || kty.len == 0)
        return wrong(what, "it has no kty that is a text");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(types[i].kty, kty))
            return types[i].read(scratch, jwk, what);
    return NULL;
}

/* Adds the key, or skips it; false: *what says what is wrong with it. */
static bool add_jwk(struct making *making, const struct data *jwk, const char **what)
{
    struct str kid = {0}, alg = {0};
    enum jws_algorithm algorithm = 0;
    struct jws_key *key = NULL;

    if (jwk->kind != DATA_MAP)
        return wrong(what, "it is not an object") != NULL;
    if (!member_text(jwk, "kid", &kid) || kid.len > JWK_KID_MAX)
        return wrong(what, "kid is not a text of at most 256 bytes") != NULL;
    if (!member_text(jwk, "alg", &alg))
        return wrong(what, "alg is not a text") != NULL;
    if (is_for_verifying(jwk, what) && (!alg.at || jws_algorithm_of(alg, &algorithm)))
        key = read_by_type(&making->scratch, jwk, what);
    if (key && alg.at) {
        jws_key_bind(key, JWS_BIT(algorithm));
        if (jws_key_algorithms(key) == 0) {
            jws_key_free(key);
            return wrong(what, "its alg is not for such a key, or for a longer one") != NULL;
        }
    }
    if (!key && !*what)
        making->set.skipped++;
    add_key(making, kid, key);
    return !*what;
}

/* ---- JSON ---- */

/* Adds all; false: `error` says why not. */
static bool add_list(struct making *making, const struct data *keys, char error[JWK_ERROR])
{
    size_t i = 0;

    if (keys->kind != DATA_LIST) {
        snprintf(error, JWK_ERROR, "keys is not a list");
        return false;
    }
    for (const struct data *jwk = keys->first; jwk; jwk = jwk->next, i++) {
        const char *what = NULL;
        if (i == JWK_KEYS_MAX) {
            snprintf(error, JWK_ERROR, "there are more than %d keys", JWK_KEYS_MAX);
            return false;
        }
        if (!add_jwk(making, jwk, &what)) {
            snprintf(error, JWK_ERROR, "keys[%zu]: %s", i, what);
            return false;
        }
    }
    return true;
}

static bool add_json(struct making *making, struct str text, char error[JWK_ERROR])
{
    struct data_problem problem;
    const struct data *root = data_read_json(&making->scratch, text, &problem);
    const struct data *keys = data_get(root, "keys");
    const char *what = NULL;

    if (!root) {
        snprintf(error, JWK_ERROR, "line %u: %s", problem.line, problem.what);
        return false;
    }
    if (keys ? !add_list(making, keys, error) : !add_jwk(making, root, &what)) {
        if (what)
            snprintf(error, JWK_ERROR, "the key: %s", what);
        return false;
    }
    if (making->set.count == 0)
        snprintf(error, JWK_ERROR, "there is no key for verifying signatures (%zu skipped)",
                 making->set.skipped);
    return making->set.count > 0;
}

struct jwk_set *jwk_set_of_json(struct str text, char error[JWK_ERROR])
{
    struct making *making = making_new();
    bool fine;

    if (text.len > JWK_TEXT_MAX)
        return made(making, "the JWK Set has more than 256 KiB", error);
    ERR_set_mark();
    fine = add_json(making, text, error);
    ERR_pop_to_mark();
    if (fine)
        return made(making, NULL, error);
    jwk_set_free(&making->set);
    return NULL;
}
