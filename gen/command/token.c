#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jwk.h"
#include "base/reference.h"
#include "command/command.h"
#include "escape.h"
#include "token_claims.h"
#include "token_mint.h"
#include "token_print.h"
#include "token_risk.h"
#include "token_verify.h"

static int64_t seconds_now(void)
{
    return (int64_t)(clock_wall_us() / 1000000);
}

/* Says what is wrong, as one harmless line. */
static void complain(struct pool *pool, const char *what, struct str why)
{
    struct text line = {.pool = pool};

    escape_line(&line, why);
    fprintf(stderr, "apigw-gen: %s%.*s\n", what, (int)line.len, line.len ? line.at : "");
}

/* The command line's own words are shown as they are, but for what a terminal would act on. */
static int usage(const struct options *options, struct str why)
{
    struct text line = {.pool = options->pool};

    escape_line(&line, why);
    return options_usage(options, "%.*s", (int)line.len, line.len ? line.at : "");
}

static int print(struct str text)
{
    return fwrite(text.at, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? 0 : 3;
}

/* All of it, or the first bytes beyond what anybody takes. */
static bool read_stdin(struct pool *pool, struct str *value, struct str *error)
{
    struct text out = {.pool = pool};
    char piece[4096];
    ssize_t got;

    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0 && out.len <= TOKEN_LONGEST)
        text_add(&out, (struct str){piece, (size_t)got});
    explicit_bzero(piece, sizeof piece);
    if (got < 0)
        *error = pool_printf(pool, "cannot read standard input: %s", strerror(errno));
    *value = text_str(&out);
    return got >= 0;
}

/* A FILE, env:NAME or - for standard input, without a last newline; a missing file is not named, since it might be
 * the secret itself. */
static bool read_key(struct str word, struct pool *pool, struct str *key, struct str *error)
{
    struct gw_text reference = {.kind = GW_TEXT_FILE, .text = word};

    if (str_eq(word, STR("-"))) {
        if (!read_stdin(pool, key, error))
            return false;
        if (key->len > 0 && key->at[key->len - 1] == '\n')
            key->len--;
        *error = STR("the key on standard input is longer than 1 MiB");
        return key->len <= TOKEN_LONGEST;
    }
    if (str_starts(word, STR("env:")))
        reference = (struct gw_text){.kind = GW_TEXT_ENV, .text = str_from(word, 4)};
    else if (access(pool_copy(pool, word).at, F_OK) != 0 && errno != EACCES) {
        *error =
            STR("--key names a file, and there is none of that name; a secret itself stands in a "
                "file, in env:NAME or on standard input (-), since others see command lines");
        return false;
    }
    return reference_read(&reference, pool, key, error);
}

/* ---- mint ---- */

static int mint(const struct options *options, struct pool *pool)
{
    const struct token_options *words = &options->token;
    struct token_order order = {.alg = words->alg, .kid = words->kid};
    struct str file = {0}, token, remark, error;
    bool is_usage;

    if (words->claims_file.at && !reference_read_file(words->claims_file, pool, &file, &error)) {
        complain(pool, "", error);
        return 3;
    }
    if (!token_claims(pool, words, file, seconds_now(), &order.claims, &error, &is_usage)) {
        if (is_usage)
            return usage(options, error);
        complain(pool, pool_printf(pool, "%.*s: ", STR_ARG(words->claims_file)).at, error);
        return 1;
    }
    if (!read_key(words->key, pool, &order.key, &error)) {
        complain(pool, "", error);
        return 3;
    }
    if (!token_mint(pool, &order, &token, &remark, &error)) {
        complain(pool, "", error);
        return 1;
    }
    if (remark.len && !options->quiet)
        complain(pool, "warning: ", remark);
    return print(pool_printf(pool, "%.*s\n", STR_ARG(token)));
}

int command_token_mint(const struct options *options)
{
    const struct token_options *words = &options->token;
    struct pool pool;

    if (options->operands.count > 0)
        return usage(options, STR("token mint takes options only"));
    if (words->key.len == 0)
        return usage(options, STR("what to sign with? --key FILE is missing"));
    if (words->alg.at && !token_mint_knows(words->alg))
        return options_usage(options, "libjwt does not sign by '%.*s', only by %s",
                             STR_ARG(words->alg), token_mint_algs);
    if (words->typ.at && !str_eq(words->typ, STR("JWT")))
        return options_usage(options, "libjwt writes the type JWT, and cannot write '%.*s'",
                             STR_ARG(words->typ));
    pool_open(&pool, NULL);
    int status = mint(options, &pool);
    pool_close_wiped(&pool);
    return status;
}

/* ---- inspect ---- */

/* 0, or the exit status after a complaint: the key cannot be read, or is none. */
static int verify(struct pool *pool, struct str key, const struct token *token, int64_t now,
                  struct token_verdict *verdict)
{
    char wrong[TOKEN_KEY_ERROR];
    struct str text, error;

    if (!read_key(key, pool, &text, &error)) {
        complain(pool, "", error);
        return 3;
    }
    struct jwk_set *keys = token_keys(text, wrong);
    if (!keys) {
        complain(pool, "", str_of(wrong));
        return 1;
    }
    const char *why = token_refusal(pool, token->compact, keys, now);
    jwk_set_free(keys);
    verdict->kind = why ? TOKEN_REFUSED : TOKEN_VERIFIED;
    verdict->why = str_of(why ? why : "");
    return 0;
}

static int inspect(const struct options *options, struct pool *pool)
{
    struct str word = options->operands.count ? options->operands.at[0] : STR("-"), error;
    struct text out = {.pool = pool};
    struct token_verdict verdict = {0};
    struct token token;
    int64_t now = seconds_now();

    if (str_eq(word, STR("-")) && !read_stdin(pool, &word, &error)) {
        complain(pool, "", error);
        return 3;
    }
    if (!token_read(pool, word, &token, &error)) {
        if (!options->json)
            token_parts_text(&out, &token);
        complain(pool, "this is no token: ", error);
        return print(text_str(&out)) ? 3 : 1;
    }
    token_risks(&token, now);
    int status =
        options->token.key.at ? verify(pool, options->token.key, &token, now, &verdict) : 0;
    if (status != 0)
        return status;
    if (options->json)
        token_json(&out, &token, &verdict, now);
    else
        token_text(&out, &token, &verdict, now);
    return print(text_str(&out)) ? 3 : verdict.kind == TOKEN_REFUSED;
}

int command_token_inspect(const struct options *options)
{
    struct pool pool;

    if (options->operands.count > 1)
        return usage(options, STR("token inspect takes one TOKEN"));
    bool token_is_stdin = options->operands.count == 0 || str_eq(options->operands.at[0], STR("-"));
    if (token_is_stdin && str_eq(options->token.key, STR("-")))
        return usage(options, STR("standard input is either the token or the key"));
    pool_open(&pool, NULL);
    int status = inspect(options, &pool);
    pool_close_wiped(&pool);
    return status;
}
