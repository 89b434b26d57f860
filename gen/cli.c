#include "cli.h"

#define BIT(command) (1u << (command))
#define SPECS                                                                                      \
    (BIT(COMMAND_BUILD) | BIT(COMMAND_GENERATE) | BIT(COMMAND_CHECK) | BIT(COMMAND_ROUTES) |       \
     BIT(COMMAND_EXPLAIN) | BIT(COMMAND_RUN))
#define BUILDS (BIT(COMMAND_BUILD) | BIT(COMMAND_RUN))
#define RENDERS (BUILDS | BIT(COMMAND_GENERATE) | BIT(COMMAND_CHECK))
#define ALL (BIT(COMMAND_COUNT) - 1)

const struct command_row cli_commands[COMMAND_COUNT] = {
    [COMMAND_NONE] = {"", "", NULL, NULL},
    [COMMAND_BUILD] =
        {"build", "SPEC... -o FILE", "compile a spec into one static executable",
         "Checks, generates, compiles and links. The last line tells path, size, routes "
         "and features."},
    [COMMAND_GENERATE] =
        {"generate", "SPEC... -o DIR", "write the generated C project, to read and to commit",
         "Files that would not change are not touched; `make -C DIR` builds the project."},
    [COMMAND_CHECK] = {"check", "SPEC...", "report every problem of a spec, write nothing", NULL},
    [COMMAND_ROUTES] = {"routes", "SPEC...", "print the route table", NULL},
    [COMMAND_EXPLAIN] = {"explain", "SPEC... METHOD URL",
                         "tell which route takes a request, and why",
                         "Answered by the same matcher plan that is compiled."},
    [COMMAND_RUN] = {"run", "SPEC... [-- GATEWAY-OPTION...]",
                     "build into the user's cache and start the gateway",
                     "What stands behind -- is passed on to the gateway."},
    [COMMAND_OPENAPI] =
        {"openapi", "SPEC...", "print one bundled document without x-gateway, for publishing",
         "External references move into components. YAML stays YAML, JSON stays JSON. Several\n"
         "documents become one: components of one name that differ get names of their own."},
    [COMMAND_INIT] = {"init", "[FILE]", "print a commented starter spec, or write it to FILE",
                      NULL},
    [COMMAND_VERSION] = {"version", "", "print the version", NULL},
    [COMMAND_HELP] = {"help", "[COMMAND]", NULL, NULL},
    [COMMAND_TEMPLATES] = {"check-templates", "", NULL, NULL},
    [COMMAND_SCHEMA] = {"schema", "", NULL, NULL},
};

const struct option_row cli_options[] = {
    {OPTION_OUTPUT, 'o', "output", "FILE", BIT(COMMAND_BUILD), "the executable to write"},
    {OPTION_OUTPUT, 'o', "output", "DIR", BIT(COMMAND_GENERATE), "the folder to write"},
    {OPTION_OUTPUT, 'o', "output", "FILE", BIT(COMMAND_OPENAPI),
     "write there instead of standard output"},
    {OPTION_EMIT, 0, "emit", "DIR", BUILDS, "keep the generated project in DIR"},
    {OPTION_RELEASE, 0, "release", NULL, BUILDS, "add link-time optimisation"},
    {OPTION_RELINK_KIT, 0, "relink-kit", "FILE.tar", BIT(COMMAND_BUILD),
     "write what is needed to relink with another glibc"},
    {OPTION_WATCH, 0, "watch", NULL, BIT(COMMAND_RUN),
     "rebuild and restart when a file of the spec is saved"},
    {OPTION_FORMAT, 0, "format", "text|json|sarif|github", BIT(COMMAND_CHECK),
     "how to print diagnostics"},
    {OPTION_ROUTES_FORMAT, 0, "format", "text|json|markdown", BIT(COMMAND_ROUTES),
     "how to print the table"},
    {OPTION_EFFECTIVE, 0, "effective", NULL, BIT(COMMAND_ROUTES),
     "add every policy in effect and where it came from"},
    {OPTION_HEADER, 'H', "header", "'NAME: VALUE'", BIT(COMMAND_EXPLAIN),
     "a header of the request; repeatable"},
    {OPTION_UPSTREAM, 0, "upstream", "[NAME=]URL", SPECS,
     "the default or a named upstream; repeatable"},
    {OPTION_VAR, 0, "var", "NAME=VALUE", SPECS, "a server variable; repeatable"},
    {OPTION_OVERLAY, 0, "overlay", "FILE", SPECS | BIT(COMMAND_OPENAPI),
     "apply an OpenAPI Overlay first; repeatable"},
    {OPTION_PASSTHROUGH_AUTH, 0, "passthrough-auth", NULL, SPECS,
     "let backends verify what security schemes demand"},
    {OPTION_MOCK, 0, "mock", NULL, SPECS,
     "answer with the document's examples instead of upstreams"},
    {OPTION_WERROR, 0, "werror", NULL, SPECS, "treat warnings as errors"},
    {OPTION_DUMP, 0, "dump", "tree|api|ir|plan|values", BIT(COMMAND_CHECK),
     "print a stage of the compilation"},
    {OPTION_TEMPLATES, 0, "templates", "DIR", RENDERS | BIT(COMMAND_TEMPLATES),
     "use the templates in DIR where it has them"},
    {OPTION_TIMINGS, 0, "timings", NULL, RENDERS, "tell how long each stage took"},
    {OPTION_JSON, 0, "json", NULL, BIT(COMMAND_VERSION), "print it as JSON"},
    {OPTION_MAN, 0, "man", NULL, BIT(COMMAND_HELP), "print the manual page"},
    {OPTION_BASH, 0, "bash", NULL, BIT(COMMAND_HELP), "print completions for bash"},
    {OPTION_ZSH, 0, "zsh", NULL, BIT(COMMAND_HELP), "print completions for zsh"},
    {OPTION_JOBS, 'j', "jobs", "N", BUILDS,
     "compile N files at a time (default: one per processor)"},
    {OPTION_QUIET, 'q', "quiet", NULL, ALL, "only print errors"},
    {OPTION_VERBOSE, 'v', "verbose", NULL, ALL, "print the commands that are run"},
    {OPTION_HELP, 'h', "help", NULL, ALL, "print this and exit"},
};
const size_t cli_option_count = sizeof cli_options / sizeof *cli_options;
