#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "command/command.h"
#include "template.h"

/* The starter stands with the other templates, baked into the program. */
static struct str starter(void)
{
    for (size_t i = 0; i < template_baked_count; i++) {
        if (str_eq(str_of(template_baked[i].name), STR("starter.yaml.mustache")))
            return (struct str){template_baked[i].text, template_baked[i].len};
    }
    return STR("");
}

int command_init(const struct options *options)
{
    if (options->operands.count > 1)
        return options_usage(options, "init takes one FILE");
    struct str text = starter();
    if (options->operands.count == 0)
        return fwrite(text.at, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? 0 : 3;

    const char *path = pool_copy(options->pool, options->operands.at[0]).at;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, text.at, text.len) != (ssize_t)text.len || close(fd) != 0) {
        fprintf(stderr, "apigw-gen: cannot write %s: %s\n", path, strerror(errno));
        return 3;
    }
    if (!options->quiet)
        printf("%s written. Next: apigw-gen run %s --mock\n", path, path);
    return 0;
}
