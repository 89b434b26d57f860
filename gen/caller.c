#include "caller.h"

#include "caller_proof.h"
#include "callers.h"
#include "token.h"

/* What a way has proved so far. */
struct bearer {
    struct str name;
    const struct ir_consumer *known; /* of the document */
    VEC(const struct grant *) grants;
};

struct asked {
    const struct caller_request *request;
    struct text *out;
    bool is_shown, is_wrong, is_unknown;
    struct str lacking; /* scopes */
    struct str reason;  /* the most telling one so far */
};

static void say(struct asked *asked, struct str words)
{
    text_printf(asked->out, "%-12s %.*s\n", asked->is_shown ? "" : "caller", STR_ARG(words));
    asked->is_shown = true;
}

/* ---- proofs ---- */

static struct proof prove(const struct caller_request *request, const struct ir_scheme *scheme)
{
    switch (scheme->proof) {
    case IR_PROOF_KEY:
        return caller_key(request, scheme);
    case IR_PROOF_JWT:
        return caller_token(request, scheme);
    case IR_PROOF_CERTIFICATE:
        return (struct proof){.kind = PROOF_UNKNOWN,
                              .words = STR("no client's certificate is seen here")};
    case IR_PROOF_INTROSPECTION:
    case IR_PROOF_BASIC:
    case IR_PROOF_SIGV4:
        break;
    }
    return (struct proof){.kind = PROOF_UNKNOWN, .words = STR("is not looked at here")};
}

static bool has_some(const struct caller_request *request, const struct ir_scheme *scheme)
{
    return (scheme->proof == IR_PROOF_KEY && caller_has_key(request, scheme)) ||
           (scheme->proof == IR_PROOF_JWT && caller_has_token(request, scheme));
}

static const struct ir_consumer *find_consumer(const struct gateway *gw, struct str name)
{
    for (size_t i = 0; i < gw->consumers.count; i++)
        if (str_eq(gw->consumers.at[i].name, name))
            return &gw->consumers.at[i];
    return NULL;
}

/* What a field can carry as it is: upstreams could not be told of another name. */
static bool fits_a_field(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7F)
            return false;
    return name.at[0] != ' ' && name.at[name.len - 1] != ' ';
}

/* NULL: it may be this one; otherwise why not. */
static const char *claim(const struct caller_request *request, struct bearer *bearer,
                         struct str name)
{
    const struct ir_consumer *known = find_consumer(request->gw, name);

    if (name.len == 0)
        return NULL;
    if (!known && !fits_a_field(name))
        return "the token names no consumer that could be told";
    if (bearer->name.len > 0 && !str_eq(bearer->name, name))
        return "the credentials are of two consumers";
    bearer->name = name;
    bearer->known = known;
    return NULL;
}

/* What the proof adds to who calls; it may turn out to be another one. */
static void add(const struct caller_request *request, struct bearer *bearer, struct proof *proof)
{
    const char *why = claim(request, bearer, proof->consumer);

    if (!why && proof->grant)
        why = claim(request, bearer, proof->grant->consumer);
    if (why) {
        proof->kind = PROOF_WRONG;
        proof->words = str_of(why);
    } else if (proof->grant) {
        *vec_add(request->pool, &bearer->grants) = proof->grant;
    }
}

static void weigh(struct asked *asked, const struct proof *proof)
{
    if (asked->reason.len == 0 || (proof->kind == PROOF_WRONG && !asked->is_wrong))
        asked->reason = proof->words;
    asked->is_wrong |= proof->kind == PROOF_WRONG;
    asked->is_unknown |= proof->kind == PROOF_UNKNOWN;
}

static bool has_scopes(struct asked *asked, const struct bearer *bearer, struct str needed)
{
    size_t count = bearer->grants.count;

    if (needed.len == 0 || (count > 0 && grant_has_scopes(bearer->grants.at[count - 1], needed)))
        return true;
    asked->lacking = needed;
    say(asked, pool_printf(asked->request->pool, "not all of the scopes %.*s are granted",
                           STR_ARG(needed)));
    return false;
}

/* ---- ways ---- */

/* The proofs of a way up to the first that does not hold. */
static bool walk(struct asked *asked, const struct ir_way *way, struct bearer *bearer)
{
    const struct caller_request *request = asked->request;

    *bearer = (struct bearer){0};
    for (size_t i = 0; i < way->all.count; i++) {
        const struct ir_scheme *scheme = &request->gw->schemes.at[way->all.at[i].scheme];
        struct proof proof = prove(request, scheme);
        if (proof.kind == PROOF_HOLDS)
            add(request, bearer, &proof);
        say(asked,
            pool_printf(request->pool, "%.*s: %.*s", STR_ARG(scheme->name), STR_ARG(proof.words)));
        if (proof.says.len > 0)
            say(asked, pool_printf(request->pool, "  it says %.*s", STR_ARG(proof.says)));
        if (proof.kind != PROOF_HOLDS) {
            weigh(asked, &proof);
            return false;
        }
        if (!has_scopes(asked, bearer, way->all.at[i].scopes))
            return false;
    }
    return way->all.count > 0 || !(asked->is_wrong || asked->is_unknown);
}

/* ---- the acl ---- */

static ir_texts groups_of(const struct caller_request *request, const struct bearer *bearer)
{
    ir_texts all = {0};

    for (size_t i = 0; bearer->known && i < bearer->known->groups.count; i++)
        *vec_add(request->pool, &all) = bearer->known->groups.at[i];
    for (size_t g = 0; g < bearer->grants.count; g++)
        for (size_t i = 0; i < bearer->grants.at[g]->group_count; i++)
            *vec_add(request->pool, &all) = bearer->grants.at[g]->groups[i];
    return all;
}

static bool is_one_of(const struct data *value, const ir_texts *values)
{
    struct str text;

    for (size_t i = 0; data_text(value, &text) && i < values->count; i++)
        if (str_eq(text, values->at[i]))
            return true;
    return false;
}

static bool is_claimed(const struct bearer *bearer, const struct ir_claim *claim)
{
    for (size_t g = 0; g < bearer->grants.count; g++) {
        const struct data *value =
            data_at(bearer->grants.at[g]->claims, claim->path.at, claim->path.count);
        if (!value || value->kind != DATA_LIST) {
            if (is_one_of(value, &claim->values))
                return true;
            continue;
        }
        for (const struct data *one = value->first; one; one = one->next)
            if (is_one_of(one, &claim->values))
                return true;
    }
    return false;
}

/* Groups may stand in a file that is not looked at. */
static bool may_have_more_groups(const struct caller_request *request, const struct bearer *bearer)
{
    return request->gw->consumers_file.len > 0 && bearer->name.len > 0 && !bearer->known;
}

static enum caller_answer let_in(struct asked *asked, const struct bearer *bearer)
{
    const struct caller_request *request = asked->request;
    const struct ir_acl *acl = &request->op->acl;
    ir_texts groups = groups_of(request, bearer);

    if (acl->on && acl->allow.count + acl->deny.count > 0 &&
        may_have_more_groups(request, bearer)) {
        say(asked,
            pool_printf(request->pool, "the groups of %.*s stand in %.*s, which is not looked at",
                        STR_ARG(token_printable(request->pool, bearer->name)),
                        STR_ARG(request->gw->consumers_file)));
        return CALLER_UNKNOWN;
    }
    if (!callers_groups_pass(acl, &groups)) {
        say(asked, STR("403: acl: the caller's groups may not call this"));
        return CALLER_REFUSED;
    }
    for (size_t i = 0; acl->on && i < acl->claims.count; i++)
        if (!is_claimed(bearer, &acl->claims.at[i])) {
            say(asked, STR("403: acl: the caller's claims do not allow this"));
            return CALLER_REFUSED;
        }
    say(asked, bearer->name.len > 0
                   ? pool_printf(request->pool, "let in as %.*s",
                                 STR_ARG(token_printable(request->pool, bearer->name)))
                   : STR("let in without a name"));
    return CALLER_LET_IN;
}

/* ---- the answer ---- */

static enum caller_answer keep_out(struct asked *asked)
{
    if (asked->is_unknown) {
        say(asked, STR("whether it is let in cannot be told here"));
        return CALLER_UNKNOWN;
    }
    if (asked->lacking.len > 0)
        say(asked, STR("403: the token's scopes do not suffice"));
    else
        say(asked, pool_printf(asked->request->pool, "401: %.*s", STR_ARG(asked->reason)));
    return CALLER_REFUSED;
}

static bool carries_something(const struct caller_request *request)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_eq_nocase(request->headers[i].name, STR("Authorization")))
            return true;
    for (size_t i = 0; i < request->gw->schemes.count; i++)
        if (has_some(request, &request->gw->schemes.at[i]))
            return true;
    return false;
}

enum caller_answer caller_explain(const struct caller_request *request, struct text *out)
{
    struct asked asked = {.request = request, .out = out};
    struct bearer bearer;

    if (request->op->ways.count == 0 || !carries_something(request))
        return CALLER_SILENT;
    for (size_t w = 0; w < request->op->ways.count; w++)
        if (walk(&asked, &request->op->ways.at[w], &bearer))
            return let_in(&asked, &bearer);
    return keep_out(&asked);
}
