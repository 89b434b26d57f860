#include "plan.h"

#include "name.h"
#include "route.h"

void plan(struct job *job, struct gateway *gw)
{
    if (job_failed(job))
        return;
    name_plan(job, gw);
    route_plan(job, gw);
}
