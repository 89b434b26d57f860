/* The flows of s. */
#include "gateway.h"

/* GET /s */
enum gw_next flow_s(struct gw_req *rq)
{
    static const struct gw_piece pieces[] = {
        {.literal = STR_INIT("/r"), .param = -1},
    };
    static const struct gw_redirect redirect = {
        .status = 308,
        .keep_query = true,
        .piece_count = 1,
        .pieces = pieces,
    };

    /* maintenance, when the runtime file says so */
    if (gw_is_on(&turned[RUNTIME_MAINTENANCE]))
        return gw_maintenance(rq, 90);

    /* redirect: 308 to /r */
    return gw_redirect(rq, &redirect);
}
