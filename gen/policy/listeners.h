/* listeners: where the gateway accepts connections and what it allows each of them. */
#ifndef GEN_POLICY_LISTENERS_H
#define GEN_POLICY_LISTENERS_H

#include "setting.h"

struct listener {
    struct said address; /* at NULL: the default one */
    bool keep_alive_off;
    struct setting idle, requests;
    bool is_https;
    struct loc protocol; /* where it was said */
    struct ir_tls tls;
    struct ir_http2 http2; /* defaults in place */
    struct str hsts;       /* the field's value; empty: off */
    struct setting redirect_https, https_port;
    struct node *limits, *forwarded,
        *proxy_protocol; /* values of policies of their own; may be NULL */
    struct loc loc;
};

struct listeners {
    VEC(struct listener) list;
};

extern const struct policy_type listeners_type, listeners_keep_alive_type, listeners_hsts_type,
    listeners_redirect_type, listeners_http2_type; /* out: struct listeners */

#endif
