/* call_h2: how a call goes over HTTP/2: on a stream of a link that its target keeps, one dial for all that wait.
 * Reached through `call_h2_module`, which a pool names that is called so. */
#ifndef CLIENT_CALL_H2_H
#define CLIENT_CALL_H2_H

#include "client/call.h"

extern const struct call_h2_module call_h2_module;

#endif
