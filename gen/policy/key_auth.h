/* key_auth: where the key of an apiKey scheme may stand, on the scheme itself. */
#ifndef GEN_POLICY_KEY_AUTH_H
#define GEN_POLICY_KEY_AUTH_H

#include "setting.h"

struct key_auth {
    ir_texts names;                     /* empty: the scheme's own */
    int in_header, in_query, in_cookie; /* UNSAID: where the scheme's `in` says */
    bool hide_credentials;
    struct loc loc;
};

extern const struct policy_type key_auth_type; /* out: struct key_auth */

#endif
