/* The flows of hi. */
#include "gateway.h"

/* GET /hi/{name} */
enum gw_next flow_say_hi(struct gw_req *rq)
{
    static const struct gw_piece pieces[] = {
        {.literal = STR_INIT("/hello/"), .param = -1},
        /* name */ {.param = 0},
    };
    static const struct gw_redirect redirect = {
        .status = 308,
        .keep_query = true,
        .piece_count = 2,
        .pieces = pieces,
    };

    /* redirect: 308 to /hello/{name} */
    return gw_redirect(rq, &redirect);
}
