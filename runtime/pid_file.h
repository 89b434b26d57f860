/* pid_file: tells others which process to send signals to. */
#ifndef PID_FILE_H
#define PID_FILE_H

#include <stdbool.h>

/* Written beside its place and moved there, so that nobody reads half a number. false with errno. */
bool pid_file_write(const char *path);

/* Removes it, if it is still ours. */
void pid_file_remove(const char *path);

#endif
