#include "command/command.h"
#include "options.h"

static int dispatch(const struct options *options)
{
    switch (options->command) {
    case COMMAND_BUILD:
        return command_build(options);
    case COMMAND_GENERATE:
        return command_generate(options);
    case COMMAND_CHECK:
        return command_check(options);
    case COMMAND_ROUTES:
        return command_routes(options);
    case COMMAND_EXPLAIN:
        return command_explain(options);
    case COMMAND_RUN:
        return command_run(options);
    case COMMAND_OPENAPI:
        return command_openapi(options);
    case COMMAND_TOKEN:
        return options_usage(options, "token takes mint or inspect");
    case COMMAND_TOKEN_MINT:
        return command_token_mint(options);
    case COMMAND_TOKEN_INSPECT:
        return command_token_inspect(options);
    case COMMAND_PASSWORD:
        return command_password(options);
    case COMMAND_INIT:
        return command_init(options);
    case COMMAND_VERSION:
        return command_version(options);
    case COMMAND_TEMPLATES:
        return command_templates(options);
    case COMMAND_SCHEMA:
        return command_schema(options);
    case COMMAND_NONE:
    case COMMAND_HELP:
    case COMMAND_COUNT:
        break;
    }
    return 2;
}

int main(int argc, char **argv)
{
    struct pool pool;
    struct options options;
    pool_open(&pool, NULL);
    int status = options_read(&options, &pool, argc, argv);
    if (status < 0)
        status = dispatch(&options);
    pool_close(&pool);
    return status;
}
