#include "request/overrides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/watched.h"
#include "prometheus.h"
#include "request/config.h"

static struct {
    struct pool pool;
    struct str path;
    struct watched file;
    uint32_t *lines;          /* by value: where the file says it; 0: it does not. Atomic */
    bool is_missing;          /* as the log says */
    uint64_t updates, errors; /* atomic */
} state;

/* ---- taking what the file says ---- */

static void tell(const struct gw_runtime_value *value, uint32_t before, uint32_t now,
                 struct pool *pool)
{
    log_warn("runtime: %.*s is now %.*s, was %.*s", STR_ARG(value->name),
             STR_ARG(overrides_word(value, now, pool)),
             STR_ARG(overrides_word(value, before, pool)));
}

/* What goes up comes first, so that weights that change places are never 0 together. */
static bool store(const struct gw_runtime *runtime, const struct override *overrides, bool up,
                  struct pool *pool)
{
    bool changed = false;

    for (uint32_t i = 0; i < runtime->count; i++) {
        uint32_t before = runtime->words[i], now = overrides[i].word;
        if (now == before || (now > before) != up)
            continue;
        __atomic_store_n(&runtime->words[i], now, __ATOMIC_RELEASE);
        tell(&runtime->values[i], before, now, pool);
        changed = true;
    }
    return changed;
}

static void take(const struct gw_runtime *runtime, const struct override *overrides,
                 struct pool *pool)
{
    bool raised = store(runtime, overrides, true, pool);
    bool lowered = store(runtime, overrides, false, pool);

    for (uint32_t i = 0; i < runtime->count; i++)
        __atomic_store_n(&state.lines[i], overrides[i].line, __ATOMIC_RELAXED);
    if (raised || lowered)
        __atomic_add_fetch(&state.updates, 1, __ATOMIC_RELAXED);
}

/* ---- reading ---- */

/* Nothing stands there; whatever else may be wrong is an error. */
static bool is_missing(struct pool *pool)
{
    return access(pool_copy(pool, state.path).at, F_OK) != 0 &&
           (errno == ENOENT || errno == ENOTDIR);
}

static void tell_missing(bool missing)
{
    if (missing && !state.is_missing)
        log_info("runtime: %.*s is not there, so nothing is overridden", STR_ARG(state.path));
    state.is_missing = missing;
}

static bool read_file(const struct gw_runtime *runtime, struct pool *pool, char *error, size_t size)
{
    struct override *overrides = pool_alloc(pool, runtime->count * sizeof *overrides);
    struct overrides_problem problem;
    struct str text = STR(""), why;
    uint64_t digest = WATCHED_BEGIN;
    bool missing = false;

    watched_add(&digest, state.path);
    watched_is_read(&state.file, digest);
    if (!reference_read_file(state.path, pool, &text, &why)) {
        missing = is_missing(pool);
        if (!missing) {
            snprintf(error, size, "runtime: %.*s", STR_ARG(why));
            return false;
        }
    }
    if (!overrides_parse(runtime, pool, text, overrides, &problem)) {
        snprintf(error, size, "runtime: %.*s:%u: %.*s", STR_ARG(state.path), problem.line,
                 STR_ARG(problem.what));
        return false;
    }
    tell_missing(missing);
    take(runtime, overrides, pool);
    return true;
}

static bool find_file(const struct gw_runtime *runtime, char *error, size_t size)
{
    struct str why;

    if (runtime->file.kind == GW_TEXT_FILE)
        state.path = runtime->file.text;
    else if (!reference_read(&runtime->file, &state.pool, &state.path, &why)) {
        snprintf(error, size, "runtime: %.*s", STR_ARG(why));
        return false;
    }
    if (state.path.len > 0 && state.path.at[0] == '/')
        return true;
    snprintf(error, size, "runtime: '%.*s' is not the whole path of a file", STR_ARG(state.path));
    return false;
}

static bool open_file(const struct gw_runtime *runtime, char *error, size_t size)
{
    struct pool pool;
    bool good;

    memset(&state, 0, sizeof state);
    pool_open(&state.pool, NULL);
    state.lines = pool_alloc(&state.pool, runtime->count * sizeof *state.lines);
    if (!find_file(runtime, error, size))
        return false;
    pool_open(&pool, NULL);
    good = read_file(runtime, &pool, error, size);
    pool_close(&pool);
    return good;
}

static void reload(const struct gw_runtime *runtime)
{
    char error[512];
    struct pool pool;

    pool_open(&pool, NULL);
    if (!read_file(runtime, &pool, error, sizeof error)) {
        __atomic_add_fetch(&state.errors, 1, __ATOMIC_RELAXED);
        log_error("keeping the old values: %s", error);
    } else if (runtime->log_level) {
        log_set_level((enum log_level)gw_word(runtime->log_level));
    }
    pool_close(&pool);
}

static void look(const struct gw_runtime *runtime)
{
    uint64_t digest = WATCHED_BEGIN;

    watched_add(&digest, state.path);
    if (watched_has_rested(&state.file, digest))
        reload(runtime);
}

static void close_file(void)
{
    if (state.lines)
        pool_close(&state.pool);
    memset(&state, 0, sizeof state);
}

/* ---- telling ---- */

static void metrics(const struct gw_runtime *runtime, struct text *text)
{
    static const char name[] = "apigw_runtime_value";

    prom_family(text, name, "gauge",
                "Values that the runtime file may override, as they are now; switches are 0 or 1, "
                "log levels 0 (debug) to 3 (error).");
    for (uint32_t i = 0; i < runtime->count; i++) {
        text_printf(text, "%s{", name);
        prom_label(text, "name", runtime->values[i].name);
        text_printf(text, "} %u\n", gw_word(&runtime->words[i]));
    }
    prom_number(text, "apigw_runtime_updates_total", "counter",
                "Readings of the runtime file that changed a value.",
                __atomic_load_n(&state.updates, __ATOMIC_RELAXED));
    prom_number(text, "apigw_runtime_errors_total", "counter",
                "Readings of the runtime file that found it bad, and changed nothing.",
                __atomic_load_n(&state.errors, __ATOMIC_RELAXED));
}

static void json_word(struct text *text, const char *key, const struct gw_runtime_value *value,
                      uint32_t word)
{
    struct str words = overrides_word(value, word, text->pool);

    text_printf(text, ", \"%s\": ", key);
    if (value->kind == GW_RUNTIME_LEVEL)
        text_json(text, words);
    else
        text_add(text, words);
}

static void json(const struct gw_runtime *runtime, struct text *text)
{
    text_add(text, STR("{\"file\": "));
    text_json(text, state.path);
    text_add(text, STR(", \"values\": ["));
    for (uint32_t i = 0; i < runtime->count; i++) {
        const struct gw_runtime_value *value = &runtime->values[i];
        text_add(text, i ? STR(",\n{\"name\": ") : STR("\n{\"name\": "));
        text_json(text, value->name);
        json_word(text, "default", value, value->normal);
        if (value->kind == GW_RUNTIME_NUMBER) {
            json_word(text, "min", value, value->min);
            json_word(text, "max", value, value->max);
        }
        json_word(text, "value", value, gw_word(&runtime->words[i]));
        text_printf(text, ", \"overridden\": %s}",
                    __atomic_load_n(&state.lines[i], __ATOMIC_RELAXED) ? "true" : "false");
    }
    text_add(text, STR("]}\n"));
}

const struct overrides_module overrides_module = {
    .open = open_file,
    .reload = reload,
    .look = look,
    .metrics = metrics,
    .json = json,
    .close = close_file,
};
