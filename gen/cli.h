/* cli: the command line as data: which commands exist, which options they take, and what is said about them.
 * Usage, manual page and completions are printed from here, arguments are read by it. */
#ifndef GEN_CLI_H
#define GEN_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum command {
    COMMAND_NONE, /* --help, --version, or a usage error */
    COMMAND_BUILD,
    COMMAND_GENERATE,
    COMMAND_CHECK,
    COMMAND_ROUTES,
    COMMAND_EXPLAIN,
    COMMAND_RUN,
    COMMAND_OPENAPI,
    COMMAND_TOKEN, /* mint or inspect must follow */
    COMMAND_TOKEN_MINT,
    COMMAND_TOKEN_INSPECT,
    COMMAND_PASSWORD,
    COMMAND_INIT,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_TEMPLATES, /* hidden: parses the templates, for make */
    COMMAND_SCHEMA,    /* hidden: prints the JSON Schema of x-gateway, for make */
    COMMAND_COUNT
};

enum option_id {
    OPTION_OUTPUT,
    OPTION_EMIT,
    OPTION_RELEASE,
    OPTION_RELINK_KIT,
    OPTION_TIMINGS,
    OPTION_FORMAT,
    OPTION_ROUTES_FORMAT,
    OPTION_WERROR,
    OPTION_EFFECTIVE,
    OPTION_HEADER,
    OPTION_WATCH,
    OPTION_JSON,
    OPTION_UPSTREAM,
    OPTION_VAR,
    OPTION_OVERLAY,
    OPTION_PASSTHROUGH_AUTH,
    OPTION_MOCK,
    OPTION_DUMP,
    OPTION_TEMPLATES,
    OPTION_JOBS,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_ALG,
    OPTION_KEY,
    OPTION_CLAIM,
    OPTION_CLAIMS,
    OPTION_ISSUER,
    OPTION_SUBJECT,
    OPTION_AUDIENCE,
    OPTION_SCOPE,
    OPTION_EXPIRES,
    OPTION_NOT_BEFORE,
    OPTION_KID,
    OPTION_TYP,
    OPTION_JWKS,
    OPTION_TOKEN_FORMAT,
    OPTION_HELP, /* from here on: print something and end */
    OPTION_MAN,
    OPTION_BASH,
    OPTION_ZSH,
};

struct command_row {
    const char *name; /* "token mint": one of the group "token" */
    const char *operands;
    const char *summary; /* NULL: hidden */
    const char *more;    /* a paragraph for its --help */
};

/* By enum command. */
extern const struct command_row cli_commands[COMMAND_COUNT];

struct option_row {
    enum option_id id;
    char letter;
    const char *name;
    const char *argument; /* NULL: a switch */
    unsigned commands;
    const char *help; /* NULL: hidden */
};

extern const struct option_row cli_options[];
extern const size_t cli_option_count;

/* True when a command takes the option. */
static inline bool cli_takes(enum command command, const struct option_row *option)
{
    return option->commands >> command & 1;
}

#endif
