/* ir_security: the part of the IR that says who may call. See ir.h. */
#ifndef GEN_IR_SECURITY_H
#define GEN_IR_SECURITY_H

#include "ir_settings.h"

/* A scheme of `security` that the gateway verifies itself. */
struct ir_scheme {
    struct str name;   /* as the document has it */
    struct str symbol; /* plan */
    enum { IR_PROOF_CERTIFICATE, IR_PROOF_KEY } proof;
    ir_texts names; /* IR_PROOF_KEY: of headers, parameters, cookies */
    bool in_header, in_query, in_cookie, hide_credentials;
};

/* Schemes, by index, that prove together who calls; none: nobody need prove anything. */
struct ir_way {
    VEC(uint32_t) schemes;
};

struct ir_consumer {
    struct str name, id;
    ir_texts groups;
    VEC(struct ir_text) keys;
    struct loc loc;
};
typedef VEC(struct ir_consumer) ir_consumers;

struct ir_acl {
    bool on;
    ir_texts allow, deny;
    bool hide_groups_header;
    struct loc loc;
};

#endif
