#include "template.h"

#include "base/map.h"
#include "escape.h"

enum part_kind { PART_LITERAL, PART_TEXT, PART_RAW, PART_SECTION, PART_INVERTED, PART_PARTIAL };

struct part {
    enum part_kind kind;
    struct str text; /* the literal, or the name */
    struct str
        indent; /* PART_PARTIAL alone on its line: put before each of its lines; else at NULL */
    struct loc loc;
    VEC(struct part) body;
};

/* What a template makes decides which tags it may use where. */
enum output { OUTPUT_C, OUTPUT_MAKE, OUTPUT_LINES };

struct template
{
    struct str name;
    enum output output;
    struct part root;
};

struct template_set {
    struct map templates;
};

/* Where in a C text we are; tags stand for a token, so they don't change it. */
enum place { PLACE_CODE, PLACE_STRING, PLACE_CHAR, PLACE_COMMENT, PLACE_LINE_COMMENT };

struct parser {
    struct job *job;
    struct str name, all;
    size_t at;
    struct loc loc; /* of `at` */
    enum output output;
    enum place place;
    char previous; /* byte of the C text, 0 when it cannot join with the next */
};

struct tag {
    char sigil; /* 0, '{', '#', '^', '/', '>', '!' */
    struct str name;
    struct loc loc;
    size_t from, to; /* in `all`, braces included */
};

/* ---- parsing ---- */

static enum output output_of(struct str name)
{
    struct str base = name;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '/')
            base = str_from(name, i + 1);
    }
    if (str_starts(base, STR("Makefile")))
        return OUTPUT_MAKE;
    const struct str endings[] = {STR(".c.mustache"), STR(".h.mustache"), STR(".re.mustache")};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (base.len > endings[i].len &&
            str_eq(str_from(base, base.len - endings[i].len), endings[i]))
            return OUTPUT_C;
    }
    return OUTPUT_LINES;
}

static enum place next_place(enum place place, char previous, char c)
{
    switch (place) {
    case PLACE_CODE:
        if (previous == '/' && c == '*')
            return PLACE_COMMENT;
        if (previous == '/' && c == '/')
            return PLACE_LINE_COMMENT;
        return c == '"' ? PLACE_STRING : c == '\'' ? PLACE_CHAR : PLACE_CODE;
    case PLACE_STRING:
        return c == '"' && previous != '\\' ? PLACE_CODE : PLACE_STRING;
    case PLACE_CHAR:
        return c == '\'' && previous != '\\' ? PLACE_CODE : PLACE_CHAR;
    case PLACE_COMMENT:
        return previous == '*' && c == '/' ? PLACE_CODE : PLACE_COMMENT;
    case PLACE_LINE_COMMENT:
        return c == '\n' ? PLACE_CODE : PLACE_LINE_COMMENT;
    }
    return place;
}

static void follow_c(struct parser *parser, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        enum place next = next_place(parser->place, parser->previous, text.at[i]);
        bool escaped = parser->previous == '\\' && text.at[i] == '\\';
        parser->previous = next != parser->place || escaped ? 0 : text.at[i];
        parser->place = next;
    }
}

static void step_to(struct parser *parser, size_t to)
{
    for (; parser->at < to; parser->at++) {
        if (parser->all.at[parser->at] == '\n') {
            parser->loc.line++;
            parser->loc.col = 1;
        } else {
            parser->loc.col++;
        }
    }
}

static bool fail(struct parser *parser, struct loc loc, const char *message)
{
    diag_error(&parser->job->diags, loc, "template", "%s", message);
    return false;
}

/* The next tag at or behind `at`; from == to at the end of the text. */
static bool find_tag(struct parser *parser, struct tag *tag)
{
    struct str rest = str_from(parser->all, parser->at);
    size_t skip = str_find_str(rest, STR("{{"));
    size_t from = parser->at + skip;
    *tag = (struct tag){.from = from, .to = from, .loc = parser->loc};
    if (skip == rest.len)
        return true;

    for (size_t i = parser->at; i < from; i++) {
        tag->loc.col = parser->all.at[i] == '\n' ? 1 : tag->loc.col + 1;
        tag->loc.line += parser->all.at[i] == '\n';
    }
    bool raw = from + 2 < parser->all.len && parser->all.at[from + 2] == '{';
    /* a brace of C before a section: "{" "{{#x}}" */
    if (raw && from + 3 < parser->all.len && strchr("#^/>!", parser->all.at[from + 3])) {
        raw = false;
        tag->from = ++from;
        tag->loc.col++;
    }
    struct str inside = str_from(parser->all, from + (raw ? 3 : 2));
    struct str end = raw ? STR("}}}") : STR("}}");
    size_t len = str_find_str(inside, end);
    if (len == inside.len)
        return fail(parser, tag->loc, "tag without an end");

    tag->to = (size_t)(inside.at - parser->all.at) + len + end.len;
    inside = str_head(inside, len);
    if (raw) {
        tag->sigil = '{';
    } else if (inside.len && strchr("#^/>!", inside.at[0])) {
        tag->sigil = inside.at[0];
        inside = str_from(inside, 1);
    }
    tag->name = str_trim(inside, " \t\n");
    return true;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fine =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '.';
        if (!fine)
            return false;
    }
    return name.len > 0;
}

/* The line around a tag that stands alone on it: [*from, *to), else false. */
static bool stands_alone(const struct parser *parser, const struct tag *tag, size_t *from,
                         size_t *to)
{
    *from = tag->from;
    while (*from > 0 && strchr(" \t", parser->all.at[*from - 1]))
        --*from;
    if (*from > 0 && parser->all.at[*from - 1] != '\n')
        return false;
    *to = tag->to;
    while (*to < parser->all.len && strchr(" \t", parser->all.at[*to]))
        ++*to;
    if (*to < parser->all.len && parser->all.at[*to] != '\n')
        return false;
    *to += *to < parser->all.len;
    return true;
}

static bool add_literal(struct parser *parser, struct part *parent, struct str text)
{
    if (text.len == 0)
        return true;
    /* what stands behind a tag must not join with the last byte of its text */
    bool quoted = parser->place == PLACE_STRING || parser->place == PLACE_COMMENT;
    if (quoted && parser->at > 0 && strchr("*/?", text.at[0]))
        return fail(parser, parser->loc,
                    "one of * / ? directly behind a tag in a string or comment");
    if (parser->output == OUTPUT_C)
        follow_c(parser, text);
    *vec_add(&parser->job->pool, &parent->body) = (struct part){.kind = PART_LITERAL, .text = text};
    return true;
}

/* `{{x}}` is safe where its escapes hold. */
static bool text_may_stand(struct parser *parser, const struct tag *tag)
{
    if (parser->output == OUTPUT_LINES)
        return true;
    if (parser->output == OUTPUT_MAKE)
        return fail(parser, tag->loc,
                    "text in a Makefile; only names and numbers, {{{x}}}, may stand there");
    if (parser->place != PLACE_STRING && parser->place != PLACE_COMMENT)
        return fail(parser, tag->loc,
                    "text outside a string or comment; names and numbers are {{{x}}}");
    return true;
}

static bool parse_body(struct parser *parser, struct part *parent, unsigned depth);

static bool parse_section(struct parser *parser, struct part *parent, const struct tag *tag,
                          unsigned depth)
{
    enum place place = parser->place;
    struct part part = {.kind = tag->sigil == '#' ? PART_SECTION : PART_INVERTED,
                        .text = tag->name,
                        .loc = tag->loc};
    if (depth > 32)
        return fail(parser, tag->loc, "sections nested too deep");
    if (!parse_body(parser, &part, depth + 1))
        return false;
    if (parser->place != place)
        return fail(parser, tag->loc,
                    "section ends inside a string or comment that it opened, or the reverse");
    *vec_add(&parser->job->pool, &parent->body) = part;
    return true;
}

static bool parse_value(struct parser *parser, struct part *parent, const struct tag *tag)
{
    if (tag->sigil == 0 && !text_may_stand(parser, tag))
        return false;
    parser->previous = 0;
    *vec_add(&parser->job->pool, &parent->body) = (struct part){
        .kind = tag->sigil ? PART_RAW : PART_TEXT, .text = tag->name, .loc = tag->loc};
    return true;
}

/* One tag, already passed. *closed: it was the end of the section `parent`. */
static bool parse_tag(struct parser *parser, struct part *parent, const struct tag *tag,
                      struct str indent, unsigned depth, bool *closed)
{
    if (tag->sigil == '!')
        return true;
    if (!is_name(tag->name))
        return fail(parser, tag->loc, "a name is made of a-z, 0-9 and _");
    switch (tag->sigil) {
    case '#':
    case '^':
        return parse_section(parser, parent, tag, depth);
    case '/':
        *closed = true;
        if (depth == 0 || !str_eq(parent->text, tag->name))
            return fail(parser, tag->loc, "end of a section that is not open");
        return true;
    case '>':
        *vec_add(&parser->job->pool, &parent->body) = (struct part){
            .kind = PART_PARTIAL, .text = tag->name, .indent = indent, .loc = tag->loc};
        return true;
    default:
        return parse_value(parser, parent, tag);
    }
}

static bool parse_body(struct parser *parser, struct part *parent, unsigned depth)
{
    bool closed = false;
    while (!closed) {
        struct tag tag;
        if (!find_tag(parser, &tag))
            return false;
        size_t from = tag.from, to = tag.to;
        struct str indent = {0};
        bool block = tag.sigil && tag.sigil != '{';
        if (block && stands_alone(parser, &tag, &from, &to))
            indent = str_head(str_from(parser->all, from), tag.from - from);
        else
            from = tag.from, to = tag.to;
        if (!add_literal(parser, parent,
                         str_head(str_from(parser->all, parser->at), from - parser->at)))
            return false;
        step_to(parser, to);
        if (tag.from == tag.to)
            return depth == 0 || fail(parser, parent->loc, "section without an end");
        if (!parse_tag(parser, parent, &tag, indent, depth, &closed))
            return false;
    }
    return true;
}

bool template_add(struct job *job, struct template_set *set, struct str name, struct str text)
{
    struct template *template = pool_new(&job->pool, struct template);
    struct str shown = pool_printf(&job->pool, "templates/%.*s", STR_ARG(name));
    struct parser parser = {
        .job = job,
        .name = name,
        .all = text,
        .loc = {source_add(&job->sources, shown, text), 1, 1},
        .output = output_of(name),
    };
    template->name = name;
    template->output = parser.output;
    map_set(&set->templates, &job->pool, name, template);
    return parse_body(&parser, &template->root, 0);
}

struct template_set *template_set_new(struct job *job)
{
    return pool_new(&job->pool, struct template_set);
}

/* ---- checking partials ---- */

static struct template *find_template(struct job *job, const struct template_set *set,
                                      struct str name)
{
    return map_get(&set->templates, pool_printf(&job->pool, "%.*s.mustache", STR_ARG(name)));
}

static void check_partials(struct job *job, const struct template_set *set, const struct part *part,
                           unsigned depth)
{
    const struct template *partial = NULL;
    if (part->kind == PART_PARTIAL) {
        partial = find_template(job, set, part->text);
        if (!partial)
            diag_error(&job->diags, part->loc, "template", "no template '%.*s.mustache'",
                       STR_ARG(part->text));
        else if (depth > 8)
            diag_error(&job->diags, part->loc, "template", "partials that contain each other");
        else
            check_partials(job, set, &partial->root, depth + 1);
    }
    for (size_t i = 0; i < part->body.count && !job_failed(job); i++)
        check_partials(job, set, &part->body.at[i], depth);
}

/* The text of a template that the user put into `folder`, or the baked one. */
static struct str text_of(struct job *job, struct str folder, const struct template_source *baked)
{
    struct str text = {baked->text, baked->len};
    if (folder.len == 0)
        return text;
    struct str error, name = pool_printf(&job->pool, "%.*s/%s", STR_ARG(folder), baked->name);
    uint32_t file = source_read(&job->sources, name, &error);
    return file ? source_get(&job->sources, file)->bytes : text;
}

struct template_set *template_read(struct job *job, struct str folder)
{
    if (job_failed(job))
        return NULL;
    struct template_set *set = template_set_new(job);
    for (size_t i = 0; i < template_baked_count; i++)
        template_add(job, set, str_of(template_baked[i].name),
                     text_of(job, folder, &template_baked[i]));
    for (size_t i = 0; i < set->templates.count && !job_failed(job); i++)
        check_partials(job, set, &((struct template *)set->templates.at[i].value)->root, 0);
    return job_failed(job) ? NULL : set;
}

/* ---- rendering ---- */

/* The maps around a tag, innermost first. */
struct scope {
    const struct value *map;
    const struct scope *outer;
};

struct render {
    struct job *job;
    const struct template_set *set;
    struct text *out;
    struct str indent;
    bool line_start, failed;
    enum output output;
};

static void complain(struct render *render, const struct part *part, const char *what)
{
    render->failed = true;
    diag_error(&render->job->diags, part->loc, "template", "'%.*s' %s", STR_ARG(part->text), what);
}

static const struct value *look_up(struct render *render, const struct part *part,
                                   const struct scope *scope)
{
    for (; scope; scope = scope->outer) {
        const struct value *value = value_get(scope->map, part->text);
        if (value)
            return value;
    }
    complain(render, part, "is not a name that this template gets");
    return NULL;
}

static void begin_line(struct render *render)
{
    if (render->line_start)
        text_add(render->out, render->indent);
    render->line_start = false;
}

/* An empty line stays empty, so nothing we write ends in blanks. */
static void write_literal(struct render *render, struct str text)
{
    if (render->indent.len == 0) {
        text_add(render->out, text);
        return;
    }
    while (text.len) {
        size_t line = str_find(text, '\n');
        if (line)
            begin_line(render);
        text_add(render->out, str_head(text, line + 1));
        render->line_start = line < text.len;
        text = str_from(text, line + 1);
    }
}

static void write_value(struct render *render, const struct part *part, const struct value *value)
{
    if (value->kind != VALUE_TEXT && value->kind != VALUE_RAW) {
        complain(render, part, "is no text");
        return;
    }
    begin_line(render);
    if (value->kind == VALUE_RAW)
        text_add(render->out, value->text);
    else if (part->kind == PART_RAW)
        complain(render, part, "is text from a document and may not be written raw");
    else if (render->output == OUTPUT_C)
        escape_c(render->out, value->text);
    else
        escape_line(render->out, value->text);
}

static void render_body(struct render *render, const struct part *part, const struct scope *scope);

static void render_section(struct render *render, const struct part *part,
                           const struct scope *scope, const struct value *value)
{
    switch (value->kind) {
    case VALUE_FALSE:
        return;
    case VALUE_TRUE:
    case VALUE_TEXT:
    case VALUE_RAW:
        render_body(render, part, scope);
        return;
    case VALUE_MAP:
        render_body(render, part, &(struct scope){value, scope});
        return;
    case VALUE_LIST:
        for (size_t i = 0; i < value->items.count && !render->failed; i++) {
            if (value->items.at[i]->kind != VALUE_MAP)
                complain(render, part, "holds an item that is no map");
            else
                render_body(render, part, &(struct scope){value->items.at[i], scope});
        }
        return;
    }
}

static void render_partial(struct render *render, const struct part *part,
                           const struct scope *scope)
{
    const struct template *partial = find_template(render->job, render->set, part->text);
    if (!partial) {
        complain(render, part, "is no template");
        return;
    }
    struct str indent = render->indent;
    render->indent =
        pool_printf(&render->job->pool, "%.*s%.*s", STR_ARG(indent), STR_ARG(part->indent));
    render->line_start = part->indent.len > 0 || render->line_start;
    render_body(render, &partial->root, scope);
    render->indent = indent;
    /* one that does not stand alone on its line is a piece of that line */
    if (!part->indent.at && render->out->len && render->out->at[render->out->len - 1] == '\n')
        render->out->at[--render->out->len] = '\0';
}

static void render_part(struct render *render, const struct part *part, const struct scope *scope)
{
    if (part->kind == PART_LITERAL) {
        write_literal(render, part->text);
        return;
    }
    if (part->kind == PART_PARTIAL) {
        render_partial(render, part, scope);
        return;
    }
    const struct value *value = look_up(render, part, scope);
    if (!value)
        return;
    if (part->kind == PART_SECTION)
        render_section(render, part, scope, value);
    else if (part->kind != PART_INVERTED)
        write_value(render, part, value);
    else if (value->kind == VALUE_FALSE || (value->kind == VALUE_LIST && value->items.count == 0))
        render_body(render, part, scope);
}

static void render_body(struct render *render, const struct part *part, const struct scope *scope)
{
    for (size_t i = 0; i < part->body.count && !render->failed; i++)
        render_part(render, &part->body.at[i], scope);
}

void template_render(struct job *job, const struct template_set *set, const char *name,
                     const struct value *values, struct text *out)
{
    if (job_failed(job))
        return;
    const struct template *template = find_template(job, set, str_of(name));
    if (!template) {
        diag_error(&job->diags, (struct loc){0}, "template", "no template '%s.mustache'", name);
        return;
    }
    struct render render = {
        .job = job, .set = set, .out = out, .line_start = true, .output = template->output};
    struct scope scope = {values, NULL};
    render_body(&render, &template->root, &scope);
}
