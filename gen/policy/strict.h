/* strict: how seriously the compiler takes what is legal but unwise. */
#ifndef GEN_POLICY_STRICT_H
#define GEN_POLICY_STRICT_H

#include "setting.h"

enum strict_level { STRICT_OFF, STRICT_WARN, STRICT_ERROR };

struct strict {
    enum strict_level explicit_security, public_reason, documented_responses, unused_security,
        redundant_security;
};

extern const struct policy_type strict_type; /* out: struct strict, defaults in place */

#endif
