/* The flows of r. */
#include "gateway.h"

/* GET /r */
enum gw_next flow_r(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 200,
    };

    /* maintenance, when the runtime file says so */
    if (gw_is_on(&turned[RUNTIME_MAINTENANCE]))
        return gw_maintenance(rq, 90);

    /* respond: 200 */
    return gw_respond(rq, &answer);
}
