/* The flows of health. */
#include "gateway.h"

/* GET /health */
enum gw_next flow_health(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 200,
        .head = STR_INIT("Content-Type: text/plain\r\n"),
        .body = STR_INIT("ok\n"),
    };

    /* respond: 200 */
    return gw_respond(rq, &answer);
}
