#include "build.h"

#include <stdio.h>

#include "command/command.h"
#include "compile.h"

static struct str last_line(struct compilation *c, struct str path)
{
    double size = (double)build_size(&c->job, path);
    return pool_printf(c->options->pool, "%.*s: %.1f MiB, %zu routes, %.*s", STR_ARG(path),
                       size / 1048576, c->view->routes, STR_ARG(c->view->features));
}

int command_build(const struct options *options)
{
    struct compilation c;
    if (options->operands.count == 0)
        return options_usage(options, "which SPEC?");
    if (options->output.len == 0)
        return options_usage(options, "where to? -o FILE is missing");
    compile_begin(&c, options);
    struct emitted *files = compile_files(&c);
    progress_stage(&c.progress, "build");
    if (files) {
        struct build order = {
            .program = c.view->program,
            .folder = options->emit,
            .output = options->output,
            .relink_kit = options->relink_kit,
            .jobs = options->jobs,
            .release = options->release,
            .verbose = options->verbose,
        };
        build(&c.job, files, &order);
    }
    progress_stage(&c.progress, NULL);
    struct str line = job_failed(&c.job) ? STR("") : last_line(&c, options->output);
    int status = job_end(&c.job);
    if (status == 0 && !options->quiet)
        puts(line.at);
    return status;
}
