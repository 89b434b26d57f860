/* token: a JSON web token taken apart for people (RFC 7519, RFC 7515), kindly: what a gateway refuses is still
 * shown here, with a word about it. Nothing is verified. */
#ifndef GEN_TOKEN_H
#define GEN_TOKEN_H

#include "base/json.h"
#include "base/vec.h"

enum { TOKEN_LONGEST = 1 << 20, TOKEN_DEPTH = 64 };

/* A member of the header or the payload, in the order in which they are written. */
struct token_member {
    struct str name;
    enum json_kind kind; /* of the value's first token */
    struct str value;    /* as written */
    struct str text;     /* of a string: decoded */
};

struct token_object {
    struct str json;
    VEC(struct token_member) members;
};

struct token_warning {
    const char *code; /* one word, for programs */
    struct str text;  /* one sentence, from the token perhaps: whoever prints escapes */
};

struct token {
    struct pool *pool;
    struct str compact; /* without "Bearer" and blanks around it */
    struct token_object header, payload;
    struct str signature; /* decoded */
    VEC(struct token_warning) warnings;
};

/* Takes `text` apart; "Bearer " or "Authorization: Bearer " may stand before the token. False: *error says
 * why it is none. The header is there even then when it could be read. */
bool token_read(struct pool *pool, struct str text, struct token *token, struct str *error);

/* A JSON object and its members, duplicates included; false: *error says what is wrong with it. */
bool token_read_object(struct pool *pool, struct str json, struct token_object *object,
                       struct str *error);

/* The first member of that name, or NULL. */
const struct token_member *token_find(const struct token_object *object, const char *name);

/* A number of seconds since 1970 (NumericDate), fractions dropped; false when the member is none. */
bool token_date(const struct token_member *member, int64_t *seconds);

/* "45s", "57m", "30h", "12d": how long a number of seconds is, its sign dropped. */
struct str token_span(struct pool *pool, int64_t seconds);

/* Text of a token within a line: NUL, which would end "%.*s", stands as U+2400, a new line as U+2424. */
struct str token_printable(struct pool *pool, struct str text);

void token_warn(struct token *token, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
