/* fake_ir: a small planned gateway made by hand, for tests of what comes after lowering: two upstreams and
 * one operation of every kind. */
#ifndef TESTS_FAKE_IR_H
#define TESTS_FAKE_IR_H

#include "ir.h"

static inline struct ir_operation *fake_operation(struct pool *pool, struct gateway *gw,
                                                  const char *symbol, const char *method,
                                                  const char *path)
{
    struct ir_endpoint *endpoint = vec_add(pool, &gw->endpoints);
    endpoint->pattern = str_of(path);
    struct ir_operation *op = vec_add(pool, &gw->operations);
    op->id = op->symbol = str_of(symbol);
    op->method = str_of(method);
    op->path = str_of(path);
    op->endpoint = (uint32_t)gw->endpoints.count - 1;
    op->group = STR("pets");
    op->security = STR("none");
    op->timeouts = gw->timeouts;
    op->errors = gw->errors;
    op->limits = gw->limits;
    op->access_log.on = true;
    return op;
}

static inline void fake_upstream(struct pool *pool, struct gateway *gw, const char *name,
                                 const char *symbol)
{
    struct ir_upstream *upstream = vec_add(pool, &gw->upstreams);
    upstream->name = str_of(name);
    upstream->symbol = str_of(symbol);
    struct ir_target *target = vec_add(pool, &upstream->targets);
    *target = (struct ir_target){
        .url = STR("http://127.0.0.1:9000"),
        .host = STR("127.0.0.1"),
        .authority = STR("127.0.0.1:9000"),
        .port = 9000,
        .weight = 1,
    };
}

static inline void fake_choice(struct pool *pool, const struct ir_operation *op,
                               struct ir_forward *forward, uint32_t upstream, uint32_t weight)
{
    *vec_add(pool, &forward->choices) = (struct ir_weighted){
        .upstream = upstream, .weight = weight, .timeouts = op->timeouts, .hash_param = -1};
}

static inline struct ir_branch *fake_branch(struct pool *pool, struct ir_operation *op,
                                            const char *symbol, uint32_t upstream)
{
    struct ir_branch *branch = vec_add(pool, &op->branches);
    branch->symbol = str_of(symbol);
    fake_choice(pool, op, &branch->forward, upstream, 1);
    return branch;
}

static inline void fake_condition(struct pool *pool, struct ir_branch *branch, int kind,
                                  const char *name, const char *value)
{
    struct ir_condition *condition = vec_add(pool, &branch->all);
    condition->kind = kind;
    condition->name = str_of(name);
    condition->values = pool_new(pool, struct str);
    condition->values[0] = str_of(value);
    condition->value_count = 1;
}

static inline void fake_answers(struct pool *pool, struct gateway *gw)
{
    struct ir_operation *op = fake_operation(pool, gw, "health", "GET", "/health");
    op->action = IR_RESPOND;
    op->answer.status = 200;
    *vec_add(pool, &op->answer.headers) =
        (struct ir_header){STR("Content-Type"), STR("text/plain")};
    *vec_add(pool, &op->answer.headers) = (struct ir_header){STR("X-Quoted"), STR("\"a\"")};
    op->answer.body = STR("all\nwell\n");

    op = fake_operation(pool, gw, "old_pets", "GET", "/old/{id}");
    op->action = IR_REDIRECT;
    op->answer.status = 301;
    op->answer.keep_query = true;
    *vec_add(pool, &gw->endpoints.at[op->endpoint].params) = STR("id");
    *vec_add(pool, &op->answer.location) = (struct ir_piece){STR("/pets/"), -1};
    *vec_add(pool, &op->answer.location) = (struct ir_piece){.param = 0};

    op = fake_operation(pool, gw, "away", "*", "/away");
    op->maintenance = true;
    op->retry_after = 60;

    op = fake_operation(pool, gw, "gone", "GET", "/gone");
    op->disabled = true;
}

static inline void fake_forwards(struct pool *pool, struct gateway *gw)
{
    struct ir_operation *op = fake_operation(pool, gw, "list_pets", "GET", "/pets");
    fake_choice(pool, op, &op->forward, 0, 1);

    op = fake_operation(pool, gw, "get_pet", "GET", "/api/pets/{id}");
    *vec_add(pool, &gw->endpoints.at[op->endpoint].params) = STR("id");
    op->timeouts.read = 1500;
    fake_choice(pool, op, &op->forward, 0, 1);
    op->forward.rewrite =
        (struct ir_rewrite){.set = true, .strip = 4, .prefix = STR("/v2"), .redirects = true};

    op = fake_operation(pool, gw, "weigh_pet", "POST", "/pets/weight");
    fake_choice(pool, op, &op->forward, 0, 95);
    fake_choice(pool, op, &op->forward, 1, 5);

    op = fake_operation(pool, gw, "find_home", "GET", "/home");
    op->action = IR_ROUTE;
    struct ir_branch *branch = fake_branch(pool, op, "tenant", 1);
    fake_condition(pool, branch, IR_IF_HEADER, "X-Tenant-Id", "one");
    branch = fake_branch(pool, op, "beta", 1);
    fake_condition(pool, branch, IR_IF_QUERY, "beta", "1");
    fake_condition(pool, branch, IR_IF_HOST, "", "beta.example.com");
    fake_condition(pool, branch, IR_IF_PREFIX, "", "/home");
    fake_branch(pool, op, "pets", 0);
}

static inline struct gateway *fake_gateway_ir(struct pool *pool)
{
    struct gateway *gw = pool_new(pool, struct gateway);
    gw->name = STR("petstore");
    gw->title = STR("Pet \"store\" */");
    gw->version = STR("1.0.0");
    gw->timeouts = (struct ir_timeouts){5000, 60000, 60000, 0, 300000, false};
    gw->limits =
        (struct ir_limits){10 << 20, 0, 64 << 10, 32 << 10, 100, 8 << 10, 64 << 10, 64 << 20};
    gw->path = (struct ir_path_rules){true, false, true, IR_SLASH_KEEP};
    gw->correlation = (struct ir_correlation){IR_ID_UUID, STR("X-Request-ID"), true, false};
    gw->access_log.on = true;
    gw->drain_grace = 20000;
    struct ir_listener *listener = vec_add(pool, &gw->listeners);
    listener->address = STR("[::]:8080");
    listener->limits = gw->limits;
    listener->keep_alive = true;
    listener->forwarded.trusted = pool_new(pool, struct str);
    listener->forwarded.trusted[0] = STR("10.0.0.0/8");
    listener->forwarded.trusted_count = 1;
    listener->forwarded.header = STR("x-forwarded-for");
    fake_upstream(pool, gw, "pets", "pets");
    fake_upstream(pool, gw, "pets-canary", "pets_canary");
    fake_forwards(pool, gw);
    fake_answers(pool, gw);
    return gw;
}

#endif
