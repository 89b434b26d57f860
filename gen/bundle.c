#include "bundle.h"

#include "base/text.h"
#include "components.h"
#include "ref.h"
#include "room.h"

/* Something that moved into components. */
struct moved {
    const char *section;
    struct str name;
    struct node *target;
    struct node *copy;
};

struct bundle {
    struct job *job;
    struct node *root;
    struct map by_place; /* "file:line:col" of a target → struct moved */
    struct components names;
    VEC(struct moved *) moved;
    unsigned depth;
};

static struct node *copy(struct bundle *b, struct node *node, struct room room);

static struct node *new_node(struct bundle *b, const struct node *like)
{
    struct node *made = pool_new(&b->job->pool, struct node);
    *made = *like;
    return made;
}

/* ---- references ---- */

/* The name a target has in its own file: the last word of the pointer, else of the file's name. */
static struct str own_name(struct bundle *b, struct str reference)
{
    size_t hash = str_find(reference, '#');
    struct str word = str_from(reference, hash + 1);
    if (str_trim(word, "/").len == 0) {
        word = str_head(reference, hash);
        for (size_t i = word.len; i-- > 0;) {
            if (word.at[i] == '.' && i > 0) {
                word = str_head(word, i);
                break;
            }
        }
    }
    for (size_t i = word.len; i-- > 0;) {
        if (word.at[i] == '/') {
            word = str_from(word, i + 1);
            break;
        }
    }
    struct text out = {.pool = &b->job->pool};
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("._-", c);
        text_byte(&out, fine ? c : '_');
    }
    return out.len ? text_str(&out) : STR("bundled");
}

static struct moved *move(struct bundle *b, struct node *target, struct str reference,
                          const char *section)
{
    struct pool *pool = &b->job->pool;
    struct str place = pool_printf(pool, "%s %u:%u:%u", section, target->loc.file, target->loc.line,
                                   target->loc.col);
    struct moved *moved = map_get(&b->by_place, place);
    if (moved)
        return moved;
    moved = pool_new(pool, struct moved);
    moved->section = section;
    moved->target = target;
    moved->name = components_name(&b->names, str_of(section), own_name(b, reference));
    map_set(&b->by_place, pool, place, moved);
    *vec_add(pool, &b->moved) = moved;
    moved->copy = copy(b, target, (struct room){ROOM_OBJECT, section});
    return moved;
}

static struct node *reference_to(struct bundle *b, const struct node *node, struct str text)
{
    struct node *made = new_node(b, node), *value = pool_new(&b->job->pool, struct node);
    *value = (struct node){.kind = NODE_TEXT, .loc = node->loc, .text = text};
    made->members = pool_alloc(&b->job->pool, node->member_count * sizeof *made->members);
    memcpy(made->members, node->members, node->member_count * sizeof *made->members);
    for (size_t i = 0; i < made->member_count; i++) {
        if (str_eq(made->members[i].key, STR("$ref")))
            made->members[i].value = value;
    }
    return made;
}

static struct node *copy_reference(struct bundle *b, struct node *node, struct str reference,
                                   struct room room)
{
    bool here = node->loc.file == b->root->loc.file;
    if (here && reference.len && reference.at[0] == '#')
        return node;
    struct node *target = ref_follow(b->job, node);
    if (!target)
        return node;
    if (target->loc.file == b->root->loc.file)
        return reference_to(b, node, str_from(reference, str_find(reference, '#')));
    if (!room.section || !strcmp(room.section, "pathItems"))
        return copy(b, target, (struct room){ROOM_OBJECT, NULL});
    struct moved *moved = move(b, target, reference, room.section);
    return reference_to(
        b, node,
        pool_printf(&b->job->pool, "#/components/%s/%.*s", moved->section, STR_ARG(moved->name)));
}

/* A whole map of names that stands elsewhere: `properties: {$ref: …}`. Nothing in components could hold it. */
static struct node *copy_names(struct bundle *b, struct node *node, struct room room)
{
    struct node *target = ref_follow(b->job, node);
    if (!target || target->loc.file == b->root->loc.file)
        return node;
    return copy(b, target, room);
}

/* ---- copying ---- */

static struct node *copy_list(struct bundle *b, const struct node *node, struct room room)
{
    struct node *made = new_node(b, node);
    struct room item = room_item(room);
    made->items = pool_alloc(&b->job->pool, (node->item_count + 1) * sizeof *made->items);
    for (size_t i = 0; i < node->item_count; i++)
        made->items[i] = copy(b, node->items[i], item);
    return made;
}

static bool is_reference(struct str text)
{
    static const struct str ends[] = {STR_INIT(".yaml"), STR_INIT(".yml"), STR_INIT(".json")};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (text.len > ends[i].len && str_eq(str_from(text, text.len - ends[i].len), ends[i]))
            return true;
    return str_find(text, '#') < text.len || str_find(text, '/') < text.len;
}

/* Of a discriminator: values that are references move as others do; names of schemas stay. */
static struct node *copy_mapping(struct bundle *b, const struct node *map)
{
    struct pool *pool = &b->job->pool;
    struct node *made = new_node(b, map);

    made->members = pool_alloc(pool, (map->member_count + 1) * sizeof *made->members);
    for (size_t i = 0; i < map->member_count; i++) {
        struct node *value = map->members[i].value;
        made->members[i] = map->members[i];
        if (value->kind != NODE_TEXT || !is_reference(value->text))
            continue;
        struct member reference = {STR("$ref"), value->loc, value};
        struct node object = {.kind = NODE_MAP, .loc = value->loc};
        object.members = &reference;
        object.member_count = 1;
        const struct node *copied =
            copy_reference(b, &object, value->text, (struct room){ROOM_OBJECT, "schemas"});
        made->members[i].value = node_get(copied, "$ref");
    }
    return made;
}

static struct node *copy_map(struct bundle *b, const struct node *node, struct room room)
{
    struct node *made = new_node(b, node);
    made->members = pool_alloc(&b->job->pool, (node->member_count + 1) * sizeof *made->members);
    made->member_count = 0;
    bool named = room.kind == ROOM_NAMES || room.kind == ROOM_DATA;
    bool maps = !named && node_get(node, "propertyName"); /* a discriminator */
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *member = &node->members[i];
        if (!named && str_eq(member->key, STR("x-gateway")))
            continue;
        struct member *kept = &made->members[made->member_count++];
        *kept = *member;
        if (maps && member->value->kind == NODE_MAP && str_eq(member->key, STR("mapping")))
            kept->value = copy_mapping(b, member->value);
        else
            kept->value = copy(b, member->value, room_below(room, member->key));
    }
    return made;
}

static struct node *copy(struct bundle *b, struct node *node, struct room room)
{
    if (!node || room.kind == ROOM_DATA || (node->kind != NODE_MAP && node->kind != NODE_LIST))
        return node;
    if (b->depth > 512) {
        diag_error(&b->job->diags, node->loc, "too-deep", "references put in place without end");
        return node;
    }
    b->depth++;
    const struct node *reference = node->kind == NODE_MAP ? node_get(node, "$ref") : NULL;
    struct node *made;
    if (room.kind == ROOM_OBJECT && reference && reference->kind == NODE_TEXT)
        made = copy_reference(b, node, reference->text, room);
    else if (reference && reference->kind == NODE_TEXT)
        made = copy_names(b, node, room);
    else if (node->kind == NODE_MAP)
        made = copy_map(b, node, room);
    else
        made = copy_list(b, node, room);
    b->depth--;
    return made;
}

/* ---- components ---- */

static void put(struct bundle *b, struct node *map, struct str key, struct node *value)
{
    struct member *grown = pool_alloc(&b->job->pool, (map->member_count + 1) * sizeof *grown);
    if (map->member_count)
        memcpy(grown, map->members, map->member_count * sizeof *grown);
    grown[map->member_count] = (struct member){.key = key, .key_loc = map->loc, .value = value};
    map->members = grown;
    map->member_count++;
}

static struct node *map_under(struct bundle *b, struct node *owner, const char *key)
{
    struct node *there = node_get(owner, key);
    if (there && there->kind == NODE_MAP)
        return there;
    there = pool_new(&b->job->pool, struct node);
    *there = (struct node){.kind = NODE_MAP, .loc = owner->loc};
    put(b, owner, str_of(key), there);
    return there;
}

struct node *bundle(struct job *job, struct node *root)
{
    if (job_failed(job) || root->kind != NODE_MAP)
        return NULL;
    struct bundle b = {.job = job, .root = root, .names = {.pool = &job->pool}};
    components_take(&b.names, root);
    struct node *made = copy(&b, root, (struct room){ROOM_OBJECT, NULL});
    for (size_t i = 0; i < b.moved.count && !job_failed(job); i++) {
        const struct moved *moved = b.moved.at[i];
        struct node *components = map_under(&b, made, "components");
        put(&b, map_under(&b, components, moved->section), moved->name, moved->copy);
    }
    return job_failed(job) ? NULL : made;
}
