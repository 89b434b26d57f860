/* emit: values to files. Rendering knows no folder; writing touches only what changed, each file by rename,
 * and removes the flow files that a former run listed in the folder's Makefile and this one does not. It
 * removes nothing else, and refuses a folder whose Makefile is somebody else's. */
#ifndef GEN_EMIT_H
#define GEN_EMIT_H

#include "job.h"
#include "template.h"
#include "view.h"

struct emit_file {
    struct str name, text;
};

struct emitted {
    VEC(struct emit_file) files;
};

/* All files of a view as text; NULL when the job failed. */
struct emitted *emit_render(struct job *job, const struct template_set *templates,
                            const struct view *view);

/* Writes them into `folder`, made with its parents when missing. */
void emit_write(struct job *job, const struct emitted *files, struct str folder);

/* Writes one file by rename; false after a complaint that makes the job end with status 3. */
bool emit_file(struct job *job, struct str path, struct str text);

/* Makes a folder and its parents. */
bool emit_folder(struct job *job, struct str path);

/* Reports that the environment, not the spec, failed. */
void emit_failed(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
