/* build: a generated folder to one executable. Runs make in it with the runtime kit, turns a failure into
 * one diagnostic, strips the result and moves it into place in one step. */
#ifndef GEN_BUILD_H
#define GEN_BUILD_H

#include "emit.h"
#include "job.h"

struct build {
    struct str program;    /* the executable's name in the folder */
    struct str folder;     /* keep the sources there; empty: a private one that is removed again */
    struct str output;     /* the executable to write */
    struct str relink_kit; /* a tar file to write; empty: none */
    unsigned jobs;         /* 0: one per processor */
    bool release, verbose;
};

/* The folder with libgw.a, include/ and flags.mk: beside this program (kit), installed (../lib/apigw), or
 * what $APIGW_KIT names. Reports when there is none. */
struct str build_kit(struct job *job);

/* Writes `files`, compiles, links, strips. */
void build(struct job *job, const struct emitted *files, const struct build *build);

/* The bytes of a file, for the last line; 0 when it cannot be told. */
uint64_t build_size(struct job *job, struct str path);

#endif
