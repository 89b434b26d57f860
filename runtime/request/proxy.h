/* proxy: from a request to its upstream and back: what is asked, and how the answer is passed on. */
#ifndef REQUEST_PROXY_H
#define REQUEST_PROXY_H

#include "request/worker.h"

/* As gw_proxy, gw_choose, gw_choose_live and gw_reply of gw.h. */
enum gw_next proxy_ask(struct gw_req *rq, const struct gw_forward *forward);
const struct gw_forward *proxy_choose(struct gw_req *rq, const struct gw_choice *choice);
const struct gw_forward *proxy_choose_live(struct gw_req *rq, const struct gw_choice *choice);
enum gw_next proxy_reply(struct gw_req *rq);

#endif
