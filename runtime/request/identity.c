#include "request/identity.h"

#include "request/reply.h"

/* ---- ways ---- */

struct identity_hiding {
    struct identity_hiding *next;
    void (*hide)(struct gw_req *rq, const void *scheme);
    const void *scheme;
};

void identity_hide(struct gw_req *rq, void (*hide)(struct gw_req *rq, const void *scheme),
                   const void *scheme)
{
    struct identity_hiding *hiding = pool_new(&rq->pool, struct identity_hiding);

    *hiding = (struct identity_hiding){rq->identity.hidings, hide, scheme};
    rq->identity.hidings = hiding;
}

bool gw_way(struct gw_req *rq)
{
    if (rq->identity.is_taken)
        return false;
    rq->identity.consumer = NULL;
    rq->identity.hidings = NULL;
    return true;
}

/* The consumer lives in what was read; a reading that replaces it must not end before the request. */
static void let_go(void *live)
{
    live_release(live);
}

void gw_take(struct gw_req *rq)
{
    rq->identity.is_taken = true;
    for (const struct identity_hiding *h = rq->identity.hidings; h; h = h->next)
        h->hide(rq, h->scheme);
    if (rq->identity.consumer)
        pool_defer(&rq->pool, let_go, live_hold(rq->worker->live));
}

bool gw_anonymous(struct gw_req *rq)
{
    return !rq->identity.is_wrong;
}

enum gw_next gw_unauthorized(struct gw_req *rq, struct str challenges)
{
    rq->identity.denied = GW_DENIED_SECURITY;
    return reply_error(
        rq, 401, rq->identity.reason ? rq->identity.reason : "who calls is not known", challenges);
}

/* ---- proofs ---- */

bool identity_lacks(struct gw_req *rq, const char *reason)
{
    if (!rq->identity.reason)
        rq->identity.reason = reason;
    return false;
}

/* Tells more than what another way lacks. */
bool identity_is_wrong(struct gw_req *rq, const char *reason)
{
    if (!rq->identity.is_wrong)
        rq->identity.reason = reason;
    rq->identity.is_wrong = true;
    return false;
}

bool identity_claim(struct gw_req *rq, const struct consumer *consumer)
{
    if (rq->identity.consumer && rq->identity.consumer != consumer)
        return identity_is_wrong(rq, "the credentials are of two consumers");
    rq->identity.consumer = consumer;
    return true;
}

const struct consumers_module *identity_consumers(const struct gw_req *rq)
{
    return rq->worker->live->consumers_module;
}

/* ---- lines ---- */

static void add(struct text *lines, struct str name, struct str value)
{
    text_add(lines, name);
    text_add(lines, STR(": "));
    text_add(lines, value);
    text_add(lines, STR("\r\n"));
}

void identity_add_line(struct gw_req *rq, struct str name, struct str value)
{
    struct text lines = {.pool = &rq->pool};

    text_add(&lines, rq->added_request);
    add(&lines, name, value);
    rq->added_request = text_str(&lines);
}

void identity_lines(struct gw_req *rq, struct text *lines)
{
    static const struct str ours[] = {STR_INIT("x-consumer-"), STR_INIT("x-authenticated-scope")};
    const struct consumer *consumer = rq->identity.consumer;

    if (!rq->listener->strips_identity)
        return;
    fields_drop_alike(&rq->head.fields, ours, sizeof ours / sizeof *ours);
    if (!consumer || !rq->identity.is_taken)
        return;
    add(lines, STR("X-Consumer-Username"), consumer->name);
    add(lines, STR("X-Consumer-ID"), consumer->id);
    if (consumer->group_count > 0 && !rq->identity.hides_groups)
        add(lines, STR("X-Consumer-Groups"), consumer->groups_line);
}
