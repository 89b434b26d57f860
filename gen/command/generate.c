#include "command/command.h"

#include "compile.h"
#include "emit.h"

int command_generate(const struct options *options)
{
    struct compilation c;
    if (options->operands.count == 0)
        return options_usage(options, "which SPEC?");
    if (options->output.len == 0)
        return options_usage(options, "where to? -o DIR is missing");
    compile_begin(&c, options);
    compile_all(&c);
    compile_view(&c);
    progress_stage(&c.progress, "emit");
    struct template_set *templates = template_read(&c.job, options->templates);
    struct emitted *files = emit_render(&c.job, templates, c.view);
    if (files)
        emit_write(&c.job, files, options->output);
    return compile_end(&c);
}
