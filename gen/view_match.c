#include "view_match.h"

#include "base/map.h"
#include "base/text.h"
#include "name.h"
#include "route.h"
#include "view_parts.h"

/* Bytes of a literal a line; escaped they are wider, but paths hold next to nothing that must be. */
enum { COMMENT_WIDTH = 80, TEXT_BYTES = 40, PIECE_BYTES = 40 };

/* The bits of a struct gw_methods; what is not here is a custom method. In the order of enum method. */
static const char *const methods[] = {"GET",   "HEAD",    "POST",  "PUT",     "DELETE",
                                      "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY"};
enum { METHODS = sizeof methods / sizeof *methods };

struct match_view {
    struct pool *pool;
    const struct gateway *gw;
    const struct route_plan *plan;
    struct value *map;
    struct value *routes;                /* rows of routes[] */
    struct value *variants;              /* rows of variants[] */
    struct value *allows;                /* rows of allows[] */
    struct value *sets;                  /* enumerators of method sets */
    struct map allow_numbers, set_names; /* number + 1 */
};

static struct value *row(struct match_view *v, struct value *list)
{
    struct value *map = value_map(v->pool);

    value_add(v->pool, list, map);
    return map;
}

static struct value *list(struct match_view *v, const char *key)
{
    struct value *made = value_list(v->pool);

    value_set(v->pool, v->map, key, made);
    return made;
}

/* Text for a comment: cut where it would not fit the line. */
static void set_comment(struct match_view *v, struct value *map, const char *key, struct str text)
{
    struct str cut = str_head(text, COMMENT_WIDTH);

    while (cut.len > 0 && cut.len < text.len && ((unsigned char)text.at[cut.len] & 0xC0) == 0x80)
        cut.len--;
    while (cut.len > 0 && view_width(cut) > COMMENT_WIDTH)
        cut.len--;
    view_set_text(v->pool, map, key,
                  cut.len < text.len ? pool_printf(v->pool, "%.*s...", STR_ARG(cut)) : text);
}

/* ---- the tree ---- */

/* A slot: its text, where it has one, and what it leads to: `leaf`, `trial`, `node` or `nowhere`. */
static void set_slot(struct match_view *v, struct value *item, const struct pathmap_slot *slot)
{
    const struct pathmap *map = &v->plan->tree.map;
    bool pattern = slot->segment == PATHMAP_LEAF && slot->factor & PATHMAP_PATTERN;

    view_set_flag(v->pool, item, "leaf", slot->segment == PATHMAP_LEAF);
    view_set_flag(v->pool, item, "node", slot->segment < PATHMAP_TRIAL);
    view_set_flag(v->pool, item, "trial", slot->segment == PATHMAP_TRIAL);
    view_set_flag(v->pool, item, "nowhere", slot->segment == PATHMAP_NOWHERE);
    view_set_number(v->pool, item, "base", slot->base);
    view_set_flag(v->pool, item, "pattern", pattern);
    view_set_number(v->pool, item, "factor",
                    pattern ? slot->factor & ~PATHMAP_PATTERN : slot->factor);
    view_set_number(v->pool, item, "shift", slot->shift);
    view_set_flag(v->pool, item, "big", (slot->segment & PATHMAP_BIG) != 0);
    view_set_number(v->pool, item, "segment", slot->segment & (PATHMAP_BIG - 1));
    view_set_flag(v->pool, item, "has_text", slot->size > 0);
    set_comment(v, item, "comment", (struct str){map->texts + slot->text, slot->size});
    view_set_number(v->pool, item, "text", slot->text);
    view_set_number(v->pool, item, "size", slot->size);
    view_set_number(v->pool, item, "span", slot->span);
}

static void view_slots(struct match_view *v, const char *key, const struct pathmap_slot *slots,
                       size_t count)
{
    struct value *made = list(v, key);

    for (size_t i = 0; i < count; i++)
        set_slot(v, row(v, made), &slots[i]);
}

static void view_roots(struct match_view *v)
{
    struct value *made = list(v, "roots");

    for (size_t i = 0; i < v->plan->tree.roots; i++) {
        struct value *item = row(v, made);

        set_slot(v, item, &v->plan->tree.map.roots[i]);
        view_set_number(v->pool, item, "segments", i / 4);
        view_set_flag(v->pool, item, "new_count", i % 4 == 0);
    }
}

/* All texts with their lengths, in literals that fit a line. */
static void view_tree_texts(struct match_view *v)
{
    const struct pathtree *tree = &v->plan->tree;
    struct value *made = list(v, "texts");

    for (size_t at = 0; at < tree->text_len;) {
        size_t end = at + 1 + (uint8_t)tree->map.texts[at];

        while (at < end) {
            size_t len = end - at < TEXT_BYTES ? end - at : TEXT_BYTES;
            struct value *item = row(v, made);

            view_set_flag(v->pool, item, "first", at == 0);
            view_set_text(v->pool, item, "text", (struct str){tree->map.texts + at, len});
            at += len;
        }
    }
    view_set_number(v->pool, v->map, "text_len", tree->text_len);
}

/* "segments 3, 4", or "a pattern". */
static struct str segments_of(struct pool *pool, uint32_t shape)
{
    struct text out = {.pool = pool};

    if (shape & PATHMAP_PATTERN)
        return STR("a pattern");
    for (; shape; shape >>= 5)
        text_printf(&out, "%s%u", out.len ? ", " : "segments ", shape & 31);
    return out.len ? text_str(&out) : STR("none");
}

static void view_shapes(struct match_view *v)
{
    const struct pathtree *tree = &v->plan->tree;
    struct value *shapes = list(v, "shapes"), *trials = list(v, "trials");

    for (size_t i = 0; i < tree->shapes; i++) {
        struct value *item = row(v, shapes);
        uint32_t shape = tree->map.shapes[i];

        view_set_flag(v->pool, item, "pattern", (shape & PATHMAP_PATTERN) != 0);
        view_set_number(v->pool, item, "bits", shape & ~PATHMAP_PATTERN);
        view_set_text(v->pool, item, "comment", segments_of(v->pool, shape));
    }
    for (size_t i = 0; i < tree->trials; i++) {
        struct value *item = row(v, trials);
        uint32_t number = tree->map.trials[i] & ~PATHMAP_LAST;

        view_set_flag(v->pool, item, "last", (tree->map.trials[i] & PATHMAP_LAST) != 0);
        view_set_number(v->pool, item, "path", number);
        set_comment(v, item, "comment", v->plan->paths.at[number].pattern);
    }
}

/* The literal of a piece, in parts that fit a line. */
static struct value *piece_text(struct match_view *v, const struct pathmap_piece *piece)
{
    struct value *made = value_list(v->pool);

    for (size_t at = 0; at < piece->len; at += PIECE_BYTES) {
        struct value *part = row(v, made);
        struct str rest = {piece->text + at, piece->len - at};

        view_set_flag(v->pool, part, "first", at == 0);
        view_set_text(v->pool, part, "part", str_head(rest, PIECE_BYTES));
    }
    return made;
}

static void view_pieces(struct match_view *v)
{
    static const char *const kinds[] = {
        [PATHMAP_SLASH] = "PATHMAP_SLASH", [PATHMAP_LITERAL] = "PATHMAP_LITERAL",
        [PATHMAP_PARAM] = "PATHMAP_PARAM", [PATHMAP_TAIL] = "PATHMAP_TAIL",
        [PATHMAP_END] = "PATHMAP_END",
    };
    static const char *const signs[] = {
        [PATHMAP_SLASH] = "/",
        [PATHMAP_PARAM] = "{}",
        [PATHMAP_TAIL] = "/{rest}",
        [PATHMAP_END] = "end",
    };
    struct value *made = list(v, "pieces");

    for (size_t i = 0; i < v->plan->tree.pieces; i++) {
        const struct pathmap_piece *piece = &v->plan->tree.map.pieces[i];
        struct value *item = row(v, made);

        view_set_name(v->pool, item, "kind", str_of(kinds[piece->kind]));
        view_set_number(v->pool, item, "len", piece->len);
        value_set(v->pool, item, "text", piece_text(v, piece));
        view_set_flag(v->pool, item, "wide", piece->len > PIECE_BYTES);
        set_comment(v, item, "comment",
                    piece->kind == PATHMAP_LITERAL ? (struct str){piece->text, piece->len}
                                                   : str_of(signs[piece->kind]));
    }
}

/* ---- methods ---- */

static uint64_t allow_number(struct match_view *v, struct str allow)
{
    void *known = map_get(&v->allow_numbers, allow);

    if (known)
        return (uintptr_t)known - 1;
    view_set_text(v->pool, row(v, v->allows), "allow", allow);
    map_set(&v->allow_numbers, v->pool, allow, (void *)(uintptr_t)v->allows->items.count);
    return v->allows->items.count - 1;
}

static int bit_of(struct str method)
{
    for (int i = 0; i < METHODS; i++)
        if (str_eq(method, str_of(methods[i])))
            return i;
    return -1;
}

static const struct route_method *served(const struct route_variant *variant, const char *method)
{
    for (size_t i = 0; i < variant->methods.count; i++)
        if (str_eq(variant->methods.at[i].method, str_of(method)))
            return &variant->methods.at[i];
    return NULL;
}

/* The enumerator of a set of methods: DO_GET_POST. */
static struct str set_name(struct match_view *v, const struct route_variant *variant)
{
    struct text name = {.pool = v->pool};
    uint64_t bits = 0;

    text_add(&name, STR("DO"));
    for (int i = 0; i < METHODS; i++) {
        if (!served(variant, methods[i]))
            continue;
        text_printf(&name, "_%s", methods[i]);
        bits |= 1u << i;
    }
    if (bits == 0)
        text_add(&name, STR("_NOTHING"));
    if (!map_set(&v->set_names, v->pool, text_str(&name), v)) {
        struct value *item = row(v, v->sets);

        view_set_name(v->pool, item, "name", text_str(&name));
        view_set_number(v->pool, item, "bits", bits);
    }
    return text_str(&name);
}

static struct str symbol_of(const struct match_view *v, uint32_t operation)
{
    return v->gw->operations.at[operation].symbol;
}

static void add_route(struct match_view *v, uint32_t operation)
{
    const struct ir_operation *op = &v->gw->operations.at[operation];
    struct value *item = row(v, v->routes);

    view_set_name(v->pool, item, "route", op->symbol);
    set_comment(v, item, "comment",
                pool_printf(v->pool, "%.*s %.*s", STR_ARG(op->method), STR_ARG(op->path)));
}

/* first, methods, allow; adds the routes' rows. */
static void set_methods(struct match_view *v, struct value *item,
                        const struct route_variant *variant)
{
    view_set_number(v->pool, item, "first", v->routes->items.count);
    view_set_name(v->pool, item, "set", set_name(v, variant));
    view_set_number(v->pool, item, "allow", allow_number(v, variant->allow));
    for (int i = 0; i < METHODS; i++) {
        const struct route_method *method = served(variant, methods[i]);

        if (method)
            add_route(v, method->operation);
    }
}

/* ---- variants ---- */

static void add_condition(struct match_view *v, struct value *conditions, uint64_t *number,
                          const struct ir_condition *condition)
{
    static const char *const kinds[] = {
        [IR_IF_HOST] = "GW_IF_HOST",     [IR_IF_HEADER] = "GW_IF_HEADER",
        [IR_IF_QUERY] = "GW_IF_QUERY",   [IR_IF_PATH_PARAM] = "GW_IF_PARAM",
        [IR_IF_PREFIX] = "GW_IF_PREFIX",
    };
    struct value *item = row(v, conditions);
    bool values = condition->value_count > 0;

    view_set_name(v->pool, item, "kind", str_of(kinds[condition->kind]));
    value_set(v->pool, item, "param",
              condition->kind == IR_IF_PATH_PARAM ? value_number(v->pool, condition->param)
                                                  : value_flag(v->pool, false));
    value_set(v->pool, item, "named", value_text_or_false(v->pool, condition->name));
    view_set_flag(v->pool, item, "has_values", values);
    view_set_number(v->pool, item, "condition", (*number)++);
    view_set_number(v->pool, item, "value_count", condition->value_count);
    value_set(v->pool, item, "values",
              view_texts(v->pool, condition->values, condition->value_count));
}

static struct value *conditions_of(struct match_view *v, const struct route_variant *variant,
                                   uint64_t *count)
{
    struct value *made = value_list(v->pool);

    *count = 0;
    if (variant->host_count > 0) {
        struct ir_condition hosts = {
            .kind = IR_IF_HOST, .values = variant->hosts, .value_count = variant->host_count};

        add_condition(v, made, count, &hosts);
    }
    for (size_t i = 0; i < variant->conditions.count; i++)
        add_condition(v, made, count, &variant->conditions.at[i]);
    return made;
}

static struct value *customs_of(struct match_view *v, const struct route_variant *variant)
{
    struct value *made = value_list(v->pool);

    for (size_t i = 0; i < variant->methods.count; i++) {
        const struct route_method *method = &variant->methods.at[i];
        struct value *item;

        if (bit_of(method->method) >= 0 || str_eq(method->method, STR("*")))
            continue;
        item = row(v, made);
        view_set_text(v->pool, item, "method", method->method);
        view_set_name(v->pool, item, "route", symbol_of(v, method->operation));
    }
    return made;
}

static void add_variant(struct match_view *v, const struct route_path *path,
                        const struct route_variant *variant)
{
    struct value *item = value_map(v->pool);
    const struct route_method *any = served(variant, "*");
    uint64_t count;

    view_set_number(v->pool, item, "variant", v->variants->items.count);
    value_set(v->pool, item, "conditions", conditions_of(v, variant, &count));
    view_set_number(v->pool, item, "condition_count", count);
    view_set_flag(v->pool, item, "has_conditions", count > 0);
    value_set(v->pool, item, "customs", customs_of(v, variant));
    view_set_number(v->pool, item, "custom_count", value_get(item, STR("customs"))->items.count);
    view_set_flag(v->pool, item, "has_customs", value_get(item, STR("customs"))->items.count > 0);
    set_methods(v, item, variant);
    value_set(v->pool, item, "any",
              any ? value_name(v->pool, symbol_of(v, any->operation)) : value_flag(v->pool, false));
    set_comment(v, item, "comment", path->pattern);
    value_add(v->pool, v->variants, item);
}

static bool is_simple(const struct route_path *path)
{
    const struct route_variant *only = path->variants.count ? &path->variants.at[0] : NULL;

    if (path->variants.count != 1 || only->host_count > 0 || only->conditions.count > 0)
        return path->variants.count == 0;
    for (size_t i = 0; i < only->methods.count; i++)
        if (bit_of(only->methods.at[i].method) < 0)
            return false;
    return true;
}

static void view_paths(struct match_view *v)
{
    static const struct route_variant nothing = {0};
    const struct pathmap *map = &v->plan->tree.map;
    struct value *made = list(v, "paths");

    for (size_t i = 0; i < v->plan->paths.count; i++) {
        const struct route_path *path = &v->plan->paths.at[i];
        struct value *item = row(v, made);
        bool simple = is_simple(path);

        set_comment(v, item, "comment", path->pattern);
        view_set_number(v->pool, item, "shape", map->paths ? map->paths[i] : 0);
        view_set_flag(v->pool, item, "simple", simple);
        view_set_number(v->pool, item, "first_variant", v->variants->items.count);
        view_set_number(v->pool, item, "variant_count", path->variants.count);
        if (simple) {
            set_methods(v, item, path->variants.count ? &path->variants.at[0] : &nothing);
            continue;
        }
        for (size_t j = 0; j < path->variants.count; j++)
            add_variant(v, path, &path->variants.at[j]);
    }
}

static void view_rules(struct match_view *v)
{
    static const char *const slashes[] = {
        [IR_SLASH_KEEP] = "URLPATH_SLASH_KEEP",
        [IR_SLASH_REJECT] = "URLPATH_SLASH_REJECT",
        [IR_SLASH_DECODE] = "URLPATH_SLASH_DECODE",
    };

    view_set_name(v->pool, v->map, "normalize", v->gw->path.normalize ? STR("true") : STR("false"));
    view_set_name(v->pool, v->map, "merge_slashes",
                  v->gw->path.merge_slashes ? STR("true") : STR("false"));
    view_set_name(v->pool, v->map, "case_sensitive",
                  v->gw->path.case_sensitive ? STR("true") : STR("false"));
    view_set_name(v->pool, v->map, "encoded_slash", str_of(slashes[v->gw->path.encoded_slash]));
}

/* Some operation may be switched off while the gateway runs. */
static bool may_switch(const struct gateway *gw)
{
    bool some = false;

    for (size_t i = 0; i < gw->operations.count; i++)
        some |= gw->operations.at[i].disabled_turned > 0;
    return some;
}

struct value *view_match(struct job *job, const struct gateway *gw)
{
    struct pool *pool = &job->pool;
    struct match_view v = {.pool = pool, .gw = gw, .plan = gw->routes, .map = value_map(pool)};
    const struct pathtree *tree = &gw->routes->tree;

    v.routes = list(&v, "routes");
    v.variants = list(&v, "variants");
    v.allows = list(&v, "allows");
    v.sets = list(&v, "sets");
    view_paths(&v);
    view_slots(&v, "firsts", tree->map.firsts, tree->firsts);
    view_slots(&v, "slots", tree->map.slots, tree->slots);
    view_roots(&v);
    view_tree_texts(&v);
    view_shapes(&v);
    view_pieces(&v);
    view_rules(&v);
    view_set_number(pool, v.map, "first_factor", tree->map.first_factor);
    view_set_number(pool, v.map, "first_shift", tree->map.first_shift);
    view_set_name(pool, v.map, "only_firsts", tree->map.only_firsts ? STR("true") : STR("false"));
    view_set_number(pool, v.map, "path_count", tree->paths);
    view_set_number(pool, v.map, "depth", tree->map.depth);
    view_set_flag(pool, v.map, "few_shapes", tree->map.paths != NULL);
    view_set_flag(pool, v.map, "has_firsts", tree->firsts > 0);
    view_set_flag(pool, v.map, "has_slots", tree->slots > 0);
    view_set_flag(pool, v.map, "has_texts", tree->text_len > 0);
    view_set_flag(pool, v.map, "has_paths", tree->paths > 0);
    view_set_flag(pool, v.map, "has_routes", v.routes->items.count > 0);
    view_set_flag(pool, v.map, "has_variants", v.variants->items.count > 0);
    view_set_flag(pool, v.map, "has_trials", tree->trials > 0);
    view_set_flag(pool, v.map, "has_pieces", tree->pieces > 0);
    view_set_flag(pool, v.map, "may_switch", may_switch(gw));
    view_set_text(pool, v.map, "allow_all", gw->routes->allow_all);
    return v.map;
}
