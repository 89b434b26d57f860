#include "member.h"

#include "ref.h"

bool member_is(struct job *job, const struct node *node, enum node_kind kind, const char *what)
{
    static const struct node kinds[] = {
        [NODE_BOOL] = {.kind = NODE_BOOL},   [NODE_INT] = {.kind = NODE_INT},
        [NODE_FLOAT] = {.kind = NODE_FLOAT}, [NODE_TEXT] = {.kind = NODE_TEXT},
        [NODE_LIST] = {.kind = NODE_LIST},   [NODE_MAP] = {.kind = NODE_MAP},
    };

    if (node == NULL)
        return false;
    if (node->kind == kind)
        return true;
    diag_error(&job->diags, node->loc, "wrong-type", "'%s' must be %s, not %s", what,
               node_kind_name(&kinds[kind]), node_kind_name(node));
    return false;
}

static struct node *member_of_kind(struct job *job, const struct node *owner, const char *key,
                                   enum node_kind kind)
{
    struct node *node = ref_follow(job, node_get(owner, key));

    return member_is(job, node, kind, key) ? node : NULL;
}

struct node *member_map(struct job *job, const struct node *owner, const char *key)
{
    return member_of_kind(job, owner, key, NODE_MAP);
}

struct node *member_list(struct job *job, const struct node *owner, const char *key)
{
    return member_of_kind(job, owner, key, NODE_LIST);
}

struct said member_scalar(struct job *job, const struct node *node, const char *what)
{
    if (node->kind == NODE_INT || node->kind == NODE_FLOAT || member_is(job, node, NODE_TEXT, what))
        return (struct said){.text = node->text.at ? node->text : STR(""), .loc = node->loc};
    return (struct said){.loc = node->loc};
}

struct said member_text(struct job *job, const struct node *owner, const char *key)
{
    const struct node *node = node_get(owner, key);

    return node ? member_scalar(job, node, key) : (struct said){0};
}

bool member_truth(struct job *job, const struct node *owner, const char *key)
{
    const struct node *node = node_get(owner, key);

    return member_is(job, node, NODE_BOOL, key) && node->truth;
}

static bool looks_like_gateway(struct str key)
{
    static const struct str extension = STR_INIT("x-gateway");

    return !str_eq(key, extension) && str_distance(key, extension, 2) <= 2;
}

static bool is_listed(struct str key, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(key, names[i]))
            return true;
    return false;
}

void member_known(struct job *job, const struct node *map, const struct str *names, size_t count,
                  const char *what)
{
    for (size_t i = 0; i < map->member_count; i++) {
        const struct member *m = &map->members[i];

        if (looks_like_gateway(m->key)) {
            diag_error(&job->diags, m->key_loc, "unknown-key",
                       "'%.*s' is not read; did you mean 'x-gateway'?", STR_SHORT(m->key));
            continue;
        }
        if (str_starts(m->key, STR("x-")) || is_listed(m->key, names, count))
            continue;
        struct str near = diag_suggest(&job->pool, m->key, names, count);
        if (near.len > 0)
            diag_error(&job->diags, m->key_loc, "unknown-key", "%s has no key '%.*s'%.*s", what,
                       STR_SHORT(m->key), STR_ARG(near));
        else
            diag_warn(&job->diags, m->key_loc, "unknown-key", "%s has no key '%.*s': it is ignored",
                      what, STR_SHORT(m->key));
    }
}
