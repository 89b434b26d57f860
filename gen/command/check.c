#include <stdio.h>

#include "command/command.h"
#include "compile.h"
#include "dump.h"
#include "route.h"

static void dump_plan(const struct gateway *gw, FILE *out)
{
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        fprintf(out, "operation %.*s in %.*s\n", STR_ARG(op->symbol), STR_ARG(op->group));
        for (size_t b = 0; b < op->branches.count; b++)
            fprintf(out, "  branch %.*s\n", STR_ARG(op->branches.at[b].symbol));
    }
    for (size_t i = 0; i < gw->upstreams.count; i++)
        fprintf(out, "upstream %.*s\n", STR_ARG(gw->upstreams.at[i].symbol));
    for (size_t i = 0; gw->routes && i < gw->routes->paths.count; i++) {
        const struct route_path *path = &gw->routes->paths.at[i];
        fprintf(out, "path %.*s\n", STR_ARG(path->pattern));
        for (size_t v = 0; v < path->variants.count; v++)
            fprintf(out, "  variant: allow %.*s\n", STR_ARG(path->variants.at[v].allow));
    }
}

static void dump_values(struct pool *pool, const struct view *view, FILE *out)
{
    for (size_t i = 0; i < view->files.count; i++) {
        struct text text = {.pool = pool};
        value_dump(view->files.at[i].values, &text);
        fprintf(out, "%.*s %.*s", STR_ARG(view->files.at[i].name), STR_ARG(text_str(&text)));
    }
}

/* Prints a station as soon as it is reached, so that a later failure doesn't hide it. */
static bool wanted(const struct compilation *c, const char *stage, const void *made)
{
    return made && str_eq(c->options->dump, str_of(stage));
}

static void check_spec(struct compilation *c)
{
    struct pool *pool = &c->job.pool;
    compile_trees(c, c->options->operands.count);
    for (size_t i = 0; i < c->trees.count; i++) {
        if (wanted(c, "tree", c->trees.at[i]))
            dump_tree(pool, c->trees.at[i], stdout);
    }
    compile_apis(c);
    for (size_t i = 0; i < c->apis.count; i++) {
        if (wanted(c, "api", c->apis.at[i]))
            dump_api(pool, c->apis.at[i], stdout);
    }
    compile_gateway(c);
    if (wanted(c, "ir", c->gw))
        dump_ir(pool, c->gw, stdout);
    compile_plan(c);
    if (job_failed(&c->job))
        return;
    if (wanted(c, "plan", c->gw))
        dump_plan(c->gw, stdout);
    compile_view(c);
    if (wanted(c, "values", c->view))
        dump_values(pool, c->view, stdout);
}

int command_check(const struct options *options)
{
    struct compilation c;
    if (options->operands.count == 0)
        return options_usage(options, "which SPEC?");
    compile_begin(&c, options);
    check_spec(&c);
    return compile_end(&c);
}
