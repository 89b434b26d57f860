/* lowering: what the parts of lower share: the documents with their typed blocks, the gateway in the making
 * and the way from an operation up to its document. Only the lower_….c files come here. */
#ifndef GEN_LOWERING_H
#define GEN_LOWERING_H

#include "api.h"
#include "base/map.h"
#include "base/urlpath.h"
#include "ir.h"
#include "policy/endpoint.h"
#include "servers.h"
#include "xgateway.h"

struct lower_options;

/* A security scheme and what operations ask of it. */
struct lowering_scheme {
    const struct xgateway_block *block;
    uint32_t proof;   /* 1 + its number in gateway.schemes; 0: the gateway does not verify it */
    size_t required;  /* by so many operations */
    struct loc first; /* where */
};

struct lowering_document {
    struct api *api;
    uint32_t index;
    struct xgateway_block *block;
    struct str base_path;
    struct str *server_hosts; /* of the document's servers, for hosts: $servers */
    size_t server_host_count;
    const struct api_operation *unanswered; /* the first that has no upstream and no answer */
    const struct api_path *unanswered_path;
    size_t unanswered_count;
    VEC(struct lowering_scheme) schemes; /* as api->schemes */
    bool security_stated;                /* somewhere */
};

struct lowering {
    struct job *job;
    const struct lower_options *options;
    struct gateway *gw;
    struct lowering_document *documents;
    size_t document_count;
    bool mutual_tls_complained; /* once is enough */
    struct map variables;       /* --var: name to struct str */
    struct map upstreams;       /* name to struct lowering_upstream */
    struct map ids;             /* operation id to the struct loc of its first place */
    struct map runtime_names;   /* what the runtime file may override: name to 1 + its number */
    struct urlpath_rules rules; /* for templates */
};

struct lowering_upstream {
    uint32_t index;
    struct timeouts timeouts;
    struct ir_retry retry; /* its own; not said: the document's holds */
};

/* The blocks that hold for one operation, the most specific first: operation, path item, document. */
enum { CHAIN_LEN = 3 };
struct lowering_chain {
    const struct xgateway_block *at[CHAIN_LEN];
};

/* One operation on its way. */
struct lowering_operation {
    struct lowering *l;
    struct lowering_document *document;
    const struct api_path *path;
    const struct api_operation *api;
    struct lowering_chain chain;
    struct str base_path;
    struct ir_operation *op;
    const struct ir_endpoint *endpoint;
    enum policy answer;  /* the key of the group that won; POLICY_COUNT: none */
    size_t answer_level; /* index into chain */
};

/* How the runtime file calls whoever has a block of the chain. */
struct str lowering_owner(const struct lowering_operation *o, const struct xgateway_block *block);

/* The nearest block that says the key; NULL when none does or a nearer one switches it off. */
const struct xgateway_block *lowering_find(const struct lowering_chain *chain, enum policy key);

/* lower_settings.c: what holds for the gateway as a whole. */
void lower_settings(struct lowering *l);

/* lower_basic.c: true when the gateway verifies the scheme, which is then set; complains when `basic` stands at another one. */
bool lower_basic_proof(struct lowering *l, const struct api_scheme *api,
                       const struct xgateway_block *block, struct ir_scheme *scheme);
bool lower_basic_is_of(const struct api_scheme *api);
/* Somebody may have a password. */
bool lower_basic_is_known(const struct gateway *gw);

/* lower_upstreams.c */
void lower_upstreams(struct lowering *l);
struct lowering_upstream *lower_upstream_named(struct lowering *l, struct str name);
/* Reports names that no upstream bears; upstreams are known from here on. */
void lower_upstream_check(struct lowering *l, const struct upstream *choice);
/* Complains about a retry that the upstream's protocol cannot have; once for the same words. */
void lower_upstream_retry(struct lowering *l, const struct ir_retry *retry,
                          const struct ir_upstream *upstream);
/* The upstream's subset of that name, or NULL. */
const struct ir_subset *lower_upstream_subset(const struct ir_upstream *upstream, struct str name);
/* The upstream that `$servers` means for an operation, NULL after a complaint. *strip: its path takes the
 * place of the base path. */
struct lowering_upstream *lower_upstream_servers(struct lowering_operation *o, struct loc loc,
                                                 bool *strip);

/* One more, with a single target, called by its authority, or `other` when that is taken. */
struct lowering_upstream *lower_upstream_add(struct lowering *l, struct str key, struct str other,
                                             const struct ir_target *target);

/* lower_endpoint.c: whom the gateway asks by itself; `asker` says for people who does: "forward_auth of createOrder".
 * False when nobody is said, or after a complaint. */
bool lower_endpoint(struct lowering *l, const struct endpoint *said, struct str asker,
                    struct ir_asked *asked);
/* The same of an upstream that is known. */
void lower_asked(struct lowering *l, const struct lowering_upstream *known, struct str path,
                 struct loc loc, struct str asker, struct ir_asked *asked);

/* lower_action.c: fills action, forward, branches, answer and what depends on the upstream. */
void lower_action(struct lowering_operation *o);
/* True for the keys of which only the nearest counts: upstream, route, redirect … */
bool lower_action_is_group(enum policy key);
/* Complains about two answers at one level, and about unknown upstreams: once for every block. */
void lower_action_check(struct lowering *l, const struct xgateway_block *block);
void lower_action_names(struct lowering *l, const struct xgateway_block *block);
/* One error for all operations of a document that nobody answers. */
void lower_action_missing(struct lowering *l, struct lowering_document *document);

/* lower_runtime.c: what of a block the runtime file may override; `owner` is the operation's id, the path item's
 * template, or empty for the document. */
void lower_runtime(struct lowering *l, const struct xgateway_block *block, struct str owner);
/* 1 + the number of that value; 0: it was not said, or the file may not override it. */
uint32_t lower_runtime_find(struct lowering *l, struct str owner, struct str key,
                            const struct overridable *said);
uint32_t lower_runtime_weight(struct lowering *l, struct str owner, struct str choices,
                              const struct upstream_choice *choice);
/* The key of `upstream`, or of that of a branch of `route`, in the file. */
#define LOWER_NO_BRANCH SIZE_MAX
struct str lower_runtime_choices(struct lowering *l, size_t branch);

/* lower_ip_restriction.c: 1 + the index of what a block says. Those of the documents come first, since they hold for
 * requests that no route takes, too. */
uint32_t lower_ip_restriction(struct lowering *l, const struct xgateway_block *block);
void lower_ip_restriction_documents(struct lowering *l);

/* lower_security.c: the schemes of a document, then what each operation asks for, then the verdict. */
void lower_security_schemes(struct lowering *l, struct lowering_document *document);
void lower_security(struct lowering_operation *o);
/* lower_lint.c: what is legal and yet hardly meant: of one operation, and of all of a document's `security`. */
void lower_lint_operation(struct lowering_operation *o, const struct api_security *security);
void lower_lint_document(struct lowering *l, const struct lowering_document *document);
/* lower_jwt.c: true when the scheme is verified by its `jwt`, or its `introspection`. */
bool lower_jwt(struct lowering *l, const struct api_scheme *api, const struct xgateway_block *block,
               struct ir_scheme *scheme);
bool lower_introspection(struct lowering *l, const struct api_scheme *api,
                         const struct xgateway_block *block, struct ir_scheme *scheme);
/* A field by which some upstream is told who calls: clients do not get to say it, on no route. */
void lower_identity_field(struct lowering *l, struct str name);
void lower_security_verdict(struct lowering *l, struct lowering_document *document);

/* lower_sigv4.c: true when the scheme is one of AWS signatures. */
bool lower_sigv4(struct lowering *l, const struct api_scheme *api,
                 const struct xgateway_block *block, struct ir_scheme *scheme);

/* lower_forward_auth.c: who is asked about an operation; once all are known, which of them are asked. */
void lower_forward_auth(struct lowering_operation *o);
void lower_forward_auth_operations(struct lowering *l);

/* lower_operation.c: every operation of a document. */
void lower_operations(struct lowering *l, struct lowering_document *document);

#endif
