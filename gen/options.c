#include "options.h"

#include "usage.h"

int options_usage(const struct options *options, const char *format, ...)
{
    const char *name = cli_commands[options->command].name;
    va_list args;
    va_start(args, format);
    fputs("apigw-gen: ", stderr);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry 'apigw-gen %s%s--help' for more.\n", name, *name ? " " : "");
    va_end(args);
    return 2;
}

static struct assignment split_setting(struct str text)
{
    size_t sign = str_find(text, '=');
    struct str name = str_head(text, sign);
    /* the '=' of a query in a bare URL is none of ours */
    if (sign == text.len || str_find(name, '/') != name.len)
        return (struct assignment){.value = text};
    return (struct assignment){name, str_from(text, sign + 1)};
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

static bool set_token_format(struct options *options, struct str value)
{
    static const char *const names[] = {"text", "json", NULL};
    int found = pick(options, value, "format", names);
    options->json = found == 1;
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
    struct assignment setting = split_setting(value);
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

static struct str *token_word(struct token_options *token, enum option_id id)
{
    switch (id) {
    case OPTION_ALG:
        return &token->alg;
    case OPTION_KEY:
        return &token->key;
    case OPTION_CLAIMS:
        return &token->claims_file;
    case OPTION_ISSUER:
        return &token->issuer;
    case OPTION_SUBJECT:
        return &token->subject;
    case OPTION_SCOPE:
        return &token->scope;
    case OPTION_EXPIRES:
        return &token->expires;
    case OPTION_NOT_BEFORE:
        return &token->not_before;
    case OPTION_KID:
        return &token->kid;
    default:
        return &token->typ;
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
    case OPTION_JWKS:
        *vec_add(options->pool, &options->jwks) = split_setting(value);
        return true;
    case OPTION_CLAIM:
        *vec_add(options->pool, &options->token.claims) = value;
        return true;
    case OPTION_AUDIENCE:
        *vec_add(options->pool, &options->token.audiences) = value;
        return true;
    case OPTION_TOKEN_FORMAT:
        return set_token_format(options, value);
    case OPTION_ALG:
    case OPTION_KEY:
    case OPTION_CLAIMS:
    case OPTION_ISSUER:
    case OPTION_SUBJECT:
    case OPTION_SCOPE:
    case OPTION_EXPIRES:
    case OPTION_NOT_BEFORE:
    case OPTION_KID:
    case OPTION_TYP:
        *token_word(&options->token, id) = value;
        return true;
    default:
        set_switch(options, id);
        return true;
    }
}

static const struct option_row *find_long(enum command command, struct str name)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_takes(command, &cli_options[i]) && str_eq(name, str_of(cli_options[i].name)))
            return &cli_options[i];
    }
    return NULL;
}

static const struct option_row *find_letter(enum command command, char letter)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_takes(command, &cli_options[i]) && cli_options[i].letter == letter)
            return &cli_options[i];
    }
    return NULL;
}

static int unknown_option(const struct options *options, struct str given, struct str name)
{
    struct str *names = pool_alloc(options->pool, cli_option_count * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_takes(options->command, &cli_options[i]))
            names[count++] = str_of(cli_options[i].name);
    }
    struct str hint = diag_suggest(options->pool, name, names, count);
    return options_usage(options, "unknown option '%.*s'%.*s", STR_ARG(given), STR_ARG(hint));
}

static int unknown_command(const struct options *options, struct str given)
{
    struct str names[COMMAND_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (cli_commands[i].summary)
            names[count++] = str_of(cli_commands[i].name);
    }
    struct str hint = diag_suggest(options->pool, given, names, count);
    return options_usage(options, "unknown command '%.*s'%.*s", STR_ARG(given), STR_ARG(hint));
}

static int print_help(const struct options *options, enum option_id id)
{
    if (id == OPTION_MAN)
        usage_man(stdout);
    else if (id == OPTION_BASH)
        usage_bash(stdout);
    else if (id == OPTION_ZSH)
        usage_zsh(stdout);
    else
        usage_command(stdout, options->command);
    return 0;
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
    if (row->id >= OPTION_HELP && !value.at)
        return print_help(options, row->id);
    if (!row->argument && value.at)
        return options_usage(options, "--%s takes no value", row->name);
    if (row->argument && !value.at) {
        if (*at + 1 >= argc)
            return options_usage(options, "--%s needs a value: %s", row->name, row->argument);
        value = str_of(argv[++*at]);
    }
    return set_option(options, row->id, value) ? -1 : 2;
}

static int read_words(struct options *options, int argc, char **argv, int first)
{
    for (int at = first; at < argc; at++) {
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

static enum command find_command(struct str name)
{
    for (size_t i = COMMAND_NONE + 1; i < COMMAND_COUNT; i++) {
        if (str_eq(name, str_of(cli_commands[i].name)))
            return (enum command)i;
    }
    return COMMAND_NONE;
}

/* "token mint" of "token" and what may follow; else `group` again. */
static enum command find_member(struct pool *pool, enum command group, struct str word)
{
    enum command found =
        find_command(pool_printf(pool, "%s %.*s", cli_commands[group].name, STR_ARG(word)));
    return found == COMMAND_NONE ? group : found;
}

/* help, help COMMAND: the words of --help. */
static int help(struct options *options)
{
    if (options->operands.count == 0) {
        usage_all(stdout);
        return 0;
    }
    struct str name = options->operands.at[0];
    enum command command = find_command(name), group = command;
    if (options->operands.count == 2)
        command = find_member(options->pool, group, options->operands.at[1]);
    if (options->operands.count > (command == group ? 1u : 2u))
        return options_usage(options, "help takes one COMMAND");
    if (command == COMMAND_NONE)
        return unknown_command(options, name);
    usage_command(stdout, command);
    return 0;
}

int options_read(struct options *options, struct pool *pool, int argc, char **argv)
{
    *options = (struct options){.pool = pool};
    if (argc < 2) {
        usage_all(stderr);
        return 2;
    }
    struct str word = str_of(argv[1]);
    if (str_eq(word, STR("--help")) || str_eq(word, STR("-h"))) {
        usage_all(stdout);
        return 0;
    }
    if (str_eq(word, STR("--version"))) {
        options->command = COMMAND_VERSION;
        return -1;
    }
    options->command = find_command(word);
    if (options->command == COMMAND_NONE)
        return word.at[0] == '-' ? unknown_option(options, word, str_from(word, 2))
                                 : unknown_command(options, word);
    enum command group = options->command;
    if (argc > 2)
        options->command = find_member(pool, group, str_of(argv[2]));
    int status = read_words(options, argc, argv, options->command == group ? 2 : 3);
    return status < 0 && options->command == COMMAND_HELP ? help(options) : status;
}
