/* policy: the words of x-gateway blocks as a table, made from policy.def: which key stands at which level,
 * when it acts, and whether it is built. */
#ifndef GEN_POLICY_H
#define GEN_POLICY_H

#include "base/str.h"

enum policy {
#define POLICY(key, phase, waits, built, levels) POLICY_##key,
#include "policy.def"
#undef POLICY
    POLICY_COUNT
};

enum policy_phase {
    PHASE_SETUP,
    PHASE_LISTEN,
    PHASE_CORRELATE,
    PHASE_FRAME,
    PHASE_MATCH,
    PHASE_PREFLIGHT,
    PHASE_REDIRECT,
    PHASE_AUTH,
    PHASE_ACL,
    PHASE_LIMIT,
    PHASE_DECOMPRESS,
    PHASE_VALIDATE,
    PHASE_ANSWER,
    PHASE_CACHE,
    PHASE_TRANSFORM,
    PHASE_UPSTREAM,
    PHASE_COMPRESS,
    PHASE_LOG
};

enum policy_level {
    LEVEL_DOCUMENT = 1,
    LEVEL_PATH = 2,
    LEVEL_OPERATION = 4,
    LEVEL_SCHEME = 8,
    LEVEL_FIELD = 16
};

struct policy_row {
    struct str key;
    enum policy_phase phase;
    bool waits, built;
    unsigned levels; /* a set of enum policy_level */
};

/* Indexed by enum policy. */
extern const struct policy_row policy_rows[POLICY_COUNT];

/* The row of a key, or NULL. */
const struct policy_row *policy_find(struct str key);

/* "the document", "a path item" …: for messages. */
const char *policy_level_name(enum policy_level level);

/* "the document, a path item or an operation". */
const char *policy_levels_name(unsigned levels);

#endif
