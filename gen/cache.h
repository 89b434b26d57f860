/* cache: where `run` keeps what it built, in the user's cache folder, under a name made from everything that
 * goes into it: the generated files, the runtime kit, the way it is built. */
#ifndef GEN_CACHE_H
#define GEN_CACHE_H

#include "emit.h"

/* The executable's path; its folder exists. Empty after a complaint. */
struct str cache_path(struct job *job, const struct emitted *files, struct str program,
                      bool release);

#endif
