#include "base/urlpath.h"
#include "caller_proof.h"

static struct carried search(const struct caller_request *request, const struct ir_scheme *scheme)
{
    struct carried found = {0};

    for (size_t n = 0; n < scheme->names.count; n++) {
        struct str name = scheme->names.at[n];
        for (size_t i = 0; scheme->in_header && i < request->header_count; i++)
            if (str_eq_nocase(request->headers[i].name, name))
                carried_add(&found, request->headers[i].value);
        if (scheme->in_query)
            carried_in_query(request, name, &found);
        if (scheme->in_cookie)
            carried_in_cookies(request, name, &found);
    }
    return found;
}

bool caller_has_key(const struct caller_request *request, const struct ir_scheme *scheme)
{
    return search(request, scheme).count > 0;
}

static bool is_key(const struct carried *carried, struct str key)
{
    return carried->is_escaped ? urlpath_decodes_to(carried->text, key)
                               : str_eq(carried->text, key);
}

/* Whether it is one of the consumer's keys; *missing names what would have to be read to know, if anything. */
static bool has_key(const struct ir_consumer *consumer, const struct carried *carried,
                    struct pool *secrets, struct str *missing)
{
    for (size_t k = 0; k < consumer->keys.count; k++) {
        struct str key;
        if (caller_secret(&consumer->keys.at[k], secrets, &key, missing) && key.len > 0 &&
            is_key(carried, key))
            return true;
    }
    return false;
}

static struct proof find_key(const struct caller_request *request, const struct carried *carried,
                             struct pool *secrets)
{
    const struct gateway *gw = request->gw;
    struct str missing = {0};

    for (size_t c = 0; c < gw->consumers.count; c++) {
        const struct ir_consumer *consumer = &gw->consumers.at[c];
        if (has_key(consumer, carried, secrets, &missing))
            return (struct proof){.kind = PROOF_HOLDS,
                                  .words = pool_printf(request->pool, "the key is one of %.*s",
                                                       STR_ARG(consumer->name)),
                                  .consumer = consumer->name};
    }
    if (missing.len > 0)
        return (struct proof){
            .kind = PROOF_UNKNOWN,
            .words = pool_printf(request->pool, "cannot be told here: %.*s", STR_ARG(missing))};
    if (gw->consumers_file.len > 0)
        return (struct proof){.kind = PROOF_UNKNOWN,
                              .words = pool_printf(request->pool,
                                                   "the key is nobody's here, and %.*s is not "
                                                   "looked at",
                                                   STR_ARG(gw->consumers_file))};
    return (struct proof){.kind = PROOF_WRONG, .words = STR("the API key is not known")};
}

struct proof caller_key(const struct caller_request *request, const struct ir_scheme *scheme)
{
    struct carried carried = search(request, scheme);
    struct pool secrets;

    if (carried.count == 0)
        return (struct proof){.kind = PROOF_LACKS, .words = STR("an API key is needed")};
    if (carried.count > 1)
        return (struct proof){.kind = PROOF_WRONG, .words = STR("there are two API keys")};
    pool_open(&secrets, NULL);
    struct proof proof = find_key(request, &carried, &secrets);
    pool_close_wiped(&secrets);
    return proof;
}
