/* source: the files of one compilation. A location is a file number, a line and a column, so that every
 * later complaint can point home. Files are read once and kept until the job ends. Whoever reads bytes sees
 * UTF-8 without a byte order mark: UTF-16 with one is converted here (a lone surrogate becomes bytes that
 * are not UTF-8, so that the reader of the document complains in the right place). */
#ifndef GEN_SOURCE_H
#define GEN_SOURCE_H

#include "base/map.h"
#include "base/pool.h"
#include "base/vec.h"

/* 1-based line and column (column in characters); file 0 means "no place". */
struct loc {
    uint32_t file;
    uint32_t line;
    uint32_t col;
};

struct source {
    struct str
        name; /* as the user would write it: relative to the working directory, "-" for stdin */
    struct str path;  /* canonical, the key under which it is found again */
    struct str bytes; /* as read, without a byte order mark; never NULL */
    uint32_t *lines;  /* byte offset of the start of each line; "\n", "\r\n" and "\r" end one */
    size_t line_count;
    struct node *tree; /* what yaml_read made of it; NULL before, and after an error */
    bool tree_read;
    struct map refs; /* what ref has resolved, by the text of the reference */
    uint32_t
        stands_for; /* an overlay: the document from which its references are seen; 0: itself */
};

/* A place that walks forward through a file: begins as {.line = 1, .col = 1}. */
struct source_walk {
    size_t offset;
    uint32_t line, col;
};

struct sources {
    struct pool *pool;
    VEC(struct source) files;
};

/* The number (1…) of the file at `name`, read at most once; "-" is standard input. Returns 0 and sets
 * *error to a sentence when it cannot be read (missing, a folder, larger than 256 MiB). */
uint32_t source_read(struct sources *sources, struct str name, struct str *error);

/* The same for a file that a document names, as seen from `file`: never standard input, and nothing that has
 * to be waited for, such as a pipe. */
uint32_t source_read_beside(struct sources *sources, uint32_t file, struct str name,
                            struct str *error);

/* The number of an in-memory file, for tests and command-line values. */
uint32_t source_add(struct sources *sources, struct str name, struct str bytes);

const struct source *source_get(const struct sources *sources, uint32_t file);

/* `reference` (a relative file name) as seen from the folder of `file`; an absolute one unchanged. */
struct str source_beside(struct sources *sources, uint32_t file, struct str reference);

/* Moves on to the byte `offset`, counting lines and characters: cheap for any number of forward steps; a
 * step backwards starts again. */
void source_walk(struct source_walk *walk, const struct source *source, size_t offset);

/* The place of one byte of a file. */
struct loc source_loc(const struct sources *sources, uint32_t file, size_t offset);

/* The text of one line without its end; empty when there is none. */
struct str source_line(const struct sources *sources, struct loc loc);

#endif
