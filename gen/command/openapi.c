#include <stdio.h>

#include "bundle_merge.h"
#include "command/command.h"
#include "compile.h"
#include "emit.h"
#include "yaml_write.h"

static bool is_json(const struct compilation *c)
{
    struct str bytes = str_trim(source_get(&c->job.sources, c->files.at[0])->bytes, " \t\r\n");
    return bytes.len && bytes.at[0] == '{';
}

static void publish(struct compilation *c)
{
    const struct options *options = c->options;
    struct text out = {.pool = &c->job.pool};
    struct node *published = bundle_merge(&c->job, c->trees.at, c->trees.count);
    if (!published)
        return;
    if (is_json(c)) {
        node_json(published, &out, 2);
        if (out.at[out.len - 1] != '\n')
            text_byte(&out, '\n');
    } else {
        yaml_write(published, &out);
    }
    if (options->output.len)
        emit_file(&c->job, options->output, text_str(&out));
    else if (fwrite(out.at, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        emit_failed(&c->job, "cannot write to standard output");
}

int command_openapi(const struct options *options)
{
    struct compilation c;
    if (options->operands.count == 0)
        return options_usage(options, "openapi takes a SPEC");
    compile_begin(&c, options);
    compile_trees(&c, options->operands.count);
    if (!job_failed(&c.job))
        publish(&c);
    return compile_end(&c);
}
