/* admin: the two listeners for operators: status (probes and scrapes, read-only) and admin (private). */
#ifndef GEN_POLICY_ADMIN_H
#define GEN_POLICY_ADMIN_H

#include "setting.h"

extern const struct policy_type admin_type, admin_status_type; /* out: struct ir_plain_listener */

#endif
