#include "base/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024 };

/* Reads to the end: 0, or an errno. Files of /proc and pipes tell no size, so the buffer grows. */
static int read_all(int fd, struct pool *pool, struct str *value)
{
    size_t room = 4096, len = 0;
    char *at = pool_take(pool, room);

    for (;;) {
        ssize_t got = read(fd, at + len, room - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        len += (size_t)got;
        if (len < room)
            continue;
        if (room >= FILE_MAX)
            return EFBIG;
        char *wider = pool_take(pool, room * 2);
        memcpy(wider, at, len);
        at = wider;
        room *= 2;
    }
    *value = (struct str){at, len};
    return 0;
}

bool reference_read_file(struct str path, struct pool *pool, struct str *value, struct str *error)
{
    int fd = open(pool_copy(pool, path).at, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int why = fd < 0 ? errno : read_all(fd, pool, value);

    if (fd >= 0)
        close(fd);
    if (why != 0)
        *error = pool_printf(pool, "cannot read %.*s: %s", STR_ARG(path), strerror(why));
    return why == 0;
}

static struct str without_newline(struct str s)
{
    if (s.len > 0 && s.at[s.len - 1] == '\n')
        s.len--;
    if (s.len > 0 && s.at[s.len - 1] == '\r')
        s.len--;
    return s;
}

static bool read_env(const struct gw_text *reference, struct pool *pool, struct str *value,
                     struct str *error)
{
    const char *found = getenv(pool_copy(pool, reference->text).at);

    if (!found && !reference->fallback.at) {
        *error =
            pool_printf(pool, "environment variable %.*s is not set", STR_ARG(reference->text));
        return false;
    }
    *value = pool_copy(pool, found ? str_of(found) : reference->fallback);
    return true;
}

bool reference_read(const struct gw_text *reference, struct pool *pool, struct str *value,
                    struct str *error)
{
    *value = (struct str){0};
    switch (reference->kind) {
    case GW_TEXT_NONE:
        return true;
    case GW_TEXT_LITERAL:
        *value = pool_copy(pool, reference->text);
        return true;
    case GW_TEXT_ENV:
        return read_env(reference, pool, value, error);
    case GW_TEXT_FILE:
        if (reference_read_file(reference->text, pool, value, error)) {
            *value = without_newline(*value);
            return true;
        }
        if (!reference->fallback.at)
            return false;
        *value = pool_copy(pool, reference->fallback);
        return true;
    }
    return false;
}
