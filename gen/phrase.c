#include "phrase.h"

#include "base/jws.h"

#include "base/text.h"

struct unit {
    uint64_t size;
    const char *name;
};

/* The largest unit that leaves no rest. */
static struct str in_units(struct pool *pool, uint64_t amount, const struct unit *units)
{
    if (amount == 0)
        return STR("off");
    while (amount % units->size)
        units++;
    return pool_printf(pool, "%llu%s", (unsigned long long)(amount / units->size), units->name);
}

struct str phrase_duration(struct pool *pool, uint64_t ms)
{
    static const struct unit units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    return in_units(pool, ms, units);
}

struct str phrase_size(struct pool *pool, uint64_t bytes)
{
    static const struct unit units[] = {{1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}, {1, ""}};
    return in_units(pool, bytes, units);
}

static void add_item(struct text *out, const char *between, struct str item)
{
    if (out->len && item.len)
        text_add(out, str_of(between));
    text_add(out, item);
}

struct str phrase_choice(struct pool *pool, const struct gateway *gw,
                         const struct ir_weighted *choice)
{
    struct str name = gw->upstreams.at[choice->upstream].name;

    return choice->subset
               ? pool_printf(pool, "%.*s:%.*s", STR_ARG(name), STR_ARG(choice->subset->name))
               : name;
}

struct str phrase_forward(struct pool *pool, const struct gateway *gw,
                          const struct ir_forward *forward)
{
    struct text out = {.pool = pool};
    for (size_t i = 0; i < forward->choices.count; i++) {
        const struct ir_weighted *choice = &forward->choices.at[i];
        struct str name = phrase_choice(pool, gw, choice);
        if (forward->choices.count > 1)
            name = pool_printf(pool, "%.*s %u", STR_ARG(name), choice->weight);
        add_item(&out, ", ", name);
    }
    if (forward->sticky.on)
        text_printf(&out, ", sticky by cookie %.*s", STR_ARG(forward->sticky.cookie));
    return text_str(&out);
}

/* Names of the forward's upstreams that are not in `seen` yet. */
static void add_upstreams(struct text *out, bool *seen, const struct gateway *gw,
                          const struct ir_forward *forward)
{
    for (size_t i = 0; i < forward->choices.count; i++) {
        uint32_t upstream = forward->choices.at[i].upstream;
        if (!seen[upstream])
            add_item(out, ", ", gw->upstreams.at[upstream].name);
        seen[upstream] = true;
    }
}

struct str phrase_upstreams(struct pool *pool, const struct gateway *gw,
                            const struct ir_operation *op)
{
    struct text out = {.pool = pool};
    bool *seen = pool_alloc(pool, gw->upstreams.count + 1);
    if (op->action == IR_FORWARD)
        add_upstreams(&out, seen, gw, &op->forward);
    for (size_t i = 0; op->action == IR_ROUTE && i < op->branches.count; i++)
        add_upstreams(&out, seen, gw, &op->branches.at[i].forward);
    return text_str(&out);
}

struct str phrase_pieces(struct pool *pool, const struct ir_endpoint *endpoint,
                         const struct ir_piece *pieces, size_t count)
{
    struct text out = {.pool = pool};
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].param < 0)
            text_add(&out, pieces[i].literal);
        else
            text_printf(&out, "{%.*s}", STR_ARG(endpoint->params.at[pieces[i].param]));
    }
    return text_str(&out);
}

struct str phrase_rewrite(struct pool *pool, const struct gateway *gw,
                          const struct ir_operation *op, const struct ir_rewrite *rewrite)
{
    const struct ir_endpoint *endpoint = &gw->endpoints.at[op->endpoint];
    struct text out = {.pool = pool};
    if (!rewrite->set)
        return STR("");
    if (rewrite->path.count) {
        struct str path = phrase_pieces(pool, endpoint, rewrite->path.at, rewrite->path.count);
        add_item(&out, ", ", pool_printf(pool, "path %.*s", STR_ARG(path)));
    }
    if (rewrite->strip) {
        struct str strip = str_head(endpoint->pattern, rewrite->strip);
        add_item(&out, ", ", pool_printf(pool, "strip %.*s", STR_ARG(strip)));
    }
    if (rewrite->prefix.len)
        add_item(&out, ", ", pool_printf(pool, "prefix %.*s", STR_ARG(rewrite->prefix)));
    if (rewrite->host.len)
        add_item(&out, ", ", pool_printf(pool, "host %.*s", STR_ARG(rewrite->host)));
    if (rewrite->redirects)
        add_item(&out, ", ", STR("redirects"));
    return text_str(&out);
}

struct str phrase_condition(struct pool *pool, const struct ir_condition *condition)
{
    static const char *const kinds[] = {
        [IR_IF_HOST] = "host",    [IR_IF_HEADER] = "header ",
        [IR_IF_QUERY] = "query ", [IR_IF_PATH_PARAM] = "path parameter ",
        [IR_IF_PREFIX] = "path",
    };
    bool named = condition->kind != IR_IF_HOST && condition->kind != IR_IF_PREFIX;
    struct text out = {.pool = pool};
    text_add(&out, str_of(kinds[condition->kind]));
    if (named)
        text_add(&out, condition->name);
    text_add(&out, condition->kind == IR_IF_PREFIX ? STR(" starts with ") : STR(" is "));
    for (size_t i = 0; i < condition->value_count; i++) {
        text_add(&out, i ? STR(" or ") : STR(""));
        text_add(&out, condition->values[i]);
    }
    return text_str(&out);
}

struct str phrase_conditions(struct pool *pool, const struct ir_condition *conditions, size_t count)
{
    struct text out = {.pool = pool};
    for (size_t i = 0; i < count; i++)
        add_item(&out, " and ", phrase_condition(pool, &conditions[i]));
    return text_str(&out);
}

struct str phrase_runtime_value(struct pool *pool, const struct ir_runtime_value *value)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    if (value->kind == IR_RUNTIME_NUMBER)
        return pool_printf(pool, "%.*s, %llu by default, %llu to %llu", STR_ARG(value->name),
                           (unsigned long long)value->normal, (unsigned long long)value->min,
                           (unsigned long long)value->max);
    return pool_printf(pool, "%.*s, %s by default", STR_ARG(value->name),
                       value->kind == IR_RUNTIME_LEVEL ? levels[value->normal]
                       : value->normal                 ? "true"
                                                       : "false");
}

static void add_networks(struct text *out, const char *label, const struct ir_ip_list *list)
{
    if (list->networks.count > 0 || list->file.len > 0)
        text_printf(out, "%s%s", out->len > 0 ? ", " : "", label);
    for (size_t i = 0; i < list->networks.count; i++)
        text_printf(out, " %.*s", STR_ARG(list->networks.at[i].text));
    if (list->file.len > 0)
        text_printf(out, " {file: %.*s}", STR_ARG(list->file));
}

struct str phrase_ip_restriction(struct pool *pool, const struct gateway *gw, uint32_t number)
{
    const struct ir_ip_restriction *restriction = &gw->ip_restrictions.at[number - 1];
    struct text out = {.pool = pool};

    add_networks(&out, "allow", &restriction->allow);
    add_networks(&out, "deny", &restriction->deny);
    return text_str(&out);
}

struct str phrase_action(struct pool *pool, const struct gateway *gw, const struct ir_operation *op)
{
    const struct ir_answer *answer = &op->answer;
    struct str name;
    if (op->disabled)
        return STR("disabled");
    if (op->maintenance)
        return STR("maintenance");
    switch (op->action) {
    case IR_RESPOND:
        return pool_printf(pool, "respond %u", answer->status);
    case IR_MOCK:
        return pool_printf(pool, "mock %u", answer->status);
    case IR_REDIRECT:
        name = phrase_pieces(pool, &gw->endpoints.at[op->endpoint], answer->location.at,
                             answer->location.count);
        return pool_printf(pool, "redirect %u to %.*s", answer->status, STR_ARG(name));
    case IR_ROUTE:
        name = phrase_upstreams(pool, gw, op);
        return pool_printf(pool, "route to %.*s", STR_ARG(name));
    case IR_FORWARD:
        break;
    }
    name = phrase_forward(pool, gw, &op->forward);
    return pool_printf(pool, "upstream %.*s", STR_ARG(name));
}

static void add_timeouts(struct text *out, const struct ir_timeouts *timeouts)
{
    struct pool *pool = out->pool;
    text_printf(out, "connect %s, send %s, read %s, request %s, idle %s",
                phrase_duration(pool, timeouts->connect).at,
                phrase_duration(pool, timeouts->send).at, phrase_duration(pool, timeouts->read).at,
                phrase_duration(pool, timeouts->request).at,
                phrase_duration(pool, timeouts->idle).at);
    if (timeouts->from_client)
        text_add(out, STR(", from_client"));
}

/* Upstreams whose timeouts are not the operation's. */
static void add_own_timeouts(struct text *out, bool *seen, const struct gateway *gw,
                             const struct ir_operation *op, const struct ir_forward *forward)
{
    for (size_t i = 0; i < forward->choices.count; i++) {
        const struct ir_weighted *choice = &forward->choices.at[i];
        if (seen[choice->upstream] || ir_timeouts_equal(&choice->timeouts, &op->timeouts))
            continue;
        seen[choice->upstream] = true;
        text_printf(out, "; %.*s: ", STR_ARG(gw->upstreams.at[choice->upstream].name));
        add_timeouts(out, &choice->timeouts);
    }
}

struct str phrase_timeouts(struct pool *pool, const struct gateway *gw,
                           const struct ir_operation *op)
{
    struct text out = {.pool = pool};
    bool *seen = pool_alloc(pool, gw->upstreams.count + 1);
    add_timeouts(&out, &op->timeouts);
    add_own_timeouts(&out, seen, gw, op, &op->forward);
    for (size_t i = 0; i < op->branches.count; i++)
        add_own_timeouts(&out, seen, gw, op, &op->branches.at[i].forward);
    return text_str(&out);
}

static void add_names(struct text *out, const char *what, const ir_texts *names)
{
    if (names->count == 0)
        return;
    text_printf(out, "%s%s", out->len > 0 ? ", " : "", what);
    for (size_t i = 0; i < names->count; i++)
        text_printf(out, " %.*s", STR_ARG(names->at[i]));
}

struct str phrase_asked(struct pool *pool, const struct gateway *gw, const struct ir_asked *asked)
{
    return pool_printf(pool, "%.*s %.*s", STR_ARG(gw->upstreams.at[asked->upstream].name),
                       STR_ARG(asked->path));
}

struct str phrase_forward_auth(struct pool *pool, const struct gateway *gw,
                               const struct ir_forward_auth *f)
{
    struct text out = {.pool = pool};

    if (!f->on || gw->upstreams.count == 0)
        return STR("");
    text_add(&out, phrase_asked(pool, gw, &f->asked));
    text_add(&out, f->original ? STR(", original method") : STR(""));
    text_add(&out, f->body ? STR(", with content") : STR(""));
    if (f->host.len > 0)
        text_printf(&out, ", host %.*s", STR_ARG(f->host));
    add_names(&out, "sends", &f->request_headers);
    if (f->uri_header.len > 0)
        text_printf(&out, ", path in %.*s", STR_ARG(f->uri_header));
    add_names(&out, "tells", &f->response_headers);
    add_names(&out, "answers", &f->client_headers);
    text_printf(&out, ", timeout %.*s", STR_ARG(phrase_duration(pool, f->timeout)));
    if (f->cache > 0)
        text_printf(&out, ", cache %.*s", STR_ARG(phrase_duration(pool, f->cache)));
    text_add(&out, f->admits_on_error ? STR(", lets in without an answer") : STR(""));
    return text_str(&out);
}

struct str phrase_acl(struct pool *pool, const struct ir_acl *acl)
{
    struct text out = {.pool = pool};

    if (!acl->on)
        return STR("");
    add_names(&out, "allow", &acl->allow);
    add_names(&out, "deny", &acl->deny);
    for (size_t i = 0; i < acl->claims.count; i++) {
        const struct ir_claim *claim = &acl->claims.at[i];
        text_add(&out, out.len > 0 ? STR(", claim") : STR("claim"));
        for (size_t p = 0; p < claim->path.count; p++)
            text_printf(&out, "%s%.*s", p > 0 ? "/" : " ", STR_ARG(claim->path.at[p]));
        add_names(&out, "of", &claim->values);
    }
    if (acl->hide_groups_header)
        text_add(&out, STR(", groups hidden from upstreams"));
    return text_str(&out);
}

static struct str phrase_introspection(struct pool *pool, const struct gateway *gw,
                                       const struct ir_introspection *i)
{
    struct text out = {.pool = pool};

    text_printf(&out, "token, asked about at %.*s %.*s, cached for %s",
                STR_ARG(gw->upstreams.at[i->from.upstream].name), STR_ARG(i->from.path),
                phrase_duration(pool, i->cache).at);
    add_names(&out, "issuer", &i->issuers);
    add_names(&out, "audience", &i->audiences);
    add_names(&out, "consumer", &i->claims.consumer);
    add_names(&out, "groups", &i->claims.groups);
    return text_str(&out);
}

static struct str phrase_sigv4(struct pool *pool, const struct ir_scheme *scheme)
{
    const struct ir_sigv4 *s = &scheme->sigv4;
    struct text out = {.pool = pool};

    text_printf(
        &out, "AWS signature for %.*s in %.*s, clocks apart by %s at most, URLs for %s at most",
        STR_ARG(s->service), STR_ARG(s->region), phrase_duration(pool, s->clock_skew * 1000).at,
        phrase_duration(pool, s->max_expires * 1000).at);
    if (s->signed_headers.count > 0)
        add_names(&out, "signed", &s->signed_headers);
    if (s->unsigned_payload)
        text_add(&out, STR(", payload perhaps unsigned"));
    if (scheme->hide_credentials)
        text_add(&out, STR(", hidden from upstreams"));
    return text_str(&out);
}

/* What must hold of a token, in the order in which it is asked for. */
static struct str phrase_jwt(struct pool *pool, const struct gateway *gw, const struct ir_jwt *jwt)
{
    static const char *const sources[] = {
        [IR_JWT_SECRET] = "a secret",
        [IR_JWT_PUBLIC_KEY] = "a public key",
        [IR_JWT_JWKS_FILE] = "keys of",
        [IR_JWT_JWKS_URL] = "keys of",
        [IR_JWT_CONSUMERS] = "the keys of consumers, by",
    };
    struct text out = {.pool = pool};

    text_printf(&out, "token, verified with %s", sources[jwt->source]);
    if (jwt->source == IR_JWT_JWKS_FILE)
        text_printf(&out, " %.*s", STR_ARG(jwt->key.text));
    if (jwt->source == IR_JWT_JWKS_URL)
        text_printf(&out, " %.*s %.*s", STR_ARG(gw->upstreams.at[jwt->jwks.from.upstream].name),
                    STR_ARG(jwt->jwks.from.path));
    if (jwt->source == IR_JWT_CONSUMERS)
        text_printf(&out, " %.*s", STR_ARG(jwt->key_claim));
    for (unsigned i = 0; i < JWS_ALGORITHMS; i++)
        if (jwt->algorithms & JWS_BIT(i))
            text_printf(&out, " %.*s", STR_ARG(jws_algorithm_name((enum jws_algorithm)i)));
    add_names(&out, "issuer", &jwt->issuers);
    add_names(&out, "audience", &jwt->audiences);
    add_names(&out, "consumer", &jwt->claims.consumer);
    add_names(&out, "groups", &jwt->claims.groups);
    add_names(&out, "header", &jwt->headers);
    add_names(&out, "cookie", &jwt->cookies);
    add_names(&out, "query", &jwt->params);
    return text_str(&out);
}

struct str phrase_scheme(struct pool *pool, const struct gateway *gw,
                         const struct ir_scheme *scheme)
{
    struct text out = {.pool = pool};

    if (scheme->proof == IR_PROOF_CERTIFICATE)
        return STR("client certificate");
    if (scheme->proof == IR_PROOF_JWT)
        return phrase_jwt(pool, gw, &scheme->jwt);
    if (scheme->proof == IR_PROOF_INTROSPECTION)
        return phrase_introspection(pool, gw, &scheme->introspection);
    if (scheme->proof == IR_PROOF_SIGV4)
        return phrase_sigv4(pool, scheme);
    if (scheme->proof == IR_PROOF_BASIC)
        return pool_printf(pool, "user and password, %llu cached for %.*s%s",
                           (unsigned long long)scheme->basic.cache_size,
                           STR_ARG(phrase_duration(pool, scheme->basic.cache_ttl)),
                           scheme->basic.hide_credentials ? ", hidden from upstreams" : "");
    if (scheme->in_header)
        add_names(&out, "header", &scheme->names);
    if (scheme->in_query)
        add_names(&out, "query", &scheme->names);
    if (scheme->in_cookie)
        add_names(&out, "cookie", &scheme->names);
    if (scheme->hide_credentials)
        text_add(&out, STR(", hidden from upstreams"));
    return text_str(&out);
}

struct str phrase_consumer(struct pool *pool, const struct ir_consumer *consumer)
{
    static const char *const kinds[] = {
        [IR_CREDENTIAL_JWT] = "jwt", [IR_CREDENTIAL_BASIC] = "basic", [IR_CREDENTIAL_AWS] = "aws"};
    struct text out = {.pool = pool};

    text_printf(&out, "%.*s: %zu key%s", STR_ARG(consumer->name), consumer->keys.count,
                consumer->keys.count == 1 ? "" : "s");
    for (size_t i = 0; i < consumer->credentials.count; i++)
        text_printf(&out, ", %s %.*s", kinds[consumer->credentials.at[i].kind],
                    STR_ARG(consumer->credentials.at[i].id));
    add_names(&out, "groups", &consumer->groups);
    return text_str(&out);
}
