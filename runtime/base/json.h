/* json: one exact reader of RFC 8259, for documents, claims and validators. It walks over bytes that stay
 * where they are and hands out one token after the other; nothing is allocated until somebody asks for the
 * decoded text of a string that has escapes. Refused with place and sentence: bytes that are not UTF-8,
 * unescaped controls, lone surrogates, leading zeros, trailing commas, anything behind the value, a byte
 * order mark. Keys may repeat: whoever keeps them decides. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/pool.h"

enum json_kind {
    JSON_END, /* the value is complete and nothing but blanks follows */
    JSON_ERROR,
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER, /* token: as written */
    JSON_STRING, /* token: between the quotes, escapes as written */
    JSON_KEY,    /* the same; its colon has been read, its value comes next */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
};

enum { JSON_DEPTH_MAX = 512 };

struct json {
    struct str input;
    size_t at;    /* where reading goes on */
    size_t start; /* where the token starts (for a string, its quote); for JSON_ERROR the place */
    struct str token;  /* NUMBER, STRING, KEY */
    bool escaped;      /* the token of STRING or KEY has escapes */
    const char *error; /* after JSON_ERROR: a sentence */
    uint32_t depth, depth_limit;
    uint8_t expect;
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* which open levels are objects */
};

/* Begins to read `input`; containers nest at most depth_limit (≤ JSON_DEPTH_MAX) deep. */
void json_open(struct json *json, struct str input, uint32_t depth_limit);

/* The next token. After JSON_END or JSON_ERROR it stays there. */
enum json_kind json_next(struct json *json);

/* Reads on to the end of the value whose first token was just read; false after an error. */
bool json_skip(struct json *json, enum json_kind first);

/* The text of the last STRING or KEY: the input itself when it has no escapes, else decoded into pool. */
struct str json_text(const struct json *json, struct pool *pool);

/* A NUMBER token as an integer; false when it has a fraction or an exponent, or does not fit.
 * (json_integer is jansson's, whose library would take ours for its own where both are linked.) */
bool json_to_i64(struct str number, int64_t *value);

/* A NUMBER token as the nearest double; false when it is longer than 255 characters or too large. */
bool json_double(struct str number, double *value);

#endif
