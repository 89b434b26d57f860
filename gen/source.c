#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"

enum { LARGEST = 256 * 1024 * 1024, FIRST_READ = 64 * 1024 };

/* UTF-16 to UTF-8. A surrogate without its other half is encoded like a character, which no UTF-8 check
 * accepts; so is an odd last byte. */
static struct str from_utf16(struct pool *pool, struct str wide, int high)
{
    size_t units = wide.len / 2, len = 0;
    char *out = pool_take(pool, units * 3 + 1);
    const unsigned char *at = (const unsigned char *)wide.at;

    for (size_t i = 0; i < units; i++) {
        uint32_t unit = (uint32_t)(at[2 * i + high] << 8 | at[2 * i + 1 - high]), low;
        if (unit >= 0xD800 && unit < 0xDC00 && i + 1 < units) {
            low = (uint32_t)(at[2 * i + 2 + high] << 8 | at[2 * i + 3 - high]);
            if (low >= 0xDC00 && low < 0xE000) {
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                i++;
            }
        }
        len += utf8_put(out + len, unit);
    }
    if (wide.len % 2 != 0)
        out[len++] = '\xFF';
    return (struct str){out, len};
}

static struct str without_mark(struct pool *pool, struct str bytes)
{
    if (str_starts(bytes, STR("\xEF\xBB\xBF")))
        return str_from(bytes, 3);
    if (str_starts(bytes, STR("\xFF\xFE")) && !str_starts(bytes, STR("\xFF\xFE\0\0")))
        return from_utf16(pool, str_from(bytes, 2), 1);
    if (str_starts(bytes, STR("\xFE\xFF")))
        return from_utf16(pool, str_from(bytes, 2), 0);
    return bytes;
}

/* The end of the line that begins at `start`, its ending not counted. */
static size_t line_end(struct str bytes, size_t start)
{
    struct str rest = str_from(bytes, start);
    size_t end = str_find(rest, '\n');

    return start + str_find(str_head(rest, end), '\r');
}

static size_t next_line(struct str bytes, size_t end)
{
    if (bytes.at[end] == '\r' && end + 1 < bytes.len && bytes.at[end + 1] == '\n')
        return end + 2;
    return end + 1;
}

static void find_lines(struct pool *pool, struct source *source)
{
    VEC(uint32_t) lines = {0};
    size_t end = 0;

    *vec_add(pool, &lines) = 0;
    while ((end = line_end(source->bytes, lines.at[lines.count - 1])) < source->bytes.len)
        *vec_add(pool, &lines) = (uint32_t)next_line(source->bytes, end);
    source->lines = lines.at;
    source->line_count = lines.count;
}

static uint32_t add(struct sources *sources, struct str name, struct str path, struct str bytes)
{
    struct source *source = vec_add(sources->pool, &sources->files);

    source->name = pool_copy(sources->pool, name);
    source->path = path;
    source->bytes = bytes.at ? without_mark(sources->pool, bytes) : STR("");
    find_lines(sources->pool, source);
    return (uint32_t)sources->files.count;
}

static uint32_t find_path(const struct sources *sources, struct str path)
{
    for (size_t i = 0; i < sources->files.count; i++)
        if (sources->files.at[i].path.at && str_eq(sources->files.at[i].path, path))
            return (uint32_t)i + 1;
    return 0;
}

/* Everything that comes out of fd, or false with errno set. */
static bool read_all(struct pool *pool, int fd, size_t guess, struct str *bytes)
{
    size_t cap = guess + 1, len = 0;
    char *at = pool_take(pool, cap);

    for (;;) {
        ssize_t got = read(fd, at + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        len += (size_t)got;
        if (len > LARGEST) {
            errno = EFBIG;
            return false;
        }
        if (len == cap) {
            char *more = pool_take(pool, cap * 2);
            memcpy(more, at, len);
            at = more;
            cap *= 2;
        }
    }
    *bytes = (struct str){at, len};
    return true;
}

static bool read_file(struct pool *pool, int fd, struct str *bytes)
{
    struct stat about;
    size_t guess = FIRST_READ;

    if (fstat(fd, &about) != 0)
        return false;
    if (S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (S_ISREG(about.st_mode)) {
        if (about.st_size > LARGEST) {
            errno = EFBIG;
            return false;
        }
        guess = (size_t)about.st_size;
    }
    return read_all(pool, fd, guess, bytes);
}

static struct str why(struct pool *pool, int error)
{
    if (error == EISDIR)
        return STR("it is a folder");
    if (error == EFBIG)
        return STR("it is larger than 256 MiB");
    if (error == ENOENT || error == ENOTDIR)
        return STR("there is no such file");
    if (error == EILSEQ)
        return STR("its name holds a NUL byte");
    if (error == ESPIPE)
        return STR("it is a pipe or a device");
    return pool_printf(pool, "%s", strerror(error));
}

static uint32_t fail(struct sources *sources, struct str name, int error, struct str *sentence)
{
    struct str reason = why(sources->pool, error);

    *sentence =
        pool_printf(sources->pool, "cannot read %.*s: %.*s", STR_ARG(name), STR_ARG(reason));
    return 0;
}

uint32_t source_read(struct sources *sources, struct str name, struct str *error)
{
    bool is_stdin = str_eq(name, STR("-"));
    struct str z = pool_copy(sources->pool, name), path = STR("-"), bytes = {0};
    char real[PATH_MAX];
    uint32_t known;
    int fd = STDIN_FILENO, problem;
    bool good;

    if (str_find(name, '\0') < name.len)
        return fail(sources, name, EILSEQ, error);
    if (!is_stdin) {
        if (!realpath(z.at, real))
            return fail(sources, name, errno, error);
        path = pool_copy(sources->pool, str_of(real));
    }
    if ((known = find_path(sources, path)))
        return known;
    if (!is_stdin && (fd = open(z.at, O_RDONLY | O_CLOEXEC)) < 0)
        return fail(sources, name, errno, error);
    good = read_file(sources->pool, fd, &bytes);
    problem = errno;
    if (!is_stdin)
        close(fd);
    if (!good)
        return fail(sources, name, problem, error);
    return add(sources, z, path, bytes);
}

uint32_t source_add(struct sources *sources, struct str name, struct str bytes)
{
    return add(sources, name, (struct str){0}, bytes);
}

const struct source *source_get(const struct sources *sources, uint32_t file)
{
    return file > 0 && file <= sources->files.count ? &sources->files.at[file - 1] : NULL;
}

struct str source_beside(struct sources *sources, uint32_t file, struct str reference)
{
    const struct source *source = source_get(sources, file);
    size_t folder = source ? source->name.len : 0;

    if (str_starts(reference, STR("/")))
        return reference;
    while (str_starts(reference, STR("./")))
        reference = str_from(reference, 2);
    while (folder > 0 && source->name.at[folder - 1] != '/')
        folder--;
    /* By the length: a hostile name may hold a NUL, and is not the name before it. */
    char *joined = pool_take(sources->pool, folder + reference.len + 1);
    if (folder > 0)
        memcpy(joined, source->name.at, folder);
    if (reference.len > 0)
        memcpy(joined + folder, reference.at, reference.len);
    joined[folder + reference.len] = '\0';
    return (struct str){joined, folder + reference.len};
}

uint32_t source_read_beside(struct sources *sources, uint32_t file, struct str name,
                            struct str *error)
{
    struct str path = source_beside(sources, file, name);
    struct stat about;

    if (str_eq(path, STR("-")))
        path = STR("./-");
    if (str_find(path, '\0') == path.len && stat(pool_copy(sources->pool, path).at, &about) == 0 &&
        !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        return fail(sources, path, ESPIPE, error);
    return source_read(sources, path, error);
}

/* Index of the line that holds a byte. */
static size_t line_of(const struct source *source, size_t offset)
{
    size_t low = 0, high = source->line_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void source_walk(struct source_walk *walk, const struct source *source, size_t offset)
{
    size_t line = walk->line - 1, from = walk->offset;

    if (offset < walk->offset) {
        line = line_of(source, offset);
        from = source->lines[line];
        walk->col = 1;
    }
    /* Tokens of one line are the rule, a few blank lines between them the exception. */
    while (line + 1 < source->line_count && source->lines[line + 1] <= offset) {
        line++;
        from = source->lines[line];
        walk->col = 1;
    }
    walk->line = (uint32_t)line + 1;
    walk->col += (uint32_t)utf8_count(str_head(str_from(source->bytes, from), offset - from));
    walk->offset = offset;
}

struct loc source_loc(const struct sources *sources, uint32_t file, size_t offset)
{
    const struct source *source = source_get(sources, file);
    struct source_walk walk = {.line = 1, .col = 1};

    if (!source)
        return (struct loc){0};
    walk.line = (uint32_t)line_of(source, offset) + 1;
    walk.offset = source->lines[walk.line - 1];
    source_walk(&walk, source, offset);
    return (struct loc){file, walk.line, walk.col};
}

struct str source_line(const struct sources *sources, struct loc loc)
{
    const struct source *source = source_get(sources, loc.file);
    size_t start;

    if (!source || loc.line == 0 || loc.line > source->line_count)
        return STR("");
    start = source->lines[loc.line - 1];
    return str_head(str_from(source->bytes, start), line_end(source->bytes, start) - start);
}
