#include "command/command.h"

#include "compile.h"

int command_generate(const struct options *options)
{
    struct compilation c;
    if (options->operands.count == 0)
        return options_usage(options, "which SPEC?");
    if (options->output.len == 0)
        return options_usage(options, "where to? -o DIR is missing");
    compile_begin(&c, options);
    struct emitted *files = compile_files(&c);
    if (files)
        emit_write(&c.job, files, options->output);
    return compile_end(&c);
}
