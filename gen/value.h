/* value: what a template can see: text, names, numbers, lists, maps, false and true. Made by view, read by
 * template, printed by --dump=values. Everything lives in the job's pool.
 *
 * The kinds carry the safety of the output. Text may hold anything a document says and is escaped wherever
 * it is written; a name or number is made of [A-Za-z0-9_] (and a leading minus) by construction, so it alone
 * may be written raw, as `{{{x}}}`. */
#ifndef GEN_VALUE_H
#define GEN_VALUE_H

#include "base/text.h"
#include "base/vec.h"

enum value_kind { VALUE_FALSE, VALUE_TRUE, VALUE_TEXT, VALUE_RAW, VALUE_LIST, VALUE_MAP };

struct value_member {
    const char *key;
    struct value *value;
};

struct value {
    enum value_kind kind;
    struct str text;                  /* VALUE_TEXT, VALUE_RAW */
    VEC(struct value *) items;        /* VALUE_LIST */
    VEC(struct value_member) members; /* VALUE_MAP, in the order they were set */
};

/* Any bytes. */
struct value *value_text(struct pool *pool, struct str text);

/* Text, or false when it is empty: for what a template leaves out then. */
struct value *value_text_or_false(struct pool *pool, struct str text);

/* A C identifier; anything else is a bug of the caller and ends the program. */
struct value *value_name(struct pool *pool, struct str name);
struct value *value_number(struct pool *pool, int64_t number);
struct value *value_flag(struct pool *pool, bool flag);
struct value *value_list(struct pool *pool);
struct value *value_map(struct pool *pool);

void value_add(struct pool *pool, struct value *list, struct value *item);

/* Sets a key that is not there yet; keys are literals of the program. */
void value_set(struct pool *pool, struct value *map, const char *key, struct value *value);

/* The value of a key, or NULL. */
struct value *value_get(const struct value *map, struct str key);

/* The tree as indented JSON: names and numbers without quotes. */
void value_dump(const struct value *value, struct text *out);

#endif
