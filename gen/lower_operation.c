/* One operation after the other: its id, its endpoint, and every value that it inherits. */
#include "base/text.h"
#include "lowering.h"
#include "member.h"
#include "pathtemplate.h"

/* ---- ids ---- */

/* get_users_id from GET /users/{id}. */
static struct str derived_id(struct pool *pool, const struct api_operation *api, struct str pattern)
{
    struct text id = {.pool = pool};
    struct str method = str_eq(api->method, STR("*")) ? STR("any") : api->method;
    bool gap = true;

    for (size_t i = 0; i < method.len; i++) {
        char c = method.at[i];
        text_byte(&id, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    for (size_t i = 0; i < pattern.len && id.len < 200; i++) {
        char c = pattern.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain && gap)
            text_byte(&id, '_');
        if (plain)
            text_byte(&id, c);
        gap = !plain;
    }
    if (id.len == method.len)
        text_add(&id, STR("_root"));
    return text_str(&id);
}

/* Written ids are taken first, so that a derived one never pushes one aside. */
static void take_ids(struct lowering *l, const struct lowering_document *d)
{
    for (size_t i = 0; i < d->api->paths.count; i++) {
        const struct api_path *path = &d->api->paths.at[i];
        for (size_t j = 0; j < path->operations.count; j++) {
            const struct said *id = &path->operations.at[j].id;
            if (id->text.at == NULL || memchr(path->pattern.text.at, '#', path->pattern.text.len))
                continue;
            const struct loc *first =
                map_set(&l->ids, &l->job->pool, id->text, (void *)(uintptr_t)&id->loc);
            if (first == NULL)
                continue;
            diag_error(&l->job->diags, id->loc, "duplicate-operation",
                       "operationId '%.*s' is taken", STR_SHORT(id->text));
            diag_note(&l->job->diags, *first, "first here");
        }
    }
}

static struct str operation_id(struct lowering_operation *o)
{
    struct lowering *l = o->l;
    struct str stem, id;

    if (o->api->id.text.len > 0)
        return o->api->id.text;
    id = stem = derived_id(&l->job->pool, o->api, o->path->pattern.text);
    for (int n = 2; map_get(&l->ids, id) != NULL; n++)
        id = pool_printf(&l->job->pool, "%.*s_%d", STR_ARG(stem), n);
    map_set(&l->ids, &l->job->pool, id, (void *)(uintptr_t)&o->api->loc);
    return id;
}

/* ---- where it is served ---- */

/* The host names of the servers that hold for the operation; a relative one leaves the document's. */
static void set_server_hosts(struct lowering_operation *o, struct loc loc)
{
    struct lowering_document *d = o->document;
    struct servers_hosts own = {0}, shared = {0};

    if (o->api->servers.count > 0)
        servers_add_hosts(o->l->job, o->api->servers.at, o->api->servers.count, &o->l->variables,
                          &own);
    else
        servers_add_hosts(o->l->job, o->path->servers.at, o->path->servers.count, &o->l->variables,
                          &own);
    if (own.names.count == 0 && d->server_hosts == NULL) {
        servers_add_hosts(o->l->job, d->api->servers.at, d->api->servers.count, &o->l->variables,
                          &shared);
        d->server_hosts = shared.names.at;
        d->server_host_count = shared.names.count;
        if (shared.names.count == 0)
            diag_error(&o->l->job->diags, loc, "servers-relative",
                       "'hosts: $servers' needs a server with a host name");
    }
    o->op->hosts.at = own.names.count > 0 ? own.names.at : d->server_hosts;
    o->op->hosts.count = own.names.count > 0 ? own.names.count : d->server_host_count;
}

static void set_hosts(struct lowering_operation *o)
{
    const struct xgateway_block *match = lowering_find(&o->chain, POLICY_match);
    const struct xgateway_block *hosts = lowering_find(&o->chain, POLICY_hosts);

    if (match != NULL && match->match.hosts_said) {
        o->op->hosts.at = match->match.hosts.at;
        o->op->hosts.count = match->match.hosts.count;
    } else if (hosts != NULL && hosts->hosts.servers) {
        set_server_hosts(o, hosts->hosts.loc);
    } else if (hosts != NULL) {
        o->op->hosts.at = hosts->hosts.names.at;
        o->op->hosts.count = hosts->hosts.names.count;
    }
    /* "*" among the names means any. */
    for (size_t i = 0; i < o->op->hosts.count; i++)
        if (str_eq(o->op->hosts.at[i], STR("*")))
            o->op->hosts.count = 0;
    o->op->hosts.cap = o->op->hosts.count;
}

static bool same_hosts(const struct ir_endpoint *e, const struct ir_operation *op)
{
    if (e->hosts.count != op->hosts.count)
        return false;
    for (size_t i = 0; i < op->hosts.count; i++)
        if (!str_eq(e->hosts.at[i], op->hosts.at[i]))
            return false;
    return true;
}

static bool has_tail(const struct ir_endpoint *e)
{
    return e->segments.count > 0 && e->segments.at[e->segments.count - 1].tail;
}

/* The endpoint of an operation: one for its path item, unless base path, hosts or tail differ. */
static struct ir_endpoint *find_endpoint(struct lowering_operation *o, uint32_t first)
{
    struct gateway *gw = o->l->gw;
    struct job *job = o->l->job;
    const struct xgateway_block *match = lowering_find(&o->chain, POLICY_match);
    const bool prefix = match != NULL && match->match.prefix;
    struct ir_endpoint endpoint = {.loc = o->path->pattern.loc};

    endpoint.pattern =
        pool_printf(&job->pool, "%.*s%.*s", STR_ARG(o->base_path), STR_ARG(o->path->pattern.text));
    endpoint.base_len = o->base_path.len;
    for (uint32_t i = first; i < gw->endpoints.count; i++) {
        struct ir_endpoint *e = &gw->endpoints.at[i];
        if (str_eq(e->pattern, endpoint.pattern) && same_hosts(e, o->op) && has_tail(e) == prefix)
            return e;
    }
    if (!pathtemplate_read(job, &endpoint, &o->l->rules, prefix))
        return NULL;
    endpoint.hosts.at = o->op->hosts.at;
    endpoint.hosts.count = endpoint.hosts.cap = o->op->hosts.count;
    *vec_add(&job->pool, &gw->endpoints) = endpoint;
    return &gw->endpoints.at[gw->endpoints.count - 1];
}

static struct str base_of(struct lowering_operation *o)
{
    if (o->api->servers.count > 0)
        return servers_base(o->l->job, o->api->servers.at, o->api->servers.count, &o->l->variables);
    if (o->path->servers.count > 0)
        return servers_base(o->l->job, o->path->servers.at, o->path->servers.count,
                            &o->l->variables);
    return o->document->base_path;
}

static void check_parameters(struct lowering_operation *o)
{
    struct job *job = o->l->job;
    const struct ir_endpoint *e = o->endpoint;

    for (size_t i = 0; i < o->api->parameters.count; i++) {
        const struct api_parameter *p = &o->api->parameters.at[i];
        if (p->in != API_IN_PATH || pathtemplate_param(e, p->name.text) >= 0)
            continue;
        struct str near = diag_suggest(&job->pool, p->name.text, e->params.at, e->params.count);
        diag_error(&job->diags, p->name.loc, "unknown-parameter",
                   "path parameter '%.*s' does not stand in '%.*s'%.*s", STR_SHORT(p->name.text),
                   STR_SHORT(o->path->pattern.text), STR_ARG(near));
    }
    for (size_t i = 0; i < e->params.count; i++) {
        bool declared = false;
        for (size_t j = 0; j < o->api->parameters.count && !declared; j++)
            declared = o->api->parameters.at[j].in == API_IN_PATH &&
                       str_eq(o->api->parameters.at[j].name.text, e->params.at[i]);
        if (!declared)
            diag_warn(&job->diags, o->api->loc, "undeclared-parameter",
                      "%.*s %.*s does not declare its path parameter '%.*s'",
                      STR_SHORT(o->api->method), STR_SHORT(o->path->pattern.text),
                      STR_SHORT(e->params.at[i]));
    }
}

/* ---- inherited values ---- */

static void set_limits(struct lowering_operation *o)
{
    struct limits merged = {.body.value = 10 << 20, .buffer.value = 64 << 10};

    for (size_t i = CHAIN_LEN; i > 0; i--) {
        const struct xgateway_block *block = o->chain.at[i - 1];
        if (block->keys[POLICY_limits].state == XGATEWAY_OFF) {
            struct limits off = limits_off(block->keys[POLICY_limits].loc);
            limits_merge(&merged, &off);
        } else {
            limits_merge(&merged, &block->limits);
        }
    }
    o->op->limits = o->l->gw->limits;
    o->op->limits.body = merged.body.value;
    o->op->limits.upload_rate = merged.upload_rate.value;
    o->op->limits.buffer = merged.buffer.value;
}

static void set_buffering(struct lowering_operation *o)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_buffering);
    bool off = false;

    for (size_t i = 0; i < CHAIN_LEN && block == NULL; i++)
        off |= o->chain.at[i]->keys[POLICY_buffering].state == XGATEWAY_OFF;
    o->op->buffer_request = 0;
    o->op->buffer_response = off ? 0 : 64 << 10;
    if (block != NULL && block->buffering.request.said)
        o->op->buffer_request = block->buffering.request.value;
    if (block != NULL && block->buffering.response.said)
        o->op->buffer_response = block->buffering.response.value;
}

static bool forwards(const struct ir_operation *op)
{
    return op->action == IR_FORWARD || op->action == IR_ROUTE;
}

static bool speaks_http1(const struct lowering_operation *o, const struct ir_forward *forward)
{
    for (size_t i = 0; i < forward->choices.count; i++)
        if (o->l->gw->upstreams.at[forward->choices.at[i].upstream].protocol != IR_HTTP1)
            return false;
    return true;
}

/* All upstreams that the operation may be sent to can switch protocols, which HTTP/2 cannot. */
static bool can_switch(const struct lowering_operation *o)
{
    bool all = speaks_http1(o, &o->op->forward);

    for (size_t i = 0; i < o->op->branches.count; i++)
        all = all && speaks_http1(o, &o->op->branches.at[i].forward);
    return all;
}

/* RFC 6455 section 4.1: a WebSocket begins with GET. One that is inherited holds where it can. */
static void set_websocket(struct lowering_operation *o)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_websocket);
    struct pool *pool = &o->l->job->pool;
    struct ir_operation *op = o->op;
    bool is_get = str_eq(op->method, STR("GET")) || str_eq(op->method, STR("*"));
    bool own = block != NULL && block == o->chain.at[0];

    if (block == NULL)
        return;
    if (own && !forwards(op))
        diag_error(&o->l->job->diags, op->loc, "contradiction",
                   "'websocket' needs an upstream, and this operation is answered here");
    if (own && !is_get)
        diag_error(&o->l->job->diags, op->loc, "contradiction",
                   "a WebSocket begins with GET, and this operation is %.*s", STR_ARG(op->method));
    if (own && forwards(op) && !can_switch(o))
        diag_error(
            &o->l->job->diags, op->loc, "contradiction",
            "'websocket' needs upstreams of 'protocol: http1', and this operation has others");
    if (!forwards(op) || !is_get || !can_switch(o))
        return;
    op->websocket = block->websocket;
    op->websocket.on = true;
    if (op->websocket.upgrades.count == 0)
        *vec_add(pool, &op->websocket.upgrades) = STR("websocket");
    if (!op->websocket.idle_said)
        op->websocket.idle_timeout = op->timeouts.idle;
}

static void set_errors(struct lowering_operation *o)
{
    o->op->errors = (struct ir_errors){.type_base = STR("")};
    for (size_t i = CHAIN_LEN; i > 0; i--) {
        const struct xgateway_block *block = o->chain.at[i - 1];
        if (block->keys[POLICY_errors].state == XGATEWAY_OFF)
            o->op->errors = (struct ir_errors){.type_base = STR("")};
        else
            errors_merge(&o->op->errors, &block->errors);
    }
}

static void set_access_log(struct lowering_operation *o)
{
    struct ir_access_log *log = &o->op->access_log;

    *log = (struct ir_access_log){.on = true, .output = o->l->gw->access_log.output};
    for (size_t i = CHAIN_LEN; i > 0; i--) {
        const struct xgateway_block *block = o->chain.at[i - 1];
        access_log_merge(log, &block->access_log);
        if (block->keys[POLICY_access_log].state != XGATEWAY_ABSENT)
            log->on = block->keys[POLICY_access_log].state == XGATEWAY_SAID;
    }
    o->l->gw->access_log.on |= log->on;
}

static void set_correlation(struct lowering_operation *o)
{
    const struct xgateway_block *block = o->chain.at[CHAIN_LEN - 1];

    for (size_t i = CHAIN_LEN; i > 0; i--)
        if (o->chain.at[i - 1]->keys[POLICY_correlation_id].state != XGATEWAY_ABSENT)
            block = o->chain.at[i - 1];
    o->op->correlation = block->correlation_id;
    if (block->keys[POLICY_correlation_id].state == XGATEWAY_OFF)
        o->op->correlation.generator = IR_ID_NONE;
}

static void set_disabled(struct lowering_operation *o)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_disabled);

    if (block == NULL)
        return;
    o->op->disabled = !block->disabled.said;
    o->op->disabled_turned =
        lower_runtime_find(o->l, lowering_owner(o, block), STR("disabled"), &block->disabled);
}

static void set_maintenance(struct lowering_operation *o)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_maintenance);

    if (block == NULL)
        return;
    o->op->maintenance = !block->maintenance.turned.said;
    o->op->maintenance_turned = lower_runtime_find(o->l, lowering_owner(o, block),
                                                   STR("maintenance"), &block->maintenance.turned);
    o->op->retry_after = (uint32_t)((block->maintenance.retry_after + 999) / 1000);
}

static void set_ip_restriction(struct lowering_operation *o)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_ip_restriction);

    if (block != NULL)
        o->op->ip_restriction = lower_ip_restriction(o->l, block);
}

static void set_switches(struct lowering_operation *o)
{
    o->op->internal = lowering_find(&o->chain, POLICY_internal) != NULL;
    set_disabled(o);
    set_maintenance(o);
    o->op->encoded_slash = o->l->gw->path.encoded_slash;
    for (size_t i = 0; i + 1 < CHAIN_LEN; i++) {
        if (!o->chain.at[i]->path.slash_said)
            continue;
        o->op->encoded_slash = o->chain.at[i]->path.value.encoded_slash;
        break;
    }
}

static bool is_merged(enum policy key)
{
    return key == POLICY_timeouts || key == POLICY_limits || key == POLICY_errors ||
           key == POLICY_access_log;
}

/* An upstream has a say, too; the first one stands for all. */
static void set_retry_origin(struct lowering_operation *o)
{
    const struct ir_operation *op = o->op;
    const struct ir_forward *forward =
        op->branches.count > 0 ? &op->branches.at[0].forward : &op->forward;

    if (forward->choices.count == 0 || !forward->choices.at[0].retry.said)
        return;
    *vec_add(&o->l->job->pool, &o->op->origins) =
        (struct ir_origin){.key = STR("retry"),
                           .level = forward->choices.at[0].retry.level,
                           .loc = forward->choices.at[0].retry.loc};
}

/* Where each value in force was said; of merged values every level that had a say. */
static void set_origins(struct lowering_operation *o)
{
    static const char *const levels[CHAIN_LEN] = {"operation", "path", "document"};

    for (size_t key = 0; key < POLICY_COUNT; key++) {
        const bool group = lower_action_is_group((enum policy)key);

        if (!(policy_rows[key].levels & LEVEL_OPERATION) || !policy_rows[key].built)
            continue;
        if (key == POLICY_retry) {
            set_retry_origin(o);
            continue;
        }
        for (size_t i = 0; i < CHAIN_LEN; i++) {
            const struct xgateway_key *said = &o->chain.at[i]->keys[key];
            if (said->state == XGATEWAY_ABSENT ||
                (group && (key != o->answer || i != o->answer_level)))
                continue;
            *vec_add(&o->l->job->pool, &o->op->origins) = (struct ir_origin){
                .key = policy_rows[key].key, .level = levels[i], .loc = said->loc};
            if (!is_merged((enum policy)key))
                break;
        }
    }
}

/* ---- operations ---- */

static void lower_operation(struct lowering_operation *o, uint32_t first_endpoint)
{
    struct gateway *gw = o->l->gw;
    struct ir_operation *op = pool_new(&o->l->job->pool, struct ir_operation);
    struct ir_endpoint *endpoint;

    o->op = op;
    op->method = o->api->method;
    op->loc = o->api->loc;
    op->document = o->document->index;
    op->id = operation_id(o);
    lower_runtime(o->l, o->chain.at[0], op->id);
    op->deprecated = o->api->deprecated;
    for (size_t i = 0; i < o->api->tags.count; i++)
        *vec_add(&o->l->job->pool, &op->tags) = o->api->tags.at[i].text;
    o->base_path = base_of(o);
    set_hosts(o);
    endpoint = find_endpoint(o, first_endpoint);
    if (endpoint == NULL)
        return;
    o->endpoint = endpoint;
    op->path = endpoint->pattern;
    op->endpoint = (uint32_t)(endpoint - gw->endpoints.at);
    check_parameters(o);
    set_switches(o);
    set_ip_restriction(o);
    set_limits(o);
    set_buffering(o);
    set_errors(o);
    set_access_log(o);
    set_correlation(o);
    lower_action(o);
    set_websocket(o);
    set_origins(o);
    lower_security(o);
    lower_forward_auth(o);
    *vec_add(&o->l->job->pool, &endpoint->operations) = (uint32_t)gw->operations.count;
    *vec_add(&o->l->job->pool, &gw->operations) = *op;
}

static void lower_path(struct lowering *l, struct lowering_document *d, const struct api_path *path)
{
    const uint32_t first_endpoint = (uint32_t)l->gw->endpoints.count;
    struct xgateway_block *block;

    if (memchr(path->pattern.text.at, '#', path->pattern.text.len) != NULL) {
        diag_warn(&l->job->diags, path->pattern.loc, "fragment",
                  "'%.*s' is not served: no request carries what follows '#'",
                  STR_SHORT(path->pattern.text));
        return;
    }
    block = xgateway_read(l->job, path->gateway, LEVEL_PATH);
    lower_action_check(l, block);
    lower_action_names(l, block);
    lower_runtime(l, block, path->pattern.text);
    for (size_t i = 0; i < path->operations.count; i++) {
        struct lowering_operation o = {.l = l, .document = d, .path = path};
        struct xgateway_block *own =
            xgateway_read(l->job, path->operations.at[i].gateway, LEVEL_OPERATION);

        lower_action_check(l, own);
        lower_action_names(l, own);
        o.api = &path->operations.at[i];
        o.chain = (struct lowering_chain){{own, block, d->block}};
        lower_operation(&o, first_endpoint);
    }
}

void lower_operations(struct lowering *l, struct lowering_document *document)
{
    take_ids(l, document);
    lower_security_schemes(l, document);
    for (size_t i = 0; i < document->api->paths.count; i++)
        lower_path(l, document, &document->api->paths.at[i]);
    lower_action_missing(l, document);
    lower_security_verdict(l, document);
}
