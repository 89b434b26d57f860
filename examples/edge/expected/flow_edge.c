/* The flows of edge. */
#include "gateway.h"

/* GET / */
enum gw_next flow_home(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 200,
        .head = STR_INIT("Content-Type: text/plain; charset=utf-8\r\n"),
        .body = STR_INIT("the edge\n"),
    };

    /* respond: 200 */
    return gw_respond(rq, &answer);
}
