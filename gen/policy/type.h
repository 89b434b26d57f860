/* type: what a policy file provides so that one value of x-gateway becomes typed: a libcyaml table for its
 * shape and a reader for its meaning. xgateway walks the value against the table (that is where unknown and
 * misplaced keys are found), has libcyaml fill the raw struct, and calls the reader.
 *
 * libcyaml's own numbers and booleans are lax, and a C string loses its place and everything behind a NUL.
 * So a table knows only mappings, sequences, strict enums and cells: a cell is a string that carries the
 * number of its node, which policy_cell turns back. A cell may be any node; its reader says what it takes.
 * Maps with free keys arrive as sequences of mappings whose first field is POLICY_KEY. */
#ifndef GEN_POLICY_TYPE_H
#define GEN_POLICY_TYPE_H

#include <cyaml/cyaml.h>

#include "setting.h"

struct policy_reader;

struct policy_type {
    const char *place; /* "upstreams.*.pool": for messages */
    const struct cyaml_schema_value
        *schema; /* a mapping or a sequence, by pointer; NULL: no table */
    /* Without a table raw is NULL. `count` is that of a sequence. */
    void (*read)(struct policy_reader *reader, const struct node *node, const void *raw,
                 size_t count, void *out);
};

struct policy_reader {
    struct job *job;
    struct node **cells;
    size_t cell_count;
    /* Types a nested value; false after a complaint (out is then as it was). */
    bool (*load)(struct policy_reader *reader, struct node *node, const struct policy_type *type,
                 void *out);
};

/* The node that a cell stands for; NULL for a key that is absent. */
struct node *policy_cell(const struct policy_reader *reader, const char *cell);

/* true and false as an enum with a third state for "not said". */
enum { UNSAID, YES, NO };
extern const cyaml_strval_t policy_truth[2];

/* From here on an enum's values are words of the language that are not built yet. */
enum { POLICY_LATER_FROM = 1000 };

#define POLICY_CELL(type, member)                                                                  \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0,     \
                           CYAML_UNLIMITED)
#define POLICY_NEEDED(type, member)                                                                \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
/* The key and the value of a map with free keys. */
#define POLICY_KEY(type, member)                                                                   \
    CYAML_FIELD_STRING_PTR("(key)", CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define POLICY_VALUE(type, member)                                                                 \
    CYAML_FIELD_STRING_PTR("(value)", CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define POLICY_TRUTH(type, member) POLICY_CHOICE(type, member, policy_truth)
#define POLICY_CHOICE(type, member, words)                                                         \
    CYAML_FIELD_ENUM(#member, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, words,        \
                     sizeof(words) / sizeof *(words))
#define POLICY_LIST(type, member, entry)                                                           \
    CYAML_FIELD_SEQUENCE(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry,   \
                         0, CYAML_UNLIMITED)
#define POLICY_LATER(key) CYAML_FIELD_IGNORE(key, CYAML_FLAG_OPTIONAL)
#define POLICY_MAPPING(type, fields)                                                               \
    {                                                                                              \
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, type, fields)                                      \
    }
#define POLICY_ENTRY(type, fields)                                                                 \
    {                                                                                              \
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, type, fields)                                      \
    }
#define POLICY_SEQUENCE(type, entry)                                                               \
    {                                                                                              \
        CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER, type, entry, 0, CYAML_UNLIMITED)                  \
    }

#endif
