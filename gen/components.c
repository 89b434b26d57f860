#include "components.h"

static struct str key(struct components *c, struct str section, struct str name)
{
    return pool_printf(c->pool, "%.*s/%.*s", STR_ARG(section), STR_ARG(name));
}

void components_take(struct components *c, const struct node *root)
{
    const struct node *components = node_get(root, "components");
    if (!components || components->kind != NODE_MAP)
        return;
    for (size_t i = 0; i < components->member_count; i++) {
        const struct member *section = &components->members[i];
        if (section->value->kind != NODE_MAP)
            continue;
        for (size_t k = 0; k < section->value->member_count; k++)
            map_set(&c->taken, c->pool, key(c, section->key, section->value->members[k].key), c);
    }
}

struct str components_name(struct components *c, struct str section, struct str name)
{
    struct str tried = name;
    for (unsigned i = 2; map_get(&c->taken, key(c, section, tried)); i++)
        tried = pool_printf(c->pool, "%.*s_%u", STR_ARG(name), i);
    map_set(&c->taken, c->pool, key(c, section, tried), c);
    return tried;
}
