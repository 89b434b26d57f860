#include "request/sticky.h"

#include "client/call.h"
#include "http/cookie.h"
#include "request/forwarded.h"

enum { ID_DIGITS = 16 };

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint64_t named_target(const struct gw_req *rq, const struct gw_sticky *sticky)
{
    struct str value = cookie_named(&rq->head.fields, sticky->cookie);
    uint64_t id = 0;

    for (size_t i = 0; i < value.len; i++) {
        int digit = digit_of(value.at[i]);
        if (digit < 0)
            return 0;
        id = id << 4 | (uint64_t)digit;
    }
    return value.len == ID_DIGITS ? id : 0;
}

static const struct gw_forward *named_forward(const struct gw_req *rq,
                                              const struct gw_choice *choice)
{
    struct str value = cookie_named(&rq->head.fields, choice->sticky->cookie);

    for (uint32_t i = 0; value.len > 0 && i < choice->count; i++)
        if (gw_choice_weight(choice, i) > 0 && str_eq(value, choice->ids[i]))
            return &choice->forwards[i];
    return NULL;
}

static void set_cookie(struct gw_req *rq, const struct gw_sticky *sticky, struct str id)
{
    bool secure = sticky->secure_on_https && forwarded_is_https(rq);

    rq->added_reply = pool_printf(&rq->pool, "%.*sSet-Cookie: %.*s=%.*s%.*s%s\r\n",
                                  STR_ARG(rq->added_reply), STR_ARG(sticky->cookie), STR_ARG(id),
                                  STR_ARG(sticky->attributes), secure ? "; Secure" : "");
}

static void keep(struct gw_req *rq)
{
    const struct gw_sticky *sticky = rq->forward->upstream->sticky;
    const struct upstream_call *call = rq->upstream;

    if (rq->drawn && rq->drawn->sticky)
        set_cookie(rq, rq->drawn->sticky, rq->drawn->ids[rq->chosen - rq->drawn->forwards]);
    if (sticky && call->at->seed != call->wanted)
        set_cookie(rq, sticky,
                   pool_printf(&rq->pool, "%016llx", (unsigned long long)call->at->seed));
}

const struct sticky_module sticky_module = {
    .target = named_target, .forward = named_forward, .keep = keep};
