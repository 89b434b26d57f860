/* overrides: what operators turn while the gateway runs. The document declares values and their bounds; the runtime file
 * (YAML or JSON: a flat map of names and values) overrides some of them. It is read at start, when it has changed and at
 * HUP. A file that is not there overrides nothing; one that is bad changes nothing at all.
 *
 * A value is a word that generated code loads where it needs it; the main thread stores it. */
#ifndef REQUEST_OVERRIDES_H
#define REQUEST_OVERRIDES_H

#include "base/reference.h"
#include "base/text.h"

/* ---- configuration: constants of the generated program ---- */

enum gw_runtime_kind {
    GW_RUNTIME_NUMBER,
    GW_RUNTIME_SWITCH, /* 0 or 1 */
    GW_RUNTIME_LEVEL   /* enum log_level */
};

struct gw_runtime_value {
    struct str name; /* the key in the file */
    enum gw_runtime_kind kind;
    uint32_t normal; /* where the file says nothing */
    uint32_t min, max;
    uint32_t sum; /* values of the same sum may not all be 0; 0: of none */
};

struct gw_runtime {
    const struct overrides_module *module;
    struct gw_text file; /* GW_TEXT_FILE: its name; GW_TEXT_ENV: the variable that holds it */
    const struct gw_runtime_value *values;
    uint32_t *words; /* by value: as they are now */
    uint32_t count;
    const uint32_t *log_level; /* one of the words, or NULL */
};

/* ---- the module: of the main thread but for metrics and json, which any may call ---- */

struct overrides_module {
    /* Reads the file for the first time. False: it is bad, and `error` (of `size` bytes) says where. */
    bool (*open)(const struct gw_runtime *runtime, char *error, size_t size);
    /* Reads it again; look: when it has changed and rested. What is bad leaves all as it was, and the log says why. */
    void (*reload)(const struct gw_runtime *runtime);
    void (*look)(const struct gw_runtime *runtime);
    void (*metrics)(const struct gw_runtime *runtime, struct text *text); /* Prometheus' text */
    void (*json)(const struct gw_runtime *runtime, struct text *text);    /* the page /runtime */
    void (*close)(void);
};

extern const struct overrides_module overrides_module;

/* ---- for the module alone ---- */

/* What a file says of one value. */
struct override {
    uint32_t word; /* the file's, or as the document says */
    uint32_t line; /* 0: the file says nothing */
};

struct overrides_problem {
    uint32_t line; /* 0: nowhere */
    struct str what;
};

/* The text of a file, for each value. False: it is bad, *problem says why, `overrides` is of no use. */
bool overrides_parse(const struct gw_runtime *runtime, struct pool *pool, struct str text,
                     struct override *overrides, struct overrides_problem *problem);

/* The value in words: 5, true, info. */
struct str overrides_word(const struct gw_runtime_value *value, uint32_t word, struct pool *pool);

#endif
