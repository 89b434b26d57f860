#include "policy/typed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "member.h"
#include "ref.h"

/* One value on its way: what was printed of it so far, and which node each printed line is about. */
struct walk {
    struct typed *typed;
    struct job *job;
    struct text text;
    VEC(const struct node *) lines;
    const char *place;
};

struct node *typed_follow(struct job *job, struct node *node)
{
    if (node == NULL || node->kind != NODE_MAP || node_get(node, "$ref") == NULL)
        return node;
    if (node->member_count > 1) {
        diag_error(&job->diags, node->loc, "ref-siblings",
                   "x-gateway merges nothing silently: a '$ref' stands alone");
        return NULL;
    }
    return ref_follow(job, node);
}

static void line(struct walk *w, const struct node *about)
{
    text_byte(&w->text, '\n');
    *vec_add(&w->job->pool, &w->lines) = about;
}

static bool is_key(const char *key, struct str s)
{
    return str_eq(str_of(key), s);
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_value_t *schema, struct str key)
{
    for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key != NULL; f++)
        if (f->key[0] != '(' && is_key(f->key, key))
            return f;
    return NULL;
}

bool typed_has_key(struct pool *pool, const cyaml_schema_value_t *schema, struct str prefix,
                   struct str key, struct str *place)
{
    if (schema->type == CYAML_SEQUENCE)
        return typed_has_key(pool, schema->sequence.entry, prefix, key, place);
    if (schema->type != CYAML_MAPPING)
        return false;
    if (find_field(schema, key) != NULL) {
        *place = prefix;
        return true;
    }
    for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key != NULL; f++) {
        struct str below = f->value.type == CYAML_SEQUENCE
                               ? pool_printf(pool, "%.*s.%s[]", STR_ARG(prefix), f->key)
                               : pool_printf(pool, "%.*s.%s", STR_ARG(prefix), f->key);
        if (typed_has_key(pool, &f->value, below, key, place))
            return true;
    }
    return false;
}

/* A slip of the pen is likelier than a key that strayed from its place. */
static void unknown_key(struct walk *w, const cyaml_schema_value_t *schema, const struct member *m)
{
    const char *home = w->typed->home ? w->typed->home(&w->job->pool, m->key) : NULL;
    VEC(struct str) names = {0};

    for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key != NULL; f++)
        if (f->key[0] != '(')
            *vec_add(&w->job->pool, &names) = str_of(f->key);
    struct str near = diag_suggest(&w->job->pool, m->key, names.at, names.count);
    if (near.len == 0 && home != NULL)
        diag_error(&w->job->diags, m->key_loc, "wrong-level",
                   "'%.*s' does not stand in '%s'; it belongs in %s", STR_SHORT(m->key), w->place,
                   home);
    else
        diag_error(&w->job->diags, m->key_loc, "unknown-key", "'%s' has no key '%.*s'%.*s",
                   w->place, STR_SHORT(m->key), STR_ARG(near));
}

static bool walk_value(struct walk *w, struct node *node, const cyaml_schema_value_t *schema,
                       const char *what);

static bool walk_cell(struct walk *w, struct node *node, const char *what)
{
    struct policy_reader *r = &w->typed->reader;

    if (node->kind == NODE_NULL) {
        diag_error(&w->job->diags, node->loc, "wrong-type", "'%s' has no value", what);
        return false;
    }
    if (r->cell_count % 64 == 0) {
        struct node **more = pool_alloc(&w->job->pool, (r->cell_count + 64) * sizeof *more);
        if (r->cell_count > 0)
            memcpy(more, r->cells, r->cell_count * sizeof *more);
        r->cells = more;
    }
    text_printf(&w->text, "\"%zu\"", r->cell_count);
    r->cells[r->cell_count++] = node;
    return true;
}

static void unknown_word(struct walk *w, const struct node *node,
                         const cyaml_schema_value_t *schema, const char *what)
{
    struct text list = {.pool = &w->job->pool};
    VEC(struct str) words = {0};

    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        *vec_add(&w->job->pool, &words) = str_of(schema->enumeration.strings[i].str);
        text_printf(&list, "%s%s", i == 0 ? "" : ", ", schema->enumeration.strings[i].str);
    }
    struct str near = diag_suggest(&w->job->pool, node->text, words.at, words.count);
    if (node->kind != NODE_TEXT && node->kind != NODE_BOOL)
        diag_error(&w->job->diags, node->loc, "wrong-type", "'%s' must be one of %.*s, not %s",
                   what, STR_ARG(text_str(&list)), node_kind_name(node));
    else
        diag_error(&w->job->diags, node->loc, "unknown-value", "'%s' must be one of %.*s%.*s", what,
                   STR_ARG(text_str(&list)), STR_ARG(near));
}

static bool walk_word(struct walk *w, const struct node *node, const cyaml_schema_value_t *schema,
                      const char *what)
{
    const bool truth = schema->enumeration.strings == policy_truth;

    if (truth) {
        bool value;
        if (!setting_truth(w->job, node, what, &value))
            return false;
        text_add(&w->text, value ? STR("\"true\"") : STR("\"false\""));
        return true;
    }
    for (uint32_t i = 0; node->kind == NODE_TEXT && i < schema->enumeration.count; i++) {
        const cyaml_strval_t *word = &schema->enumeration.strings[i];
        if (!is_key(word->str, node->text))
            continue;
        if (word->val >= POLICY_LATER_FROM) {
            diag_error(&w->job->diags, node->loc, "not-implemented", "'%s: %s' is not built yet",
                       what, word->str);
            return false;
        }
        text_json(&w->text, node->text);
        return true;
    }
    unknown_word(w, node, schema, what);
    return false;
}

/* Prints the field and its value, or nothing at all when the value is no good. False when a field that is
 * needed is lost that way. */
static bool walk_field(struct walk *w, const struct member *m, const cyaml_schema_field_t *field)
{
    const size_t text_mark = w->text.len, line_mark = w->lines.count;
    const char *const place = w->place;
    struct node *value;
    bool good;

    if (field->value.type == CYAML_IGNORE) {
        if (!setting_is_off(m->value))
            diag_error(&w->job->diags, m->key_loc, "not-implemented",
                       "'%s' in '%s' is not built yet", field->key, w->place);
        return true;
    }
    text_printf(&w->text, "\"%s\": ", field->key);
    value = typed_follow(w->job, m->value);
    w->place = pool_printf(&w->job->pool, field->value.type == CYAML_SEQUENCE ? "%s.%s[]" : "%s.%s",
                           place, field->key)
                   .at;
    good = value != NULL && walk_value(w, value, &field->value, field->key);
    w->place = place;
    if (!good) {
        w->text.len = text_mark;
        w->lines.count = line_mark;
        return field->value.flags & CYAML_FLAG_OPTIONAL;
    }
    text_byte(&w->text, ',');
    line(w, m->value);
    return true;
}

static bool has_all(struct walk *w, const struct node *node, const cyaml_schema_value_t *schema)
{
    bool all = true;

    for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key != NULL; f++) {
        if ((f->value.flags & CYAML_FLAG_OPTIONAL) || f->key[0] == '(' || node_get(node, f->key))
            continue;
        diag_error(&w->job->diags, node->loc, "missing-key", "'%s' needs '%s'", w->place, f->key);
        all = false;
    }
    return all;
}

/* `entry` is the member of a map with free keys that the mapping stands for, or NULL. */
static bool walk_mapping(struct walk *w, struct node *node, const cyaml_schema_value_t *schema,
                         const struct member *entry, const char *what)
{
    const cyaml_schema_field_t *first = schema->mapping.fields;
    bool good = true;
    const bool whole =
        entry != NULL && first[1].key != NULL && is_key(first[1].key, STR("(value)"));

    if (!whole && node->kind != NODE_MAP) {
        diag_error(&w->job->diags, node->loc, "wrong-type", "'%s' must be a map, not %s", what,
                   node_kind_name(node));
        return false;
    }
    text_byte(&w->text, '{');
    line(w, node);
    if (entry != NULL) {
        struct node *key = pool_new(&w->job->pool, struct node);
        *key = (struct node){.kind = NODE_TEXT, .text = entry->key, .loc = entry->key_loc};
        text_add(&w->text, STR("\"(key)\": "));
        walk_cell(w, key, what);
        text_byte(&w->text, ',');
        line(w, key);
    }
    if (whole) {
        text_add(&w->text, STR("\"(value)\": "));
        if (!walk_cell(w, node, what))
            return false;
        line(w, node);
    }
    for (size_t i = 0; !whole && i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        const cyaml_schema_field_t *field = find_field(schema, m->key);

        if (field == NULL)
            unknown_key(w, schema, m);
        else
            good &= walk_field(w, m, field);
    }
    text_byte(&w->text, '}');
    return whole || (has_all(w, node, schema) && good);
}

static void walk_item(struct walk *w, struct node *node, const cyaml_schema_value_t *schema,
                      const struct member *entry, const char *what)
{
    const size_t text_mark = w->text.len, line_mark = w->lines.count;
    bool good;

    node = typed_follow(w->job, node);
    if (node == NULL)
        return;
    good = entry || schema->type == CYAML_MAPPING ? walk_mapping(w, node, schema, entry, what)
                                                  : walk_value(w, node, schema, what);
    if (good) {
        text_byte(&w->text, ',');
        line(w, node);
    } else {
        w->text.len = text_mark;
        w->lines.count = line_mark;
    }
}

static bool walk_sequence(struct walk *w, struct node *node, const cyaml_schema_value_t *schema,
                          const char *what)
{
    const cyaml_schema_value_t *entry = schema->sequence.entry;
    const bool keyed =
        entry->type == CYAML_MAPPING && is_key("(key)", str_of(entry->mapping.fields->key));

    if (node->kind != (keyed ? NODE_MAP : NODE_LIST)) {
        diag_error(&w->job->diags, node->loc, "wrong-type", "'%s' must be %s, not %s", what,
                   keyed ? "a map" : "a list", node_kind_name(node));
        return false;
    }
    text_byte(&w->text, '[');
    line(w, node);
    if (keyed)
        for (size_t i = 0; i < node->member_count; i++)
            walk_item(w, node->members[i].value, entry, &node->members[i], what);
    else
        for (size_t i = 0; i < node->item_count; i++)
            walk_item(w, node->items[i], entry, NULL, what);
    text_byte(&w->text, ']');
    return true;
}

static bool walk_value(struct walk *w, struct node *node, const cyaml_schema_value_t *schema,
                       const char *what)
{
    switch (schema->type) {
    case CYAML_STRING:
        return walk_cell(w, node, what);
    case CYAML_ENUM:
        return walk_word(w, node, schema, what);
    case CYAML_MAPPING:
        return walk_mapping(w, node, schema, NULL, what);
    default:
        return walk_sequence(w, node, schema, what);
    }
}

/* ---- libcyaml ---- */

/* The innermost place of libcyaml's backtrace and its first sentence. */
struct complaint {
    char text[200];
    size_t line;
};

__attribute__((format(printf, 3, 0))) static void hear(cyaml_log_t level, void *context,
                                                       const char *format, va_list args)
{
    struct complaint *complaint = context;
    char text[200];
    const char *place;

    (void)level;
    vsnprintf(text, sizeof text, format, args);
    if (complaint->text[0] == '\0')
        memcpy(complaint->text, text, sizeof text);
    place = strstr(text, "(line: ");
    if (place != NULL && complaint->line == 0)
        complaint->line = (size_t)strtoul(place + 7, NULL, 10);
}

/* realloc in a pool: each block knows its size. */
static void *grow(void *context, void *old, size_t size)
{
    struct pool *pool = context;
    size_t *block;

    if (size == 0)
        return NULL;
    block = pool_alloc(pool, size + 2 * sizeof(size_t));
    block[0] = size;
    if (old != NULL) {
        size_t former = ((size_t *)old)[-2];
        memcpy(block + 2, old, former < size ? former : size);
    }
    return block + 2;
}

static bool load(struct walk *w, const struct node *node, const cyaml_schema_value_t *schema,
                 void **raw, unsigned *count)
{
    struct complaint complaint = {0};
    const cyaml_config_t config = {
        .log_fn = hear,
        .log_ctx = &complaint,
        .mem_fn = grow,
        .mem_ctx = &w->job->pool,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    cyaml_err_t error = cyaml_load_data((const uint8_t *)w->text.at, w->text.len, &config, schema,
                                        raw, schema->type == CYAML_SEQUENCE ? count : NULL);

    if (error == CYAML_OK)
        return true;
    if (complaint.line > 0 && complaint.line <= w->lines.count)
        node = w->lines.at[complaint.line - 1];
    diag_error(&w->job->diags, node->loc, "bad-value", "'%s' cannot be read: %s %s", w->place,
               cyaml_strerror(error), complaint.text);
    return false;
}

static bool load_nested(struct policy_reader *reader, struct node *node,
                        const struct policy_type *type, void *out)
{
    return typed_load((struct typed *)reader, node, type, out);
}

void typed_begin(struct typed *typed, struct job *job, typed_home *home)
{
    *typed = (struct typed){.reader = {.job = job, .load = load_nested}, .home = home};
}

/* "listeners[]" and "upstreams.*" name the entries; the value that holds them goes without. */
static const char *whole_name(struct pool *pool, const char *place)
{
    struct str s = str_of(place);

    if (s.len > 2 &&
        (str_eq(str_from(s, s.len - 2), STR("[]")) ||
         (str_eq(str_from(s, s.len - 2), STR(".*")) && memchr(place, '.', s.len - 2) == NULL)))
        return pool_copy(pool, str_head(s, s.len - 2)).at;
    return place;
}

bool typed_load(struct typed *typed, struct node *node, const struct policy_type *type, void *out)
{
    struct job *job = typed->reader.job;
    struct walk w = {
        .typed = typed, .job = job, .text = {.pool = &job->pool}, .place = type->place};
    void *raw = NULL;
    unsigned count = 0;

    node = typed_follow(job, node);
    if (node == NULL)
        return false;
    if (type->schema->type == CYAML_STRING) {
        type->read(&typed->reader, node, NULL, 0, out);
        return true;
    }
    if (!walk_value(&w, node, type->schema, whole_name(&job->pool, type->place)) ||
        !load(&w, node, type->schema, &raw, &count))
        return false;
    type->read(&typed->reader, node, raw, count, out);
    return true;
}
