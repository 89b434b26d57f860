/* path: the one form in which paths are matched and sent on. */
#ifndef GEN_POLICY_PATH_H
#define GEN_POLICY_PATH_H

#include "setting.h"

struct path_rules {
    struct ir_path_rules value;
    bool slash_said;
};

/* The document's, and the part that may be said below it. out: struct path_rules, defaults in place. */
extern const struct policy_type path_document_type, path_type;

#endif
