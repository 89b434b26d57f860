/* Tokens beside libjwt, which reads the same ones in another way: both take a token, or both refuse it.
 *
 * What libjwt 1.10 does otherwise is never made here: it takes an RSA key's text for a secret (each side gets the key
 * of the token's own family), compares alg without regard to case, knows no PS*, EdDSA and at+jwt, ignores crit, b64,
 * zip and enc, takes members that stand twice, other spellings of base64 (the standard alphabet, padding, unused bits,
 * characters that it skips), more than DATA_DEPTH levels, signatures of ES* in other lengths, typ by any case only, and
 * judges no times. So the changes are made to headers, claims and signatures before they are encoded, and to whole
 * tokens only by taking parts of one for another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jwt.h>

#include "base/jwt.h"
#include "jose.h"

/* libjwt forgets some of what it took for tokens that it refuses: not for the leak checker. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
static void __lsan_disable(void)
{
}
static void __lsan_enable(void)
{
}
#endif

enum { ROUNDS = 1500, KINDS = 6 };

static const struct kind {
    const char *alg, *pem; /* NULL: the secret */
} kinds[KINDS] = {
    {"HS256", NULL},         {"HS384", NULL},         {"HS512", NULL},
    {"RS256", jose_rsa_pem}, {"RS512", jose_rsa_pem}, {"ES256", jose_p256_pem},
};

/* The same numbers on each run. */
static uint32_t numbers;

static uint32_t number_below(uint32_t limit)
{
    numbers = numbers * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)numbers * limit >> 32);
}

static struct str pick(const struct str *from, uint32_t count)
{
    return from[number_below(count)];
}

/* libjwt's answer. */
static bool peer_takes(struct str token, const struct kind *kind, struct str public_pem)
{
    struct str key = kind->pem ? public_pem : STR(JOSE_SECRET);
    jwt_t *jwt = NULL;
    bool takes;

    __lsan_disable();
    takes = jwt_decode(&jwt, token.at, (const unsigned char *)key.at, (int)key.len) == 0 &&
            jwt_get_alg(jwt) != JWT_ALG_NONE;
    jwt_free(jwt);
    __lsan_enable();
    return takes;
}

static bool we_take(struct str token, const struct jwk_set *set)
{
    struct jwt_token read;
    struct pool pool;
    bool takes;

    pool_open(&pool, NULL);
    takes = !jwt_read(&pool, token, JWT_SIZE, &read) && jwt_verify(&read, set, JWS_ALL) == JWT_GOOD;
    pool_close(&pool);
    return takes;
}

/* A header: often the right one. */
static struct str header_of(struct pool *pool, const struct kind *kind)
{
    static const struct str formats[] = {
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\"}"),
        STR_INIT("{\"typ\":\"JWT\",\"alg\":\"$\"}"),
        STR_INIT(" { \"typ\" : \"JWT\" ,\n\t\"alg\" : \"$\" } "),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\",\"kid\":\"some\"}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\",\"jku\":\"http://x\"}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\"}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\"}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"\\u004aWT\"}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JOSE\"}"),
        STR_INIT("{\"typ\":\"JWT\"}"),
        STR_INIT("{\"alg\":7,\"typ\":\"JWT\"}"),
        STR_INIT("{\"alg\":\"none\",\"typ\":\"JWT\"}"),
        STR_INIT("{\"alg\":\"XS256\",\"typ\":\"JWT\"}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\""),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"JWT\",}"),
        STR_INIT("{\"alg\":\"$\",\"typ\":\"\xff\"}"),
        STR_INIT("[\"alg\",\"$\"]"),
        STR_INIT("null"),
    };
    bool is_right = number_below(3) > 0;
    struct str format = pick(formats, is_right ? 7 : sizeof formats / sizeof *formats);
    size_t at = str_find(format, '$');

    return pool_printf(pool, "%.*s%s%.*s", (int)at, format.at, at < format.len ? kind->alg : "",
                       STR_ARG(str_from(format, at + 1)));
}

static struct str claims_of(struct pool *pool)
{
    static const struct str claims[] = {
        STR_INIT("{}"),
        STR_INIT("{\"sub\":\"alice\",\"n\":1}"),
        STR_INIT("{\"a\":[1,2.5,-3e2,true,false,null,{\"b\":\"c\"}]}"),
        STR_INIT(" {\"u\":\"\\u00e4\\ud83d\\ude00\xc3\xa4\"}\n"),
        STR_INIT("{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"),
        /* and what is none */
        STR_INIT("{\"a\":01}"),
        STR_INIT("{\"a\":1,}"),
        STR_INIT("{\"a\":\"\xff\"}"),
        STR_INIT("{\"a\":\"\xed\xa0\x80\"}"),
        STR_INIT("{\"a\":\"\\ud800\"}"),
        STR_INIT("{\"a\":\"\n\"}"),
        STR_INIT("{\"a\":.5}"),
        STR_INIT("{\"a\":nul}"),
        STR_INIT("{a:1}"),
        STR_INIT("{\"a\":1}}"),
        STR_INIT("\"text\""),
        STR_INIT("7"),
    };
    uint32_t some = number_below(8) > 0 ? 5 : sizeof claims / sizeof *claims;
    struct str picked = pick(claims, some);

    /* One of many lengths. */
    if (number_below(4) == 0)
        return pool_printf(pool, "{\"long\":\"%0*d\"}", 1 + (int)number_below(600), 7);
    return picked;
}

/* A token, or what a token is turned into: each seldom enough that half of them are good. */
static struct str token_of(struct pool *pool, const struct kind *kind, struct str former)
{
    struct str key = kind->pem ? str_of(kind->pem) : STR(JOSE_SECRET);
    struct str head = jose_base64url(pool, header_of(pool, kind));
    struct str body = jose_base64url(pool, claims_of(pool));
    struct str input = pool_printf(pool, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
    struct str bytes = jose_signature(pool, kind->alg, key, input), tail;
    uint32_t change = number_below(24);

    if (change == 0 && bytes.len > 0)
        ((char *)bytes.at)[number_below((uint32_t)bytes.len)] ^= (char)(1 << number_below(8));
    if (change == 1 && kind->alg[0] != 'E')
        bytes = str_head(bytes, bytes.len - 1 - number_below(8));
    if (change == 2)
        body = jose_base64url(pool, STR("{\"sub\":\"mallory\"}"));
    tail = jose_base64url(pool, bytes);
    if (change == 3 && former.len > 0)
        return pool_printf(pool, "%.*s.%.*s", STR_ARG(input),
                           STR_ARG(str_from(former, former.len - tail.len)));
    if (change == 4)
        return pool_printf(pool, "%.*s", STR_ARG(input));
    if (change == 5)
        return pool_printf(pool, "%.*s.", STR_ARG(input));
    return pool_printf(pool, "%.*s.%.*s.%.*s", STR_ARG(head), STR_ARG(body), STR_ARG(tail));
}

static void both_take_or_refuse(void **state)
{
    struct jwk_set *sets[KINDS];
    struct str pems[KINDS], former = STR("");
    struct pool keys, pools[2];
    unsigned taken = 0;

    (void)state;
    numbers = 20240229;
    pool_open(&keys, NULL);
    pool_open(&pools[0], NULL);
    pool_open(&pools[1], NULL);
    for (size_t i = 0; i < KINDS; i++) {
        char error[JWK_ERROR];
        pems[i] = kinds[i].pem ? jose_public_pem(&keys, kinds[i].pem) : STR("");
        sets[i] = kinds[i].pem ? jwk_set_of_pem(pems[i], error)
                               : jwk_set_of_secret(STR(JOSE_SECRET), error);
        assert_non_null(sets[i]);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        uint32_t k = number_below(KINDS);
        struct pool *pool = &pools[round % 2]; /* the former token lasts */
        struct str token;
        bool takes;

        pool_close(pool);
        pool_open(pool, NULL);
        token = token_of(pool, &kinds[k], former);
        takes = we_take(token, sets[k]);
        if (takes != peer_takes(token, &kinds[k], pems[k]))
            fail_msg("round %zu: %s is %s by us alone", round, token.at,
                     takes ? "taken" : "refused");
        taken += takes;
        former = token;
    }
    assert_in_range(taken, ROUNDS / 3, ROUNDS * 3 / 4);
    for (size_t i = 0; i < KINDS; i++)
        jwk_set_free(sets[i]);
    pool_close(&pools[0]);
    pool_close(&pools[1]);
    pool_close(&keys);
}

/* What libjwt signs we verify. */
static void its_tokens_are_good(void **state)
{
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < KINDS; i++) {
        struct str key = kinds[i].pem ? str_of(kinds[i].pem) : STR(JOSE_SECRET);
        char error[JWK_ERROR], *text;
        struct jwk_set *set;
        jwt_t *jwt;

        set = kinds[i].pem ? jwk_set_of_pem(jose_public_pem(&pool, kinds[i].pem), error)
                           : jwk_set_of_secret(key, error);
        assert_int_equal(jwt_new(&jwt), 0);
        assert_int_equal(jwt_add_grant(jwt, "sub", "alice"), 0);
        assert_int_equal(jwt_add_grant_int(jwt, "exp", 1900000000), 0);
        assert_int_equal(jwt_set_alg(jwt, jwt_str_alg(kinds[i].alg), (const unsigned char *)key.at,
                                     (int)key.len),
                         0);
        text = jwt_encode_str(jwt);
        assert_non_null(text);
        assert_true(we_take(str_of(text), set));
        free(text);
        jwt_free(jwt);
        jwk_set_free(set);
    }
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_tokens_are_good),
        cmocka_unit_test(both_take_or_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
