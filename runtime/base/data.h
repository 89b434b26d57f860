/* data: a small text of JSON or YAML as a tree: files that an operator or a registry writes and the gateway reads
 * while it runs. Refused with a line and a sentence: what the syntax forbids, a key that stands twice, anchors and
 * aliases, tags, several documents, more than DATA_DEPTH levels, more than DATA_MEMBERS keys in a map. JSON is read by base/json alone, so that only what
 * reads YAML is linked with libyaml. */
#ifndef BASE_DATA_H
#define BASE_DATA_H

#include "base/map.h"

enum { DATA_DEPTH = 32, DATA_MEMBERS = 1000 * 1000 };

enum data_kind {
    DATA_NULL,
    DATA_PLAIN, /* a number, a truth, and in YAML any text without quotes */
    DATA_TEXT,  /* in quotes */
    DATA_LIST,
    DATA_MAP
};

struct data {
    enum data_kind kind;
    uint32_t line;
    struct str key;  /* within a map */
    struct str text; /* DATA_PLAIN, DATA_TEXT */
    struct data *first, *next;
};

struct data_problem {
    uint32_t line;
    const char *what; /* a sentence; lasts */
};

/* The whole text, which has to last, as one value in the pool; NULL: it is none. An empty YAML text is DATA_NULL. */
const struct data *data_read_json(struct pool *pool, struct str text, struct data_problem *problem);
/* The same for YAML 1.1, or for JSON when it is that. */
const struct data *data_read_yaml(struct pool *pool, struct str text, struct data_problem *problem);

/* A member of a map; NULL: there is none, or `map` is NULL or no map. */
const struct data *data_get(const struct data *map, const char *key);
/* A member of a member …; likewise. */
const struct data *data_at(const struct data *map, const struct str *path, size_t count);
/* The text of a scalar; false for NULL and for all others. */
bool data_text(const struct data *data, struct str *text);
/* A number or a truth that is written as one. */
bool data_number(const struct data *data, uint64_t *number);
bool data_truth(const struct data *data, bool *truth);

/* ---- for the two readers ---- */

struct data_builder {
    struct pool *pool;
    struct data_problem *problem;
    unsigned depth;
    bool has_key;
    struct str key;
    struct data *root;
    struct {
        struct data *container, *last;
        struct map keys;
    } open[DATA_DEPTH];
};

/* The next value; NULL: it is not to be, *problem says why. */
struct data *data_add(struct data_builder *builder, enum data_kind kind, struct str text,
                      uint32_t line);
/* The key of the next value. */
bool data_add_key(struct data_builder *builder, struct str key, uint32_t line);
static inline bool data_is_in_map(const struct data_builder *builder)
{
    return builder->depth > 0 && builder->open[builder->depth - 1].container->kind == DATA_MAP;
}
void data_close(struct data_builder *builder);
/* NULL, as a result. */
void *data_fail(struct data_builder *builder, uint32_t line, const char *what);

#endif
