#include "base/watched.h"

#include <stdio.h>
#include <sys/stat.h>

static void mix(uint64_t *digest, uint64_t value)
{
    *digest = (*digest ^ value) * UINT64_C(0x100000001b3);
}

void watched_add(uint64_t *digest, struct str path)
{
    char text[4096];
    struct stat stat_of = {0};

    if (path.len >= sizeof text)
        return;
    snprintf(text, sizeof text, "%.*s", STR_ARG(path));
    if (stat(text, &stat_of) != 0)
        stat_of = (struct stat){0};
    mix(digest, (uint64_t)stat_of.st_dev);
    mix(digest, (uint64_t)stat_of.st_ino);
    mix(digest, (uint64_t)stat_of.st_mode);
    mix(digest, (uint64_t)stat_of.st_size);
    mix(digest, (uint64_t)stat_of.st_mtim.tv_sec);
    mix(digest, (uint64_t)stat_of.st_mtim.tv_nsec);
}

void watched_is_read(struct watched *watched, uint64_t digest)
{
    watched->seen = watched->read = digest;
}

bool watched_has_rested(struct watched *watched, uint64_t digest)
{
    bool due = digest == watched->seen && digest != watched->read;

    watched->seen = digest;
    return due;
}
