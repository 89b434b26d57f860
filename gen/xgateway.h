/* xgateway: x-gateway blocks become typed. One block, of one level, gives one struct xgateway_block in which
 * every key of the language is said, switched off or absent; nothing is inherited here. Values go through
 * libcyaml as the files in policy/ describe them; unknown, misplaced and not yet built keys are reported at
 * their place. */
#ifndef GEN_XGATEWAY_H
#define GEN_XGATEWAY_H

#include "policy.h"
#include "policy/access_log.h"
#include "policy/aws_sigv4.h"
#include "policy/buffering.h"
#include "policy/drain.h"
#include "policy/errors.h"
#include "policy/forward_auth.h"
#include "policy/hosts.h"
#include "policy/introspection.h"
#include "policy/jwt.h"
#include "policy/key_auth.h"
#include "policy/limits.h"
#include "policy/listeners.h"
#include "policy/log.h"
#include "policy/maintenance.h"
#include "policy/match.h"
#include "policy/mock.h"
#include "policy/path.h"
#include "policy/redirect.h"
#include "policy/respond.h"
#include "policy/retry.h"
#include "policy/rewrite.h"
#include "policy/route.h"
#include "policy/strict.h"
#include "policy/timeouts.h"
#include "policy/upstream.h"
#include "policy/upstreams.h"

enum xgateway_state { XGATEWAY_ABSENT, XGATEWAY_OFF, XGATEWAY_SAID };

struct xgateway_key {
    enum xgateway_state state;
    struct loc loc;    /* of the key */
    struct node *node; /* the value, followed */
};

struct xgateway_block {
    enum policy_level level;
    struct xgateway_key keys[POLICY_COUNT];

    /* Each holds what its key says; where nothing is said, the neutral value. */
    struct said name, base_path, public_reason;
    struct hosts hosts;
    struct strict strict;
    struct listeners listeners;
    struct ir_forwarded forwarded;
    struct ir_plain_listener status, admin;
    struct upstreams upstreams;
    struct ir_text zone;
    struct drain drain;
    struct ir_text runtime;
    struct log_rules log;
    int underscores;
    struct ir_correlation correlation_id;
    struct path_rules path;
    struct limits limits;
    struct ir_ip_restriction ip_restriction;
    struct timeouts timeouts;
    struct buffering buffering;
    struct errors errors;
    struct access_log access_log;
    struct match match;
    struct upstream upstream;
    struct route route;
    struct rewrite rewrite;
    struct redirect redirect;
    struct respond respond;
    struct mock mock;
    bool internal, passthrough;
    struct overridable disabled; /* not said: it is */
    struct maintenance maintenance;
    struct ir_websocket websocket;
    struct key_auth key_auth;
    struct jwt jwt;
    struct introspection introspection;
    struct aws_sigv4 aws_sigv4;
    struct ir_basic basic;
    ir_consumers consumers;
    struct said consumers_file;
    struct forward_auth forward_auth;
    struct ir_acl acl;
    struct ir_retry retry;
};

/* The typed block; an empty one for NULL. */
struct xgateway_block *xgateway_read(struct job *job, struct node *node, enum policy_level level);

/* One value by its type, for values that stand inside others; false after a complaint. */
bool xgateway_load(struct job *job, struct node *node, const struct policy_type *type, void *out);

/* How the value of a key is typed at a level (NULL: true or false alone), and what it takes besides. */
struct xgateway_shape {
    const struct policy_type *type;
    bool takes_off, takes_true;
};
struct xgateway_shape xgateway_shape(enum policy policy, enum policy_level level);

/* The type of a value that stands inside another one, such as "upstreams.*.pool"; NULL: there is none. */
const struct policy_type *xgateway_nested(struct str place);

static inline bool xgateway_says(const struct xgateway_block *block, enum policy key)
{
    return block->keys[key].state == XGATEWAY_SAID;
}

#endif
