#include "emit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fold.h"

void emit_failed(struct job *job, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = pool_vprintf(&job->pool, format, args);
    va_end(args);
    job->environment_failed = true;
    diag_error(&job->diags, (struct loc){0}, "environment", "%.*s", STR_ARG(message));
}

static bool is_c(struct str name)
{
    struct str ending = str_from(name, name.len < 2 ? 0 : name.len - 2);
    return str_eq(ending, STR(".c")) || str_eq(ending, STR(".h"));
}

static struct str folded(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};
    fold(&out, text);
    return text_str(&out);
}

struct emitted *emit_render(struct job *job, const struct template_set *templates,
                            const struct view *view)
{
    if (job_failed(job))
        return NULL;
    struct emitted *made = pool_new(&job->pool, struct emitted);
    for (size_t i = 0; i < view->files.count && !job_failed(job); i++) {
        const struct view_file *file = &view->files.at[i];
        struct text text = {.pool = &job->pool};
        template_render(job, templates, file->template, file->values, &text);
        struct str made_text =
            is_c(file->name) ? folded(&job->pool, text_str(&text)) : text_str(&text);
        *vec_add(&job->pool, &made->files) = (struct emit_file){file->name, made_text};
    }
    return job_failed(job) ? NULL : made;
}

/* ---- files ---- */

/* What a file holds; at NULL when it cannot be read. */
static struct str read_whole(struct pool *pool, struct str path)
{
    int fd = open(pool_copy(pool, path).at, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0)
        return (struct str){0};
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        return (struct str){0};
    }
    size_t len = 0, size = (size_t)about.st_size;
    char *bytes = pool_take(pool, size + 1);
    ssize_t got = 1;
    while (len < size && (got = read(fd, bytes + len, size - len)) > 0)
        len += (size_t)got;
    close(fd);
    return (struct str){bytes, len};
}

static bool write_whole(int fd, struct str text)
{
    while (text.len) {
        ssize_t put = write(fd, text.at, text.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        text = str_from(text, (size_t)put);
    }
    return true;
}

bool emit_file(struct job *job, struct str path, struct str text)
{
    const char *name = pool_copy(&job->pool, path).at;
    char *temporary = (char *)pool_printf(&job->pool, "%s.XXXXXX", name).at;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        emit_failed(job, "cannot write %s: %s", name, strerror(errno));
        return false;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool good = write_whole(fd, text) && fchmod(fd, 0666 & ~mask) == 0;
    good = close(fd) == 0 && good;
    if (good && rename(temporary, name) == 0)
        return true;
    emit_failed(job, "cannot write %s: %s", name, strerror(errno));
    unlink(temporary);
    return false;
}

bool emit_folder(struct job *job, struct str path)
{
    char *name = (char *)pool_copy(&job->pool, path).at;
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && name[i] != '/')
            continue;
        char slash = name[i];
        name[i] = '\0';
        if (mkdir(name, 0777) != 0 && errno != EEXIST) {
            emit_failed(job, "cannot make the folder %s: %s", name, strerror(errno));
            return false;
        }
        name[i] = slash;
    }
    return true;
}

/* ---- a folder that may hold a former run's files ---- */

/* The first line of every Makefile that we wrote. */
static const char signature[] = "# Made by apigw-gen";

static bool is_flow_file(struct str name)
{
    if (!str_starts(name, STR("flow_")) || !str_eq(str_from(name, name.len - 2), STR(".c")))
        return false;
    for (size_t i = 0; i < name.len - 2; i++) {
        char c = name.at[i];
        if (c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9'))
            return false;
    }
    return true;
}

static bool is_among(const struct emitted *files, struct str name)
{
    for (size_t i = 0; i < files->files.count; i++) {
        if (str_eq(files->files.at[i].name, name))
            return true;
    }
    return false;
}

/* Flow files that stand in the former Makefile and not among the new ones. */
static void remove_former(struct job *job, const struct emitted *files, struct str folder,
                          struct str makefile)
{
    while (makefile.len) {
        size_t end = str_find(makefile, '\n');
        struct str name = str_trim(str_head(makefile, end), " \t\\");
        if (is_flow_file(name) && !is_among(files, name))
            unlink(pool_printf(&job->pool, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name)).at);
        makefile = str_from(makefile, end + 1);
    }
}

void emit_write(struct job *job, const struct emitted *files, struct str folder)
{
    if (job_failed(job) || !emit_folder(job, folder))
        return;
    struct str path = pool_printf(&job->pool, "%.*s/Makefile", STR_ARG(folder));
    struct str former = read_whole(&job->pool, path);
    if (former.at && !str_starts(former, str_of(signature))) {
        emit_failed(job, "%s is not made by apigw-gen; choose an empty folder", path.at);
        return;
    }
    for (size_t i = 0; i < files->files.count && !job_failed(job); i++) {
        const struct emit_file *file = &files->files.at[i];
        path = pool_printf(&job->pool, "%.*s/%.*s", STR_ARG(folder), STR_ARG(file->name));
        struct str old = read_whole(&job->pool, path);
        if (!old.at || !str_eq(old, file->text))
            emit_file(job, path, file->text);
    }
    if (!job_failed(job))
        remove_former(job, files, folder, former);
}
