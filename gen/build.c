#include "build.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"

enum { SHOWN_LINES = 12 };

/* ---- the kit ---- */

static bool is_kit(struct job *job, struct str folder)
{
    return access(pool_printf(&job->pool, "%.*s/libgw.a", STR_ARG(folder)).at, R_OK) == 0;
}

struct str build_kit(struct job *job)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        while (len > 0 && self[len - 1] != '/')
            len--;
        struct str beside = pool_printf(&job->pool, "%.*skit", (int)len, self);
        struct str installed = pool_printf(&job->pool, "%.*s../lib/apigw", (int)len, self);
        if (is_kit(job, beside))
            return beside;
        if (is_kit(job, installed))
            return installed;
    }
    const char *named = getenv("APIGW_KIT");
    if (named && is_kit(job, str_of(named)))
        return str_of(named);
    emit_failed(job, "the runtime kit (libgw.a) is missing: reinstall apigw-gen, or name its "
                     "folder in APIGW_KIT");
    return STR("");
}

/* ---- a private folder ---- */

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    return remove(path);
}

static void remove_folder(struct str folder)
{
    nftw(folder.at, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct str private_folder(struct job *job)
{
    const char *base = getenv("TMPDIR");
    char *name =
        (char *)pool_printf(&job->pool, "%s/apigw-XXXXXX", base && *base ? base : "/tmp").at;
    if (mkdtemp(name))
        return str_of(name);
    emit_failed(job, "cannot make a folder in %s: %s", base && *base ? base : "/tmp",
                strerror(errno));
    return STR("");
}

/* ---- running tools ---- */

/* What GNU ld says about glibc in every static program; the runtime never calls these (it resolves names
 * itself). */
static bool is_expected(struct str line)
{
    if (str_find_str(line, STR("in statically linked applications requires at runtime")) < line.len)
        return true;
    bool linker =
        str_find_str(line, STR("ld: ")) < line.len || str_find_str(line, STR(".a(")) < line.len;
    return linker && str_find_str(line, STR(": in function `")) < line.len;
}

static void show_output(struct str output)
{
    while (output.len) {
        size_t end = str_find(output, '\n');
        struct str line = str_head(output, end);
        if (line.len && !is_expected(line))
            fprintf(stderr, "%.*s\n", STR_ARG(line));
        output = str_from(output, end + 1);
    }
}

static bool is_telling(struct str line)
{
    return str_find_str(line, STR("error")) < line.len ||
           str_find_str(line, STR("undefined")) < line.len ||
           str_find_str(line, STR("cannot")) < line.len ||
           str_find_str(line, STR("No ")) < line.len ||
           (str_find_str(line, STR("*** ")) < line.len &&
            str_find_str(line, STR("] Error ")) == line.len);
}

/* What to do about the failures that are this machine's. */
static void advise(struct job *job, struct str output)
{
    static const struct {
        struct str said;
        const char *advice;
    } known[] = {
        {STR_INIT("cannot find -l"),
         "the static archives of libevent, c-ares and glibc are needed, of OpenSSL for TLS, of nghttp2 for "
         "HTTP/2 and of libyaml for a runtime file (Debian: apt-get install libevent-dev libc-ares-dev "
         "libc6-dev libssl-dev libnghttp2-dev libyaml-dev)"},
        {STR_INIT("make: "), "a C compiler is needed (Debian: apt-get install gcc libc6-dev)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct str from = str_from(output, str_find_str(output, known[i].said));
        struct str line = str_head(from, str_find(from, '\n'));
        if (line.len && (i == 0 || str_find_str(line, STR("No such file")) < line.len)) {
            diag_note(&job->diags, (struct loc){0}, "%s", known[i].advice);
            return;
        }
    }
}

static void report(struct job *job, const char *tool, const struct child *child)
{
    if (!child->started) {
        emit_failed(job,
                    "cannot run %s: is it installed? (Debian: apt-get install make gcc libc6-dev)",
                    tool);
        return;
    }
    if (child->interrupted) {
        emit_failed(job, "interrupted");
        return;
    }
    emit_failed(job, "%s failed with status %d; --emit DIR keeps its input", tool, child->status);
    struct str output = child->output;
    for (int shown = 0; output.len && shown < SHOWN_LINES;) {
        size_t end = str_find(output, '\n');
        struct str line = str_head(output, end);
        if (is_telling(line) && !is_expected(line)) {
            diag_note(&job->diags, (struct loc){0}, "%.*s", STR_ARG(line));
            shown++;
        }
        output = str_from(output, end + 1);
    }
    advise(job, child->output);
}

static bool run(struct job *job, const struct build *build, const char *const *argv)
{
    struct child child = child_run(&job->pool, argv);
    if (child.started && child.status == 0) {
        if (build->verbose)
            fprintf(stderr, "%.*s", STR_ARG(child.output));
        else
            show_output(child.output);
        return true;
    }
    report(job, argv[0], &child);
    return false;
}

/* ---- the steps ---- */

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

/* The kit by a name without blanks, which make cannot read in names. */
static struct str kit_name(struct job *job, struct str folder, bool is_private)
{
    struct str kit = build_kit(job);
    if (job_failed(job) || !is_private)
        return kit;
    struct str link = pool_printf(&job->pool, "%.*s/kit", STR_ARG(folder));
    char *real = realpath(kit.at, NULL);
    bool linked = real && symlink(real, link.at) == 0;
    free(real);
    return linked ? STR("kit") : kit;
}

static bool compile(struct job *job, const struct build *build, struct str folder, bool is_private)
{
    struct str kit = kit_name(job, folder, is_private);
    if (job_failed(job))
        return false;
    unsigned jobs = build->jobs ? build->jobs : processors();
    const char *argv[12] = {"make", "-C", folder.at, "--no-print-directory"};
    size_t count = 4;
    argv[count++] = pool_printf(&job->pool, "-j%u", jobs).at;
    argv[count++] = pool_printf(&job->pool, "GW=%.*s", STR_ARG(kit)).at;
    argv[count++] = pool_copy(&job->pool, build->program).at;
    if (!build->verbose)
        argv[count++] = "-s";
    if (build->release)
        argv[count++] = "RELEASE=1";
    if (build->relink_kit.len)
        argv[count++] = "relink.tar";
    return run(job, build, argv);
}

/* Strips beside the place where it shall stand, so that the last step is one rename. */
static bool install(struct job *job, const struct build *build, struct str folder)
{
    struct str made =
        pool_printf(&job->pool, "%.*s/%.*s", STR_ARG(folder), STR_ARG(build->program));
    struct str fresh =
        pool_printf(&job->pool, "%.*s.new-%ld", STR_ARG(build->output), (long)getpid());
    const char *argv[] = {"strip", "-o", fresh.at, made.at, NULL};
    if (!run(job, build, argv))
        return false;
    if (rename(fresh.at, pool_copy(&job->pool, build->output).at) == 0)
        return true;
    emit_failed(job, "cannot write %.*s: %s", STR_ARG(build->output), strerror(errno));
    unlink(fresh.at);
    return false;
}

/* Objects, archive and a Makefile that links them again (LGPL-2.1 section 6). */
static bool copy_relink_kit(struct job *job, const struct build *build, struct str folder)
{
    struct str made = pool_printf(&job->pool, "%.*s/relink.tar", STR_ARG(folder));
    const char *argv[] = {"cp", made.at, pool_copy(&job->pool, build->relink_kit).at, NULL};
    return run(job, build, argv);
}

/* Asked before the minute of compiling: whether a file can be made there. */
static bool can_write(struct job *job, struct str path)
{
    struct stat about;
    size_t len = path.len;
    while (len > 0 && path.at[len - 1] != '/')
        len--;
    struct str folder = len ? pool_copy(&job->pool, str_head(path, len)) : STR(".");
    bool is_folder = stat(pool_copy(&job->pool, path).at, &about) == 0 && S_ISDIR(about.st_mode);
    if (!is_folder && access(folder.at, W_OK | X_OK) == 0)
        return true;
    emit_failed(job, "cannot write %.*s: %s", STR_ARG(path), strerror(is_folder ? EISDIR : errno));
    return false;
}

void build(struct job *job, const struct emitted *files, const struct build *build)
{
    if (job_failed(job) || !can_write(job, build->output) ||
        (build->relink_kit.len && !can_write(job, build->relink_kit)))
        return;
    bool is_private = build->folder.len == 0;
    struct str folder = is_private ? private_folder(job) : pool_copy(&job->pool, build->folder);
    if (job_failed(job))
        return;
    emit_write(job, files, folder);
    if (!job_failed(job) && compile(job, build, folder, is_private) &&
        install(job, build, folder) && build->relink_kit.len)
        copy_relink_kit(job, build, folder);
    if (is_private)
        remove_folder(folder);
}

uint64_t build_size(struct job *job, struct str path)
{
    struct stat about;
    return stat(pool_copy(&job->pool, path).at, &about) == 0 ? (uint64_t)about.st_size : 0;
}
