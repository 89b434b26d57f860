/* command: one function per subcommand, each a short recipe over the stages below it. Each returns the exit
 * status. */
#ifndef GEN_COMMAND_H
#define GEN_COMMAND_H

#include "options.h"

int command_build(const struct options *options);
int command_generate(const struct options *options);
int command_check(const struct options *options);
int command_routes(const struct options *options);
int command_explain(const struct options *options);
int command_run(const struct options *options);
int command_openapi(const struct options *options);
int command_token_mint(const struct options *options);
int command_token_inspect(const struct options *options);
int command_password(const struct options *options);
int command_init(const struct options *options);
int command_version(const struct options *options);
int command_templates(const struct options *options);
int command_schema(const struct options *options);

#endif
