/* runtime: where the file stands by which operators override what the document lets them. */
#ifndef GEN_POLICY_RUNTIME_H
#define GEN_POLICY_RUNTIME_H

#include "setting.h"

/* out: struct ir_text: the file's name, or a variable that holds it. */
extern const struct policy_type runtime_type;

#endif
