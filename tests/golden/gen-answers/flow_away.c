/* The flows of away. */
#include "gateway.h"

/* GET /away */
enum gw_next flow_away(struct gw_req *rq)
{
    /* maintenance: 503, to be tried again after 60 seconds */
    return gw_maintenance(rq, 60);
}
