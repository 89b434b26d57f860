#include "policy/ip_restriction.h"

#include "request/live.h"
#include "request/worker.h"

static bool is_given(const struct gw_ip_list *list)
{
    return list->count > 0 || list->file.len > 0;
}

/* `otherwise`: what holds of a file that nobody has read. */
static bool holds(const struct gw_ip_list *list, const struct gw_req *rq, bool otherwise)
{
    const struct live_ranges *file;

    if (list->file.len == 0)
        return ip_ranges_hold(list->ranges, list->count, rq->client_ip);
    file = rq->worker->live ? live_ranges_of(rq->worker->live, list) : NULL;
    return file ? ip_ranges_hold(file->at, file->count, rq->client_ip) : otherwise;
}

bool ip_restriction_admits(const struct gw_ip_restriction *restriction, const struct gw_req *rq)
{
    static const uint8_t none[16];
    bool asks = is_given(&restriction->allow);

    if (memcmp(rq->client_ip, none, sizeof none) == 0)
        return !asks;
    return !(is_given(&restriction->deny) && holds(&restriction->deny, rq, true)) &&
           (!asks || holds(&restriction->allow, rq, false));
}
