#include "components.h"

#include "base/text.h"

struct str components_key(struct pool *pool, struct str section, struct str name)
{
    struct text key = {.pool = pool};
    text_add(&key, section);
    text_byte(&key, '/');
    text_add(&key, name);
    return text_str(&key);
}

static struct str key(struct components *c, struct str section, struct str name)
{
    return components_key(c->pool, section, name);
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
    for (unsigned i = 2; map_get(&c->taken, key(c, section, tried)); i++) {
        struct text next = {.pool = c->pool};
        text_add(&next, name);
        text_printf(&next, "_%u", i);
        tried = text_str(&next);
    }
    map_set(&c->taken, c->pool, key(c, section, tried), c);
    return tried;
}
