#include "caller.h"

#include "base/reference.h"
#include "base/urlpath.h"
#include "callers.h"

/* What one scheme makes of the request. */
struct proof {
    enum { HOLDS, LACKS, WRONG, UNKNOWN } kind;
    struct str words;
    const struct ir_consumer *consumer; /* whom it proves, where it does */
};

struct asked {
    const struct caller_request *request;
    struct text *out;
    bool is_shown, is_wrong, is_unknown;
    struct str reason; /* the most telling one so far */
};

static void say(struct asked *asked, struct str words)
{
    text_printf(asked->out, "%-12s %.*s\n", asked->is_shown ? "" : "caller", STR_ARG(words));
    asked->is_shown = true;
}

/* ---- what the request carries ---- */

struct carried {
    struct str text;
    bool is_escaped; /* as a piece of a query */
    size_t count;    /* different ones */
};

static void carry(struct carried *carried, struct str text, bool is_escaped)
{
    if (text.len == 0 || (carried->count > 0 && str_eq(carried->text, text)))
        return;
    *carried = (struct carried){text, is_escaped, carried->count + 1};
}

static void search_query(struct str query, struct str name, struct carried *carried)
{
    while (query.len > 0) {
        struct str pair = str_head(query, str_find(query, '&'));
        struct str raw = str_head(pair, str_find(pair, '='));
        if (urlpath_decodes_to(raw, name))
            carry(carried, str_from(pair, raw.len + 1), true);
        query = str_from(query, pair.len + 1);
    }
}

static void search_cookies(struct str line, struct str name, struct carried *carried)
{
    while (line.len > 0) {
        struct str pair = str_trim(str_head(line, str_find(line, ';')), " \t");
        if (str_eq(str_head(pair, str_find(pair, '=')), name))
            carry(carried, str_from(pair, name.len + 1), false);
        line = str_from(line, str_find(line, ';') + 1);
    }
}

static struct carried search(const struct caller_request *request, const struct ir_scheme *scheme)
{
    struct carried found = {0};

    for (size_t n = 0; n < scheme->names.count; n++) {
        struct str name = scheme->names.at[n];
        for (size_t i = 0; i < request->header_count; i++) {
            const struct ir_header *header = &request->headers[i];
            if (scheme->in_header && str_eq_nocase(header->name, name))
                carry(&found, header->value, false);
            if (scheme->in_cookie && str_eq_nocase(header->name, STR("Cookie")))
                search_cookies(header->value, name, &found);
        }
        if (scheme->in_query)
            search_query(request->query, name, &found);
    }
    return found;
}

/* ---- API keys ---- */

static bool read_reference(struct pool *pool, const struct ir_text *text, struct str *value,
                           struct str *error)
{
    struct gw_text reference = {.kind = text->kind == IR_TEXT_ENV    ? GW_TEXT_ENV
                                        : text->kind == IR_TEXT_FILE ? GW_TEXT_FILE
                                                                     : GW_TEXT_LITERAL,
                                .text = text->text,
                                .fallback = text->fallback};

    return reference_read(&reference, pool, value, error);
}

static bool is_key(const struct carried *carried, struct str key)
{
    return carried->is_escaped ? urlpath_decodes_to(carried->text, key)
                               : str_eq(carried->text, key);
}

/* Among the document's consumers; `secrets` is wiped afterwards. */
static struct proof find_key(const struct caller_request *request, const struct carried *carried,
                             struct pool *secrets)
{
    struct proof proof = {.kind = WRONG, .words = STR("the API key is not known")};
    const struct gateway *gw = request->gw;

    if (gw->consumers_file.len > 0)
        proof = (struct proof){.kind = UNKNOWN,
                               .words = pool_printf(request->pool,
                                                    "the key is nobody's here, and %.*s is "
                                                    "not looked at",
                                                    STR_ARG(gw->consumers_file))};
    for (size_t c = 0; c < gw->consumers.count; c++) {
        const struct ir_consumer *consumer = &gw->consumers.at[c];
        for (size_t k = 0; k < consumer->keys.count; k++) {
            struct str key, error;
            if (!read_reference(secrets, &consumer->keys.at[k], &key, &error))
                proof =
                    (struct proof){.kind = UNKNOWN,
                                   .words = pool_printf(request->pool, "cannot be told here: %.*s",
                                                        STR_ARG(error))};
            else if (key.len > 0 && is_key(carried, key))
                return (struct proof){
                    HOLDS,
                    pool_printf(request->pool, "the key is one of %.*s", STR_ARG(consumer->name)),
                    consumer};
        }
    }
    return proof;
}

static struct proof prove_by_key(const struct caller_request *request,
                                 const struct ir_scheme *scheme)
{
    struct carried carried = search(request, scheme);
    struct pool secrets;

    if (carried.count == 0)
        return (struct proof){.kind = LACKS, .words = STR("an API key is needed")};
    if (carried.count > 1)
        return (struct proof){.kind = WRONG, .words = STR("there are two API keys")};
    pool_open(&secrets, NULL);
    struct proof proof = find_key(request, &carried, &secrets);
    pool_close_wiped(&secrets);
    return proof;
}

/* ---- ways ---- */

static struct proof prove(const struct caller_request *request, const struct ir_scheme *scheme)
{
    switch (scheme->proof) {
    case IR_PROOF_KEY:
        return prove_by_key(request, scheme);
    case IR_PROOF_CERTIFICATE:
        return (struct proof){.kind = UNKNOWN,
                              .words = STR("no client's certificate is seen here")};
    case IR_PROOF_JWT:
    case IR_PROOF_INTROSPECTION:
    case IR_PROOF_BASIC:
    case IR_PROOF_SIGV4:
        break;
    }
    return (struct proof){.kind = UNKNOWN, .words = STR("is not looked at here")};
}

static void weigh(struct asked *asked, const struct proof *proof)
{
    bool tells_more = asked->reason.len == 0 || (proof->kind == WRONG && !asked->is_wrong);

    if (proof->kind == HOLDS)
        return;
    if (tells_more)
        asked->reason = proof->words;
    asked->is_wrong |= proof->kind == WRONG;
    asked->is_unknown |= proof->kind == UNKNOWN;
}

/* The proofs of a way up to the first that does not hold. */
static bool walk(struct asked *asked, const struct ir_way *way, const struct ir_consumer **consumer)
{
    const struct caller_request *request = asked->request;

    *consumer = NULL;
    for (size_t i = 0; i < way->all.count; i++) {
        const struct ir_scheme *scheme = &request->gw->schemes.at[way->all.at[i].scheme];
        struct proof proof = prove(request, scheme);
        if (proof.kind == HOLDS && *consumer && proof.consumer && *consumer != proof.consumer)
            proof =
                (struct proof){.kind = WRONG, .words = STR("the credentials are of two consumers")};
        say(asked,
            pool_printf(request->pool, "%.*s: %.*s", STR_ARG(scheme->name), STR_ARG(proof.words)));
        weigh(asked, &proof);
        if (proof.kind != HOLDS)
            return false;
        *consumer = proof.consumer ? proof.consumer : *consumer;
    }
    return way->all.count > 0 || !(asked->is_wrong || asked->is_unknown);
}

static enum caller_answer let_in(struct asked *asked, const struct ir_consumer *consumer)
{
    const struct caller_request *request = asked->request;
    const struct ir_acl *acl = &request->op->acl;
    static const ir_texts nothing = {0};

    if (!callers_groups_pass(acl, consumer ? &consumer->groups : &nothing)) {
        say(asked, STR("403: the acl does not let the caller's groups in"));
        return CALLER_REFUSED;
    }
    say(asked, consumer ? pool_printf(request->pool, "let in as %.*s", STR_ARG(consumer->name))
                        : STR("let in without a name"));
    return CALLER_LET_IN;
}

static bool carries_something(const struct caller_request *request)
{
    const struct gateway *gw = request->gw;

    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof == IR_PROOF_KEY &&
            search(request, &gw->schemes.at[i]).count > 0)
            return true;
    return false;
}

enum caller_answer caller_explain(const struct caller_request *request, struct text *out)
{
    struct asked asked = {.request = request, .out = out};
    const struct ir_consumer *consumer;

    if (request->op->ways.count == 0 || !carries_something(request))
        return CALLER_SILENT;
    for (size_t w = 0; w < request->op->ways.count; w++)
        if (walk(&asked, &request->op->ways.at[w], &consumer))
            return let_in(&asked, consumer);
    if (asked.is_unknown) {
        say(&asked, STR("whether it is let in cannot be told here"));
        return CALLER_UNKNOWN;
    }
    say(&asked, pool_printf(request->pool, "401: %.*s", STR_ARG(asked.reason)));
    return CALLER_REFUSED;
}
