/* The flows of x. */
#include "gateway.h"

/* GET /inherited, for whom ip_restriction_1 admits */
enum gw_next flow_get_inherited(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 204,
    };

    /* respond: 204 */
    return gw_respond(rq, &answer);
}

/* GET /own, for whom ip_restriction_2 admits */
enum gw_next flow_get_own(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 204,
    };

    /* respond: 204 */
    return gw_respond(rq, &answer);
}

/* PUT /own, for whom ip_restriction_3 admits */
enum gw_next flow_put_own(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 204,
    };

    /* respond: 204 */
    return gw_respond(rq, &answer);
}

/* DELETE /own, for whom ip_restriction_2 admits */
enum gw_next flow_delete_own(struct gw_req *rq)
{
    return gw_deny(rq, 404, "switched off");
}

/* GET /open */
enum gw_next flow_get_open(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 204,
    };

    /* respond: 204 */
    return gw_respond(rq, &answer);
}
