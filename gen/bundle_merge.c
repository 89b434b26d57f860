#include "bundle_merge.h"

#include "base/text.h"
#include "bundle.h"
#include "components.h"
#include "ref.h"
#include "room.h"

struct merge {
    struct job *job;
    struct node *made;       /* of the documents so far */
    struct node *root;       /* the document that is being added */
    struct map renamed;      /* "section/name" of a component of root → struct str */
    struct components names; /* of both */
};

static const struct room top = {ROOM_OBJECT, NULL};

/* ---- trees ---- */

static struct node *new_node(struct merge *m, enum node_kind kind, struct loc loc)
{
    struct node *made = pool_new(&m->job->pool, struct node);
    *made = (struct node){.kind = kind, .loc = loc};
    return made;
}

/* A copy of a map (of nothing: an empty one) with space for more members. */
static struct node *roomy(struct merge *m, const struct node *map, size_t more)
{
    struct node *made = new_node(m, NODE_MAP, map ? map->loc : m->root->loc);
    size_t count = map && map->kind == NODE_MAP ? map->member_count : 0;
    made->members = pool_alloc(&m->job->pool, (count + more + 1) * sizeof *made->members);
    if (count)
        memcpy(made->members, map->members, count * sizeof *made->members);
    made->member_count = count;
    return made;
}

static void add(struct node *map, const struct member *like, struct str key, struct node *value)
{
    map->members[map->member_count++] =
        (struct member){.key = key, .key_loc = like->key_loc, .value = value};
}

static struct node *with(struct merge *m, const struct node *map, const char *key,
                         struct node *value)
{
    struct node *made = roomy(m, map, 1);
    for (size_t i = 0; i < made->member_count; i++) {
        if (str_eq(made->members[i].key, str_of(key))) {
            made->members[i].value = value;
            return made;
        }
    }
    add(made, &(struct member){.key_loc = value->loc}, str_of(key), value);
    return made;
}

static struct node *without(struct merge *m, const struct node *map, const char *key)
{
    struct node *made = roomy(m, NULL, map->member_count);
    made->loc = map->loc;
    for (size_t i = 0; i < map->member_count; i++) {
        if (!str_eq(map->members[i].key, str_of(key)))
            made->members[made->member_count++] = map->members[i];
    }
    return made;
}

static bool is_same(struct merge *m, const struct node *a, const struct node *b)
{
    struct text one = {.pool = &m->job->pool}, two = {.pool = &m->job->pool};
    if (!a || !b)
        return a == b;
    node_json(a, &one, 0);
    node_json(b, &two, 0);
    return str_eq(text_str(&one), text_str(&two));
}

static bool is_map(const struct node *node)
{
    return node && node->kind == NODE_MAP;
}

static size_t size_of(const struct node *map)
{
    return is_map(map) ? map->member_count : 0;
}

/* ---- new names ---- */

static struct str new_name(struct merge *m, struct str section, struct str name)
{
    struct str key = components_key(&m->job->pool, section, name);
    const struct str *renamed = map_get(&m->renamed, key);
    return renamed ? *renamed : name;
}

static struct node *renamed_text(struct merge *m, struct node *node, struct str text)
{
    struct node *made = new_node(m, NODE_TEXT, node->loc);
    made->text = text;
    return str_eq(text, node->text) ? node : made;
}

static struct node *rewrite_reference(struct merge *m, struct node *node)
{
    struct str components = STR("#/components/");
    if (!str_starts(node->text, components))
        return node;
    struct str rest = str_from(node->text, components.len);
    struct str section = str_head(rest, str_find(rest, '/'));
    rest = str_from(rest, section.len + 1);
    struct str name = str_head(rest, str_find(rest, '/')), tail = str_from(rest, name.len);
    struct text moved = {.pool = &m->job->pool};
    text_add(&moved, components);
    text_add(&moved, components_key(&m->job->pool, section, new_name(m, section, name)));
    text_add(&moved, tail);
    return renamed_text(m, node, text_str(&moved));
}

/* Of a discriminator: values are references or names of schemas. */
static struct node *rewrite_mapping(struct merge *m, const struct node *map)
{
    struct node *made = roomy(m, map, 0);
    for (size_t i = 0; i < made->member_count; i++) {
        struct node *value = made->members[i].value;
        if (value->kind != NODE_TEXT)
            continue;
        made->members[i].value =
            str_starts(value->text, STR("#"))
                ? rewrite_reference(m, value)
                : renamed_text(m, value, new_name(m, STR("schemas"), value->text));
    }
    return made;
}

static struct node *copy_list(struct merge *m, const struct node *list)
{
    struct node *made = new_node(m, NODE_LIST, list->loc);
    made->items = pool_alloc(&m->job->pool, (list->item_count + 1) * sizeof *made->items);
    if (list->item_count)
        memcpy(made->items, list->items, list->item_count * sizeof *made->items);
    made->item_count = list->item_count;
    return made;
}

static struct node *rewrite_security(struct merge *m, const struct node *list)
{
    struct node *made = copy_list(m, list);
    for (size_t i = 0; i < made->item_count; i++) {
        if (!is_map(made->items[i]))
            continue;
        struct node *requirement = roomy(m, made->items[i], 0);
        for (size_t k = 0; k < requirement->member_count; k++) {
            struct str *name = &requirement->members[k].key;
            *name = new_name(m, STR("securitySchemes"), *name);
        }
        made->items[i] = requirement;
    }
    return made;
}

/* A copy in which everything is called by its new name. */
static struct node *rewrite(struct merge *m, struct node *node, struct room room)
{
    if (!node || room.kind == ROOM_DATA || (node->kind != NODE_MAP && node->kind != NODE_LIST))
        return node;
    if (node->kind == NODE_LIST) {
        struct node *list = copy_list(m, node);
        for (size_t i = 0; i < list->item_count; i++)
            list->items[i] = rewrite(m, list->items[i], room_item(room));
        return list;
    }
    struct node *made = roomy(m, node, 0);
    bool object = room.kind == ROOM_OBJECT;
    for (size_t i = 0; i < made->member_count; i++) {
        struct member *member = &made->members[i];
        if (member->value->kind == NODE_TEXT && str_eq(member->key, STR("$ref")))
            member->value = rewrite_reference(m, member->value);
        else if (object && is_map(member->value) && str_eq(member->key, STR("mapping")))
            member->value = rewrite_mapping(m, member->value);
        else if (object && member->value->kind == NODE_LIST && str_eq(member->key, STR("security")))
            member->value = rewrite_security(m, member->value);
        else
            member->value = rewrite(m, member->value, room_below(room, member->key));
    }
    return made;
}

/* Names the components of one section that differ from what is there; true when there were any. */
static bool rename_section(struct merge *m, struct str section, const struct node *own)
{
    struct pool *pool = &m->job->pool;
    const struct member *there = node_member(node_get(m->made, "components"), section);
    struct room room = room_below(room_below(top, STR("components")), section);
    bool any = false;
    for (size_t i = 0; there && i < size_of(own); i++) {
        const struct member *component = &own->members[i];
        const struct member *twin = node_member(there->value, component->key);
        struct str key = components_key(pool, section, component->key);
        if (!twin || map_get(&m->renamed, key) ||
            is_same(m, twin->value, rewrite(m, component->value, room_below(room, component->key))))
            continue;
        struct str *name = pool_new(pool, struct str);
        *name = components_name(&m->names, section, component->key);
        map_set(&m->renamed, pool, key, name);
        any = true;
    }
    return any;
}

/* What refers to something renamed differs by that: until nothing more does. */
static void find_names(struct merge *m)
{
    const struct node *components = node_get(m->root, "components");
    bool any = true;
    while (any) {
        any = false;
        for (size_t i = 0; i < size_of(components); i++)
            any |= rename_section(m, components->members[i].key, components->members[i].value);
    }
}

/* ---- what the root says for all ---- */

static bool is_method(struct str key)
{
    static const char *const methods[] = {"get",  "put",   "post",  "delete", "options",
                                          "head", "patch", "trace", "query"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (str_eq(key, str_of(methods[i])))
            return true;
    }
    return false;
}

/* Gives a field to every operation of an item. */
typedef struct node *giving(struct merge *m, const struct node *operation, struct node *value);

static struct node *to_operations(struct merge *m, const struct node *item, giving *give,
                                  struct node *value)
{
    struct node *made = roomy(m, item, 0);
    for (size_t i = 0; i < made->member_count; i++) {
        struct member *member = &made->members[i];
        if (!is_map(member->value))
            continue;
        if (is_method(member->key)) {
            member->value = give(m, member->value, value);
        } else if (str_eq(member->key, STR("additionalOperations"))) {
            struct node *more = roomy(m, member->value, 0);
            for (size_t k = 0; k < more->member_count; k++)
                more->members[k].value = give(m, more->members[k].value, value);
            member->value = more;
        }
    }
    return made;
}

static struct node *give_security(struct merge *m, const struct node *operation, struct node *value)
{
    return node_get(operation, "security") ? roomy(m, operation, 0)
                                           : with(m, operation, "security", value);
}

static struct node *give_servers(struct merge *m, const struct node *operation, struct node *value)
{
    return node_get(operation, "servers") ? roomy(m, operation, 0)
                                          : with(m, operation, "servers", value);
}

/* Path items that are references get theirs where they stand. */
static struct node *to_items(struct merge *m, const struct node *items, struct node *servers,
                             struct node *security)
{
    struct node *made = roomy(m, items, 0);
    for (size_t i = 0; i < made->member_count; i++) {
        struct node **item = &made->members[i].value;
        if (!is_map(*item) || node_get(*item, "$ref"))
            continue;
        if (servers)
            *item = give_servers(m, *item, servers);
        if (security)
            *item = to_operations(m, *item, give_security, security);
    }
    return made;
}

static void to_all(struct merge *m, struct node *servers, struct node *security)
{
    static const char *const maps[] = {"paths", "webhooks"};
    for (size_t i = 0; i < 2; i++) {
        if (is_map(node_get(m->root, maps[i])))
            m->root = with(m, m->root, maps[i],
                           to_items(m, node_get(m->root, maps[i]), servers, security));
    }
    const struct node *components = node_get(m->root, "components");
    const struct node *items = node_get(components, "pathItems");
    if (is_map(items))
        m->root = with(m, m->root, "components",
                       with(m, components, "pathItems", to_items(m, items, servers, security)));
}

/* A list of the root; `otherwise` when it is absent or empty. */
static struct node *root_list(struct node *root, const char *key, struct node *otherwise)
{
    struct node *list = node_get(root, key);
    return list && list->kind == NODE_LIST && list->item_count ? list : otherwise;
}

static void keep_servers(struct merge *m)
{
    struct node *here = new_node(m, NODE_LIST, m->root->loc);
    struct node *url = new_node(m, NODE_TEXT, m->root->loc);
    url->text = STR("/");
    here->items = pool_alloc(&m->job->pool, sizeof *here->items);
    here->items[here->item_count++] = with(m, roomy(m, NULL, 0), "url", url);
    struct node *own = root_list(m->root, "servers", here);
    if (!is_same(m, own, root_list(m->made, "servers", here)))
        to_all(m, own, NULL);
}

/* Nothing said is not the same as an empty list, until both stand in one document.
 * needs: the names of the security schemes */
static void keep_security(struct merge *m)
{
    struct node *none = new_node(m, NODE_LIST, m->root->loc);
    struct node *own = node_get(m->root, "security"), *first = node_get(m->made, "security");
    if (!is_same(m, own && own->kind == NODE_LIST ? rewrite_security(m, own) : own, first))
        to_all(m, NULL, own ? own : none);
}

/* ---- paths ---- */

/* needs: all components in place, under their new names */
static struct node *resolved(struct merge *m, struct node *node)
{
    for (unsigned i = 0; i < 64; i++) {
        const struct node *reference = node_get(node, "$ref");
        struct node *next = reference && str_starts(reference->text, STR("#/components/"))
                                ? ref_pointer(m->made, str_from(reference->text, 1))
                                : NULL;
        if (!next)
            break;
        node = next;
    }
    return node;
}

static bool is_same_parameter(struct merge *m, struct node *a, struct node *b)
{
    a = resolved(m, a);
    b = resolved(m, b);
    return is_same(m, node_get(a, "name"), node_get(b, "name")) &&
           is_same(m, node_get(a, "in"), node_get(b, "in"));
}

/* The item's parameters but for those that the operation declares itself, then the operation's. */
static struct node *give_parameters(struct merge *m, const struct node *operation,
                                    struct node *value)
{
    struct node *own = node_get(operation, "parameters");
    size_t count = own && own->kind == NODE_LIST ? own->item_count : 0;
    struct node *list = new_node(m, NODE_LIST, value->loc);
    list->items = pool_alloc(&m->job->pool, (value->item_count + count + 1) * sizeof *list->items);
    for (size_t i = 0; i < value->item_count; i++) {
        bool declared = false;
        for (size_t k = 0; k < count && !declared; k++)
            declared = is_same_parameter(m, value->items[i], own->items[k]);
        if (!declared)
            list->items[list->item_count++] = value->items[i];
    }
    for (size_t i = 0; i < count; i++)
        list->items[list->item_count++] = own->items[i];
    return with(m, operation, "parameters", list);
}

static struct node *push_down(struct merge *m, struct node *item, const char *key, giving *give)
{
    struct node *value = node_get(item, key);
    if (!value || value->kind != NODE_LIST)
        return item;
    return without(m, to_operations(m, item, give, value), key);
}

static void add_operation(struct merge *m, struct node *item, const struct member *late,
                          struct str path)
{
    const struct member *early = node_member(item, late->key);
    if (!early) {
        item->members[item->member_count++] = *late;
        return;
    }
    diag_error(&m->job->diags, late->key_loc, "route-conflict",
               "'%.*s' of %.*s is in an earlier document too", STR_ARG(late->key), STR_ARG(path));
    diag_note(&m->job->diags, early->key_loc, "it is here");
}

static struct node *merge_item(struct merge *m, struct str path, struct node *early,
                               struct node *late)
{
    early = resolved(m, early);
    late = resolved(m, late);
    if (node_get(early, "$ref") || node_get(late, "$ref")) {
        diag_error(&m->job->diags, late->loc, "route-conflict",
                   "%.*s is in an earlier document too, and one of them refers to another path",
                   STR_ARG(path));
        return early;
    }
    if (!is_same(m, node_get(early, "parameters"), node_get(late, "parameters"))) {
        early = push_down(m, early, "parameters", give_parameters);
        late = push_down(m, late, "parameters", give_parameters);
    }
    if (!is_same(m, node_get(early, "servers"), node_get(late, "servers"))) {
        early = push_down(m, early, "servers", give_servers);
        late = push_down(m, late, "servers", give_servers);
    }
    struct node *made = roomy(m, early, size_of(late));
    for (size_t i = 0; i < size_of(late); i++) {
        if (is_method(late->members[i].key))
            add_operation(m, made, &late->members[i], path);
    }
    const struct node *others = node_get(late, "additionalOperations");
    if (!is_map(others))
        return made;
    struct node *more = roomy(m, node_get(early, "additionalOperations"), others->member_count);
    for (size_t i = 0; i < others->member_count; i++)
        add_operation(m, more, &others->members[i], path);
    return with(m, made, "additionalOperations", more);
}

/* paths, webhooks */
static void merge_items(struct merge *m, const char *key)
{
    const struct node *late = node_get(m->root, key);
    if (!size_of(late))
        return;
    struct node *made = roomy(m, node_get(m->made, key), size_of(late));
    for (size_t i = 0; i < late->member_count; i++) {
        const struct member *member = &late->members[i];
        const struct member *early = node_member(made, member->key);
        if (!early)
            made->members[made->member_count++] = *member;
        else if (is_map(early->value) && is_map(member->value))
            made->members[early - made->members].value =
                merge_item(m, member->key, early->value, member->value);
    }
    m->made = with(m, m->made, key, made);
}

/* ---- the rest ---- */

static void merge_components(struct merge *m)
{
    const struct node *late = node_get(m->root, "components");
    const struct node *early = node_get(m->made, "components");
    if (!size_of(late))
        return;
    struct node *made = roomy(m, early, size_of(late));
    for (size_t i = 0; i < late->member_count; i++) {
        const struct member *section = &late->members[i];
        const struct member *there = node_member(early, section->key);
        struct node *both = roomy(m, there ? there->value : NULL, size_of(section->value));
        for (size_t k = 0; k < size_of(section->value); k++) {
            const struct member *component = &section->value->members[k];
            struct str name = new_name(m, section->key, component->key);
            if (!node_member(there ? there->value : NULL, name))
                add(both, component, name, component->value);
        }
        if (there)
            made->members[there - early->members].value = both;
        else
            add(made, section, section->key, both);
    }
    m->made = with(m, m->made, "components", made);
}

static void merge_tags(struct merge *m)
{
    const struct node *late = root_list(m->root, "tags", NULL);
    const struct node *early = root_list(m->made, "tags", NULL);
    if (!late)
        return;
    size_t count = early ? early->item_count : 0;
    struct node *made = new_node(m, NODE_LIST, late->loc);
    made->items = pool_alloc(&m->job->pool, (count + late->item_count) * sizeof *made->items);
    for (; made->item_count < count; made->item_count++)
        made->items[made->item_count] = early->items[made->item_count];
    for (size_t i = 0; i < late->item_count; i++) {
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = is_same(m, node_get(late->items[i], "name"), node_get(made->items[k], "name"));
        if (!known)
            made->items[made->item_count++] = late->items[i];
    }
    m->made = with(m, m->made, "tags", made);
}

static void take_id(struct merge *m, struct map *ids, const struct node *operation)
{
    struct node *id = node_get(operation, "operationId");
    const struct node *early =
        id && id->kind == NODE_TEXT ? map_set(ids, &m->job->pool, id->text, id) : NULL;
    if (!early)
        return;
    diag_error(&m->job->diags, id->loc, "duplicate-operation", "operationId '%.*s' is taken",
               STR_ARG(id->text));
    diag_note(&m->job->diags, early->loc, "it is here");
}

static void check_ids(struct merge *m)
{
    const struct node *paths = node_get(m->made, "paths");
    struct map ids = {0};
    for (size_t i = 0; i < size_of(paths); i++) {
        const struct node *item = paths->members[i].value;
        const struct node *others = node_get(item, "additionalOperations");
        for (size_t k = 0; k < size_of(item); k++) {
            if (is_method(item->members[k].key))
                take_id(m, &ids, item->members[k].value);
        }
        for (size_t k = 0; k < size_of(others); k++)
            take_id(m, &ids, others->members[k].value);
    }
}

static bool is_same_version(struct merge *m)
{
    const struct node *first = node_get(m->made, "openapi"), *own = node_get(m->root, "openapi");
    if (first && own && str_eq(str_head(first->text, 3), str_head(own->text, 3)))
        return true;
    diag_error(&m->job->diags, own ? own->loc : m->root->loc, "openapi-version",
               "documents of different versions of OpenAPI do not make one: the first is %.*s",
               STR_ARG(first ? first->text : STR("without a version")));
    return false;
}

static void merge(struct merge *m)
{
    if (!is_same_version(m))
        return;
    keep_servers(m);
    find_names(m);
    keep_security(m);
    find_names(m);
    m->root = rewrite(m, m->root, top);
    merge_tags(m);
    merge_components(m);
    merge_items(m, "paths");
    merge_items(m, "webhooks");
    check_ids(m);
}

struct node *bundle_merge(struct job *job, struct node *const *roots, size_t count)
{
    struct node *made = bundle(job, roots[0]);
    for (size_t i = 1; i < count && made; i++) {
        struct merge m = {.job = job, .made = made, .root = bundle(job, roots[i])};
        m.names.pool = &job->pool;
        components_take(&m.names, made);
        components_take(&m.names, m.root);
        if (m.root)
            merge(&m);
        made = m.root && !job_failed(job) ? m.made : NULL;
    }
    return made;
}
