#include "client/file_finder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/reference.h"

enum { LOOK_MS = 1000 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* What tells one state of a file from another; all zero: it is not there. */
struct state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct watch {
    struct finder *finder;
    file_finder_read *read;
    struct timer next;
    struct state seen, taken;
    char path[];
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

    watch->taken = watch->seen;
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

static struct state look_at(struct watch *watch)
{
    struct state state = {0};
    struct stat stat_;

    if (stat(watch->path, &stat_) == 0) {
        state.device = stat_.st_dev;
        state.inode = stat_.st_ino;
        state.size = stat_.st_size;
        state.changed = stat_.st_mtim;
    }
    return state;
}

static bool is_same(const struct state *a, const struct state *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void on_next(struct timer *timer)
{
    struct watch *watch = CONTAINER(struct watch, next, timer);
    uint32_t refresh = watch->finder->config->refresh;
    struct state now = look_at(watch);
    bool rested = is_same(&now, &watch->seen);

    watch->seen = now;
    if (rested && !is_same(&now, &watch->taken))
        take(watch);
    timer_set(finder_loop(watch->finder), timer, refresh > 0 ? refresh : LOOK_MS);
}

void file_finder_open(struct finder *finder, file_finder_read *read)
{
    struct str file = finder->config->file;
    struct watch *watch = finder->source = pool_xmalloc(sizeof *watch + file.len + 1);

    *watch = (struct watch){.finder = finder, .read = read, .next.fire = on_next};
    memcpy(watch->path, file.at, file.len);
    watch->path[file.len] = 0;
    watch->seen = look_at(watch);
    take(watch);
    on_next(&watch->next);
}

void file_finder_close(struct finder *finder)
{
    struct watch *watch = finder->source;

    timer_clear(finder_loop(finder), &watch->next);
    free(watch);
}
