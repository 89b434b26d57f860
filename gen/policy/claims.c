#include "policy/claims.h"

#include "base/text.h"
#include "member.h"

enum { PATH_MAX_STEPS = 8, FIELDS_MAX = 32, PLACES_MAX = 8 };

/* ~1 is '/' and ~0 is '~' (RFC 6901 section 3). */
static struct str unescaped(struct pool *pool, struct str step)
{
    struct text text = {.pool = pool};

    for (size_t i = 0; i < step.len; i++) {
        bool escape = step.at[i] == '~' && i + 1 < step.len &&
                      (step.at[i + 1] == '0' || step.at[i + 1] == '1');
        text_byte(&text, escape ? (step.at[i + 1] == '1' ? '/' : '~') : step.at[i]);
        i += escape;
    }
    return text_str(&text);
}

void claims_split(struct pool *pool, struct str name, void *out)
{
    ir_texts *path = out;

    if (!str_starts(name, STR("/"))) {
        *vec_add(pool, path) = name;
        return;
    }
    while (name.len > 0) {
        struct str step = str_from(name, 1);
        step = str_head(step, str_find(step, '/'));
        name = str_from(name, 1 + step.len);
        *vec_add(pool, path) = unescaped(pool, step);
    }
}

void claims_read_path(struct job *job, const struct node *node, const char *what, void *out)
{
    ir_texts *path = out;

    if (node == NULL)
        return;
    setting_texts(job, node, what, path);
    for (size_t i = 0; i < path->count; i++)
        if (path->at[i].len == 0)
            diag_error(&job->diags, node->loc, "bad-value", "'%s' has an empty name", what);
    if (path->count > PATH_MAX_STEPS)
        diag_error(&job->diags, node->loc, "bad-value", "'%s' has %d names at most", what,
                   PATH_MAX_STEPS);
}

/* Those that the gateway itself or HTTP gives a meaning. */
static bool is_reserved(struct str name)
{
    static const char *const reserved[] = {"authorization",
                                           "connection",
                                           "content-length",
                                           "content-type",
                                           "cookie",
                                           "expect",
                                           "host",
                                           "keep-alive",
                                           "te",
                                           "trailer",
                                           "transfer-encoding",
                                           "upgrade",
                                           "via",
                                           "x-request-id"};

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (str_eq_nocase(name, str_of(reserved[i])))
            return true;
    return str_eq_nocase(str_head(name, 12), STR("x-forwarded-")) ||
           str_eq_nocase(str_head(name, 11), STR("x-consumer-"));
}

static void read_fields(struct job *job, const struct node *node, struct ir_claims *claims)
{
    if (node == NULL || !member_is(job, node, NODE_MAP, "forward_claims"))
        return;
    if (node->member_count > FIELDS_MAX)
        diag_error(&job->diags, node->loc, "bad-value", "'forward_claims' has %d claims at most",
                   FIELDS_MAX);
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        struct ir_claim_field field = {0};
        struct said name;
        claims_split(&job->pool, m->key, &field.path);
        if (!setting_text(job, m->value, "forward_claims", &name) ||
            !setting_header_name(job, name))
            continue;
        field.name = name.text;
        if (is_reserved(name.text))
            diag_error(&job->diags, name.loc, "bad-value",
                       "'%.*s' has a meaning of its own: a claim cannot go there",
                       STR_SHORT(name.text));
        else
            *vec_add(&job->pool, &claims->fields) = field;
    }
}

void claims_read(struct job *job, const struct claims_said *said, struct ir_claims *claims)
{
    claims_read_path(job, said->consumer_claim, "consumer_claim", &claims->consumer);
    claims_read_path(job, said->groups_claim, "groups_claim", &claims->groups);
    claims_read_path(job, said->scopes_claim, "scopes_claim", &claims->scopes);
    read_fields(job, said->forward_claims, claims);
}

void claims_read_places(struct job *job, const struct token_places_said *said, void *headers_out,
                        void *cookies_out, void *params_out)
{
    ir_texts *headers = headers_out, *cookies = cookies_out, *params = params_out;
    size_t count;

    setting_texts(job, said->headers, "header_names", headers);
    setting_texts(job, said->cookies, "cookie_names", cookies);
    setting_texts(job, said->params, "uri_param_names", params);
    for (size_t i = 0; i < headers->count; i++)
        setting_header_name(job, (struct said){headers->at[i], said->headers->loc});
    if (said->headers == NULL)
        *vec_add(&job->pool, headers) = STR("Authorization");
    count = headers->count + cookies->count + params->count;
    if (count == 0 || count > PLACES_MAX)
        diag_error(&job->diags, said->owner->loc, "bad-value",
                   "'%s' takes tokens from 1 to %d headers, cookies and parameters", said->what,
                   PLACES_MAX);
}
