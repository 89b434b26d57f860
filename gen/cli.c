#include "cli.h"

#define BIT(command) (1u << (command))
#define SPECS                                                                                      \
    (BIT(COMMAND_BUILD) | BIT(COMMAND_GENERATE) | BIT(COMMAND_CHECK) | BIT(COMMAND_ROUTES) |       \
     BIT(COMMAND_EXPLAIN) | BIT(COMMAND_RUN))
#define BUILDS (BIT(COMMAND_BUILD) | BIT(COMMAND_RUN))
#define RENDERS (BUILDS | BIT(COMMAND_GENERATE) | BIT(COMMAND_CHECK))
#define ALL (BIT(COMMAND_COUNT) - 1)

const struct command_row cli_commands[COMMAND_COUNT] = {
    [COMMAND_NONE] = {"", "", NULL, NULL},
    [COMMAND_BUILD] =
        {"build", "SPEC... -o FILE", "compile a spec into one static executable",
         "Checks, generates, compiles and links. The last line tells path, size, routes "
         "and features."},
    [COMMAND_GENERATE] =
        {"generate", "SPEC... -o DIR", "write the generated C project, to read and to commit",
         "Files that would not change are not touched; `make -C DIR` builds the project."},
    [COMMAND_CHECK] = {"check", "SPEC...", "report every problem of a spec, write nothing", NULL},
    [COMMAND_ROUTES] = {"routes", "SPEC...", "print the route table", NULL},
    [COMMAND_EXPLAIN] =
        {"explain", "SPEC... METHOD URL", "tell which route takes a request, and why",
         "Answered by the same matcher plan that is compiled. When the request carries a token or an\n"
         "API key, tells whether it would be let in: exit status 1 when it would not."},
    [COMMAND_RUN] = {"run", "SPEC... [-- GATEWAY-OPTION...]",
                     "build into the user's cache and start the gateway",
                     "What stands behind -- is passed on to the gateway."},
    [COMMAND_OPENAPI] =
        {"openapi", "SPEC...", "print one bundled document without x-gateway, for publishing",
         "External references move into components. YAML stays YAML, JSON stays JSON. Several\n"
         "documents become one: components of one name that differ get names of their own."},
    [COMMAND_TOKEN] = {"token", "mint|inspect", "mint and inspect JWTs, for trying things out",
                       NULL},
    [COMMAND_TOKEN_MINT] =
        {"token mint", "--key FILE", "sign a JWT",
         "Prints the token. The key is a private key as PEM (RS, ES) or a secret (HS), from a FILE,\n"
         "env:NAME or - for standard input, never the secret itself: others see command lines.\n"
         "VALUE of --claim is JSON when it reads as such, else a string. What options say goes\n"
         "before what FILE.json says, and that before iat (now) and exp (an hour later)."},
    [COMMAND_TOKEN_INSPECT] =
        {"token inspect", "[TOKEN|-]", "show what a JWT says and what is risky about it",
         "Without TOKEN it is read from standard input, where others do not see it. \"Bearer \" may\n"
         "stand before it. Exit status 1: it is no JWT, or not one that the key verifies."},
    [COMMAND_PASSWORD] =
        {"password", "", "print the hash of a password, for 'basic' of a consumer",
         "Reads one line from standard input; on a terminal it asks twice, without showing it.\n"
         "What it prints is a PHC string: scrypt with 32 MiB, a new salt each time."},
    [COMMAND_INIT] = {"init", "[FILE]", "print a commented starter spec, or write it to FILE",
                      NULL},
    [COMMAND_VERSION] = {"version", "", "print the version", NULL},
    [COMMAND_HELP] = {"help", "[COMMAND]", NULL, NULL},
    [COMMAND_TEMPLATES] = {"check-templates", "", NULL, NULL},
    [COMMAND_SCHEMA] = {"schema", "", NULL, NULL},
};

const struct option_row cli_options[] = {
    {OPTION_OUTPUT, 'o', "output", "FILE", BIT(COMMAND_BUILD), "the executable to write"},
    {OPTION_OUTPUT, 'o', "output", "DIR", BIT(COMMAND_GENERATE), "the folder to write"},
    {OPTION_OUTPUT, 'o', "output", "FILE", BIT(COMMAND_OPENAPI),
     "write there instead of standard output"},
    {OPTION_EMIT, 0, "emit", "DIR", BUILDS, "keep the generated project in DIR"},
    {OPTION_RELEASE, 0, "release", NULL, BUILDS, "add link-time optimisation"},
    {OPTION_RELINK_KIT, 0, "relink-kit", "FILE.tar", BIT(COMMAND_BUILD),
     "write what is needed to relink with another glibc"},
    {OPTION_WATCH, 0, "watch", NULL, BIT(COMMAND_RUN),
     "rebuild and restart when a file of the spec is saved"},
    {OPTION_FORMAT, 0, "format", "text|json|sarif|github", BIT(COMMAND_CHECK),
     "how to print diagnostics"},
    {OPTION_ROUTES_FORMAT, 0, "format", "text|json|markdown", BIT(COMMAND_ROUTES),
     "how to print the table"},
    {OPTION_EFFECTIVE, 0, "effective", NULL, BIT(COMMAND_ROUTES),
     "add every policy in effect and where it came from"},
    {OPTION_HEADER, 'H', "header", "'NAME: VALUE'", BIT(COMMAND_EXPLAIN),
     "a header of the request; repeatable"},
    {OPTION_JWKS, 0, "jwks", "[SCHEME=]FILE", BIT(COMMAND_EXPLAIN),
     "the keys that the gateway would fetch; repeatable"},
    {OPTION_UPSTREAM, 0, "upstream", "[NAME=]URL", SPECS,
     "the default or a named upstream; repeatable"},
    {OPTION_VAR, 0, "var", "NAME=VALUE", SPECS, "a server variable; repeatable"},
    {OPTION_OVERLAY, 0, "overlay", "FILE", SPECS | BIT(COMMAND_OPENAPI),
     "apply an OpenAPI Overlay first; repeatable"},
    {OPTION_PASSTHROUGH_AUTH, 0, "passthrough-auth", NULL, SPECS,
     "let backends verify what security schemes demand"},
    {OPTION_MOCK, 0, "mock", NULL, SPECS,
     "answer with the document's examples instead of upstreams"},
    {OPTION_WERROR, 0, "werror", NULL, SPECS, "treat warnings as errors"},
    {OPTION_DUMP, 0, "dump", "tree|api|ir|plan|values", BIT(COMMAND_CHECK),
     "print a stage of the compilation"},
    {OPTION_TEMPLATES, 0, "templates", "DIR", RENDERS | BIT(COMMAND_TEMPLATES),
     "use the templates in DIR where it has them"},
    {OPTION_TIMINGS, 0, "timings", NULL, RENDERS, "tell how long each stage took"},
    {OPTION_KEY, 0, "key", "FILE|env:NAME|-", BIT(COMMAND_TOKEN_MINT), "what to sign with"},
    {OPTION_ALG, 0, "alg", "NAME", BIT(COMMAND_TOKEN_MINT),
     "HS, RS or ES with 256, 384 or 512 (default: as the key says)"},
    {OPTION_ISSUER, 0, "issuer", "TEXT", BIT(COMMAND_TOKEN_MINT), "the claim iss"},
    {OPTION_SUBJECT, 0, "subject", "TEXT", BIT(COMMAND_TOKEN_MINT), "the claim sub"},
    {OPTION_AUDIENCE, 0, "audience", "TEXT", BIT(COMMAND_TOKEN_MINT), "the claim aud; repeatable"},
    {OPTION_SCOPE, 0, "scope", "TEXT", BIT(COMMAND_TOKEN_MINT), "the claim scope"},
    {OPTION_EXPIRES, 0, "expires", "TIME", BIT(COMMAND_TOKEN_MINT),
     "the claim exp, from now: 5m, 1h, 7d, -30s, never"},
    {OPTION_NOT_BEFORE, 0, "not-before", "TIME", BIT(COMMAND_TOKEN_MINT),
     "the claim nbf, from now"},
    {OPTION_CLAIM, 0, "claim", "NAME=VALUE", BIT(COMMAND_TOKEN_MINT), "any claim; repeatable"},
    {OPTION_CLAIMS, 0, "claims", "FILE.json", BIT(COMMAND_TOKEN_MINT),
     "an object with more claims"},
    {OPTION_KID, 0, "kid", "TEXT", BIT(COMMAND_TOKEN_MINT), "the header's key identifier"},
    {OPTION_TYP, 0, "typ", "JWT", BIT(COMMAND_TOKEN_MINT),
     "the header's type; libjwt writes no other than JWT"},
    {OPTION_KEY, 0, "key", "FILE|env:NAME|-", BIT(COMMAND_TOKEN_INSPECT),
     "verify as gateways do: PEM, JWK (Set) or secret"},
    {OPTION_TOKEN_FORMAT, 0, "format", "text|json", BIT(COMMAND_TOKEN_INSPECT),
     "how to print what is in it"},
    {OPTION_JSON, 0, "json", NULL, BIT(COMMAND_VERSION), "print it as JSON"},
    {OPTION_MAN, 0, "man", NULL, BIT(COMMAND_HELP), "print the manual page"},
    {OPTION_BASH, 0, "bash", NULL, BIT(COMMAND_HELP), "print completions for bash"},
    {OPTION_ZSH, 0, "zsh", NULL, BIT(COMMAND_HELP), "print completions for zsh"},
    {OPTION_JOBS, 'j', "jobs", "N", BUILDS,
     "compile N files at a time (default: one per processor)"},
    {OPTION_QUIET, 'q', "quiet", NULL, ALL, "only print errors"},
    {OPTION_VERBOSE, 'v', "verbose", NULL, ALL, "print the commands that are run"},
    {OPTION_HELP, 'h', "help", NULL, ALL, "print this and exit"},
};
const size_t cli_option_count = sizeof cli_options / sizeof *cli_options;
