/* What `security` asks for, and that somebody answers for it: what the gateway cannot enforce is an error,
 * never ignored. */
#include "base/text.h"
#include "lower.h"
#include "lowering.h"
#include "member.h"
#include "policy/type.h"

static struct lowering_scheme *find_scheme(struct lowering_document *d, struct str name)
{
    for (size_t i = 0; i < d->schemes.count; i++)
        if (str_eq(d->api->schemes.at[i].name.text, name))
            return &d->schemes.at[i];
    return NULL;
}

/* "oauth (read write)" */
static void describe_one(struct text *text, const struct api_requirement *r)
{
    text_add(text, r->scheme.text);
    for (size_t i = 0; i < r->scope_count; i++)
        text_printf(text, "%s%.*s", i > 0 ? " " : " (", STR_ARG(r->scopes[i].text));
    text_add(text, r->scope_count > 0 ? STR(")") : STR(""));
}

/* "oauth (write) and apiKey or basic", for people. */
static struct str describe(struct pool *pool, const struct api_security *security)
{
    struct text text = {.pool = pool};

    if (!security->stated)
        return STR("none");
    if (security->any.count == 0)
        return STR("public");
    for (size_t i = 0; i < security->any.count; i++) {
        const struct api_alternative *a = &security->any.at[i];
        text_add(&text, i > 0 ? STR(" or ") : STR(""));
        if (a->all.count == 0)
            text_add(&text, STR("anonymous"));
        for (size_t j = 0; j < a->all.count; j++) {
            text_add(&text, j > 0 ? STR(" and ") : STR(""));
            describe_one(&text, &a->all.at[j]);
        }
    }
    return text_str(&text);
}

/* Nobody can enforce what nobody declared; for a foreign document it is one more thing to pass through. */
static void unknown_scheme(struct lowering_operation *o, const struct said *name)
{
    struct job *job = o->l->job;
    VEC(struct str) names = {0};

    for (size_t i = 0; i < o->document->api->schemes.count; i++)
        *vec_add(&job->pool, &names) = o->document->api->schemes.at[i].name.text;
    struct str near = diag_suggest(&job->pool, name->text, names.at, names.count);
    if (o->l->options->passthrough_auth)
        diag_warn(&job->diags, name->loc, "unknown-scheme",
                  "no security scheme is named '%.*s': the backend must verify it",
                  STR_SHORT(name->text));
    else
        diag_error(&job->diags, name->loc, "unknown-scheme",
                   "no security scheme is named '%.*s'%.*s", STR_SHORT(name->text), STR_ARG(near));
}

/* ---- what the gateway verifies itself ---- */

static bool is_token(enum ir_proof proof)
{
    return proof == IR_PROOF_JWT || proof == IR_PROOF_INTROSPECTION;
}

static bool somebody_has_a_key(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->consumers.count; i++)
        if (gw->consumers.at[i].keys.count > 0)
            return true;
    return gw->consumers_file.len > 0;
}

/* Where its x-gateway says, or where OpenAPI's own words do. */
static void set_key(struct lowering *l, const struct api_scheme *api, const struct key_auth *said,
                    bool is_said, struct ir_scheme *scheme)
{
    scheme->names = said->names;
    if (scheme->names.count == 0)
        *vec_add(&l->job->pool, &scheme->names) = api->key_name;
    scheme->in_header = is_said && said->in_header != UNSAID ? said->in_header == YES
                                                             : str_eq(api->in, STR("header"));
    scheme->in_query =
        is_said && said->in_query != UNSAID ? said->in_query == YES : str_eq(api->in, STR("query"));
    scheme->in_cookie = is_said && said->in_cookie != UNSAID ? said->in_cookie == YES
                                                             : str_eq(api->in, STR("cookie"));
    scheme->hide_credentials = said->hide_credentials;
}

static bool asks_for_certificates(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->listeners.count; i++)
        if (gw->listeners.at[i].tls.client_auth != IR_CLIENT_OFF)
            return true;
    return false;
}

/* By a key, unless the scheme says otherwise. */
static bool set_key_proof(struct lowering *l, const struct api_scheme *api,
                          const struct xgateway_block *block, struct ir_scheme *scheme)
{
    bool is_said = xgateway_says(block, POLICY_key_auth);

    if (!str_eq(api->type, STR("apiKey"))) {
        if (is_said)
            diag_error(&l->job->diags, block->key_auth.loc, "contradiction",
                       "'key_auth' is for schemes of type apiKey, and '%.*s' is none",
                       STR_SHORT(api->name.text));
        return false;
    }
    if (!somebody_has_a_key(l->gw) || block->keys[POLICY_key_auth].state == XGATEWAY_OFF)
        return false;
    set_key(l, api, &block->key_auth, is_said, scheme);
    scheme->proof = IR_PROOF_KEY;
    scheme->names_callers = scheme->asks_consumers = true;
    return true;
}

static bool set_certificate_proof(struct lowering *l, const struct api_scheme *api,
                                  struct ir_scheme *scheme)
{
    scheme->proof = IR_PROOF_CERTIFICATE;
    return str_eq(api->type, STR("mutualTLS")) &&
           (!l->options->passthrough_auth || asks_for_certificates(l->gw));
}

void lower_identity_field(struct lowering *l, struct str name)
{
    struct str lower = pool_copy(&l->job->pool, name);

    for (size_t i = 0; i < lower.len; i++)
        if (lower.at[i] >= 'A' && lower.at[i] <= 'Z')
            ((char *)lower.at)[i] = (char)(lower.at[i] - 'A' + 'a');
    for (size_t i = 0; i < l->gw->identity_fields.count; i++)
        if (str_eq(l->gw->identity_fields.at[i], lower))
            return;
    *vec_add(&l->job->pool, &l->gw->identity_fields) = lower;
}

static void set_proof(struct lowering *l, struct lowering_document *d, size_t index)
{
    const struct api_scheme *api = &d->api->schemes.at[index];
    struct lowering_scheme *known = &d->schemes.at[index];
    struct ir_scheme scheme = {.name = api->name.text};

    if (d->index > 0) /* each document has schemes of its own */
        scheme.name = pool_printf(&l->job->pool, "%.*s of document %u", STR_ARG(api->name.text),
                                  d->index + 1);
    if (known->block->passthrough ||
        (!lower_jwt(l, api, known->block, &scheme) &&
         !lower_introspection(l, api, known->block, &scheme) &&
         !lower_sigv4(l, api, known->block, &scheme) &&
         !lower_basic_proof(l, api, known->block, &scheme) &&
         !set_key_proof(l, api, known->block, &scheme) && !set_certificate_proof(l, api, &scheme)))
        return;
    *vec_add(&l->job->pool, &l->gw->schemes) = scheme;
    known->proof = (uint32_t)l->gw->schemes.count;
    if (scheme.asks_consumers || is_token(scheme.proof)) {
        lower_identity_field(l, STR("x-consumer-"));
        lower_identity_field(l, STR("x-authenticated-scope"));
    }
}

void lower_security_schemes(struct lowering *l, struct lowering_document *d)
{
    for (size_t i = 0; i < d->api->schemes.count; i++) {
        struct lowering_scheme *scheme = vec_add(&l->job->pool, &d->schemes);
        scheme->block = xgateway_read(l->job, d->api->schemes.at[i].gateway, LEVEL_SCHEME);
        set_proof(l, d, i);
    }
    d->security_stated = d->api->security.stated;
}

/* A scope-token of RFC 6749 section 3.3. */
static bool is_scope(struct str scope)
{
    for (size_t i = 0; i < scope.len; i++)
        if (scope.at[i] <= ' ' || scope.at[i] > '~' || scope.at[i] == '"' || scope.at[i] == '\\')
            return false;
    return scope.len > 0;
}

/* Roles and scopes of what knows none: they cannot be left out silently. */
static struct str scopes_of(struct lowering_operation *o, const struct api_requirement *said,
                            enum ir_proof proof)
{
    struct text text = {.pool = &o->l->job->pool};

    if (said->scope_count > 0 && !is_token(proof))
        diag_error(
            &o->l->job->diags, said->scheme.loc, "scopes-not-enforced",
            "'%.*s' carries no scopes that could be required: say 'acl' for groups of consumers",
            STR_SHORT(said->scheme.text));
    for (size_t i = 0; i < said->scope_count; i++) {
        if (!is_scope(said->scopes[i].text))
            diag_error(&o->l->job->diags, said->scopes[i].loc, "bad-value",
                       "'%.*s' cannot be a scope: it has a space, a quote or other bytes that "
                       "none has",
                       STR_SHORT(said->scopes[i].text));
        text_add(&text, i > 0 ? STR(" ") : STR(""));
        text_add(&text, said->scopes[i].text);
    }
    return text_str(&text);
}

/* The schemes of one alternative that the gateway verifies. */
static struct ir_way way_of(struct lowering_operation *o, const struct api_alternative *a)
{
    struct ir_way way = {0};

    for (size_t j = 0; j < a->all.count; j++) {
        const struct lowering_scheme *scheme = find_scheme(o->document, a->all.at[j].scheme.text);
        if (scheme == NULL || scheme->proof == 0)
            continue;
        *vec_add(&o->l->job->pool, &way.all) = (struct ir_requirement){
            .scheme = scheme->proof - 1,
            .scopes = scopes_of(o, &a->all.at[j], o->l->gw->schemes.at[scheme->proof - 1].proof)};
    }
    return way;
}

/* True when each way in can be enforced, as far as it goes: one that the backend alone verifies leaves the door open.
 * Who need not prove anything is asked last, so that those who can are known. */
static bool set_ways(struct lowering_operation *o, const struct api_security *security)
{
    bool is_optional = false;

    for (size_t i = 0; i < security->any.count; i++) {
        const struct api_alternative *a = &security->any.at[i];
        struct ir_way way = way_of(o, a);
        is_optional |= a->all.count == 0;
        if (a->all.count > 0 && way.all.count == 0) {
            o->op->ways.count = 0;
            return false;
        }
        if (a->all.count > 0)
            *vec_add(&o->l->job->pool, &o->op->ways) = way;
    }
    if (is_optional && o->op->ways.count > 0)
        *vec_add(&o->l->job->pool, &o->op->ways) = (struct ir_way){0};
    return true;
}

static bool is_mutual(const struct lowering *l, const struct lowering_scheme *scheme)
{
    return scheme != NULL && scheme->proof > 0 &&
           l->gw->schemes.at[scheme->proof - 1].proof == IR_PROOF_CERTIFICATE;
}

static void check_asked(struct lowering_operation *o, const struct said *scheme)
{
    if (asks_for_certificates(o->l->gw) || o->l->mutual_tls_complained)
        return;
    o->l->mutual_tls_complained = true;
    diag_error(&o->l->job->diags, scheme->loc, "certificate-not-asked-for",
               "'%.*s' needs clients' certificates, and no listener asks for them: add "
               "'client_auth' to the 'tls' of one",
               STR_SHORT(scheme->text));
}

/* Some proof of each way tells who calls, or makes claims; or nobody is asked at all. */
static bool every_way_tells(const struct lowering_operation *o, bool claims)
{
    for (size_t w = 0; w < o->op->ways.count; w++) {
        const struct ir_way *way = &o->op->ways.at[w];
        bool tells = way->all.count == 0;
        for (size_t i = 0; i < way->all.count; i++) {
            const struct ir_scheme *scheme = &o->l->gw->schemes.at[way->all.at[i].scheme];
            tells |= claims ? is_token(scheme->proof) : scheme->names_callers;
        }
        if (!tells)
            return false;
    }
    return o->op->ways.count > 0;
}

/* An inherited one says nothing of operations that are public; what is not verified here cannot be told apart. */
static void set_acl(struct lowering_operation *o, const struct api_security *security)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_acl);
    bool is_public = security->any.count == 0, of_groups;

    if (block == NULL || (is_public && block != o->chain.at[0]))
        return;
    o->op->acl = block->acl;
    if (o->op->disabled)
        return;
    of_groups = block->acl.allow.count + block->acl.deny.count > 0;
    if (of_groups && !every_way_tells(o, false))
        diag_error(&o->l->job->diags, block->acl.loc, "contradiction",
                   "'acl' needs to know who calls, and the 'security' of %.*s %.*s does not tell",
                   STR_SHORT(o->api->method), STR_SHORT(o->path->pattern.text));
    else if (block->acl.claims.count > 0 && !every_way_tells(o, true))
        diag_error(&o->l->job->diags, block->acl.loc, "contradiction",
                   "'acl' asks for claims, and the 'security' of %.*s %.*s can be met without a "
                   "token that makes any",
                   STR_SHORT(o->api->method), STR_SHORT(o->path->pattern.text));
}

void lower_security(struct lowering_operation *o)
{
    const struct api_security *security =
        o->api->security.stated ? &o->api->security : &o->document->api->security;
    bool enforced;

    o->document->security_stated |= o->api->security.stated;
    o->op->security = describe(&o->l->job->pool, security);
    lower_lint_operation(o, security);
    enforced = set_ways(o, security);
    set_acl(o, security);
    for (size_t i = 0; i < security->any.count; i++) {
        const struct api_alternative *a = &security->any.at[i];
        for (size_t j = 0; j < a->all.count; j++) {
            struct lowering_scheme *scheme = find_scheme(o->document, a->all.at[j].scheme.text);
            if (enforced && scheme != NULL && scheme->proof > 0) {
                if (is_mutual(o->l, scheme))
                    check_asked(o, &a->all.at[j].scheme);
                continue;
            }
            o->op->passthrough_auth = true;
            if (scheme == NULL)
                unknown_scheme(o, &a->all.at[j].scheme);
            if (scheme == NULL || o->op->disabled)
                continue;
            if (scheme->required++ == 0)
                scheme->first = o->api->loc;
        }
    }
}

/* True when a method of verifying is named; that it is not built yet was reported with the key. */
static bool names_method(const struct xgateway_block *block)
{
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (!policy_rows[i].built && (policy_rows[i].levels & LEVEL_SCHEME) &&
            block->keys[i].loc.file != 0 && block->keys[i].state != XGATEWAY_OFF)
            return true;
    return false;
}

static const char *why_not(const struct lowering *l, const struct api_scheme *scheme)
{
    if (str_eq(scheme->type, STR("apiKey")) && !somebody_has_a_key(l->gw))
        return "and nobody has a key: say 'consumers' or 'consumers_file'";
    if (lower_basic_is_of(scheme) && !lower_basic_is_known(l->gw))
        return "and nobody has a password: say 'basic' of a consumer, or 'consumers_file'";
    return "which the gateway cannot verify yet";
}

static void complain(struct lowering *l, struct lowering_document *d, size_t index)
{
    const struct lowering_scheme *scheme = &d->schemes.at[index];
    const struct said *name = &d->api->schemes.at[index].name;

    diag_error(&l->job->diags, name->loc, "security-not-enforced",
               "%zu operation%s require%s '%.*s', %s", scheme->required,
               scheme->required == 1 ? "" : "s", scheme->required == 1 ? "s" : "",
               STR_SHORT(name->text), why_not(l, &d->api->schemes.at[index]));
    diag_note(&l->job->diags, scheme->first, "the first of them");
    diag_note(&l->job->diags, name->loc,
              "say 'x-gateway: {passthrough: true}' here when the backend verifies it, or try the "
              "document with --passthrough-auth");
}

/* Nobody said anything about security: an omission when there are schemes to choose from. */
static void nothing_stated(struct lowering *l, const struct lowering_document *d)
{
    static const char declared[] =
        "no operation requires any of the security schemes that are declared: add 'security'";

    if (d->api->paths.count == 0)
        return;
    if (d->schemes.count == 0)
        diag_warn(&l->job->diags, d->api->loc, "no-security",
                  "the document declares no security: everything in it is public");
    else if (l->options->passthrough_auth)
        diag_warn(&l->job->diags, d->api->schemes.at[0].name.loc, "no-security", "%s", declared);
    else
        diag_error(&l->job->diags, d->api->schemes.at[0].name.loc, "no-security", "%s", declared);
}

void lower_security_verdict(struct lowering *l, struct lowering_document *d)
{
    if (!d->security_stated) {
        nothing_stated(l, d);
        return;
    }
    lower_lint_document(l, d);
    for (size_t i = 0; i < d->schemes.count; i++) {
        const struct lowering_scheme *scheme = &d->schemes.at[i];
        if (scheme->required > 0 && !scheme->block->passthrough && !names_method(scheme->block) &&
            !l->options->passthrough_auth)
            complain(l, d, i);
    }
}
