#include "admin.h"

#include "about.h"
#include "gw.h"
#include "metrics.h"
#include "request/live.h"
#include "request/reply.h"
#include "upstreams_report.h"

static bool ready; /* atomic */

void admin_set_ready(bool is_ready)
{
    __atomic_store_n(&ready, is_ready, __ATOMIC_RELEASE);
}

bool admin_is_ready(void)
{
    return __atomic_load_n(&ready, __ATOMIC_ACQUIRE) &&
           (!gateway.jwts || gateway.jwts->module->is_ready(gateway.jwts));
}

static const struct str plain = STR_INIT("text/plain; charset=utf-8");
static const struct str json = STR_INIT("application/json");

static enum gw_next healthz(struct gw_req *rq)
{
    return reply_text(rq, 200, plain, STR("ok\n"));
}

static enum gw_next readyz(struct gw_req *rq)
{
    if (admin_is_ready())
        return reply_text(rq, 200, plain, STR("ready\n"));
    return reply_text(rq, 503, plain, STR("not ready\n"));
}

static enum gw_next metrics(struct gw_req *rq)
{
    struct text text = {.pool = &rq->pool};

    metrics_render(&text);
    return reply_text(rq, 200, STR("text/plain; version=0.0.4; charset=utf-8"), text_str(&text));
}

static enum gw_next manifest(struct gw_req *rq)
{
    return reply_text(rq, 200, json, gateway.manifest);
}

static enum gw_next routes(struct gw_req *rq)
{
    struct text text = {.pool = &rq->pool};

    about_routes_json(&text);
    return reply_text(rq, 200, json, text_str(&text));
}

static enum gw_next upstreams(struct gw_req *rq)
{
    struct text text = {.pool = &rq->pool};

    upstreams_report_json(&text);
    return reply_text(rq, 200, json, text_str(&text));
}

/* Where nothing may be overridden there is no such page. */
static enum gw_next overrides(struct gw_req *rq)
{
    struct text text = {.pool = &rq->pool};

    if (!gateway.runtime)
        return reply_text(rq, 404, plain, STR("Not Found\n"));
    gateway.runtime->module->json(gateway.runtime, &text);
    return reply_text(rq, 200, json, text_str(&text));
}

static const struct {
    struct str path;
    bool private;
    enum gw_next (*answer)(struct gw_req *rq);
} pages[] = {
    {STR_INIT("/healthz"), false, healthz},  {STR_INIT("/readyz"), false, readyz},
    {STR_INIT("/metrics"), false, metrics},  {STR_INIT("/manifest"), true, manifest},
    {STR_INIT("/routes"), true, routes},     {STR_INIT("/upstreams"), true, upstreams},
    {STR_INIT("/runtime"), true, overrides},
};

static const struct str target_path = STR_INIT("/upstreams/");

/* In a time that depends on the lengths only. */
static bool is_same_secret(struct str a, struct str b)
{
    unsigned char difference = a.len != b.len;

    for (size_t i = 0; i < a.len && i < b.len; i++)
        difference |= (unsigned char)(a.at[i] ^ b.at[i]);
    return difference == 0;
}

static bool is_allowed(const struct gw_req *rq)
{
    const struct live *live = rq->worker->live;
    const struct field *field;
    struct str value;

    if (!live->admin_token.at)
        return true;
    field = fields_find(&rq->head.fields, FIELD_AUTHORIZATION);
    value = field ? field_value(field) : (struct str){0};
    return str_eq_nocase(str_head(value, 7), STR("Bearer ")) &&
           is_same_secret(str_trim(str_from(value, 7), " "), live->admin_token);
}

static enum gw_next refuse(struct gw_req *rq, unsigned status, struct str lines)
{
    struct str added = pool_printf(&rq->pool, "%.*s%.*s", STR_ARG(rq->added_reply), STR_ARG(lines));

    rq->added_reply = added;
    return reply_text(rq, status, plain,
                      pool_printf(&rq->pool, "%.*s\n", STR_ARG(status_reason(status))));
}

static enum gw_next change_target(struct gw_req *rq)
{
    if (rq->head.method != METHOD_POST)
        return refuse(rq, 405, STR("Allow: POST\r\n"));
    switch (upstreams_change(str_from(rq->head.path, target_path.len), rq->head.query)) {
    case UPSTREAMS_CHANGED:
        return upstreams(rq);
    case UPSTREAMS_BAD:
        return refuse(rq, 400, STR(""));
    case UPSTREAMS_UNKNOWN:
        break;
    }
    return refuse(rq, 404, STR(""));
}

enum gw_next admin_flow(struct gw_req *rq, enum serve_kind kind)
{
    if (kind == SERVE_ADMIN && !is_allowed(rq))
        return refuse(rq, 401, STR("WWW-Authenticate: Bearer\r\n"));
    if (kind == SERVE_ADMIN && str_starts(rq->head.path, target_path))
        return change_target(rq);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!str_eq(pages[i].path, rq->head.path) || (pages[i].private && kind != SERVE_ADMIN))
            continue;
        if (rq->head.method != METHOD_GET && rq->head.method != METHOD_HEAD)
            return refuse(rq, 405, STR("Allow: GET, HEAD\r\n"));
        return pages[i].answer(rq);
    }
    return refuse(rq, 404, STR(""));
}
