#include <stdio.h>

#include "command/command.h"
#include "vocabulary.h"

int command_schema(const struct options *options)
{
    struct text out = {.pool = options->pool};
    vocabulary_schema(&out);
    return fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? 0 : 3;
}
