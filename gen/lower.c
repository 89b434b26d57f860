#include "lower.h"

#include "lowering.h"
#include "member.h"
#include "stray.h"

const struct xgateway_block *lowering_find(const struct lowering_chain *chain, enum policy key)
{
    for (size_t i = 0; i < CHAIN_LEN; i++) {
        if (chain->at[i]->keys[key].state == XGATEWAY_SAID)
            return chain->at[i];
        if (chain->at[i]->keys[key].state == XGATEWAY_OFF)
            return NULL;
    }
    return NULL;
}

struct str lowering_owner(const struct lowering_operation *o, const struct xgateway_block *block)
{
    if (block == o->chain.at[CHAIN_LEN - 1])
        return STR("");
    return block == o->chain.at[0] ? o->op->id : o->path->pattern.text;
}

struct names {
    VEC(struct str) list;
};

static void collect_names(struct lowering *l, const struct api_server *servers, size_t count,
                          struct names *names)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < servers[i].variables.count; j++)
            *vec_add(&l->job->pool, &names->list) = servers[i].variables.at[j].name;
}

/* A --var that no document declares is a slip of the pen. */
static void check_variables(struct lowering *l, struct api **apis)
{
    struct names names = {0};

    for (size_t i = 0; i < l->document_count; i++) {
        collect_names(l, apis[i]->servers.at, apis[i]->servers.count, &names);
        for (size_t j = 0; j < apis[i]->paths.count; j++) {
            const struct api_path *path = &apis[i]->paths.at[j];
            collect_names(l, path->servers.at, path->servers.count, &names);
            for (size_t k = 0; k < path->operations.count; k++)
                collect_names(l, path->operations.at[k].servers.at,
                              path->operations.at[k].servers.count, &names);
        }
    }
    for (size_t i = 0; i < l->variables.count; i++) {
        struct str name = l->variables.at[i].key;
        bool found = false;
        for (size_t j = 0; j < names.list.count && !found; j++)
            found = str_eq(names.list.at[j], name);
        if (found)
            continue;
        struct str near = diag_suggest(&l->job->pool, name, names.list.at, names.list.count);
        diag_error(&l->job->diags, (struct loc){0}, "unknown-variable",
                   "--var names '%.*s', which no server declares%.*s", STR_SHORT(name),
                   STR_ARG(near));
    }
}

static void open_documents(struct lowering *l, struct api **apis, size_t count)
{
    l->documents = pool_alloc(&l->job->pool, (count + 1) * sizeof *l->documents);
    l->document_count = count;
    for (size_t i = 0; i < count; i++) {
        struct lowering_document *d = &l->documents[i];
        const struct source *source = source_get(&l->job->sources, apis[i]->file);

        d->api = apis[i];
        d->index = (uint32_t)i;
        d->block = xgateway_read(l->job, apis[i]->gateway, LEVEL_DOCUMENT);
        lower_action_check(l, d->block);
        *vec_add(&l->job->pool, &l->gw->documents) = source ? source->name : STR("");
        l->gw->webhooks += apis[i]->webhooks;
        l->gw->callbacks += apis[i]->callbacks;
    }
}

/* base_path stands for the document's servers; those of a path item or an operation still win. */
static void find_base(struct lowering *l, struct lowering_document *d)
{
    const struct api *api = d->api;

    if (!xgateway_says(d->block, POLICY_base_path)) {
        d->base_path = servers_base(l->job, api->servers.at, api->servers.count, &l->variables);
        return;
    }
    d->base_path = STR("");
    if (d->block->base_path.text.at == NULL)
        return;
    if (d->block->base_path.text.len == 0 || d->block->base_path.text.at[0] != '/')
        diag_error(&l->job->diags, d->block->base_path.loc, "bad-path",
                   "'base_path' must begin with '/'");
    else
        servers_base_path(l->job, d->block->base_path, &d->base_path);
}

struct gateway *lower(struct job *job, struct api **apis, size_t count,
                      const struct lower_options *options)
{
    struct lowering l = {.job = job, .options = options};

    if (job_failed(job))
        return NULL;
    l.gw = pool_new(&job->pool, struct gateway);
    for (size_t i = 0; i < options->variable_count; i++)
        map_set(&l.variables, &job->pool, options->variables[i].name,
                (void *)&options->variables[i].value);
    open_documents(&l, apis, count);
    check_variables(&l, apis);
    lower_settings(&l);
    lower_upstreams(&l);
    for (size_t i = 0; i < count; i++) {
        lower_action_names(&l, l.documents[i].block);
        lower_runtime(&l, l.documents[i].block, STR(""));
        find_base(&l, &l.documents[i]);
    }
    lower_ip_restriction_documents(&l);
    for (size_t i = 0; i < count; i++)
        lower_operations(&l, &l.documents[i]);
    lower_forward_auth_operations(&l);
    for (size_t i = 0; i < count; i++)
        stray_blocks(job, apis[i]);
    return l.gw;
}
