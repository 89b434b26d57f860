/* view: the IR as template values; the last place where a decision is taken. After it nobody sees the IR.
 * The names of the values are listed in templates/README.md. */
#ifndef GEN_VIEW_H
#define GEN_VIEW_H

#include "ir.h"
#include "job.h"
#include "value.h"

/* One file to render: what it is called, with which template, from which values. */
struct view_file {
    struct str name;      /* "flow_pets.c" */
    const char *template; /* "flow_group.c" */
    struct value *values;
};

struct view {
    VEC(struct view_file) files;
    struct str program;  /* the executable's name */
    struct str features; /* "proxy redirect respond" */
    size_t routes;
};

/* needs: a planned gateway. NULL when the job failed. */
struct view *view(struct job *job, struct gateway *gw);

#endif
