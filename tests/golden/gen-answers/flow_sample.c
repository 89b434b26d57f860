/* The flows of sample. */
#include "gateway.h"

/* GET /sample */
enum gw_next flow_sample(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 200,
        .head = STR_INIT("Content-Type: application/json\r\n"),
        .body = STR_INIT("{\"id\":1,\"note\":\"a *\057 b\"}"),
    };

    /* mock: 200 */
    return gw_respond(rq, &answer);
}
