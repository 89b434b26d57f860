#include "watch.h"

#include <sys/stat.h>
#include <time.h>

static uint64_t stamp_of(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return 0;
    uint64_t time = (uint64_t)about.st_mtim.tv_sec * 1000000000u + (uint64_t)about.st_mtim.tv_nsec;
    return (time ^ (uint64_t)about.st_size << 40 ^ (uint64_t)about.st_ino << 20) | 1;
}

static struct watch_file *find(struct watch *watch, struct str path)
{
    for (size_t i = 0; i < watch->files.count; i++) {
        if (str_eq(watch->files.at[i].path, path))
            return &watch->files.at[i];
    }
    return NULL;
}

void watch_look(struct watch *watch, struct pool *pool, const struct sources *sources)
{
    for (size_t i = 0; i < sources->files.count; i++) {
        struct str path = sources->files.at[i].path;
        if (path.len && path.at[0] == '/' && !find(watch, path))
            vec_add(pool, &watch->files)->path = pool_copy(pool, path);
    }
    for (size_t i = 0; i < watch->files.count; i++)
        watch->files.at[i].stamp = stamp_of(watch->files.at[i].path.at);
}

bool watch_changed(const struct watch *watch)
{
    for (size_t i = 0; i < watch->files.count; i++) {
        if (stamp_of(watch->files.at[i].path.at) != watch->files.at[i].stamp)
            return true;
    }
    return false;
}

void watch_rest(void)
{
    struct timespec while_reading = {.tv_nsec = 250 * 1000 * 1000};
    nanosleep(&while_reading, NULL);
}
