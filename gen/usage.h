/* usage: the command line in words: --help, the manual page, completions for shells. All from cli's tables. */
#ifndef GEN_USAGE_H
#define GEN_USAGE_H

#include <stdio.h>

#include "cli.h"

void usage_all(FILE *out);
void usage_command(FILE *out, enum command command);
void usage_man(FILE *out);
void usage_bash(FILE *out);
void usage_zsh(FILE *out);

#endif
