/* hash_key: from what `balance: hash` makes a request's place among the targets. */
#ifndef GEN_POLICY_HASH_KEY_H
#define GEN_POLICY_HASH_KEY_H

#include "setting.h"

/* out: struct ir_hash_key */
extern const struct policy_type hash_key_type;

#endif
