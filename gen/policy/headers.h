/* headers: what becomes of header names that forge others behind CGI-like backends. */
#ifndef GEN_POLICY_HEADERS_H
#define GEN_POLICY_HEADERS_H

#include "setting.h"

extern const struct policy_type headers_type; /* out: int, one of IR_UNDERSCORES_… */

#endif
