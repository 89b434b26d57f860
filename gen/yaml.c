#include "yaml.h"

#include <yaml.h>

#include "base/json.h"
#include "base/map.h"
#include "base/utf8.h"
#include "scalar.h"
#include "tree.h"

/* How many nodes aliases may add: enough for every honest document, little for a bomb. */
enum { EXPANSION_MAX = 10 * 1000 * 1000 };

/* ---- JSON */

static bool is_json(struct str bytes)
{
    struct json json;
    enum json_kind kind;

    json_open(&json, bytes, JSON_DEPTH_MAX);
    do
        kind = json_next(&json);
    while (kind != JSON_END && kind != JSON_ERROR);
    return kind == JSON_END;
}

static struct node *json_node(struct job *job, const struct json *json, enum json_kind kind)
{
    struct node *node = pool_new(&job->pool, struct node);

    switch (kind) {
    case JSON_STRING:
        node->kind = NODE_TEXT;
        node->text = json_text(json, &job->pool);
        break;
    case JSON_OBJECT:
        node->kind = NODE_MAP;
        break;
    case JSON_ARRAY:
        node->kind = NODE_LIST;
        break;
    default: /* null, true, false and numbers are what YAML's core schema says */
        node->text = str_head(str_from(json->input, json->start), json->at - json->start);
        scalar_resolve(&job->pool, node);
    }
    return node;
}

/* One token; false when the tree is complete or an error was reported. */
static bool json_step(struct tree *tree, struct json *json, struct source_walk *walk, uint32_t file)
{
    struct job *job = tree->job;
    enum json_kind kind = json_next(json);
    struct loc loc;
    struct node *node;

    if (kind == JSON_END)
        return false;
    source_walk(walk, source_get(&job->sources, file), json->start);
    loc = (struct loc){file, walk->line, walk->col};
    switch (kind) {
    case JSON_ERROR:
        diag_error(&job->diags, loc, "json-syntax", "%s", json->error);
        return false;
    case JSON_KEY:
        tree_key(tree, json_text(json, &job->pool), loc);
        return true;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        tree_close(tree);
        return true;
    default:
        node = json_node(job, json, kind);
        node->loc = loc;
        if (kind == JSON_OBJECT || kind == JSON_ARRAY)
            return tree_open(tree, node);
        tree_add(tree, (struct tree_value){node, 1, 1});
        return true;
    }
}

static struct node *read_json(struct job *job, uint32_t file)
{
    struct source_walk walk = {.line = 1, .col = 1};
    struct json json;
    struct tree tree;

    json_open(&json, source_get(&job->sources, file)->bytes, JSON_DEPTH_MAX);
    tree_begin(&tree, job);
    while (json_step(&tree, &json, &walk, file))
        ;
    return tree_end(&tree);
}

/* ---- YAML */

/* What an anchor names; its value is incomplete (size 0) while it is being read. */
struct anchor {
    struct tree_value value;
};

struct reader {
    struct job *job;
    uint32_t file;
    struct tree tree;
    yaml_parser_t parser;
    uint32_t *starts; /* libyaml counts characters: the number of the first one in each line */
    size_t line_count, line;
    struct map anchors;
    VEC(struct anchor *) open; /* the anchor of each open level or NULL */
    size_t expanded;
};

static void find_starts(struct reader *reader)
{
    const struct source *source = source_get(&reader->job->sources, reader->file);
    uint32_t characters = 0;

    reader->line_count = source->line_count;
    reader->starts = pool_take(&reader->tree.scratch, source->line_count * sizeof(uint32_t));
    for (size_t i = 0; i < source->line_count; i++) {
        size_t end = i + 1 < source->line_count ? source->lines[i + 1] : source->bytes.len;
        reader->starts[i] = characters;
        characters += (uint32_t)utf8_count(
            str_head(str_from(source->bytes, source->lines[i]), end - source->lines[i]));
    }
}

/* Marks come almost in order, so the search starts at the last line. */
static struct loc place(struct reader *reader, yaml_mark_t mark)
{
    while (reader->line > 0 && reader->starts[reader->line] > mark.index)
        reader->line--;
    while (reader->line + 1 < reader->line_count && reader->starts[reader->line + 1] <= mark.index)
        reader->line++;
    return (struct loc){reader->file, (uint32_t)reader->line + 1,
                        (uint32_t)mark.index - reader->starts[reader->line] + 1};
}

/* What is behind the parser's words, as far as the character at the place tells. */
static const char *advise(const struct reader *reader, struct loc loc)
{
    enum { KEY_MAX = 1024 };
    const struct source *source = source_get(&reader->job->sources, reader->file);
    struct str line = str_from(source->bytes, source->lines[loc.line - 1]);
    size_t at = 0;

    for (uint32_t col = 1; col < loc.col && at < line.len; col++)
        utf8_next(line, &at);
    switch (at < line.len ? line.at[at] : '\0') {
    case '\t':
        return "YAML indents by spaces, not by tabs";
    case '@':
    case '`':
    case '%':
        return "a value that begins like this needs quotes";
    case ':':
        return loc.col > KEY_MAX ? "a key of more than 1024 characters must stand behind '? '"
                                 : "a value that holds ': ' needs quotes";
    default:
        return NULL;
    }
}

static void report_syntax(struct reader *reader)
{
    yaml_parser_t *parser = &reader->parser;
    struct diags *d = &reader->job->diags;

    if (parser->error == YAML_READER_ERROR) {
        diag_error(d, source_loc(&reader->job->sources, reader->file, parser->problem_offset),
                   "yaml-syntax", "%s", parser->problem);
        return;
    }
    struct loc loc = place(reader, parser->problem_mark);
    const char *advice = advise(reader, loc);

    diag_error(d, loc, "yaml-syntax", "%s", parser->problem ? parser->problem : "out of memory");
    if (advice)
        diag_note(d, loc, "%s", advice);
    else if (parser->context && parser->context_mark.index != parser->problem_mark.index)
        diag_note(d, place(reader, parser->context_mark), "%s", parser->context);
}

static struct anchor *add_anchor(struct reader *reader, const yaml_char_t *name, struct node *node)
{
    struct anchor *anchor;

    if (!name)
        return NULL;
    anchor = pool_new(&reader->tree.scratch, struct anchor);
    anchor->value.node = node;
    map_set(&reader->anchors, &reader->tree.scratch,
            pool_copy(&reader->tree.scratch, str_of((const char *)name)), anchor);
    return anchor;
}

static bool tag_is(const yaml_char_t *tag, const char *core)
{
    return strcmp((const char *)tag, core) == 0;
}

static void report_tag(struct reader *reader, struct loc loc, const yaml_char_t *tag)
{
    diag_error(&reader->job->diags, loc, "tag",
               "the tag '%s' has no meaning here; only those of YAML's core schema do",
               (const char *)tag);
}

static void report_tag_kind(struct reader *reader, const struct node *node, const char *wanted)
{
    diag_error(&reader->job->diags, node->loc, "tag", "this is tagged as %s, but is %s", wanted,
               node_kind_name(node));
}

/* A scalar's kind by its tag. Without one, plain scalars mean what they look like, quoted ones are text. */
static void resolve(struct reader *reader, struct node *node, const yaml_event_t *event)
{
    static const struct {
        const char *tag, *name;
        enum node_kind kind;
    } kinds[] = {
        {YAML_NULL_TAG, "null", NODE_NULL},
        {YAML_BOOL_TAG, "a boolean", NODE_BOOL},
        {YAML_INT_TAG, "an integer", NODE_INT},
        {YAML_FLOAT_TAG, "a number", NODE_FLOAT},
    };
    const yaml_char_t *tag = event->data.scalar.tag;

    node->kind = NODE_TEXT;
    if (!tag && !event->data.scalar.plain_implicit)
        return;
    if (tag && (tag_is(tag, YAML_STR_TAG) || tag_is(tag, "!")))
        return;
    scalar_resolve(&reader->job->pool, node);
    if (!tag)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!tag_is(tag, kinds[i].tag))
            continue;
        if (kinds[i].kind == NODE_FLOAT && node->kind == NODE_INT) {
            node->kind = NODE_FLOAT;
            node->number = (double)node->integer;
        }
        if (node->kind != kinds[i].kind)
            report_tag_kind(reader, node, kinds[i].name);
        return;
    }
    report_tag(reader, node->loc, tag);
}

static void add_key(struct reader *reader, struct str key, struct loc loc, bool plain)
{
    if (plain && str_eq(key, STR("<<")))
        diag_error(&reader->job->diags, loc, "merge-key",
                   "YAML 1.2 has no merge keys; write the members out, or share them by $ref");
    tree_key(&reader->tree, key, loc);
}

static void on_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct node *node = pool_new(&reader->job->pool, struct node);
    struct anchor *anchor = add_anchor(reader, event->data.scalar.anchor, node);
    struct tree_value value = {node, 1, 1};

    node->loc = place(reader, event->start_mark);
    node->text = pool_copy(&reader->job->pool, (struct str){(const char *)event->data.scalar.value,
                                                            event->data.scalar.length});
    resolve(reader, node, event);
    if (anchor)
        anchor->value = value;
    if (tree_wants_key(&reader->tree))
        add_key(reader, node->text, node->loc, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
    else
        tree_add(&reader->tree, value);
}

static bool report_key(struct reader *reader, struct loc loc)
{
    diag_error(&reader->job->diags, loc, "key-kind", "a key must be a scalar, not a map or a list");
    return false;
}

static bool on_open(struct reader *reader, const yaml_event_t *event, enum node_kind kind)
{
    bool is_map = kind == NODE_MAP;
    const yaml_char_t *tag =
        is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    struct node *node = pool_new(&reader->job->pool, struct node);

    node->kind = kind;
    node->loc = place(reader, event->start_mark);
    if (tree_wants_key(&reader->tree))
        return report_key(reader, node->loc);
    if (tag && (tag_is(tag, YAML_MAP_TAG) || tag_is(tag, YAML_SEQ_TAG))) {
        if (tag_is(tag, YAML_MAP_TAG) != is_map)
            report_tag_kind(reader, node, is_map ? "a list" : "a map");
    } else if (tag && !tag_is(tag, "!")) {
        report_tag(reader, node->loc, tag);
    }
    if (!tree_open(&reader->tree, node))
        return false;
    *vec_add(&reader->tree.scratch, &reader->open) = add_anchor(
        reader, is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
        node);
    return true;
}

static void on_close(struct reader *reader)
{
    struct tree_value value = tree_close(&reader->tree);
    struct anchor *anchor = reader->open.at[--reader->open.count];

    if (anchor)
        anchor->value = value;
}

static bool on_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = map_get(&reader->anchors, str_of(name));
    struct loc loc = place(reader, event->start_mark);
    struct diags *d = &reader->job->diags;

    if (!anchor) {
        diag_error(d, loc, "alias", "no anchor '%s' stands before this alias", name);
        return false;
    }
    if (anchor->value.size == 0) {
        diag_error(d, loc, "alias", "'%s' contains itself", name);
        diag_note(d, anchor->value.node->loc, "its anchor is here");
        return false;
    }
    if (tree_wants_key(&reader->tree)) {
        const struct node *node = anchor->value.node;
        if (node->kind == NODE_MAP || node->kind == NODE_LIST)
            return report_key(reader, loc);
        add_key(reader, node->text, loc, false);
        return true;
    }
    reader->expanded += anchor->value.size;
    if (reader->expanded > EXPANSION_MAX) {
        diag_error(d, loc, "alias", "aliases expand to more than %d nodes", EXPANSION_MAX);
        return false;
    }
    if (reader->tree.levels.count + anchor->value.height > TREE_DEPTH_MAX) {
        diag_error(d, loc, "nesting", "with this alias, nested deeper than %d levels",
                   TREE_DEPTH_MAX);
        return false;
    }
    tree_add(&reader->tree, anchor->value);
    return true;
}

/* One event; false when reading must stop. */
static bool on_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (!reader->tree.root)
            return true;
        diag_error(&reader->job->diags, place(reader, event->start_mark), "documents",
                   "a second document begins here; a file must hold one");
        return false;
    case YAML_SCALAR_EVENT:
        on_scalar(reader, event);
        return true;
    case YAML_MAPPING_START_EVENT:
        return on_open(reader, event, NODE_MAP);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(reader, event, NODE_LIST);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        on_close(reader);
        return true;
    case YAML_ALIAS_EVENT:
        return on_alias(reader, event);
    default:
        return event->type != YAML_STREAM_END_EVENT;
    }
}

static void run(struct reader *reader)
{
    bool more = true;

    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            report_syntax(reader);
            return;
        }
        more = on_event(reader, &event);
        yaml_event_delete(&event);
    }
}

static struct node *read_yaml(struct job *job, uint32_t file)
{
    struct str bytes = source_get(&job->sources, file)->bytes;
    struct reader reader = {.job = job, .file = file};
    struct node *root;

    if (!yaml_parser_initialize(&reader.parser))
        pool_xmalloc(SIZE_MAX); /* there is one place to run out of memory */
    tree_begin(&reader.tree, job);
    find_starts(&reader);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes.at, bytes.len);
    run(&reader);
    yaml_parser_delete(&reader.parser);
    root = tree_end(&reader.tree);
    return root;
}

/* ---- both */

static bool looks_like_json(const struct source *source)
{
    struct str text = source->bytes, name = source->name;
    size_t first = 0;

    if (name.len > 5 && str_eq(str_from(name, name.len - 5), STR(".json")))
        return true;
    while (first < text.len && strchr(" \t\r\n", text.at[first]) && text.at[first] != '\0')
        first++;
    return first < text.len && (text.at[first] == '{' || text.at[first] == '[') && is_json(text);
}

static bool is_empty(const struct node *root)
{
    return !root || (root->kind == NODE_NULL && root->text.len == 0);
}

static struct node *read_any(struct job *job, uint32_t file)
{
    const struct source *source = source_get(&job->sources, file);
    size_t errors = job->diags.errors, bad = utf8_check(source->bytes);
    struct node *root;

    if (bad < source->bytes.len) {
        diag_error(&job->diags, source_loc(&job->sources, file, bad), "encoding",
                   "this byte begins no character; a file must be UTF-8, or UTF-16 with a byte "
                   "order mark");
        return NULL;
    }
    root = looks_like_json(source) ? read_json(job, file) : read_yaml(job, file);
    if (job->diags.errors == errors && is_empty(root))
        diag_error(&job->diags, (struct loc){file, 1, 1}, "empty-document",
                   "the document is empty");
    return job->diags.errors == errors ? root : NULL;
}

struct node *yaml_read(struct job *job, uint32_t file)
{
    struct source *source;

    if (file == 0 || file > job->sources.files.count)
        return NULL;
    source = &job->sources.files.at[file - 1];
    if (!source->tree_read) {
        source->tree_read = true;
        source->tree = read_any(job, file);
    }
    return source->tree;
}
