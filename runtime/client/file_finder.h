/* file_finder: targets from a file that others write, followed through a directory's symlink swap. It is read at
 * start, and again when it has changed and then rested for one look, so that nobody reads half of it. */
#ifndef CLIENT_FILE_FINDER_H
#define CLIENT_FILE_FINDER_H

#include "base/data.h"
#include "client/finder.h"

/* Adds what `data` says to the finder; false: it says something that makes no sense, and finder_bad has been told. */
typedef bool file_finder_read(struct finder *finder, const struct data *data);

void file_finder_open(struct finder *finder, file_finder_read *read);
void file_finder_close(struct finder *finder);

/* finder_fail with the file's name and the line; false, as a result. */
bool finder_bad(struct finder *finder, uint32_t line, const char *what);

/* A number in its bounds, or `*number` as it was when it is not said; false: finder_bad has been told. */
bool finder_number(struct finder *finder, const struct data *said, const char *what, uint64_t max,
                   uint64_t *number);

#endif
