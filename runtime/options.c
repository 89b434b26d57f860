#include "options.h"

#include <stdio.h>

enum { WORKERS_MAX = 1024 };

enum option_id {
    OPTION_LISTEN,
    OPTION_STATUS,
    OPTION_UPSTREAM,
    OPTION_WORKERS,
    OPTION_PID_FILE,
    OPTION_JSON,
    OPTION_ACTION /* and the action behind it */
};

static const struct option {
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
    unsigned id;
} table[] = {
    {"listen", "ADDRESS:PORT", "replaces the next listener's address; further ones add plain HTTP",
     OPTION_LISTEN},
    {"status", "ADDRESS:PORT", "listener for /healthz /readyz /metrics", OPTION_STATUS},
    {"upstream", "NAME=URL", "replaces that upstream's targets", OPTION_UPSTREAM},
    {"workers", "N", "worker threads (the usable CPUs)", OPTION_WORKERS},
    {"pid-file", "FILE", "written at start, removed at exit", OPTION_PID_FILE},
    {"check", NULL, "read everything the gateway needs, and stop", OPTION_ACTION + ACTION_CHECK},
    {"routes", NULL, "print the route table", OPTION_ACTION + ACTION_ROUTES},
    {"manifest", NULL, "print the effective configuration as JSON",
     OPTION_ACTION + ACTION_MANIFEST},
    {"licenses", NULL, "print the notices of what is linked in", OPTION_ACTION + ACTION_LICENSES},
    {"healthcheck", NULL, "exit 0 when the running gateway is ready",
     OPTION_ACTION + ACTION_HEALTHCHECK},
    {"version", NULL, "print name, version and build", OPTION_ACTION + ACTION_VERSION},
    {"json", NULL, "with --version: as JSON, with the features inside", OPTION_JSON},
    {"help", NULL, "print this", OPTION_ACTION + ACTION_HELP},
};

enum { COUNT = sizeof table / sizeof *table };

void options_usage(struct text *text, struct str name)
{
    text_printf(text, "Usage: %.*s [OPTION]...\n\n", STR_ARG(name));
    for (size_t i = 0; i < COUNT; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", table[i].name, table[i].value ? " " : "",
                 table[i].value ? table[i].value : "");
        text_printf(text, "  %-24s  %s\n", left, table[i].help);
    }
    text_add(
        text,
        STR("\nSignals: TERM drains and ends, INT the same without the delay, HUP reads "
            "data again,\nUSR1 reopens the log file, USR2 starts the program that is now at this path "
            "with the same sockets\nand ends when that one is ready.\n\n"
            "Environment: GW_RESOLVER=ADDRESS[:PORT] is asked for names in place of "
            "those that\n/etc/resolv.conf lists.\n"));
}

static const struct option *find(struct str name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (str_eq(str_of(table[i].name), name))
            return &table[i];
    }
    return NULL;
}

static bool read_upstream(struct options *options, struct pool *pool, struct str value)
{
    size_t equals = str_find(value, '=');

    if (equals == 0 || equals + 1 >= value.len)
        return false;
    *vec_add(pool, &options->upstreams) =
        (struct option_upstream){str_head(value, equals), str_from(value, equals + 1)};
    return true;
}

static bool read_workers(struct options *options, struct str value)
{
    uint64_t number;

    if (!str_to_u64(value, &number) || number == 0 || number > WORKERS_MAX)
        return false;
    options->workers = (unsigned)number;
    return true;
}

static bool take(struct options *options, struct pool *pool, const struct option *option,
                 const char *value)
{
    switch (option->id) {
    case OPTION_LISTEN:
        *vec_add(pool, &options->listen) = str_of(value);
        return *value != 0;
    case OPTION_STATUS:
        options->status = str_of(value);
        return *value != 0;
    case OPTION_UPSTREAM:
        return read_upstream(options, pool, str_of(value));
    case OPTION_WORKERS:
        return read_workers(options, str_of(value));
    case OPTION_PID_FILE:
        options->pid_file = value;
        return *value != 0;
    case OPTION_JSON:
        options->json = true;
        return true;
    default:
        options->action = (enum option_action)(option->id - OPTION_ACTION);
        return true;
    }
}

/* One argument and, where it takes one, its value; NULL behind the last. */
static char **read_one(struct options *options, struct pool *pool, char **at, struct str *error)
{
    struct str word = str_of(*at), name = str_from(word, 2);
    size_t equals = str_find(name, '=');
    const struct option *option = str_starts(word, STR("--")) ? find(str_head(name, equals)) : NULL;
    const char *value = equals < name.len ? name.at + equals + 1 : NULL;

    if (!option) {
        *error = pool_printf(pool, "unknown argument %.*s", STR_ARG(word));
        return NULL;
    }
    if (value && !option->value) {
        *error = pool_printf(pool, "--%s takes no value", option->name);
        return NULL;
    }
    if (option->value && !value && !(value = *++at)) {
        *error = pool_printf(pool, "--%s needs a value: %s", option->name, option->value);
        return NULL;
    }
    if (!take(options, pool, option, value ? value : "")) {
        *error = option->id == OPTION_WORKERS
                     ? pool_printf(pool, "--workers %s: must be a number from 1 to %d", value,
                                   WORKERS_MAX)
                     : pool_printf(pool, "--%s %s: must be %s", option->name, value, option->value);
        return NULL;
    }
    return at + 1;
}

bool options_read(struct options *options, struct pool *pool, char **argv, struct str *error)
{
    char **at = argv[0] ? argv + 1 : argv;

    *options = (struct options){0};
    while (*at && !str_eq(str_of(*at), STR("--"))) {
        at = read_one(options, pool, at, error);
        if (!at)
            return false;
    }
    if (*at && at[1]) {
        *error = pool_printf(pool, "unknown argument %s", at[1]);
        return false;
    }
    return true;
}
