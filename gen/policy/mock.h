/* mock: an answer made from the operation's own examples and schemas. */
#ifndef GEN_POLICY_MOCK_H
#define GEN_POLICY_MOCK_H

#include "setting.h"

struct mock {
    struct str status; /* of the response to show; at NULL: the first 2xx */
    struct loc loc;
};

extern const struct policy_type mock_type; /* out: struct mock */

#endif
