#include "base/claims.h"

#include <math.h>

#include "base/json.h"

static bool is_one_of(struct str text, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(text, list[i]))
            return true;
    return false;
}

static const char *judge_issuer(const struct data *claims, const struct claims_rules *rules)
{
    const struct data *iss = data_get(claims, "iss");

    if (rules->issuer_count == 0)
        return NULL;
    if (!iss)
        return "the token names no issuer";
    if (iss->kind != DATA_TEXT || !is_one_of(iss->text, rules->issuers, rules->issuer_count))
        return "the token is from another issuer";
    return NULL;
}

static const char *judge_audience(const struct data *claims, const struct claims_rules *rules)
{
    const struct data *aud = data_get(claims, "aud");
    bool is_list = aud && aud->kind == DATA_LIST, is_ours = false;

    if (rules->audience_count == 0)
        return NULL;
    if (!aud)
        return "the token names no audience";
    for (const struct data *item = is_list ? aud->first : aud; item;
         item = is_list ? item->next : NULL) {
        if (item->kind != DATA_TEXT)
            return "the token's audience is neither a text nor a list of texts";
        is_ours |= is_one_of(item->text, rules->audiences, rules->audience_count);
    }
    return is_ours ? NULL : "the token is for another audience";
}

/* A NumericDate (RFC 7519 section 2). Absent is fine, and leaves *seconds as it is. */
static bool read_date(const struct data *claim, double *seconds)
{
    bool is_truth;

    if (!claim)
        return true;
    return claim->kind == DATA_PLAIN && !data_truth(claim, &is_truth) &&
           json_double(claim->text, seconds);
}

/* The first whole second that is not before `end`. */
static uint64_t second_of(double end)
{
    double second = ceil(end);

    if (second <= 0)
        return 0;
    return second < 9007199254740992.0 ? (uint64_t)second : UINT64_MAX;
}

const char *claims_check(const struct data *claims, const struct claims_rules *rules, uint64_t now,
                         uint64_t *until)
{
    const struct data *exp = data_get(claims, "exp"), *nbf = data_get(claims, "nbf");
    const struct data *iat = data_get(claims, "iat");
    double ends = INFINITY, begins = -INFINITY, issued = -INFINITY;
    double leeway = rules->leeway, at = (double)now;
    const char *wrong;

    *until = 0;
    if (!read_date(exp, &ends) || !read_date(nbf, &begins) || !read_date(iat, &issued))
        return "a time of the token is not a number";
    if (!exp && (rules->exp || rules->maximum_expiration > 0))
        return "the token has no time of expiry";
    if (!nbf && rules->nbf)
        return "the token has no time from which on it is valid";
    if (!iat && rules->iat)
        return "the token has no time of issue";
    if (at >= ends + leeway)
        return "the token has expired";
    if (at + leeway < begins)
        return "the token is not valid yet";
    if (rules->iat && at + leeway < issued)
        return "the token was issued in the future";
    if (rules->maximum_expiration > 0 && ends - at > rules->maximum_expiration + leeway)
        return "the token is valid for too long";
    wrong = judge_issuer(claims, rules);
    if (!wrong)
        wrong = judge_audience(claims, rules);
    *until = wrong ? 0 : second_of(ends + leeway);
    return wrong;
}
