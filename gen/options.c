#include "options.h"

enum option_id {
    OPTION_HELP,
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
    OPTION_VERBOSE
};

#define BIT(command) (1u << (command))
#define SPECS                                                                                      \
    (BIT(COMMAND_BUILD) | BIT(COMMAND_GENERATE) | BIT(COMMAND_CHECK) | BIT(COMMAND_ROUTES) |       \
     BIT(COMMAND_EXPLAIN) | BIT(COMMAND_RUN))
#define BUILDS (BIT(COMMAND_BUILD) | BIT(COMMAND_RUN))
#define RENDERS (BUILDS | BIT(COMMAND_GENERATE) | BIT(COMMAND_CHECK))
#define ALL (BIT(COMMAND_COUNT) - 1)

struct command_row {
    const char *name;
    const char *operands;
    const char *summary; /* NULL: hidden */
    const char *more;    /* a paragraph for its --help */
};

static const struct command_row commands[COMMAND_COUNT] = {
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
        {"openapi", "SPEC", "print one bundled document without x-gateway, for publishing",
         "External references move into components. YAML stays YAML, JSON stays JSON."},
    [COMMAND_INIT] = {"init", "[FILE]", "write a commented starter spec (openapi.yaml)", NULL},
    [COMMAND_VERSION] = {"version", "", "print the version", NULL},
    [COMMAND_TEMPLATES] = {"check-templates", "", NULL, NULL},
};

struct option_row {
    enum option_id id;
    char letter;
    const char *name;
    const char *argument; /* NULL: a switch */
    unsigned commands;
    const char *help; /* NULL: hidden */
};

static const struct option_row rows[] = {
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
    {OPTION_JOBS, 'j', "jobs", "N", BUILDS,
     "compile N files at a time (default: one per processor)"},
    {OPTION_QUIET, 'q', "quiet", NULL, ALL, "only print errors"},
    {OPTION_VERBOSE, 'v', "verbose", NULL, ALL, "print the commands that are run"},
    {OPTION_HELP, 'h', "help", NULL, ALL, "print this and exit"},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* ---- usage ---- */

static void print_options(FILE *out, enum command command)
{
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &rows[i];
        if (!(row->commands & BIT(command)) || !row->help)
            continue;
        char letter[8] = "    ", left[64];
        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->argument ? "=" : "",
                 row->argument ? row->argument : "");
        fprintf(out, strlen(left) > 30 ? "  %s\n%34s%s\n" : "  %-30s%s  %s\n", left, "", row->help);
    }
}

static void print_command_usage(FILE *out, enum command command)
{
    const struct command_row *row = &commands[command];
    fprintf(out, "Usage: apigw-gen %s %s\n", row->name, row->operands);
    if (row->summary)
        fprintf(out, "%c%s.\n", row->summary[0] - 'a' + 'A', row->summary + 1);
    if (row->more)
        fprintf(out, "%s\n", row->more);
    print_options(out, command);
}

static void print_usage(FILE *out)
{
    fputs("Usage: apigw-gen COMMAND [OPTION]... [SPEC]...\n"
          "Compile OpenAPI documents into a static API gateway.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].summary)
            fprintf(out, "  %-10s  %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nSPEC is OpenAPI 3.0, 3.1 or 3.2 in YAML or JSON, or - for standard input; several "
          "make one\n"
          "gateway. `apigw-gen COMMAND --help` tells more.\n\n"
          "Exit status: 0 fine, 1 the spec is wrong, 2 usage, 3 the environment failed.\n",
          out);
}

int options_usage(const struct options *options, const char *format, ...)
{
    const char *name = commands[options->command].name;
    va_list args;
    va_start(args, format);
    fputs("apigw-gen: ", stderr);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry 'apigw-gen %s%s--help' for more.\n", name, *name ? " " : "");
    va_end(args);
    return 2;
}

/* ---- reading ---- */

static struct setting split_setting(struct str text)
{
    size_t sign = str_find(text, '=');
    struct str name = str_head(text, sign);
    /* the '=' of a query in a bare URL is none of ours */
    if (sign == text.len || str_find(name, '/') != name.len)
        return (struct setting){.value = text};
    return (struct setting){name, str_from(text, sign + 1)};
}

static int pick(struct options *options, struct str value, const char *what,
                const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        if (str_eq(value, str_of(names[i])))
            return i;
    }
    options_usage(options, "--%s has no '%.*s'", what, STR_ARG(value));
    return -1;
}

static bool set_format(struct options *options, struct str value)
{
    static const char *const names[] = {"text", "json", "sarif", "github", NULL};
    int found = pick(options, value, "format", names);
    options->format = found < 0 ? DIAG_TEXT : (enum diag_format)found;
    return found >= 0;
}

static bool set_routes_format(struct options *options, struct str value)
{
    static const char *const names[] = {"text", "json", "markdown", NULL};
    int found = pick(options, value, "format", names);
    options->routes_format = found < 0 ? ROUTES_TEXT : (enum routes_format)found;
    return found >= 0;
}

static bool set_dump(struct options *options, struct str value)
{
    static const char *const names[] = {"tree", "api", "ir", "plan", "values", NULL};
    options->dump = value;
    return pick(options, value, "dump", names) >= 0;
}

static bool set_jobs(struct options *options, struct str value)
{
    uint64_t jobs = 0;
    if (!str_to_u64(value, &jobs) || jobs < 1 || jobs > 1024) {
        options_usage(options, "-j takes a number from 1 to 1024, not '%.*s'", STR_ARG(value));
        return false;
    }
    options->jobs = (unsigned)jobs;
    return true;
}

static bool set_variable(struct options *options, struct str value)
{
    struct setting setting = split_setting(value);
    if (setting.name.len == 0) {
        options_usage(options, "--var takes NAME=VALUE, not '%.*s'", STR_ARG(value));
        return false;
    }
    *vec_add(options->pool, &options->variables) = setting;
    return true;
}

static void set_switch(struct options *options, enum option_id id)
{
    switch (id) {
    case OPTION_RELEASE:
        options->release = true;
        return;
    case OPTION_TIMINGS:
        options->timings = true;
        return;
    case OPTION_WERROR:
        options->werror = true;
        return;
    case OPTION_EFFECTIVE:
        options->effective = true;
        return;
    case OPTION_WATCH:
        options->watch = true;
        return;
    case OPTION_JSON:
        options->json = true;
        return;
    case OPTION_PASSTHROUGH_AUTH:
        options->passthrough_auth = true;
        return;
    case OPTION_MOCK:
        options->mock = true;
        return;
    case OPTION_QUIET:
        options->quiet = true;
        return;
    default:
        options->verbose = true;
        return;
    }
}

static bool set_option(struct options *options, enum option_id id, struct str value)
{
    switch (id) {
    case OPTION_OUTPUT:
        options->output = value;
        return true;
    case OPTION_EMIT:
        options->emit = value;
        return true;
    case OPTION_RELINK_KIT:
        options->relink_kit = value;
        return true;
    case OPTION_TEMPLATES:
        options->templates = value;
        return true;
    case OPTION_OVERLAY:
        *vec_add(options->pool, &options->overlays) = value;
        return true;
    case OPTION_HEADER:
        *vec_add(options->pool, &options->headers) = value;
        return true;
    case OPTION_UPSTREAM:
        *vec_add(options->pool, &options->upstreams) = split_setting(value);
        return true;
    case OPTION_VAR:
        return set_variable(options, value);
    case OPTION_FORMAT:
        return set_format(options, value);
    case OPTION_ROUTES_FORMAT:
        return set_routes_format(options, value);
    case OPTION_DUMP:
        return set_dump(options, value);
    case OPTION_JOBS:
        return set_jobs(options, value);
    default:
        set_switch(options, id);
        return true;
    }
}

static const struct option_row *find_long(enum command command, struct str name)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].commands & BIT(command)) && str_eq(name, str_of(rows[i].name)))
            return &rows[i];
    }
    return NULL;
}

static const struct option_row *find_letter(enum command command, char letter)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].commands & BIT(command)) && rows[i].letter == letter)
            return &rows[i];
    }
    return NULL;
}

static int unknown_option(const struct options *options, struct str given, struct str name)
{
    struct str names[ROW_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].commands & BIT(options->command))
            names[count++] = str_of(rows[i].name);
    }
    struct str hint = diag_suggest(options->pool, name, names, count);
    return options_usage(options, "unknown option '%.*s'%.*s", STR_ARG(given), STR_ARG(hint));
}

static int unknown_command(const struct options *options, struct str given)
{
    struct str names[COMMAND_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].summary)
            names[count++] = str_of(commands[i].name);
    }
    struct str hint = diag_suggest(options->pool, given, names, count);
    return options_usage(options, "unknown command '%.*s'%.*s", STR_ARG(given), STR_ARG(hint));
}

/* One option at argv[*at]; leaves *at on the last word it used. Returns -1 to go on. */
static int read_option(struct options *options, int argc, char **argv, int *at)
{
    struct str word = str_of(argv[*at]), name, value = {0};
    const struct option_row *row;
    if (word.at[1] == '-') {
        size_t sign = str_find(word, '=');
        name = str_from(str_head(word, sign), 2);
        row = find_long(options->command, name);
        if (sign < word.len)
            value = str_from(word, sign + 1);
    } else {
        name = str_from(word, 1);
        row = find_letter(options->command, name.at[0]);
        if (name.len > 1)
            value = str_from(name, 1);
    }
    if (!row)
        return unknown_option(options, word, name);
    if (row->id == OPTION_HELP) {
        print_command_usage(stdout, options->command);
        return 0;
    }
    if (!row->argument && value.at)
        return options_usage(options, "--%s takes no value", row->name);
    if (row->argument && !value.at) {
        if (*at + 1 >= argc)
            return options_usage(options, "--%s needs a value: %s", row->name, row->argument);
        value = str_of(argv[++*at]);
    }
    return set_option(options, row->id, value) ? -1 : 2;
}

static int read_words(struct options *options, int argc, char **argv)
{
    for (int at = 2; at < argc; at++) {
        struct str word = str_of(argv[at]);
        if (str_eq(word, STR("--"))) {
            bool gateway = options->command == COMMAND_RUN;
            for (at++; at < argc; at++) {
                if (gateway)
                    *vec_add(options->pool, &options->rest) = str_of(argv[at]);
                else
                    *vec_add(options->pool, &options->operands) = str_of(argv[at]);
            }
            break;
        }
        if (word.len < 2 || word.at[0] != '-') {
            *vec_add(options->pool, &options->operands) = word;
            continue;
        }
        int status = read_option(options, argc, argv, &at);
        if (status >= 0)
            return status;
    }
    return -1;
}

int options_read(struct options *options, struct pool *pool, int argc, char **argv)
{
    *options = (struct options){.pool = pool};
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    struct str word = str_of(argv[1]);
    if (str_eq(word, STR("--help")) || str_eq(word, STR("-h")) || str_eq(word, STR("help"))) {
        print_usage(stdout);
        return 0;
    }
    if (str_eq(word, STR("--version"))) {
        options->command = COMMAND_VERSION;
        return -1;
    }
    for (size_t i = COMMAND_NONE + 1; i < COMMAND_COUNT; i++) {
        if (str_eq(word, str_of(commands[i].name)))
            options->command = (enum command)i;
    }
    if (options->command == COMMAND_NONE)
        return word.at[0] == '-' ? unknown_option(options, word, str_from(word, 2))
                                 : unknown_command(options, word);
    return read_words(options, argc, argv);
}
