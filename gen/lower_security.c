/* What `security` asks for, and that somebody answers for it: what the gateway cannot enforce is an error,
 * never ignored. */
#include "base/text.h"
#include "lower.h"
#include "lowering.h"
#include "member.h"

void lower_security_schemes(struct lowering *l, struct lowering_document *d)
{
    for (size_t i = 0; i < d->api->schemes.count; i++) {
        struct lowering_scheme *scheme = vec_add(&l->job->pool, &d->schemes);
        scheme->block = xgateway_read(l->job, d->api->schemes.at[i].gateway, LEVEL_SCHEME);
    }
    d->security_stated = d->api->security.stated;
}

static struct lowering_scheme *find_scheme(struct lowering_document *d, struct str name)
{
    for (size_t i = 0; i < d->schemes.count; i++)
        if (str_eq(d->api->schemes.at[i].name.text, name))
            return &d->schemes.at[i];
    return NULL;
}

/* "jwt and apiKey or basic", for people. */
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
            text_add(&text, a->all.at[j].scheme.text);
        }
    }
    return text_str(&text);
}

static void report(struct lowering_operation *o, enum strict_level level, const char *code,
                   const char *what)
{
    if (level == STRICT_ERROR)
        diag_error(&o->l->job->diags, o->api->loc, code, "%.*s %.*s %s", STR_SHORT(o->api->method),
                   STR_SHORT(o->path->pattern.text), what);
    else if (level == STRICT_WARN)
        diag_warn(&o->l->job->diags, o->api->loc, code, "%.*s %.*s %s", STR_SHORT(o->api->method),
                  STR_SHORT(o->path->pattern.text), what);
}

static void lint(struct lowering_operation *o, const struct api_security *security)
{
    const struct strict *strict = &o->document->block->strict;

    if (security->stated && security->any.count == 0 &&
        lowering_find(&o->chain, POLICY_public_reason) == NULL)
        report(o, strict->public_reason, "public-reason",
               "is public without saying why: add x-gateway.public_reason");
    if (o->api->responses.count == 0)
        report(o, strict->documented_responses, "documented-responses", "documents no response");
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

/* The gateway verifies it itself: a client's certificate, in the handshake. */
static bool is_mutual(const struct lowering_document *d, const struct lowering_scheme *scheme)
{
    return scheme != NULL && !scheme->block->passthrough &&
           str_eq(d->api->schemes.at[scheme - d->schemes.at].type, STR("mutualTLS"));
}

static bool has_mutual(struct lowering_operation *o, const struct api_alternative *a)
{
    for (size_t j = 0; j < a->all.count; j++)
        if (is_mutual(o->document, find_scheme(o->document, a->all.at[j].scheme.text)))
            return true;
    return false;
}

/* True when each way in needs a client's certificate, or needs nothing at all: then it can be enforced by looking
 * at the connection. */
static bool set_mutual_tls(struct lowering_operation *o, const struct api_security *security)
{
    size_t with = 0, open = 0;

    for (size_t i = 0; i < security->any.count; i++) {
        with += has_mutual(o, &security->any.at[i]);
        open += security->any.at[i].all.count == 0;
    }
    o->op->mutual_tls = with > 0 && with == security->any.count;
    return with + open == security->any.count;
}

static void check_asked(struct lowering_operation *o, const struct said *scheme)
{
    for (size_t i = 0; i < o->l->gw->listeners.count; i++)
        if (o->l->gw->listeners.at[i].tls.client_auth != IR_CLIENT_OFF)
            return;
    if (o->l->mutual_tls_complained)
        return;
    o->l->mutual_tls_complained = true;
    diag_error(&o->l->job->diags, scheme->loc, "certificate-not-asked-for",
               "'%.*s' needs clients' certificates, and no listener asks for them: add "
               "'client_auth' to the 'tls' of one",
               STR_SHORT(scheme->text));
}

void lower_security(struct lowering_operation *o)
{
    bool mutual;
    const struct api_security *security =
        o->api->security.stated ? &o->api->security : &o->document->api->security;

    o->document->security_stated |= o->api->security.stated;
    o->op->security = describe(&o->l->job->pool, security);
    lint(o, security);
    mutual = set_mutual_tls(o, security);
    for (size_t i = 0; i < security->any.count; i++) {
        const struct api_alternative *a = &security->any.at[i];
        for (size_t j = 0; j < a->all.count; j++) {
            struct lowering_scheme *scheme = find_scheme(o->document, a->all.at[j].scheme.text);
            if (mutual && is_mutual(o->document, scheme) && !o->l->options->passthrough_auth) {
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

static void complain(struct lowering *l, struct lowering_document *d, size_t index)
{
    const struct lowering_scheme *scheme = &d->schemes.at[index];
    const struct said *name = &d->api->schemes.at[index].name;

    diag_error(&l->job->diags, name->loc, "security-not-enforced",
               "%zu operation%s require%s '%.*s', which the gateway cannot verify yet",
               scheme->required, scheme->required == 1 ? "" : "s", scheme->required == 1 ? "s" : "",
               STR_SHORT(name->text));
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

/* Operations about which nobody said anything, in a document that says something elsewhere. */
static void lint_unstated(struct lowering *l, const struct lowering_document *d)
{
    const enum strict_level level = d->block->strict.explicit_security;
    const struct api_operation *first = NULL;
    size_t count = 0;

    if (d->api->security.stated || level == STRICT_OFF)
        return;
    for (size_t i = 0; i < d->api->paths.count; i++) {
        for (size_t j = 0; j < d->api->paths.at[i].operations.count; j++) {
            const struct api_operation *op = &d->api->paths.at[i].operations.at[j];
            if (op->security.stated)
                continue;
            if (count++ == 0)
                first = op;
        }
    }
    if (count == 0)
        return;
    struct str text = pool_printf(
        &l->job->pool,
        count == 1 ? "%zu operation neither states nor inherits security: say 'security: []' where "
                     "that is meant"
                   : "%zu operations neither state nor inherit security, this is the first: say "
                     "'security: []' where that is meant",
        count);
    if (level == STRICT_ERROR)
        diag_error(&l->job->diags, first->loc, "explicit-security", "%s", text.at);
    else
        diag_warn(&l->job->diags, first->loc, "explicit-security", "%s", text.at);
}

void lower_security_verdict(struct lowering *l, struct lowering_document *d)
{
    if (!d->security_stated) {
        nothing_stated(l, d);
        return;
    }
    lint_unstated(l, d);
    for (size_t i = 0; i < d->schemes.count; i++) {
        const struct lowering_scheme *scheme = &d->schemes.at[i];
        if (scheme->required > 0 && !scheme->block->passthrough && !names_method(scheme->block) &&
            !l->options->passthrough_auth)
            complain(l, d, i);
    }
}
