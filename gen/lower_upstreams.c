/* The pools of backends: those that documents name, those that the command line names, and those that
 * `$servers` stands for. */
#include "lower.h"
#include "lowering.h"
#include "member.h"
#include "policy/proxy_protocol.h"

static struct lowering_upstream *add(struct lowering *l, struct ir_upstream value, struct str key)
{
    struct lowering_upstream *known = pool_new(&l->job->pool, struct lowering_upstream);

    known->index = (uint32_t)l->gw->upstreams.count;
    *vec_add(&l->job->pool, &l->gw->upstreams) = value;
    map_set(&l->upstreams, &l->job->pool, key, known);
    return known;
}

struct lowering_upstream *lower_upstream_named(struct lowering *l, struct str name)
{
    return map_get(&l->upstreams, name);
}

void lower_upstream_retry(struct lowering *l, const struct ir_retry *retry,
                          const struct ir_upstream *upstream)
{
    if (retry->grpc_statuses != 0 && upstream->protocol != IR_GRPC)
        diag_error(&l->job->diags, retry->grpc_loc, "contradiction",
                   "'on' names statuses of gRPC, and upstream '%.*s' is not of 'protocol: grpc'",
                   STR_SHORT(upstream->name));
}

/* Connections that are introduced as one client's are never kept for another. */
static void set_proxy_protocol(struct lowering *l, struct node *said, struct ir_upstream *upstream)
{
    xgateway_load(l->job, said, &proxy_protocol_out_type, &upstream->proxy_protocol);
    upstream->pool_max_idle = 0;
}

static void add_document(struct lowering *l, const struct lowering_document *d)
{
    const struct upstreams *upstreams = &d->block->upstreams;

    for (size_t i = 0; i < upstreams->list.count; i++) {
        const struct upstreams_one *one = &upstreams->list.at[i];
        struct lowering_upstream *known = lower_upstream_named(l, one->value.name);

        if (known != NULL) {
            diag_error(&l->job->diags, one->value.loc, "duplicate-upstream",
                       "upstream '%.*s' stands in two documents", STR_SHORT(one->value.name));
            diag_note(&l->job->diags, l->gw->upstreams.at[known->index].loc, "first here");
            continue;
        }
        known = add(l, one->value, one->value.name);
        if (setting_is_off(one->timeouts))
            known->timeouts = timeouts_off(one->timeouts->loc);
        else if (one->timeouts != NULL)
            xgateway_load(l->job, one->timeouts, &timeouts_type, &known->timeouts);
        if (setting_is_off(one->retry))
            known->retry = retry_off(one->retry->loc);
        else if (one->retry != NULL)
            xgateway_load(l->job, one->retry, &retry_type, &known->retry);
        lower_upstream_retry(l, &known->retry, &l->gw->upstreams.at[known->index]);
        if (one->proxy_protocol != NULL && !setting_is_off(one->proxy_protocol))
            set_proxy_protocol(l, one->proxy_protocol, &l->gw->upstreams.at[known->index]);
    }
}

static struct ir_upstream new_upstream(struct str name)
{
    return (struct ir_upstream){
        .name = name, .pool_max_idle = 1024, .pool_idle_timeout = 60000, .max_streams = 100};
}

/* --upstream NAME=URL replaces a pool's targets or adds a pool; --upstream URL is the pool "default". */
static void add_option(struct lowering *l, const struct lower_pair *pair)
{
    struct str name = pair->name.len > 0 ? pair->name : STR("default");
    struct said url = {.text = pair->value};
    struct lowering_upstream *known = lower_upstream_named(l, name);
    struct ir_target target = {0};
    struct ir_upstream *upstream;

    if (!setting_target(l->job, url, &target))
        return;
    if (known == NULL)
        known = add(l, new_upstream(name), name);
    upstream = &l->gw->upstreams.at[known->index];
    upstream->targets.at = NULL;
    upstream->targets.count = upstream->targets.cap = 0;
    upstream->discovery = (struct ir_discovery){0};
    for (size_t i = 0; i < upstream->subsets.count; i++)
        upstream->subsets.at[i].targets = 0;
    *vec_add(&l->job->pool, &upstream->targets) = target;
}

/* What is found is called over TLS when that was said, or when how was said. */
static bool finds_https(const struct ir_upstream *upstream)
{
    const struct ir_discovery *discovery = &upstream->discovery;

    return discovery->kind != IR_FOUND_NOT &&
           (discovery->scheme == IR_SCHEME_HTTPS ||
            (discovery->scheme == IR_SCHEME_UNSAID && upstream->tls.said));
}

/* One pool, one way to call it. */
static void check_tls(struct lowering *l, struct ir_upstream *upstream)
{
    size_t https = 0;

    for (size_t i = 0; i < upstream->targets.count; i++)
        https += upstream->targets.at[i].is_https;
    upstream->tls.on = https > 0 || finds_https(upstream);
    if (https > 0 && https < upstream->targets.count)
        diag_error(&l->job->diags, upstream->loc, "mixed-upstream",
                   "upstream '%.*s' has both https:// and other targets",
                   STR_SHORT(upstream->name));
    if (upstream->protocol != IR_HTTP1 && upstream->proxy_protocol != IR_PROXY_NONE)
        diag_error(
            &l->job->diags, upstream->loc, "contradiction",
            "upstream '%.*s': a connection of HTTP/2 carries the requests of many clients, and "
            "'proxy_protocol' names one",
            STR_SHORT(upstream->name));
    if (!upstream->tls.on && upstream->tls.said &&
        (upstream->targets.count > 0 || upstream->discovery.kind != IR_FOUND_NOT))
        diag_error(&l->job->diags, upstream->tls.loc, "bad-value",
                   "'tls' is for https:// targets, and upstream '%.*s' has none",
                   STR_SHORT(upstream->name));
}

const struct ir_subset *lower_upstream_subset(const struct ir_upstream *upstream, struct str name)
{
    for (size_t i = 0; i < upstream->subsets.count; i++)
        if (str_eq(upstream->subsets.at[i].name, name))
            return &upstream->subsets.at[i];
    return NULL;
}

static void check_subset(struct lowering *l, const struct lowering_upstream *known,
                         const struct upstream_choice *choice)
{
    const struct ir_upstream *upstream = &l->gw->upstreams.at[known->index];
    VEC(struct str) names = {0};
    struct str near;

    if (!choice->has_subset || lower_upstream_subset(upstream, choice->subset) != NULL)
        return;
    for (size_t i = 0; i < upstream->subsets.count; i++)
        *vec_add(&l->job->pool, &names) = upstream->subsets.at[i].name;
    near = diag_suggest(&l->job->pool, choice->subset, names.at, names.count);
    diag_error(&l->job->diags, choice->name.loc, "unknown-subset",
               "upstream '%.*s' has no subset '%.*s'%.*s", STR_SHORT(upstream->name),
               STR_SHORT(choice->subset), STR_ARG(near));
}

/* A name that is known, and a subset that it has. */
static void check_choice(struct lowering *l, const struct upstream_choice *choice)
{
    const struct lowering_upstream *known = lower_upstream_named(l, choice->name.text);
    VEC(struct str) names = {0};
    struct str near;

    if (known != NULL) {
        check_subset(l, known, choice);
        return;
    }
    for (size_t i = 0; i < l->upstreams.count; i++)
        *vec_add(&l->job->pool, &names) = l->upstreams.at[i].key;
    near = diag_suggest(&l->job->pool, choice->name.text, names.at, names.count);
    diag_error(&l->job->diags, choice->name.loc, "unknown-upstream",
               "no upstream is named '%.*s'%.*s", STR_SHORT(choice->name.text), STR_ARG(near));
}

void lower_upstream_check(struct lowering *l, const struct upstream *choice)
{
    for (size_t i = 0; i < choice->choices.count; i++)
        check_choice(l, &choice->choices.at[i]);
}

/* The upstream that gets the copies. */
static void set_mirror(struct lowering *l, const struct mirror *said, struct ir_upstream *upstream)
{
    const struct upstream_choice *choice = &said->upstream;
    const struct lowering_upstream *known = lower_upstream_named(l, choice->name.text);

    check_choice(l, choice);
    if (known == NULL)
        return;
    upstream->mirror = said->value;
    upstream->mirror.upstream = known->index;
    if (str_eq(choice->name.text, upstream->name))
        diag_error(&l->job->diags, choice->name.loc, "contradiction",
                   "upstream '%.*s' cannot be the mirror of itself", STR_SHORT(upstream->name));
    if (l->gw->upstreams.at[known->index].hash_key.from == IR_KEY_PATH_PARAM)
        diag_error(&l->job->diags, choice->name.loc, "contradiction",
                   "a mirror cannot have a 'hash_key' of paths: they are not its own");
    if (choice->has_subset)
        upstream->mirror.subset =
            lower_upstream_subset(&l->gw->upstreams.at[known->index], choice->subset);
}

/* The upstream that is asked where targets are. */
static void set_registry(struct lowering *l, const struct discovery *said,
                         struct ir_upstream *upstream)
{
    const struct upstream_choice choice = upstream_choice_of(said->registry, 1);
    const struct lowering_upstream *known = lower_upstream_named(l, choice.name.text);

    if (choice.name.text.len == 0)
        return;
    if (choice.has_subset || str_eq(choice.name.text, upstream->name))
        diag_error(&l->job->diags, said->registry.loc, "contradiction",
                   "'upstream' of 'consul' names another upstream, and all of it");
    else
        check_choice(l, &choice);
    if (known != NULL)
        upstream->discovery.registry = known->index;
}

/* Copies go to an upstream, and so do questions. */
static void set_others(struct lowering *l, const struct lowering_document *d)
{
    const struct upstreams *upstreams = &d->block->upstreams;

    for (size_t i = 0; i < upstreams->list.count; i++) {
        const struct upstreams_one *one = &upstreams->list.at[i];
        const struct lowering_upstream *known = lower_upstream_named(l, one->value.name);

        if (one->mirror.value.on && known != NULL)
            set_mirror(l, &one->mirror, &l->gw->upstreams.at[known->index]);
        if (known != NULL && l->gw->upstreams.at[known->index].discovery.kind == IR_FOUND_CONSUL)
            set_registry(l, &one->discovery, &l->gw->upstreams.at[known->index]);
    }
}

void lower_upstreams(struct lowering *l)
{
    for (size_t i = 0; i < l->document_count; i++)
        add_document(l, &l->documents[i]);
    for (size_t i = 0; i < l->options->upstream_count; i++)
        add_option(l, &l->options->upstreams[i]);
    for (size_t i = 0; i < l->gw->upstreams.count; i++)
        check_tls(l, &l->gw->upstreams.at[i]);
    for (size_t i = 0; i < l->document_count; i++)
        set_others(l, &l->documents[i]);
}

/* The servers that hold for an operation: its own, the path item's, the document's. */
static const struct api_server *effective_server(const struct lowering_operation *o)
{
    if (o->api->servers.count > 0)
        return &o->api->servers.at[0];
    if (o->path->servers.count > 0)
        return &o->path->servers.at[0];
    return o->document->api->servers.count > 0 ? &o->document->api->servers.at[0] : NULL;
}

static bool name_is_taken(const struct lowering *l, struct str name)
{
    for (size_t i = 0; i < l->gw->upstreams.count; i++)
        if (str_eq(l->gw->upstreams.at[i].name, name))
            return true;
    return false;
}

struct lowering_upstream *lower_upstream_add(struct lowering *l, struct str key, struct str other,
                                             const struct ir_target *target)
{
    struct ir_upstream upstream =
        new_upstream(name_is_taken(l, target->authority) ? other : target->authority);

    for (unsigned i = 2; name_is_taken(l, upstream.name); i++)
        upstream.name = pool_printf(&l->job->pool, "%.*s %u", STR_ARG(other), i);
    upstream.loc = target->loc;
    *vec_add(&l->job->pool, &upstream.targets) = *target;
    upstream.tls.on = target->is_https;
    return add(l, upstream, key);
}

static struct lowering_upstream *add_server(struct lowering_operation *o, struct str key,
                                            const struct servers_address *address, bool strip)
{
    struct ir_target target = {0};

    if (!setting_target(o->l->job, (struct said){.text = address->url, .loc = address->loc},
                        &target))
        return NULL;
    /* The public path begins with the server's path already: it is not added twice. */
    if (!strip)
        target.path = STR("");
    return lower_upstream_add(o->l, key, key, &target);
}

struct lowering_upstream *lower_upstream_servers(struct lowering_operation *o, struct loc loc,
                                                 bool *strip)
{
    struct lowering *l = o->l;
    const struct api_server *server = effective_server(o);
    struct servers_address address;
    struct lowering_upstream *known;
    struct str key;

    if (server == NULL) {
        diag_error(&l->job->diags, loc, "servers-relative",
                   "'$servers' needs a server with an absolute URL: the document has none");
        return NULL;
    }
    if (!servers_read(l->job, server, &l->variables, &address))
        return NULL;
    if (address.scheme.len == 0) {
        diag_error(&l->job->diags, server->url.loc, "servers-relative",
                   "'$servers' needs an absolute URL: '%.*s' is relative", STR_SHORT(address.url));
        return NULL;
    }
    *strip = !str_eq(o->base_path, address.path);
    key = pool_printf(&l->job->pool, "$servers%s %.*s", *strip ? " (moved)" : "",
                      STR_ARG(address.url));
    known = lower_upstream_named(l, key);
    return known != NULL ? known : add_server(o, key, &address, *strip);
}
