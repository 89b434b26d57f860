#include <stdio.h>

#include "base/utf8.h"
#include "command/command.h"
#include "compile.h"
#include "escape.h"
#include "phrase.h"
#include "view_tables.h"

enum { COLUMN_COUNT = 6 };

static const char *const titles[COLUMN_COUNT] = {"METHOD", "PATH",     "OPERATION",
                                                 "ACTION", "SECURITY", "BODY"};

struct row {
    struct str cells[COLUMN_COUNT];
    const struct ir_operation *op;
};

static struct str one_line(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};
    escape_line(&out, text);
    return out.len ? text_str(&out) : STR("");
}

static struct str action(struct pool *pool, const struct gateway *gw, const struct ir_operation *op)
{
    struct str words = phrase_action(pool, gw, op);
    return op->internal ? pool_printf(pool, "%.*s (internal)", STR_ARG(words)) : words;
}

static struct row *make_rows(struct pool *pool, const struct gateway *gw)
{
    struct row *rows = pool_alloc(pool, (gw->operations.count + 1) * sizeof *rows);
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        rows[i].op = op;
        rows[i].cells[0] = one_line(pool, op->method);
        rows[i].cells[1] = one_line(pool, op->path);
        rows[i].cells[2] = one_line(pool, op->id);
        rows[i].cells[3] = one_line(pool, action(pool, gw, op));
        rows[i].cells[4] = one_line(pool, op->security);
        rows[i].cells[5] = phrase_size(pool, op->limits.body);
    }
    return rows;
}

static struct str fact_text(const struct value *facts, size_t i, const char *key)
{
    return value_get(facts->items.at[i], str_of(key))->text;
}

/* ---- text ---- */

static void print_cells(const struct str *cells, const size_t *widths, FILE *out)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        size_t width = utf8_count(cells[c]);
        bool last = c + 1 == COLUMN_COUNT;
        fprintf(out, "%.*s%*s", STR_ARG(cells[c]),
                last || width > widths[c] ? 0 : (int)(widths[c] - width + 2), "");
    }
    fputc('\n', out);
}

/* "from the document, openapi.yaml:12": with overlays and references the file is not obvious. */
static struct str origin_text(struct job *job, const struct ir_origin *origin)
{
    const struct source *source = source_get(&job->sources, origin->loc.file);
    return one_line(&job->pool, pool_printf(&job->pool, "from the %s, %.*s:%u", origin->level,
                                            STR_ARG(source->name), origin->loc.line));
}

static void print_effective(struct job *job, const struct gateway *gw,
                            const struct ir_operation *op, FILE *out)
{
    struct pool *pool = &job->pool;
    const struct value *facts = view_facts(pool, gw, op);
    for (size_t i = 0; i < facts->items.count; i++) {
        struct str value = one_line(pool, fact_text(facts, i, "value"));
        fprintf(out, "    %.*s: %.*s\n", STR_ARG(fact_text(facts, i, "key")), STR_ARG(value));
    }
    for (size_t i = 0; i < op->origins.count; i++) {
        struct str text = origin_text(job, &op->origins.at[i]);
        fprintf(out, "    %.*s: %.*s\n", STR_ARG(op->origins.at[i].key), STR_ARG(text));
    }
}

static void print_text(struct job *job, const struct gateway *gw, const struct row *rows,
                       bool effective)
{
    size_t widths[COLUMN_COUNT];
    struct str head[COLUMN_COUNT];
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        head[c] = str_of(titles[c]);
        widths[c] = head[c].len;
        for (size_t i = 0; i < gw->operations.count; i++) {
            size_t width = utf8_count(rows[i].cells[c]);
            widths[c] = width > widths[c] && width <= 60 ? width : widths[c];
        }
    }
    print_cells(head, widths, stdout);
    for (size_t i = 0; i < gw->operations.count; i++) {
        print_cells(rows[i].cells, widths, stdout);
        if (effective)
            print_effective(job, gw, rows[i].op, stdout);
    }
}

/* ---- markdown ---- */

/* A cell of a table: no pipe ends it, no markup begins in it. */
static struct str markdown(struct pool *pool, struct str cell)
{
    struct text out = {.pool = pool};
    for (size_t i = 0; i < cell.len; i++) {
        if (strchr("|\\`*_<>[]#", cell.at[i]))
            text_byte(&out, '\\');
        text_byte(&out, cell.at[i]);
    }
    return out.len ? text_str(&out) : STR("");
}

static void markdown_effective(struct job *job, const struct gateway *gw,
                               const struct ir_operation *op)
{
    struct pool *pool = &job->pool;
    const struct value *facts = view_facts(pool, gw, op);
    for (size_t f = 0; f < facts->items.count; f++) {
        struct str value = markdown(pool, one_line(pool, fact_text(facts, f, "value")));
        printf("%s%.*s: %.*s", f ? "; " : "| ", STR_ARG(fact_text(facts, f, "key")),
               STR_ARG(value));
    }
    for (size_t i = 0; i < op->origins.count; i++) {
        struct str text = markdown(pool, origin_text(job, &op->origins.at[i]));
        printf("; %.*s: %.*s", STR_ARG(op->origins.at[i].key), STR_ARG(text));
    }
    fputc(' ', stdout);
}

static void print_markdown(struct job *job, const struct gateway *gw, const struct row *rows,
                           bool effective)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        printf("| %s ", titles[c]);
    puts(effective ? "| EFFECTIVE |" : "|");
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        fputs("|---", stdout);
    puts(effective ? "|---|" : "|");
    for (size_t i = 0; i < gw->operations.count; i++) {
        for (size_t c = 0; c < COLUMN_COUNT; c++) {
            struct str cell = markdown(&job->pool, rows[i].cells[c]);
            printf("| %.*s ", STR_ARG(cell));
        }
        if (effective)
            markdown_effective(job, gw, rows[i].op);
        puts("|");
    }
}

/* ---- JSON ---- */

static void json_member(struct text *out, const char *key, struct str value, const char *before)
{
    text_add(out, str_of(before));
    text_json(out, str_of(key));
    text_add(out, STR(": "));
    text_json(out, value);
}

static void json_effective(struct job *job, struct text *out, const struct gateway *gw,
                           const struct ir_operation *op)
{
    const struct value *facts = view_facts(out->pool, gw, op);
    text_add(out, STR(", \"effective\": ["));
    for (size_t i = 0; i < facts->items.count; i++) {
        json_member(out, "key", fact_text(facts, i, "key"), i ? ", {" : "{");
        json_member(out, "value", fact_text(facts, i, "value"), ", ");
        text_byte(out, '}');
    }
    text_add(out, STR("], \"origins\": ["));
    for (size_t i = 0; i < op->origins.count; i++) {
        const struct ir_origin *origin = &op->origins.at[i];
        json_member(out, "key", origin->key, i ? ", {" : "{");
        json_member(out, "level", str_of(origin->level), ", ");
        json_member(out, "file", source_get(&job->sources, origin->loc.file)->name, ", ");
        text_printf(out, ", \"line\": %u}", origin->loc.line);
    }
    text_byte(out, ']');
}

static void print_json(struct job *job, const struct gateway *gw, bool effective)
{
    struct pool *pool = &job->pool;
    struct text out = {.pool = pool};
    text_add(&out, STR("["));
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        json_member(&out, "method", op->method, i ? ",\n  {" : "\n  {");
        json_member(&out, "path", op->path, ", ");
        json_member(&out, "operation", op->id, ", ");
        json_member(&out, "action", phrase_action(pool, gw, op), ", ");
        json_member(&out, "upstream", phrase_upstreams(pool, gw, op), ", ");
        json_member(&out, "security", op->security, ", ");
        text_printf(&out, ", \"body_limit\": %llu, \"internal\": %s, \"deprecated\": %s",
                    (unsigned long long)op->limits.body, op->internal ? "true" : "false",
                    op->deprecated ? "true" : "false");
        if (effective)
            json_effective(job, &out, gw, op);
        text_byte(&out, '}');
    }
    text_add(&out, STR("\n]\n"));
    fwrite(out.at, 1, out.len, stdout);
}

int command_routes(const struct options *options)
{
    struct compilation c;
    if (options->operands.count == 0)
        return options_usage(options, "which SPEC?");
    compile_begin(&c, options);
    compile_all(&c);
    progress_stage(&c.progress, NULL);
    if (!job_failed(&c.job)) {
        struct pool *pool = &c.job.pool;
        struct row *rows = make_rows(pool, c.gw);
        if (options->routes_format == ROUTES_JSON)
            print_json(&c.job, c.gw, options->effective);
        else if (options->routes_format == ROUTES_MARKDOWN)
            print_markdown(&c.job, c.gw, rows, options->effective);
        else
            print_text(&c.job, c.gw, rows, options->effective);
    }
    return compile_end(&c);
}
