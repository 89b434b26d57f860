/* The flows of books. */
#include "gateway.h"

/* GET /books */
enum gw_next flow_list_books(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: library */
        if ((next = gw_proxy(rq, &to_library)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
