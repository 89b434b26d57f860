#include "policy/basic.h"

#include "policy/type.h"

enum { SIZE_MOST = 1000000, TTL_LEAST = 1000, TTL_MOST = 24 * 60 * 60 * 1000 };

struct raw_cache {
    char *size, *ttl;
};

static const cyaml_schema_field_t cache_fields[] = {
    POLICY_CELL(struct raw_cache, size, NUMBER),
    POLICY_CELL(struct raw_cache, ttl, DURATION),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t cache_schema = POLICY_MAPPING(struct raw_cache, cache_fields);

static void read_cache(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw_cache *raw = from;
    struct ir_basic *basic = out;
    const struct node *ttl = policy_cell(r, raw->ttl);

    (void)node;
    (void)count;
    setting_said_number(r->job, policy_cell(r, raw->size), "size", 1, SIZE_MOST,
                        &basic->cache_size);
    if (ttl != NULL && setting_duration(r->job, ttl, "ttl", &basic->cache_ttl) &&
        (basic->cache_ttl < TTL_LEAST || basic->cache_ttl > TTL_MOST))
        diag_error(&r->job->diags, ttl->loc, "range", "'ttl' must be from 1s to 24h");
}

const struct policy_type basic_cache_type = {"basic.cache", &cache_schema, read_cache};

struct raw {
    int hide_credentials;
    char *cache;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_TRUTH(struct raw, hide_credentials),
    POLICY_CELL(struct raw, cache, TYPED),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

struct ir_basic basic_by_default(void)
{
    return (struct ir_basic){.cache_size = 1000, .cache_ttl = 5 * 60 * 1000};
}

static void read_basic(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_basic *basic = out;
    struct node *cache = policy_cell(r, raw->cache);

    (void)count;
    *basic = basic_by_default();
    basic->hide_credentials = raw->hide_credentials == YES;
    basic->loc = node->loc;
    if (cache != NULL)
        r->load(r, cache, &basic_cache_type, basic);
}

const struct policy_type basic_type = {"basic", &schema, read_basic};
