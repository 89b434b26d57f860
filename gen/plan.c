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
    struct shared most = {{5000, 60000, 60000, 0, 300000, false}, 0};
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

struct shared_retry {
    uint32_t upstream;
    const struct ir_retry *retry;
    size_t count;
};
typedef VEC(struct shared_retry) shared_retries;

static void count_retries(struct job *job, const struct ir_forward *forward, shared_retries *kinds)
{
    for (size_t i = 0; i < forward->choices.count; i++) {
        const struct ir_weighted *choice = &forward->choices.at[i];
        size_t k = 0;
        while (k < kinds->count && (kinds->at[k].upstream != choice->upstream ||
                                    !ir_retry_equal(kinds->at[k].retry, &choice->retry)))
            k++;
        if (k == kinds->count)
            *vec_add(&job->pool, kinds) =
                (struct shared_retry){.upstream = choice->upstream, .retry = &choice->retry};
        kinds->at[k].count++;
    }
}

/* The retries that most operations of an upstream have become the upstream's, for the same reason. */
static void share_retries(struct job *job, struct gateway *gw)
{
    shared_retries kinds = {0};
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        count_retries(job, &op->forward, &kinds);
        for (size_t b = 0; b < op->branches.count; b++)
            count_retries(job, &op->branches.at[b].forward, &kinds);
    }
    for (size_t u = 0; u < gw->upstreams.count; u++) {
        size_t most = 0;
        for (size_t k = 0; k < kinds.count; k++) {
            if (kinds.at[k].upstream != u || kinds.at[k].count <= most)
                continue;
            most = kinds.at[k].count;
            gw->upstreams.at[u].retry = *kinds.at[k].retry;
        }
    }
}

void plan(struct job *job, struct gateway *gw)
{
    if (job_failed(job))
        return;
    share_timeouts(job, gw);
    share_retries(job, gw);
    name_plan(job, gw);
    route_plan(job, gw);
}
