#include "client/file_finder.h"

#include <stdlib.h>

#include "base/reference.h"
#include "base/watched.h"

enum { LOOK_MS = 1000 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct watch {
    struct finder *finder;
    file_finder_read *read;
    struct timer next;
    struct watched watched;
};

bool finder_bad(struct finder *finder, uint32_t line, const char *what)
{
    finder_fail(finder, "%.*s:%u: %s", STR_ARG(finder->config->file), line, what);
    return false;
}

bool finder_number(struct finder *finder, const struct data *said, const char *what, uint64_t max,
                   uint64_t *number)
{
    uint64_t value;

    if (!said)
        return true;
    if (data_number(said, &value) && value <= max) {
        *number = value;
        return true;
    }
    return finder_bad(
        finder, said->line,
        pool_printf(&finder->pool, "'%s' is a number up to %llu", what, (unsigned long long)max)
            .at);
}

static void take(struct watch *watch)
{
    struct finder *finder = watch->finder;
    struct str text, error;
    struct data_problem problem;
    const struct data *data;

    finder_begin(finder);
    if (!reference_read_file(finder->config->file, &finder->pool, &text, &error)) {
        finder_fail(finder, "%.*s", STR_ARG(error));
        return;
    }
    data = data_read_yaml(&finder->pool, text, &problem);
    if (!data)
        finder_bad(finder, problem.line, problem.what);
    else if (watch->read(finder, data))
        finder_publish(finder);
}

static uint64_t digest_of(const struct watch *watch)
{
    uint64_t digest = WATCHED_BEGIN;

    watched_add(&digest, watch->finder->config->file);
    return digest;
}

static void on_next(struct timer *timer)
{
    struct watch *watch = CONTAINER(struct watch, next, timer);
    uint32_t refresh = watch->finder->config->refresh;
    uint64_t digest = digest_of(watch);

    if (watched_has_rested(&watch->watched, digest)) {
        watched_is_read(&watch->watched, digest);
        take(watch);
    }
    timer_set(finder_loop(watch->finder), timer, refresh > 0 ? refresh : LOOK_MS);
}

void file_finder_open(struct finder *finder, file_finder_read *read)
{
    struct watch *watch = finder->source = pool_xmalloc(sizeof *watch);

    *watch = (struct watch){.finder = finder, .read = read, .next.fire = on_next};
    watched_is_read(&watch->watched, digest_of(watch));
    take(watch);
    on_next(&watch->next);
}

void file_finder_close(struct finder *finder)
{
    struct watch *watch = finder->source;

    timer_clear(finder_loop(finder), &watch->next);
    free(watch);
}
