/* view_parts: values that several templates share. */
#ifndef GEN_VIEW_PARTS_H
#define GEN_VIEW_PARTS_H

#include "ir.h"
#include "value.h"

/* Long text as string literals that fit a line: [{line}], cut behind newlines and at spaces. */
struct value *view_lines(struct pool *pool, struct str text);

/* [{text}] */
struct value *view_texts(struct pool *pool, const struct str *texts, size_t count);

/* [{byte, more}] of an address in 16 bytes */
struct value *view_address_bytes(struct pool *pool, const uint8_t address[16]);

/* The columns that text takes between the quotes of a C string literal. */
size_t view_width(struct str text);

/* { "kind", "text", "fallback" } of a struct gw_text. */
struct value *view_text(struct pool *pool, const struct ir_text *text);

/* The enumerator of a runtime value, by 1 + its number; false for 0. */
struct value *view_turned(struct pool *pool, const struct gateway *gw, uint32_t value);

/* The constants of a struct gw_timeouts, and of a struct gw_errors with the name of its constant. */
struct value *view_timeouts(struct pool *pool, struct str name, const struct ir_timeouts *timeouts);
struct value *view_errors(struct pool *pool, struct str name, const struct ir_errors *errors);

bool view_errors_equal(const struct ir_errors *a, const struct ir_errors *b);

static inline void view_set_text(struct pool *pool, struct value *map, const char *key,
                                 struct str text)
{
    value_set(pool, map, key, value_text(pool, text));
}

static inline void view_set_name(struct pool *pool, struct value *map, const char *key,
                                 struct str name)
{
    value_set(pool, map, key, value_name(pool, name));
}

static inline void view_set_number(struct pool *pool, struct value *map, const char *key,
                                   uint64_t number)
{
    value_set(pool, map, key, value_number(pool, (int64_t)number));
}

static inline void view_set_flag(struct pool *pool, struct value *map, const char *key, bool flag)
{
    value_set(pool, map, key, value_flag(pool, flag));
}

#endif
