#include <stdio.h>

#include "command/command.h"
#include "compile.h"
#include "explain.h"

/* -H 'Name: value' as it stands in a request. */
static struct ir_header *headers(struct pool *pool, const struct options *options)
{
    size_t count = options->headers.count;
    struct ir_header *made = pool_alloc(pool, (count + 1) * sizeof *made);
    for (size_t i = 0; i < count; i++) {
        struct str line = options->headers.at[i];
        size_t colon = str_find(line, ':');
        made[i].name = str_trim(str_head(line, colon), " \t");
        made[i].value = str_trim(str_from(line, colon + 1), " \t");
    }
    return made;
}

static struct caller_jwks *jwks(struct pool *pool, const struct options *options)
{
    struct caller_jwks *made = pool_alloc(pool, (options->jwks.count + 1) * sizeof *made);

    for (size_t i = 0; i < options->jwks.count; i++)
        made[i] = (struct caller_jwks){options->jwks.at[i].name, options->jwks.at[i].value};
    return made;
}

int command_explain(const struct options *options)
{
    struct compilation c;
    size_t count = options->operands.count;
    if (count < 3)
        return options_usage(options, "explain takes SPEC METHOD URL");
    for (size_t i = 0; i < options->headers.count; i++) {
        struct str line = options->headers.at[i];
        if (str_find(line, ':') == line.len)
            return options_usage(options, "-H takes 'Name: value', not '%.*s'", STR_ARG(line));
    }
    compile_begin(&c, options);
    compile_trees(&c, count - 2);
    compile_apis(&c);
    compile_gateway(&c);
    compile_plan(&c);
    progress_stage(&c.progress, NULL);
    int none = 0;
    if (!job_failed(&c.job)) {
        struct explain_request request = {
            .method = options->operands.at[count - 2],
            .url = options->operands.at[count - 1],
            .headers = headers(&c.job.pool, options),
            .header_count = options->headers.count,
            .jwks = jwks(&c.job.pool, options),
            .jwks_count = options->jwks.count,
        };
        none = explain(&c.job, c.gw, &request, stdout);
    }
    int status = job_end(&c.job);
    return status ? status : none;
}
