#include "policy/introspection.h"

#include "member.h"
#include "policy/claims.h"
#include "policy/type.h"

enum { TIMEOUT_MS = 2000, CACHE_MS = 30 * 1000, NEGATIVE_MS = 10 * 1000 };

struct raw {
    struct endpoint_raw at;
    char *client_id, *client_secret, *token_type_hint;
    char *issuer, *audiences;
    char *header_names, *cookie_names, *uri_param_names;
    char *consumer_claim, *groups_claim, *scopes_claim, *forward_claims;
    char *timeout, *cache, *negative_cache;
};

static const cyaml_schema_field_t fields[] = {
    ENDPOINT_FIELDS(struct raw, at),
    POLICY_CELL(struct raw, client_id, RUNTIME),
    POLICY_CELL(struct raw, client_secret, REFERENCE),
    POLICY_CELL(struct raw, token_type_hint, TEXT),
    POLICY_CELL(struct raw, issuer, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, audiences, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, header_names, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, cookie_names, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, uri_param_names, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, consumer_claim, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, groups_claim, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, scopes_claim, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, forward_claims, NAMED_TEXTS),
    POLICY_CELL(struct raw, timeout, DURATION),
    POLICY_CELL(struct raw, cache, DURATION_OR_OFF),
    POLICY_CELL(struct raw, negative_cache, DURATION_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_client(struct policy_reader *r, const struct node *node, const struct raw *raw,
                        struct ir_introspection *i)
{
    const struct node *id = policy_cell(r, raw->client_id),
                      *secret = policy_cell(r, raw->client_secret);

    if (id != NULL)
        setting_runtime(r->job, id, "client_id", &i->client_id);
    if (secret != NULL)
        setting_secret(r->job, secret, "client_secret", &i->client_secret);
    if ((id != NULL) != (secret != NULL))
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'client_id' and 'client_secret' go together");
}

static void read_time(struct policy_reader *r, const char *cell, const char *what, uint64_t *ms)
{
    const struct node *node = policy_cell(r, cell);

    if (node != NULL && setting_is_off(node))
        *ms = 0;
    else if (node != NULL)
        setting_duration(r->job, node, what, ms);
}

static void read_times(struct policy_reader *r, const struct raw *raw, struct ir_introspection *i)
{
    const struct node *timeout = policy_cell(r, raw->timeout);

    read_time(r, raw->cache, "cache", &i->cache);
    read_time(r, raw->negative_cache, "negative_cache", &i->negative_cache);
    if (timeout != NULL && setting_duration(r->job, timeout, "timeout", &i->timeout) &&
        i->timeout == 0)
        diag_error(&r->job->diags, timeout->loc, "bad-value", "'timeout' is not 0");
}

static void read_introspection(struct policy_reader *r, const struct node *node, const void *from,
                               size_t count, void *out)
{
    const struct raw *raw = from;
    struct introspection *said = out;
    struct ir_introspection *i = &said->value;
    const struct node *hint = policy_cell(r, raw->token_type_hint);
    struct said text;

    (void)count;
    *said = (struct introspection){.at = {.loc = node->loc},
                                   .value = {.timeout = TIMEOUT_MS,
                                             .cache = CACHE_MS,
                                             .negative_cache = NEGATIVE_MS,
                                             .loc = node->loc}};
    endpoint_read(r, &raw->at, &said->at);
    read_client(r, node, raw, i);
    if (hint != NULL && setting_text(r->job, hint, "token_type_hint", &text))
        i->hint = text.text;
    setting_texts(r->job, policy_cell(r, raw->issuer), "issuer", &i->issuers);
    setting_texts(r->job, policy_cell(r, raw->audiences), "audiences", &i->audiences);
    claims_read_places(r->job,
                       &(struct token_places_said){
                           policy_cell(r, raw->header_names), policy_cell(r, raw->cookie_names),
                           policy_cell(r, raw->uri_param_names), node, "introspection"},
                       &i->headers, &i->cookies, &i->params);
    claims_read(r->job,
                &(struct claims_said){
                    policy_cell(r, raw->consumer_claim), policy_cell(r, raw->groups_claim),
                    policy_cell(r, raw->scopes_claim), policy_cell(r, raw->forward_claims)},
                &i->claims);
    read_times(r, raw, i);
}

const struct policy_type introspection_type = {"introspection", &schema, read_introspection};
