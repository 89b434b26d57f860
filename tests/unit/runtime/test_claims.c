/* Claims: rules and times, paths, lists of texts, scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/claims.h"
#include "base/text.h"

#define NOW 1700000000u
#define NEVER UINT64_MAX

static const struct data *claims_of(struct pool *pool, const char *text)
{
    struct data_problem problem;
    const struct data *claims = data_read_json(pool, str_of(text), &problem);

    if (!claims)
        fail_msg("%s: %s", text, problem.what);
    return claims;
}

struct row {
    const char *claims;
    const char *wrong; /* the beginning; NULL: they obey … */
    uint64_t until;    /* … until then */
};

static void check(const struct row *rows, size_t count, const struct claims_rules *rules)
{
    for (size_t i = 0; i < count; i++) {
        struct pool pool;
        uint64_t until = 7;
        const char *wrong;

        pool_open(&pool, NULL);
        wrong = claims_check(claims_of(&pool, rows[i].claims), rules, NOW, &until);
        if (!wrong != !rows[i].wrong ||
            (wrong && !str_starts(str_of(wrong), str_of(rows[i].wrong))))
            fail_msg("%s: %s", rows[i].claims, wrong ? wrong : "taken");
        if (until != rows[i].until)
            fail_msg("%s: until %llu", rows[i].claims, (unsigned long long)until);
        pool_close(&pool);
    }
}

#define CHECK(rows, rules) check(rows, sizeof rows / sizeof *rows, rules)

static void times_are_honoured_where_they_stand(void **state)
{
    static const struct claims_rules none = {0};
    static const struct row rows[] = {
        {"{}", NULL, NEVER},
        {"{\"exp\":1700000001}", NULL, 1700000001},
        {"{\"exp\":1700000000}", "the token has expired", 0},
        {"{\"exp\":1699999999}", "the token has expired", 0},
        {"{\"exp\":1700000000.5}", NULL, 1700000001},
        {"{\"exp\":1.7000000015e9}", NULL, 1700000002},
        {"{\"exp\":17e8}", "the token has expired", 0},
        {"{\"exp\":0}", "the token has expired", 0},
        {"{\"exp\":-0}", "the token has expired", 0},
        {"{\"exp\":-1}", "the token has expired", 0},
        {"{\"exp\":-1e300}", "the token has expired", 0},
        {"{\"exp\":1e-300}", "the token has expired", 0},
        {"{\"exp\":1e300}", NULL, NEVER},
        {"{\"exp\":9223372036854775807}", NULL, NEVER},
        {"{\"exp\":18446744073709551616}", NULL, NEVER},
        {"{\"exp\":9007199254740991}", NULL, 9007199254740991},
        {"{\"exp\":9007199254740993}", NULL, NEVER},
        {"{\"exp\":1e999}", "a time of the token is not a number", 0},
        {"{\"exp\":-1e999}", "a time of the token is not a number", 0},
        {"{\"exp\":\"1800000000\"}", "a time of the token is not a number", 0},
        {"{\"exp\":null}", "a time of the token is not a number", 0},
        {"{\"exp\":true}", "a time of the token is not a number", 0},
        {"{\"exp\":false}", "a time of the token is not a number", 0},
        {"{\"exp\":[1800000000]}", "a time of the token is not a number", 0},
        {"{\"exp\":{}}", "a time of the token is not a number", 0},
        {"{\"nbf\":\"0\"}", "a time of the token is not a number", 0},
        {"{\"iat\":\"0\"}", "a time of the token is not a number", 0},
        {"{\"nbf\":1700000000}", NULL, NEVER},
        {"{\"nbf\":1700000000.1}", "the token is not valid yet", 0},
        {"{\"nbf\":1700000001}", "the token is not valid yet", 0},
        {"{\"nbf\":1e300}", "the token is not valid yet", 0},
        {"{\"nbf\":-1e300}", NULL, NEVER},
        {"{\"iat\":1e300}", NULL, NEVER}, /* nobody asked */
        {"{\"EXP\":1,\"Exp\":1}", NULL, NEVER},
        {"{\"exp\\u0000\":1}", NULL, NEVER},
    };

    (void)state;
    CHECK(rows, &none);
}

static void times_have_to_stand_when_asked_for(void **state)
{
    static const struct claims_rules exp = {.exp = true}, nbf = {.nbf = true}, iat = {.iat = true};
    static const struct row for_exp[] = {
        {"{}", "the token has no time of expiry", 0},
        {"{\"exp\":1700000009}", NULL, 1700000009},
    };
    static const struct row for_nbf[] = {
        {"{}", "the token has no time from which on", 0},
        {"{\"nbf\":1}", NULL, NEVER},
    };
    static const struct row for_iat[] = {
        {"{}", "the token has no time of issue", 0},
        {"{\"iat\":1700000000}", NULL, NEVER},
        {"{\"iat\":1700000001}", "the token was issued in the future", 0},
    };

    (void)state;
    CHECK(for_exp, &exp);
    CHECK(for_nbf, &nbf);
    CHECK(for_iat, &iat);
}

static void clocks_may_differ(void **state)
{
    static const struct claims_rules rules = {
        .iat = true, .leeway = 60, .maximum_expiration = 3600};
    static const struct row rows[] = {
        {"{\"iat\":1,\"exp\":1699999941}", NULL, 1700000001},
        {"{\"iat\":1,\"exp\":1699999940}", "the token has expired", 0},
        {"{\"iat\":1,\"exp\":1700000001,\"nbf\":1700000060}", NULL, 1700000061},
        {"{\"iat\":1,\"exp\":1700000001,\"nbf\":1700000061}", "the token is not valid yet", 0},
        {"{\"iat\":1700000060,\"exp\":1700000001}", NULL, 1700000061},
        {"{\"iat\":1700000061,\"exp\":1700000001}", "the token was issued in the future", 0},
        {"{\"iat\":1,\"exp\":1700003660}", NULL, 1700003720},
        {"{\"iat\":1,\"exp\":1700003661}", "the token is valid for too long", 0},
        {"{\"iat\":1,\"exp\":1e300}", "the token is valid for too long", 0},
        {"{\"iat\":1}", "the token has no time of expiry", 0},
    };
    static const struct claims_rules most = {.leeway = UINT32_MAX,
                                             .maximum_expiration = UINT32_MAX};
    static const struct row far[] = {
        {"{\"exp\":1}", NULL, 1ull + UINT32_MAX},
        {"{\"exp\":-1e300}", "the token has expired", 0},
    };

    (void)state;
    CHECK(rows, &rules);
    CHECK(far, &most);
}

static void issuers_and_audiences(void **state)
{
    static const struct str issuers[] = {STR_INIT("https://a"), STR_INIT("https://b")};
    static const struct str audiences[] = {STR_INIT("api"), STR_INIT("web")};
    static const struct claims_rules from = {.issuers = issuers, .issuer_count = 2};
    static const struct claims_rules to = {.audiences = audiences, .audience_count = 2};
    static const struct row issued[] = {
        {"{\"iss\":\"https://a\"}", NULL, NEVER},
        {"{\"iss\":\"https://b\"}", NULL, NEVER},
        {"{}", "the token names no issuer", 0},
        {"{\"iss\":\"https://A\"}", "the token is from another issuer", 0},
        {"{\"iss\":\"https://a/\"}", "the token is from another issuer", 0},
        {"{\"iss\":\"https://a\\u0000\"}", "the token is from another issuer", 0},
        {"{\"iss\":\"\"}", "the token is from another issuer", 0},
        {"{\"iss\":[\"https://a\"]}", "the token is from another issuer", 0},
        {"{\"iss\":null}", "the token is from another issuer", 0},
        {"{\"iss\":\"https://a\",\"exp\":5}", "the token has expired", 0},
    };
    static const struct row meant[] = {
        {"{\"aud\":\"api\"}", NULL, NEVER},
        {"{\"aud\":[\"web\"]}", NULL, NEVER},
        {"{\"aud\":[\"x\",\"api\",\"y\"],\"exp\":1700000001}", NULL, 1700000001},
        {"{}", "the token names no audience", 0},
        {"{\"aud\":[]}", "the token is for another audience", 0},
        {"{\"aud\":\"API\"}", "the token is for another audience", 0},
        {"{\"aud\":\"api web\"}", "the token is for another audience", 0},
        {"{\"aud\":\"api\\u0000\"}", "the token is for another audience", 0},
        {"{\"aud\":[\"x\",\"y\"]}", "the token is for another audience", 0},
        {"{\"aud\":[\"api\",7]}", "the token's audience is neither", 0},
        {"{\"aud\":[[\"api\"]]}", "the token's audience is neither", 0},
        {"{\"aud\":{\"api\":\"api\"}}", "the token's audience is neither", 0},
        {"{\"aud\":7}", "the token's audience is neither", 0},
        {"{\"aud\":null}", "the token's audience is neither", 0},
    };

    (void)state;
    CHECK(issued, &from);
    CHECK(meant, &to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_honoured_where_they_stand),
        cmocka_unit_test(times_have_to_stand_when_asked_for),
        cmocka_unit_test(clocks_may_differ),
        cmocka_unit_test(issuers_and_audiences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
