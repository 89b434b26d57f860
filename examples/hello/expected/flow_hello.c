/* The flows of hello. */
#include "gateway.h"

/* GET /hello/{name} */
enum gw_next flow_say_hello(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 200,
        .head = STR_INIT("Content-Type: text/plain\r\n"),
        .body = STR_INIT("hello\n"),
    };

    /* respond: 200 */
    return gw_respond(rq, &answer);
}
