/* ir_security: the part of the IR that says who may call. See ir.h. */
#ifndef GEN_IR_SECURITY_H
#define GEN_IR_SECURITY_H

#include "ir_settings.h"

enum ir_proof {
    IR_PROOF_CERTIFICATE,
    IR_PROOF_KEY,
    IR_PROOF_JWT,
    IR_PROOF_INTROSPECTION,
    IR_PROOF_BASIC,
    IR_PROOF_SIGV4
};

/* A scheme of `security` that the gateway verifies itself. */
struct ir_scheme {
    struct str name;   /* as the document has it */
    struct str symbol; /* plan */
    enum ir_proof proof;
    bool waits;          /* its proof may park the request */
    bool names_callers;  /* by a consumer or by groups: `acl` has something to go by */
    bool asks_consumers; /* whom it proves is looked up among them */
    ir_texts names;      /* IR_PROOF_KEY: of headers, parameters, cookies */
    bool in_header, in_query, in_cookie, hide_credentials;
};

/* One of `security`: the scheme, by index, and what it must have been granted, apart by single spaces. */
struct ir_requirement {
    uint32_t scheme;
    struct str scopes;
};

/* What proves together who calls; none: nobody need prove anything. */
struct ir_way {
    VEC(struct ir_requirement) all;
};

enum ir_credential_kind { IR_CREDENTIAL_JWT, IR_CREDENTIAL_BASIC, IR_CREDENTIAL_AWS };

struct ir_credential {
    enum ir_credential_kind kind;
    struct str id;
    struct str algorithm; /* IR_CREDENTIAL_JWT */
    struct ir_text secret;
    struct loc loc;
};

struct ir_consumer {
    struct str name, id;
    ir_texts groups;
    VEC(struct ir_text) keys;
    VEC(struct ir_credential) credentials;
    struct loc loc;
};
typedef VEC(struct ir_consumer) ir_consumers;

/* A path into the claims of a token, and the values of which one must stand there. */
struct ir_claim {
    ir_texts path, values;
};

struct ir_acl {
    bool on;
    ir_texts allow, deny;
    VEC(struct ir_claim) claims;
    bool hide_groups_header;
    struct loc loc;
};

#endif
