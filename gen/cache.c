#include "cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "digest.h"

/* Length first, so that no two lists of texts look the same. */
static void add(struct digest *digest, struct str text)
{
    char length[24];
    int len = snprintf(length, sizeof length, "%zu:", text.len);
    digest_add(digest, (struct str){length, (size_t)len});
    digest_add(digest, text);
}

static void add_file(struct job *job, struct digest *digest, struct str folder, const char *name)
{
    struct str error = {0}, path = pool_printf(&job->pool, "%.*s/%s", STR_ARG(folder), name);
    uint32_t file = source_read(&job->sources, path, &error);
    if (file)
        add(digest, source_get(&job->sources, file)->bytes);
    else
        emit_failed(job, "cannot read %s: %.*s", path.at, STR_ARG(error));
}

static struct str cache_folder(struct job *job)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache == '/')
        return pool_printf(&job->pool, "%s/apigw", cache);
    if (home && *home == '/')
        return pool_printf(&job->pool, "%s/.cache/apigw", home);
    emit_failed(job, "no folder to build in: neither HOME nor XDG_CACHE_HOME is set");
    return STR("");
}

struct str cache_path(struct job *job, const struct emitted *files, struct str program,
                      bool release)
{
    struct digest digest;
    char hex[65];
    struct str kit = build_kit(job), folder = cache_folder(job);
    if (job_failed(job))
        return STR("");
    digest_begin(&digest);
    add(&digest, release ? STR("release") : STR("default"));
    add_file(job, &digest, kit, "libgw.a");
    add_file(job, &digest, kit, "flags.mk");
    for (size_t i = 0; i < files->files.count; i++) {
        add(&digest, files->files.at[i].name);
        add(&digest, files->files.at[i].text);
    }
    digest_end(&digest, hex);
    folder = pool_printf(&job->pool, "%.*s/%.16s", STR_ARG(folder), hex);
    if (job_failed(job) || !emit_folder(job, folder))
        return STR("");
    return pool_printf(&job->pool, "%.*s/%.*s", STR_ARG(folder), STR_ARG(program));
}
