/* options: argv to options, by the tables of cli. GNU conventions: `--name=value`, `--name value`, `-ovalue`,
 * `--` ends options, options and operands in any order. */
#ifndef GEN_OPTIONS_H
#define GEN_OPTIONS_H

#include "base/vec.h"
#include "cli.h"
#include "diag.h"

enum routes_format { ROUTES_TEXT, ROUTES_JSON, ROUTES_MARKDOWN };

/* NAME=VALUE; the name is empty when only a value was given. */
struct assignment {
    struct str name, value;
};

/* For the token commands; `at` is NULL in what was not given. */
struct token_options {
    struct str alg, key, kid, typ;
    struct str claims_file; /* --claims */
    struct str issuer, subject, scope, expires, not_before;
    VEC(struct str) audiences, claims; /* claims: NAME=VALUE */
};

struct options {
    struct pool *pool;
    enum command command;
    VEC(struct str) operands; /* SPEC…, and METHOD URL of explain */
    VEC(struct str) rest;     /* behind `--`: for the gateway that `run` starts */
    struct str output;        /* -o */
    struct str emit;          /* --emit */
    struct str relink_kit;
    struct str templates;
    struct str dump; /* tree, api, ir, plan, values */
    VEC(struct assignment) upstreams, variables;
    VEC(struct assignment) jwks; /* explain: scheme, file */
    VEC(struct str) overlays, headers;
    enum diag_format format;
    enum routes_format routes_format;
    unsigned jobs; /* 0: as many as processors */
    bool werror, passthrough_auth, mock, release, effective, timings, watch, quiet, verbose;
    bool json; /* version --json, token inspect --format=json */
    struct token_options token;
};

/* Reads the command line. Answers --help and --version itself. Returns -1 when a command is to be run, else
 * the exit status: 0, or 2 after a message on standard error. */
int options_read(struct options *options, struct pool *pool, int argc, char **argv);

/* For commands whose operands are wrong: says so, names --help, returns 2. */
int options_usage(const struct options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
