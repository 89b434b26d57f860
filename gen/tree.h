/* tree: builds the located tree from events, for the readers of YAML and JSON. It keeps what is open on a
 * stack, reports duplicate keys, and limits nesting, also that which aliases add. */
#ifndef GEN_TREE_H
#define GEN_TREE_H

#include "job.h"
#include "node.h"

enum { TREE_DEPTH_MAX = 256 };

/* A finished value: its node, how many nodes it is with aliases expanded, and how deep. */
struct tree_value {
    struct node *node;
    size_t size;
    uint32_t height;
};

/* An open map or list. */
struct tree_level {
    struct tree_value value;
    size_t first; /* of its members or items among those of all levels */
    bool wants_key;
};

struct tree {
    struct job *job;
    struct pool scratch;
    VEC(struct tree_level) levels;
    VEC(struct member) members;
    VEC(struct node *) items;
    struct node *root;
};

void tree_begin(struct tree *tree, struct job *job);

/* The root (NULL when nothing was added); gives the scratch memory back. */
struct node *tree_end(struct tree *tree);

/* True when the next thing must be the key of a member. */
bool tree_wants_key(const struct tree *tree);
void tree_key(struct tree *tree, struct str key, struct loc loc);

/* A complete value: a scalar (size and height 1) or what an alias names. */
void tree_add(struct tree *tree, struct tree_value value);

/* Opens a map or list; false after reporting that it is nested too deeply. */
bool tree_open(struct tree *tree, struct node *node);

/* Closes the innermost one and adds it. */
struct tree_value tree_close(struct tree *tree);

#endif
