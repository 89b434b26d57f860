/* consumers: who may call, and by what: in the document, and in a file. */
#ifndef GEN_POLICY_CONSUMERS_H
#define GEN_POLICY_CONSUMERS_H

#include "setting.h"

extern const struct policy_type consumers_type;      /* out: ir_consumers */
extern const struct policy_type consumers_file_type; /* out: struct said, the path */

#endif
