/* phrase: the gateway in words, for comments in generated code, route tables and lock files. Always one
 * line; text from the document stays unescaped, since only who prints knows where. */
#ifndef GEN_PHRASE_H
#define GEN_PHRASE_H

#include "ir.h"

/* "5s", "250ms", "off". */
struct str phrase_duration(struct pool *pool, uint64_t ms);

/* "10m", "64k", "off". */
struct str phrase_size(struct pool *pool, uint64_t bytes);

/* "pets", or "pets:v2". */
struct str phrase_choice(struct pool *pool, const struct gateway *gw,
                         const struct ir_weighted *choice);

/* "pets", or "orders 95, orders-canary 5". */
struct str phrase_forward(struct pool *pool, const struct gateway *gw,
                          const struct ir_forward *forward);

/* Every upstream an operation may reach: "pets", "tenant-1, users", or "". */
struct str phrase_upstreams(struct pool *pool, const struct gateway *gw,
                            const struct ir_operation *op);

/* "strip /api/v1, prefix /v2", or "". */
struct str phrase_rewrite(struct pool *pool, const struct gateway *gw,
                          const struct ir_operation *op, const struct ir_rewrite *rewrite);

/* "/v2/pets/{petId}" */
struct str phrase_pieces(struct pool *pool, const struct ir_endpoint *endpoint,
                         const struct ir_piece *pieces, size_t count);

/* "header X-Tenant-Id is a or b" */
struct str phrase_condition(struct pool *pool, const struct ir_condition *condition);
struct str phrase_conditions(struct pool *pool, const struct ir_condition *conditions,
                             size_t count);

/* "listPets.upstream.canary, 5 by default, 0 to 100", "maintenance, false by default". */
struct str phrase_runtime_value(struct pool *pool, const struct ir_runtime_value *value);

/* "allow 10.0.0.0/8 192.168.0.0/16, deny {file: /etc/denied}", of number 1 and more. */
struct str phrase_ip_restriction(struct pool *pool, const struct gateway *gw, uint32_t number);

/* What becomes of a request: "upstream pets", "redirect 301 to /v2", "respond 200", "disabled" … */
struct str phrase_action(struct pool *pool, const struct gateway *gw,
                         const struct ir_operation *op);

/* "connect 5s, send 60s, read 60s, request off, idle 5m", or ", from_client" behind that */
struct str phrase_timeouts(struct pool *pool, const struct gateway *gw,
                           const struct ir_operation *op);

/* "auth /verify", of an upstream and for what. */
struct str phrase_asked(struct pool *pool, const struct gateway *gw, const struct ir_asked *asked);

/* "auth /verify, original method, with content, timeout 500ms, cache 10s, tells X-User-Id", or "" */
struct str phrase_forward_auth(struct pool *pool, const struct gateway *gw,
                               const struct ir_forward_auth *f);

/* "allow a b, deny c", or "" */
struct str phrase_acl(struct pool *pool, const struct ir_acl *acl);

/* "header X-API-Key, query key, hidden from upstreams", or "client certificate" */
struct str phrase_scheme(struct pool *pool, const struct gateway *gw,
                         const struct ir_scheme *scheme);

/* "batch: 2 keys, groups a b" */
struct str phrase_consumer(struct pool *pool, const struct ir_consumer *consumer);

#endif
