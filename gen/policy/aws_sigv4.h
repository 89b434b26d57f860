/* aws_sigv4: what AWS signatures must be for, on a scheme. */
#ifndef GEN_POLICY_AWS_SIGV4_H
#define GEN_POLICY_AWS_SIGV4_H

#include "setting.h"

struct aws_sigv4 {
    struct ir_sigv4 sigv4;
    bool hide_credentials;
    struct loc loc;
};

extern const struct policy_type aws_sigv4_type; /* out: struct aws_sigv4 */

#endif
