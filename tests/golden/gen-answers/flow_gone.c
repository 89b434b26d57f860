/* The flows of gone. */
#include "gateway.h"

/* GET /gone */
enum gw_next flow_gone(struct gw_req *rq)
{
    return gw_deny(rq, 404, "switched off");
}
