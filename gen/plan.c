#include "plan.h"

#include "name.h"
#include "route.h"

struct shared {
    struct ir_timeouts timeouts;
    size_t count;
};

/* The timeouts that most operations have become the gateway's, so that the others stand out; the first of
 * several wins. */
static void share_timeouts(struct job *job, struct gateway *gw)
{
    VEC(struct shared) kinds = {0};
    struct shared most = {{5000, 60000, 60000, 0, 300000}, 0};
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_timeouts *timeouts = &gw->operations.at[i].timeouts;
        size_t k = 0;
        while (k < kinds.count && !ir_timeouts_equal(&kinds.at[k].timeouts, timeouts))
            k++;
        if (k == kinds.count)
            vec_add(&job->pool, &kinds)->timeouts = *timeouts;
        kinds.at[k].count++;
    }
    for (size_t k = 0; k < kinds.count; k++) {
        if (kinds.at[k].count > most.count)
            most = kinds.at[k];
    }
    gw->timeouts = most.timeouts;
}

void plan(struct job *job, struct gateway *gw)
{
    if (job_failed(job))
        return;
    share_timeouts(job, gw);
    name_plan(job, gw);
    route_plan(job, gw);
}
