#include "view_security.h"

#include "base/text.h"
#include "view_parts.h"

enum { COLUMNS = 100, INDENT = 12 };

/* One proof, and how wide it is; NULL: nobody need prove anything. */
static struct value *proof_of(struct pool *pool, const struct ir_scheme *scheme, size_t *width)
{
    bool is_key = scheme && scheme->proof == IR_PROOF_KEY;
    struct value *map = value_map(pool);

    value_set(pool, map, "key",
              is_key ? value_name(pool, scheme->symbol) : value_flag(pool, false));
    view_set_flag(pool, map, "certificate", scheme && !is_key);
    view_set_flag(pool, map, "anonymous", !scheme);
    *width = is_key   ? sizeof "gw_key(rq, &key_of_)" - 1 + scheme->symbol.len
             : scheme ? sizeof "gw_certificate(rq)" - 1
                      : sizeof "gw_anonymous(rq)" - 1;
    return map;
}

/* Each proof and how it stands behind the one before: on the same line as long as that has room, as clang-format has it. */
static struct value *proofs(struct pool *pool, const struct gateway *gw, const struct ir_way *way)
{
    static const size_t first = INDENT - 4 + sizeof "if (gw_way(rq)" - 1;
    struct value *list = value_list(pool);
    size_t column = first;

    for (size_t i = 0; i < way->schemes.count || i == 0; i++) {
        size_t width, behind = i + 1 < way->schemes.count ? sizeof " &&" - 1 : sizeof ")" - 1;
        struct value *map = proof_of(
            pool, way->schemes.count > 0 ? &gw->schemes.at[way->schemes.at[i]] : NULL, &width);
        bool wraps = column + sizeof " && " - 1 + width + behind > COLUMNS;
        view_set_flag(pool, map, "wraps", wraps);
        column = wraps ? INDENT + width : column + sizeof " && " - 1 + width;
        value_add(pool, list, map);
    }
    return list;
}

/* One for each kind of scheme that can be answered by one. */
static struct str challenges(struct pool *pool, const struct gateway *gw,
                             const struct ir_operation *op)
{
    struct text out = {.pool = pool};
    bool keys = false;

    for (size_t w = 0; w < op->ways.count; w++)
        for (size_t i = 0; i < op->ways.at[w].schemes.count; i++)
            keys |= gw->schemes.at[op->ways.at[w].schemes.at[i]].proof == IR_PROOF_KEY;
    if (keys)
        text_printf(&out, "WWW-Authenticate: Key realm=\"%.*s\"\r\n", STR_ARG(gw->name));
    return text_str(&out);
}

struct value *view_security(struct pool *pool, const struct gateway *gw,
                            const struct ir_operation *op)
{
    struct value *map = value_map(pool), *ways = value_list(pool);

    if (op->ways.count == 0)
        return value_flag(pool, false);
    for (size_t w = 0; w < op->ways.count; w++) {
        struct value *way = value_map(pool);
        value_set(pool, way, "proofs", proofs(pool, gw, &op->ways.at[w]));
        value_add(pool, ways, way);
    }
    view_set_text(pool, map, "asked", op->security);
    value_set(pool, map, "ways", ways);
    view_set_text(pool, map, "challenges", challenges(pool, gw, op));
    return map;
}

static void set_texts(struct pool *pool, struct value *map, const char *has, const char *name,
                      const char *count, const ir_texts *texts)
{
    view_set_flag(pool, map, has, texts->count > 0);
    value_set(pool, map, name, view_texts(pool, texts->at, texts->count));
    view_set_number(pool, map, count, texts->count);
}

struct value *view_acl(struct pool *pool, const struct ir_acl *acl)
{
    struct value *map = value_map(pool);

    if (!acl->on)
        return value_flag(pool, false);
    set_texts(pool, map, "has_allow", "allow", "allow_count", &acl->allow);
    set_texts(pool, map, "has_deny", "deny", "deny_count", &acl->deny);
    view_set_flag(pool, map, "hide_groups_header", acl->hide_groups_header);
    return map;
}

struct value *view_key_schemes(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < gw->schemes.count; i++) {
        const struct ir_scheme *scheme = &gw->schemes.at[i];
        struct value *map = value_map(pool);
        if (scheme->proof != IR_PROOF_KEY)
            continue;
        view_set_name(pool, map, "scheme", scheme->symbol);
        value_set(pool, map, "names", view_texts(pool, scheme->names.at, scheme->names.count));
        view_set_number(pool, map, "name_count", scheme->names.count);
        view_set_flag(pool, map, "in_header", scheme->in_header);
        view_set_flag(pool, map, "in_query", scheme->in_query);
        view_set_flag(pool, map, "in_cookie", scheme->in_cookie);
        view_set_flag(pool, map, "hide_credentials", scheme->hide_credentials);
        value_add(pool, list, map);
    }
    return list;
}

bool view_uses_keys(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof == IR_PROOF_KEY)
            return true;
    return false;
}

struct value *view_key_names(struct pool *pool, const struct gateway *gw)
{
    ir_texts names = {0};
    struct value *map = value_map(pool);

    for (size_t i = 0; i < gw->schemes.count; i++)
        for (size_t n = 0; gw->schemes.at[i].in_query && n < gw->schemes.at[i].names.count; n++)
            *vec_add(pool, &names) = gw->schemes.at[i].names.at[n];
    if (names.count == 0)
        return value_flag(pool, false);
    value_set(pool, map, "names", view_texts(pool, names.at, names.count));
    view_set_number(pool, map, "name_count", names.count);
    return map;
}

static struct value *one_consumer(struct pool *pool, const struct ir_consumer *consumer,
                                  size_t index)
{
    struct value *map = value_map(pool), *keys = value_list(pool);

    view_set_number(pool, map, "number", index);
    view_set_text(pool, map, "name", consumer->name);
    view_set_text(pool, map, "id", consumer->id);
    set_texts(pool, map, "has_groups", "groups", "group_count", &consumer->groups);
    for (size_t i = 0; i < consumer->keys.count; i++)
        value_add(pool, keys, view_text(pool, &consumer->keys.at[i]));
    view_set_flag(pool, map, "has_keys", consumer->keys.count > 0);
    value_set(pool, map, "keys", keys);
    view_set_number(pool, map, "key_count", consumer->keys.count);
    return map;
}

struct value *view_consumers(struct pool *pool, const struct gateway *gw)
{
    struct value *map = value_map(pool), *list = value_list(pool);

    if (!view_uses_keys(gw))
        return value_flag(pool, false);
    for (size_t i = 0; i < gw->consumers.count; i++)
        value_add(pool, list, one_consumer(pool, &gw->consumers.at[i], i));
    view_set_flag(pool, map, "has_list", gw->consumers.count > 0);
    value_set(pool, map, "list", list);
    view_set_number(pool, map, "count", gw->consumers.count);
    value_set(pool, map, "file", value_text_or_false(pool, gw->consumers_file));
    return map;
}
