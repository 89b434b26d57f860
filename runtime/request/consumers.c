#include "request/consumers.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/data.h"
#include "base/text.h"
#include "base/vec.h"

enum { HEX = 2 * CRYPTO_SHA256 };

struct entry {
    unsigned char digest[CRYPTO_SHA256];
    uint32_t consumer; /* 1 + its number; 0: the place is free */
};

struct consumers {
    struct pool pool;
    VEC(struct consumer) all;
    VEC(struct entry) keys; /* until they are placed */
    struct entry *table;
    size_t mask; /* places - 1 */
};

/* What a reading goes by. */
struct reading {
    struct consumers *to;
    struct pool *pool; /* of the error */
    struct str file;
    uint32_t own_count; /* of the document */
    struct str *error;
};

/* ---- the table ---- */

static size_t place_of(const unsigned char digest[CRYPTO_SHA256], size_t mask)
{
    uint64_t bits;

    memcpy(&bits, digest, sizeof bits);
    return (size_t)bits & mask;
}

/* The entry of that digest, or the free place where it belongs. */
static struct entry *find(const struct consumers *c, const unsigned char digest[CRYPTO_SHA256])
{
    size_t at = place_of(digest, c->mask);

    while (c->table[at].consumer != 0 && !crypto_equal(c->table[at].digest, digest, CRYPTO_SHA256))
        at = (at + 1) & c->mask;
    return &c->table[at];
}

/* Half empty at the least. False: a key is two consumers'. */
static bool place_all(struct reading *r)
{
    struct consumers *c = r->to;
    size_t places = 2;

    while (places < 2 * c->keys.count)
        places *= 2;
    c->mask = places - 1;
    c->table = pool_alloc(&c->pool, places * sizeof *c->table);
    for (size_t i = 0; i < c->keys.count; i++) {
        const struct entry *key = &c->keys.at[i];
        struct entry *place = find(c, key->digest);
        if (place->consumer != 0 && place->consumer != key->consumer) {
            *r->error = pool_printf(r->pool, "consumers %.*s and %.*s have the same key",
                                    STR_ARG(c->all.at[place->consumer - 1].name),
                                    STR_ARG(c->all.at[key->consumer - 1].name));
            return false;
        }
        *place = *key;
    }
    return true;
}

static struct entry *add_key(struct consumers *c)
{
    struct entry *entry = vec_add(&c->pool, &c->keys);

    entry->consumer = (uint32_t)c->all.count;
    return entry;
}

/* ---- consumers ---- */

static void join_groups(struct pool *pool, struct consumer *consumer)
{
    struct text line = {.pool = pool};

    for (size_t i = 0; i < consumer->group_count; i++) {
        text_add(&line, i > 0 ? STR(", ") : STR(""));
        text_add(&line, consumer->groups[i]);
    }
    consumer->groups_line = text_str(&line);
}

static bool fail(struct reading *r, struct str name, const char *what)
{
    *r->error = pool_printf(r->pool, "consumer %.*s: %s", STR_ARG(str_head(name, 60)), what);
    return false;
}

/* What a header of the upstream's can carry. */
static bool is_visible(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    return text.len > 0;
}

/* ---- the document's ---- */

static bool read_reference(struct reading *r, struct str name, const struct gw_text *reference)
{
    struct pool secret;
    struct str key, why;
    bool done = false;

    pool_open(&secret, NULL);
    if (!reference_read(reference, &secret, &key, &why))
        fail(r, name, pool_copy(r->pool, why).at);
    else if (key.len == 0)
        fail(r, name, "a key is empty");
    else
        done = true;
    if (done)
        crypto_sha256(key, add_key(r->to)->digest);
    pool_close_wiped(&secret);
    return done;
}

static bool read_own(struct reading *r, const struct gw_consumers *config)
{
    struct consumers *c = r->to;

    for (uint32_t i = 0; i < config->count; i++) {
        const struct gw_consumer *from = &config->at[i];
        struct consumer *consumer = vec_add(&c->pool, &c->all);
        *consumer = (struct consumer){.name = from->name,
                                      .id = from->id,
                                      .groups = from->groups,
                                      .group_count = from->group_count};
        join_groups(&c->pool, consumer);
        for (uint32_t k = 0; k < from->key_count; k++)
            if (!read_reference(r, from->name, &from->keys[k]))
                return false;
    }
    return true;
}

/* ---- the file's ---- */

static bool bad(struct reading *r, uint32_t line, const char *what)
{
    *r->error = pool_printf(r->pool, "%.*s:%u: %s", STR_ARG(r->file), line, what);
    return false;
}

static bool read_digest(struct str hex, unsigned char digest[CRYPTO_SHA256])
{
    for (size_t i = 0; i < HEX && hex.len == HEX; i += 2) {
        int high = str_hex(hex.at[i]), low = str_hex(hex.at[i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[i / 2] = (unsigned char)(high << 4 | low);
    }
    return hex.len == HEX;
}

/* "the key itself", or {sha256: its digest}. */
static bool read_key(struct reading *r, const struct data *said)
{
    unsigned char digest[CRYPTO_SHA256];
    struct str text;

    if (said->kind == DATA_MAP && said->first && !said->first->next &&
        data_text(data_get(said, "sha256"), &text)) {
        if (!read_digest(text, digest))
            return bad(r, said->line, "'sha256' is 64 hexadecimal digits");
    } else if (data_text(said, &text) && text.len > 0) {
        crypto_sha256(text, digest);
    } else {
        return bad(r, said->line, "a key is a text or {sha256: …}");
    }
    memcpy(add_key(r->to)->digest, digest, CRYPTO_SHA256);
    return true;
}

static bool read_groups(struct reading *r, const struct data *said, struct consumer *consumer)
{
    struct consumers *c = r->to;
    VEC(struct str) groups = {0};
    struct str text;

    for (const struct data *one = said->first; one; one = one->next) {
        if (!data_text(one, &text) || !is_visible(text) || memchr(text.at, ',', text.len))
            return bad(r, one->line, "a group is a text without commas and control bytes");
        *vec_add(&c->pool, &groups) = pool_copy(&c->pool, text);
    }
    consumer->groups = groups.at;
    consumer->group_count = groups.count;
    return true;
}

static bool read_member(struct reading *r, const struct data *said, struct consumer *consumer)
{
    struct str text;

    if (str_eq(said->key, STR("id"))) {
        if (!data_text(said, &text) || !is_visible(text))
            return bad(r, said->line, "'id' is a text without control bytes");
        consumer->id = pool_copy(&r->to->pool, text);
        return true;
    }
    if (str_eq(said->key, STR("groups")) && said->kind == DATA_LIST)
        return read_groups(r, said, consumer);
    if (str_eq(said->key, STR("keys")) && said->kind == DATA_LIST) {
        for (const struct data *key = said->first; key; key = key->next)
            if (!read_key(r, key))
                return false;
        return true;
    }
    return bad(r, said->line, "a consumer has 'id', 'groups' (a list) and 'keys' (a list)");
}

static bool read_consumer(struct reading *r, const struct data *said)
{
    struct consumers *c = r->to;
    struct consumer consumer = {.name = pool_copy(&c->pool, said->key)};

    consumer.id = consumer.name;
    if (said->kind != DATA_MAP || !is_visible(said->key))
        return bad(r, said->line, "a consumer is a name and a map");
    for (uint32_t i = 0; i < r->own_count; i++)
        if (str_eq(c->all.at[i].name, consumer.name))
            return bad(r, said->line, "this consumer is the document's");
    *vec_add(&c->pool, &c->all) = consumer;
    for (const struct data *member = said->first; member; member = member->next)
        if (!read_member(r, member, &consumer))
            return false;
    join_groups(&c->pool, &consumer);
    c->all.at[c->all.count - 1] = consumer;
    return true;
}

static bool read_data(struct reading *r, struct pool *secret)
{
    struct data_problem problem;
    struct str text;
    const struct data *data, *consumers;

    if (!reference_read_file(r->file, secret, &text, r->error)) {
        *r->error = pool_copy(r->pool, *r->error);
        return false;
    }
    data = data_read_yaml(secret, text, &problem);
    if (!data)
        return bad(r, problem.line, problem.what);
    consumers = data_get(data, "consumers");
    if (!consumers || consumers->kind != DATA_MAP || data->first->next)
        return bad(r, data->line, "a map named 'consumers' is missing, or is not all there is");
    for (const struct data *one = consumers->first; one; one = one->next)
        if (!read_consumer(r, one))
            return false;
    return true;
}

static bool read_file(struct reading *r)
{
    struct pool secret;
    bool done;

    if (r->file.len == 0)
        return true;
    pool_open(&secret, NULL);
    done = read_data(r, &secret);
    pool_close_wiped(&secret);
    return done;
}

/* ---- the module ---- */

static void consumers_free(struct consumers *consumers)
{
    pool_close(&consumers->pool);
    free(consumers);
}

static struct consumers *consumers_read(const struct gw_consumers *config, struct pool *pool,
                                        struct str *error)
{
    struct consumers *c = pool_xmalloc(sizeof *c);
    struct reading reading = {
        .to = c, .pool = pool, .file = config->file, .own_count = config->count, .error = error};

    *c = (struct consumers){0};
    pool_open(&c->pool, NULL);
    if (read_own(&reading, config) && read_file(&reading) && place_all(&reading))
        return c;
    consumers_free(c);
    return NULL;
}

static const struct consumer *by_key(const struct consumers *consumers, struct str key)
{
    unsigned char digest[CRYPTO_SHA256];
    const struct entry *entry;

    crypto_sha256(key, digest);
    entry = find(consumers, digest);
    return entry->consumer > 0 ? &consumers->all.at[entry->consumer - 1] : NULL;
}

const struct consumers_module consumers_module = {consumers_read, consumers_free, by_key};
