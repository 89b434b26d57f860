/* The flows of old. */
#include "gateway.h"

/* GET /old/{id} */
enum gw_next flow_old(struct gw_req *rq)
{
    static const struct gw_piece pieces[] = {
        {.literal = STR_INIT("/new/"), .param = -1},
        /* id */ {.param = 0},
    };
    static const struct gw_redirect redirect = {
        .status = 308,
        .keep_query = true,
        .piece_count = 2,
        .pieces = pieces,
    };

    /* redirect: 308 to /new/{id} */
    return gw_redirect(rq, &redirect);
}
