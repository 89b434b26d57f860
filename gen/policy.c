#include "policy.h"

#include <stddef.h>

enum { WAITS = true, PLAIN = false, BUILT = true, LATER = false };
enum { D = LEVEL_DOCUMENT, P = LEVEL_PATH, O = LEVEL_OPERATION, S = LEVEL_SCHEME, F = LEVEL_FIELD };

const struct policy_row policy_rows[POLICY_COUNT] = {
#define POLICY(key, phase, waits, built, levels)                                                   \
    [POLICY_##key] = {STR_INIT(#key), PHASE_##phase, waits, built, levels},
#include "policy.def"
#undef POLICY
};

const struct policy_row *policy_find(struct str key)
{
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (str_eq(policy_rows[i].key, key))
            return &policy_rows[i];
    return NULL;
}

const char *policy_level_name(enum policy_level level)
{
    switch (level) {
    case LEVEL_DOCUMENT:
        return "the document";
    case LEVEL_PATH:
        return "a path item";
    case LEVEL_OPERATION:
        return "an operation";
    case LEVEL_SCHEME:
        return "a security scheme";
    case LEVEL_FIELD:
        break;
    }
    return "a schema or parameter";
}

const char *policy_levels_name(unsigned levels)
{
    switch (levels) {
    case D:
        return "the document";
    case P:
        return "a path item";
    case S:
        return "a security scheme";
    case F:
        return "a schema or parameter";
    case D | P:
        return "the document or a path item";
    default:
        return "the document, a path item or an operation";
    }
}
