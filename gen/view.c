#include "view.h"

#include "base/map.h"
#include "name.h"
#include "view_flow.h"
#include "view_forward_auth.h"
#include "view_match.h"
#include "view_parts.h"
#include "view_resilience.h"
#include "view_security.h"
#include "view_tables.h"
#include "view_tls.h"

static void add_file(struct pool *pool, struct view *view, struct str name, const char *template,
                     struct value *values)
{
    *vec_add(pool, &view->files) = (struct view_file){name, template, values};
}

/* One flow file per group, in the order in which the document first names it. */
static void add_flows(struct job *job, struct view *view, const struct gateway *gw)
{
    struct pool *pool = &job->pool;
    struct map groups = {0};
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        struct value *flows = map_get(&groups, op->group);
        if (!flows) {
            struct value *values = value_map(pool);
            flows = value_list(pool);
            view_set_name(pool, values, "group", op->group);
            value_set(pool, values, "flows", flows);
            map_set(&groups, pool, op->group, flows);
            add_file(pool, view, pool_printf(pool, "flow_%.*s.c", STR_ARG(op->group)),
                     "flow_group.c", values);
        }
        value_add(pool, flows, view_flow(job, gw, op));
    }
}

/* The generated Makefile compiles every .c file. */
static struct value *makefile(struct pool *pool, const struct view *view, const struct gateway *gw)
{
    struct value *map = value_map(pool), *sources = value_list(pool);
    for (size_t i = 0; i < view->files.count; i++) {
        struct str name = view->files.at[i].name;
        if (name.len < 3 || !str_eq(str_from(name, name.len - 2), STR(".c")))
            continue;
        struct value *source = value_map(pool);
        view_set_name(pool, source, "name", str_head(name, name.len - 2));
        value_add(pool, sources, source);
    }
    view_set_name(pool, map, "program", view->program);
    value_set(pool, map, "sources", sources);
    view_set_flag(pool, map, "uses_tls", view_uses_tls(gw));
    view_set_flag(pool, map, "uses_roots", view_uses_roots(gw));
    view_set_flag(pool, map, "uses_http2", view_uses_http2(gw));
    view_set_flag(pool, map, "uses_yaml", view_uses_yaml(gw) || view_uses_consumers(gw));
    view_set_flag(pool, map, "uses_crypto",
                  (view_uses_crypto(gw) || view_uses_forward_auth(gw)) && !view_uses_tls(gw));
    return map;
}

/* The gateway's name as a file in the generated folder, beside what the Makefile has there. */
static struct str program_name(struct pool *pool, struct str name)
{
    static const char *const taken[] = {"clean", "kit", "relink", "roots"};
    struct str symbol = name_symbol(pool, name);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (str_eq(symbol, str_of(taken[i])))
            return pool_printf(pool, "%s_gateway", taken[i]);
    }
    return symbol;
}

struct view *view(struct job *job, struct gateway *gw)
{
    if (job_failed(job))
        return NULL;
    struct pool *pool = &job->pool;
    struct view *made = pool_new(pool, struct view);
    struct value *tables = view_gateway(job, gw);
    struct value *lock = view_lock(job, gw);
    made->program = program_name(pool, gw->name);
    made->features = view_features(pool, gw);
    made->routes = gw->operations.count;

    add_file(pool, made, STR("gateway.h"), "gateway.h", tables);
    add_file(pool, made, STR("gateway.c"), "gateway.c", tables);
    add_file(pool, made, STR("routes.c"), "routes.c", tables);
    add_file(pool, made, STR("match.c"), "match.c", view_match(job, gw));
    add_file(pool, made, STR("flow.c"), "flow.c", tables);
    add_flows(job, made, gw);
    add_file(pool, made, STR("routes.txt"), "routes.txt", lock);
    add_file(pool, made, STR("gateway.lock"), "gateway.lock", lock);
    add_file(pool, made, STR("Makefile"), "Makefile", makefile(pool, made, gw));
    return job_failed(job) ? NULL : made;
}
