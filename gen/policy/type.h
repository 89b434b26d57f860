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

/* What a cell takes, for whoever tells an editor; its reader checks it. */
enum policy_cell_kind {
    CELL_ANYTHING,
    CELL_TEXT,
    CELL_TEXT_OR_TEXTS,
    CELL_TEXTS_OR_NONE,
    CELL_SERVERS_OR_TEXTS,
    CELL_TEXTS_OR_RUNTIME,
    CELL_NAMED_TEXTS,
    CELL_LABELS,
    CELL_LOG_FIELDS,
    CELL_LOG_LEVEL,
    CELL_NUMBER,
    CELL_WEIGHTS,
    CELL_TRUTH,
    CELL_DURATION,
    CELL_DURATION_OR_OFF,
    CELL_SIZE,
    CELL_SIZE_OR_OFF,
    CELL_RUNTIME,
    CELL_REFERENCE, /* a run-time value that must not be a literal */
    CELL_REFERENCES,
    CELL_KINDS,
    CELL_TYPED = CELL_KINDS, /* a value with a policy_type of its own */
    CELL_TYPED_OR_OFF,
    CELL_TYPED_OR_TRUTH
};

struct policy_type {
    const char *place;                       /* "upstreams.*.pool": for messages */
    const struct cyaml_schema_value *schema; /* a mapping, a sequence or a cell, by pointer */
    /* For a cell raw is NULL. `count` is that of a sequence. */
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

/* The kind of a cell stands in the string's largest length, far beyond any that libcyaml meets. */
#define POLICY_STRING(key, flags, type, member, kind)                                              \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 0,                     \
                           CYAML_UNLIMITED - 1 - CELL_##kind)
#define POLICY_CELL_KIND(schema)                                                                   \
    ((enum policy_cell_kind)(CYAML_UNLIMITED - 1 - (schema)->string.max))

#define POLICY_CELL(type, member, kind)                                                            \
    POLICY_STRING(#member, CYAML_FLAG_OPTIONAL, type, member, kind)
#define POLICY_NEEDED(type, member, kind) POLICY_STRING(#member, 0, type, member, kind)
/* The key and the value of a map with free keys. */
#define POLICY_KEY(type, member) POLICY_STRING("(key)", 0, type, member, TEXT)
#define POLICY_VALUE(type, member, kind) POLICY_STRING("(value)", 0, type, member, kind)
/* A value that is one cell. */
#define POLICY_ALONE(kind)                                                                         \
    {                                                                                              \
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED - 1 - CELL_##kind)         \
    }
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
