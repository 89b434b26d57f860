#include "compile.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "lower.h"
#include "overlay.h"
#include "plan.h"
#include "yaml.h"

static bool colour_wanted(const struct options *options)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return options->format == DIAG_TEXT && !(refused && *refused) && isatty(STDERR_FILENO) &&
           !(terminal && !strcmp(terminal, "dumb"));
}

void compile_begin(struct compilation *c, const struct options *options)
{
    *c = (struct compilation){.options = options};
    job_begin(&c->job);
    c->job.format = options->format;
    c->job.colour = colour_wanted(options);
    c->job.diags.werror = options->werror;
    c->job.diags.quiet = options->quiet;
    progress_begin(&c->progress, options->quiet, options->timings);
}

/* A file of the command line; complaints about it have no place to point at. */
static uint32_t open_file(struct job *job, struct str name)
{
    struct str error = {0};
    uint32_t file = source_read(&job->sources, name, &error);
    if (!file)
        diag_error(&job->diags, (struct loc){0}, "cannot-read", "%.*s", STR_ARG(error));
    return file;
}

static struct node *apply_overlays(struct compilation *c, struct node *tree)
{
    const struct options *options = c->options;
    for (size_t i = 0; i < options->overlays.count && tree; i++) {
        uint32_t file = open_file(&c->job, options->overlays.at[i]);
        tree = file ? overlay_apply(&c->job, tree, file) : NULL;
    }
    return tree;
}

void compile_trees(struct compilation *c, size_t spec_count)
{
    progress_stage(&c->progress, "read");
    for (size_t i = 0; i < spec_count; i++) {
        uint32_t file = open_file(&c->job, c->options->operands.at[i]);
        struct node *tree = file ? yaml_read(&c->job, file) : NULL;
        *vec_add(&c->job.pool, &c->files) = file;
        *vec_add(&c->job.pool, &c->trees) = tree ? apply_overlays(c, tree) : NULL;
    }
}

void compile_apis(struct compilation *c)
{
    progress_stage(&c->progress, "openapi");
    for (size_t i = 0; i < c->trees.count && !job_failed(&c->job); i++)
        *vec_add(&c->job.pool, &c->apis) = openapi_read(&c->job, c->trees.at[i], c->files.at[i]);
}

static const struct lower_pair *pairs(struct pool *pool, const struct assignment *settings,
                                      size_t count)
{
    struct lower_pair *made = pool_alloc(pool, (count + 1) * sizeof *made);
    for (size_t i = 0; i < count; i++)
        made[i] = (struct lower_pair){settings[i].name, settings[i].value};
    return made;
}

void compile_gateway(struct compilation *c)
{
    const struct options *options = c->options;
    struct pool *pool = &c->job.pool;
    if (job_failed(&c->job))
        return;
    struct lower_options lowering = {
        .upstreams = pairs(pool, options->upstreams.at, options->upstreams.count),
        .upstream_count = options->upstreams.count,
        .variables = pairs(pool, options->variables.at, options->variables.count),
        .variable_count = options->variables.count,
        .passthrough_auth = options->passthrough_auth,
        .mock = options->mock,
    };
    progress_stage(&c->progress, "lower");
    c->gw = lower(&c->job, c->apis.at, c->apis.count, &lowering);
    progress_stage(&c->progress, "check");
    if (c->gw && !job_failed(&c->job))
        check(&c->job, c->gw);
}

void compile_plan(struct compilation *c)
{
    progress_stage(&c->progress, "plan");
    plan(&c->job, c->gw);
}

void compile_view(struct compilation *c)
{
    progress_stage(&c->progress, "view");
    c->view = view(&c->job, c->gw);
}

void compile_all(struct compilation *c)
{
    compile_trees(c, c->options->operands.count);
    compile_apis(c);
    compile_gateway(c);
    compile_plan(c);
}

struct emitted *compile_files(struct compilation *c)
{
    compile_all(c);
    compile_view(c);
    progress_stage(&c->progress, "emit");
    return emit_render(&c->job, template_read(&c->job, c->options->templates), c->view);
}

int compile_end(struct compilation *c)
{
    progress_stage(&c->progress, NULL);
    return job_end(&c->job);
}
