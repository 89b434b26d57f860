/* compile: the stations that all commands share, from the words of the command line to a planned gateway.
 * Each does nothing when the job has already failed. */
#ifndef GEN_COMPILE_H
#define GEN_COMPILE_H

#include "emit.h"
#include "ir.h"
#include "job.h"
#include "openapi.h"
#include "options.h"
#include "progress.h"
#include "view.h"

struct compilation {
    struct job job;
    const struct options *options;
    struct progress progress;
    VEC(uint32_t) files;      /* of the operands, in their order */
    VEC(struct node *) trees; /* overlays applied */
    VEC(struct api *) apis;
    struct gateway *gw;
    struct view *view;
};

/* Opens the job as the options say. */
void compile_begin(struct compilation *c, const struct options *options);

/* The first `spec_count` operands as trees, with the overlays applied. */
void compile_trees(struct compilation *c, size_t spec_count);

void compile_apis(struct compilation *c);
void compile_gateway(struct compilation *c); /* lower, check */
void compile_plan(struct compilation *c);
void compile_view(struct compilation *c);

/* To the plan, for the commands whose operands are all SPECs. */
void compile_all(struct compilation *c);

/* To the text of the generated project; NULL when the job failed. */
struct emitted *compile_files(struct compilation *c);

/* Ends the job: prints what there is to say, gives the exit status. */
int compile_end(struct compilation *c);

#endif
