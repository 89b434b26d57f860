/* node: the located tree that YAML and JSON documents become. Scalars are resolved by the YAML 1.2 core
 * schema. Everything lives in the job's pool; aliases are expanded by sharing the node, so a tree is a
 * directed graph without cycles and is never written to after it was read. */
#ifndef GEN_NODE_H
#define GEN_NODE_H

#include "source.h"

enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_TEXT, NODE_LIST, NODE_MAP };

/* A located piece of text; at NULL when absent. */
struct said {
    struct str text;
    struct loc loc;
};

struct member {
    struct str key;
    struct loc key_loc;
    struct node *value;
};

struct node {
    enum node_kind kind;
    bool truth; /* NODE_BOOL */
    struct loc loc;
    struct str text; /* scalars: as text (a string's value; a number or boolean as written) */
    union {
        int64_t integer; /* NODE_INT */
        double number;   /* NODE_FLOAT */
        struct {         /* NODE_LIST */
            struct node **items;
            size_t item_count;
        };
        struct { /* NODE_MAP, in document order, keys unique */
            struct member *members;
            size_t member_count;
        };
    };
};

/* The value under a key, or NULL; NULL too when `node` is NULL or no map. */
struct node *node_get(const struct node *node, const char *key);
const struct member *node_member(const struct node *node, struct str key);

/* "a map", "a list", "a string", "an integer" …: for messages. */
const char *node_kind_name(const struct node *node);

/* The tree as JSON text, members in document order, numbers as written: for dumps, examples, publishing.
 * indent 0 prints on one line without spaces. */
struct text;
void node_json(const struct node *node, struct text *out, int indent);

#endif
