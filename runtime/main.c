/* main: argv to one action; what a signal does is told in process.h. */
#include <stdio.h>
#include <unistd.h>

#include "about.h"
#include "gw.h"
#include "health.h"
#include "init.h"
#include "options.h"
#include "process.h"
#include "successor.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int print(struct str s)
{
    bool done = fwrite(s.at, 1, s.len, stdout) == s.len && fflush(stdout) == 0;

    return done ? EXIT_OK : EXIT_FAILED;
}

static int print_text(struct pool *pool, void (*write_text)(struct text *text))
{
    struct text text = {.pool = pool};

    write_text(&text);
    return print(text_str(&text));
}

static void usage(struct text *text)
{
    options_usage(text, gateway.name);
}

static void manifest(struct text *text)
{
    text_add(text, gateway.manifest);
    if (text->len > 0 && text->at[text->len - 1] != '\n')
        text_byte(text, '\n');
}

/* Process 1 stays an init and runs the gateway below itself. */
static int run(const struct options *options)
{
    int status;

    if (getpid() == 1 && !init_split(&status))
        return status;
    return process_run(options);
}

static int act(const struct options *options, struct pool *pool)
{
    switch (options->action) {
    case ACTION_RUN:
        return run(options);
    case ACTION_CHECK:
        return process_check(options);
    case ACTION_ROUTES:
        return print_text(pool, about_routes);
    case ACTION_MANIFEST:
        return print_text(pool, manifest);
    case ACTION_VERSION:
        return print_text(pool, options->json ? about_version_json : about_version);
    case ACTION_LICENSES:
        return print(str_of(gateway_notices));
    case ACTION_HEALTHCHECK:
        return health_check(options);
    case ACTION_HELP:
        return print_text(pool, usage);
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;
    struct pool pool;
    struct str error;
    int status = EXIT_USAGE;

    (void)argc;
    successor_remember(argv);
    pool_open(&pool, NULL);
    if (options_read(&options, &pool, argv, &error))
        status = act(&options, &pool);
    else
        fprintf(stderr, "%.*s: %.*s\nTry '%.*s --help'.\n", STR_ARG(gateway.name), STR_ARG(error),
                STR_ARG(gateway.name));
    pool_close(&pool);
    return status;
}
