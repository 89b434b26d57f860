/* Lints: what is legal and yet hardly meant. Each has its severity in `strict`, but for scopes that nobody declared. */
#include "lower.h"
#include "lowering.h"
#include "member.h"
#include "policy/type.h"

/* Of the schemes and scopes of one `security`; beyond it every alternative is believed to be of use. */
enum { MOST_WORDS = 256 };

/* What a document's operations ask of one of its schemes. */
struct asked {
    const struct api_scheme *scheme;
    struct map declared, required; /* scopes, to what is not NULL */
    bool is_required;
};

struct lint {
    struct lowering *l;
    const struct lowering_document *d;
    struct map asked; /* scheme's name to struct asked */
};

/* False when it is off. */
static bool report(struct job *job, enum strict_level level, struct loc loc, const char *code,
                   struct str text)
{
    if (level == STRICT_ERROR)
        diag_error(&job->diags, loc, code, "%.*s", STR_ARG(text));
    else if (level == STRICT_WARN)
        diag_warn(&job->diags, loc, code, "%.*s", STR_ARG(text));
    return level != STRICT_OFF;
}

static void report_operation(struct lowering_operation *o, enum strict_level level,
                             const char *code, const char *what)
{
    report(o->l->job, level, o->api->loc, code,
           pool_printf(&o->l->job->pool, "%.*s %.*s %s", STR_SHORT(o->api->method),
                       STR_SHORT(o->path->pattern.text), what));
}

void lower_lint_operation(struct lowering_operation *o, const struct api_security *security)
{
    const struct strict *strict = &o->document->block->strict;

    if (security->stated && security->any.count == 0 &&
        lowering_find(&o->chain, POLICY_public_reason) == NULL)
        report_operation(o, strict->public_reason, "public-reason",
                         "is public without saying why: add x-gateway.public_reason");
    if (o->api->responses.count == 0)
        report_operation(o, strict->documented_responses, "documented-responses",
                         "documents no response");
}

/* ---- alternatives ---- */

static const struct api_requirement *find(const struct api_alternative *a, struct str scheme)
{
    for (size_t i = 0; i < a->all.count; i++)
        if (str_eq(a->all.at[i].scheme.text, scheme))
            return &a->all.at[i];
    return NULL;
}

static bool has_scope(const struct api_requirement *r, struct str scope)
{
    for (size_t i = 0; i < r->scope_count; i++)
        if (str_eq(r->scopes[i].text, scope))
            return true;
    return false;
}

/* True when whoever meets `much` meets `little`. */
static bool implies(const struct api_alternative *much, const struct api_alternative *little)
{
    for (size_t i = 0; i < little->all.count; i++) {
        const struct api_requirement *wanted = &little->all.at[i],
                                     *given = find(much, wanted->scheme.text);
        if (given == NULL)
            return false;
        for (size_t j = 0; j < wanted->scope_count; j++)
            if (!has_scope(given, wanted->scopes[j].text))
                return false;
    }
    return true;
}

/* The other alternative that makes one useless; of two that say the same the first is of use. An empty one makes none
 * useless: it lets in who proves nothing, and who does is known. */
static const struct api_alternative *instead_of(const struct api_security *s, size_t index)
{
    const struct api_alternative *much = &s->any.at[index];

    for (size_t i = 0; i < s->any.count; i++) {
        const struct api_alternative *little = &s->any.at[i];
        if (i != index && (little->all.count > 0) == (much->all.count > 0) &&
            implies(much, little) && (i < index || !implies(little, much)))
            return little;
    }
    return NULL;
}

static size_t words_of(const struct api_security *s)
{
    size_t count = s->any.count;

    for (size_t i = 0; i < s->any.count; i++)
        for (size_t j = 0; j < s->any.at[i].all.count; j++)
            count += 1 + s->any.at[i].all.at[j].scope_count;
    return count;
}

static void lint_alternatives(struct lint *lint, const struct api_security *s)
{
    struct job *job = lint->l->job;

    if (s->any.count < 2 || words_of(s) > MOST_WORDS)
        return;
    for (size_t i = 0; i < s->any.count; i++) {
        const struct api_alternative *other = instead_of(s, i);
        if (other != NULL &&
            report(
                job, lint->d->block->strict.redundant_security, s->any.at[i].loc,
                "redundant-security",
                STR("who meets this alternative meets another one, too: it lets nobody else in")))
            diag_note(&job->diags, other->loc, "the other, which asks for no more");
    }
}

/* ---- schemes and scopes ---- */

static void undeclared(struct lint *lint, const struct api_scheme *scheme, const struct said *scope)
{
    struct job *job = lint->l->job;
    VEC(struct str) names = {0};

    for (size_t i = 0; i < scheme->scopes.count; i++)
        *vec_add(&job->pool, &names) = scheme->scopes.at[i].text;
    struct str near = diag_suggest(&job->pool, scope->text, names.at, names.count);
    diag_warn(&job->diags, scope->loc, "undeclared-scope",
              "no flow of '%.*s' declares the scope '%.*s'%.*s", STR_SHORT(scheme->name.text),
              STR_SHORT(scope->text), STR_ARG(near));
}

static void lint_requirement(struct lint *lint, const struct api_requirement *r, bool counts)
{
    struct asked *asked = map_get(&lint->asked, r->scheme.text);

    if (asked == NULL)
        return;
    asked->is_required |= counts;
    for (size_t i = 0; i < r->scope_count; i++) {
        struct said *scope = &r->scopes[i];
        if (counts)
            map_set(&asked->required, &lint->l->job->pool, scope->text, scope);
        if (asked->scheme->scopes.count > 0 && map_get(&asked->declared, scope->text) == NULL)
            undeclared(lint, asked->scheme, scope);
    }
}

/* `counts`: some operation has it. */
static void lint_security(struct lint *lint, const struct api_security *s, bool counts)
{
    lint_alternatives(lint, s);
    for (size_t i = 0; i < s->any.count; i++)
        for (size_t j = 0; j < s->any.at[i].all.count; j++)
            lint_requirement(lint, &s->any.at[i].all.at[j], counts);
}

static void lint_unused(struct lint *lint, const struct asked *asked)
{
    const enum strict_level level = lint->d->block->strict.unused_security;
    const struct said *name = &asked->scheme->name;
    struct job *job = lint->l->job;

    if (!asked->is_required) {
        report(job, level, name->loc, "unused-scheme",
               pool_printf(&job->pool, "no operation requires the security scheme '%.*s'",
                           STR_SHORT(name->text)));
        return;
    }
    for (size_t i = 0; i < asked->scheme->scopes.count; i++) {
        const struct said *scope = &asked->scheme->scopes.at[i];
        if (map_get(&asked->required, scope->text) == NULL)
            report(job, level, scope->loc, "unused-scope",
                   pool_printf(&job->pool, "no operation requires the scope '%.*s' of '%.*s'",
                               STR_SHORT(scope->text), STR_SHORT(name->text)));
    }
}

static void begin(struct lint *lint)
{
    struct pool *pool = &lint->l->job->pool;

    for (size_t i = 0; i < lint->d->api->schemes.count; i++) {
        const struct api_scheme *scheme = &lint->d->api->schemes.at[i];
        struct asked *asked = pool_new(pool, struct asked);
        asked->scheme = scheme;
        for (size_t j = 0; j < scheme->scopes.count; j++)
            map_set(&asked->declared, pool, scheme->scopes.at[j].text, &scheme->scopes.at[j]);
        map_set(&lint->asked, pool, scheme->name.text, asked);
    }
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
    report(l->job, level, first->loc, "explicit-security", text);
}

void lower_lint_document(struct lowering *l, const struct lowering_document *d)
{
    struct lint lint = {.l = l, .d = d};
    bool is_inherited = false;

    lint_unstated(l, d);
    begin(&lint);
    for (size_t i = 0; i < d->api->paths.count; i++) {
        for (size_t j = 0; j < d->api->paths.at[i].operations.count; j++) {
            const struct api_security *s = &d->api->paths.at[i].operations.at[j].security;
            is_inherited |= !s->stated;
            lint_security(&lint, s, true);
        }
    }
    lint_security(&lint, &d->api->security, is_inherited);
    /* A foreign document may well declare what only others of its kind use. */
    if (d->api->paths.count > 0 && !l->options->passthrough_auth)
        for (size_t i = 0; i < lint.asked.count; i++)
            lint_unused(&lint, lint.asked.at[i].value);
}
