#include <stdio.h>

#include "command/command.h"
#include "compile.h"
#include "template.h"

int command_version(const struct options *options)
{
    printf(options->json ? "{\"name\": \"apigw-gen\", \"version\": \"%s\"}\n" : "apigw-gen %s\n",
           APIGW_VERSION);
    return 0;
}

int command_templates(const struct options *options)
{
    struct compilation c;
    compile_begin(&c, options);
    template_read(&c.job, options->templates);
    return compile_end(&c);
}
