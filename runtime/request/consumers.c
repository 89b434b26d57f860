#include "request/consumers.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/data.h"
#include "base/map.h"
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
    size_t mask;      /* places - 1 */
    struct map names; /* to 1 + the number of the consumer, as a pointer */
    VEC(struct credential *) credentials;
    struct map ids[GW_CREDENTIAL_KINDS];
    const struct credential_kind *const *kinds;
};

/* How the file says them. */
static const struct {
    const char *member, *id, *secret, *public_key;
} words[GW_CREDENTIAL_KINDS] = {
    [GW_CREDENTIAL_JWT] = {"jwt", "key", "secret", "public_key"},
    [GW_CREDENTIAL_BASIC] = {"basic", "username", "password_hash", NULL},
    [GW_CREDENTIAL_AWS] = {"aws", "access_key", "secret_key", NULL},
};

/* What a reading goes by. */
struct reading {
    struct consumers *to;
    struct pool *pool; /* of the error */
    struct str file;
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

/* Now that the consumers stay where they are: the credentials of each kind by their ids. */
static bool place_credentials(struct reading *r)
{
    struct consumers *c = r->to;

    for (size_t i = 0; i < c->credentials.count; i++) {
        struct credential *one = c->credentials.at[i];
        const struct credential *other = map_set(&c->ids[one->kind], &c->pool, one->id, one);
        one->consumer = &c->all.at[one->owner];
        if (!other)
            continue;
        *r->error = pool_printf(r->pool, "consumers %.*s and %.*s have the same %s",
                                STR_ARG(other->consumer->name), STR_ARG(one->consumer->name),
                                words[one->kind].id);
        return false;
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

/* Of the one that was added last; false: another one has it. */
static bool add_name(struct consumers *c, struct str name)
{
    return !map_set(&c->names, &c->pool, name, (void *)(uintptr_t)c->all.count);
}

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
    return text.len > 0 && !str_has_controls(text);
}

/* Of the consumer that was added last. False, with *why: the secret is no good. Where no scheme goes by the kind it is
 * not looked at. */
static bool add_credential(struct reading *r, const struct credential *from, const char **why)
{
    struct consumers *c = r->to;
    const struct credential_kind *kind = c->kinds[from->kind];
    struct credential *credential;

    if (!kind)
        return true;
    credential = pool_new(&c->pool, struct credential);
    *credential = (struct credential){
        .id = pool_copy(&c->pool, from->id),
        .algorithm = pool_copy(&c->pool, from->algorithm),
        .secret = pool_copy(&c->pool, from->secret),
        .owner = (uint32_t)c->all.count - 1,
        .kind = from->kind,
    };
    *why = kind->make(credential, &c->pool);
    if (*why)
        return false;
    *vec_add(&c->pool, &c->credentials) = credential;
    return true;
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

static bool read_credential(struct reading *r, const struct gw_consumer *consumer,
                            const struct gw_credential *config)
{
    struct credential credential = {
        .id = config->id, .algorithm = config->algorithm, .kind = config->kind};
    struct pool secret;
    struct str error;
    const char *why = NULL;
    bool done = false;

    pool_open(&secret, NULL);
    if (!reference_read(&config->secret, &secret, &credential.secret, &error))
        why = pool_copy(r->pool, error).at;
    else
        done = add_credential(r, &credential, &why);
    pool_close_wiped(&secret);
    return done || fail(r, consumer->name, why);
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
        add_name(c, consumer->name);
        for (uint32_t k = 0; k < from->key_count; k++)
            if (!read_reference(r, from->name, &from->keys[k]))
                return false;
        for (uint32_t k = 0; k < from->credential_count; k++)
            if (!read_credential(r, from, &from->credentials[k]))
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

/* {key: …, algorithm: …, secret: …} and the like. */
static bool read_file_credential(struct reading *r, enum gw_credential_kind kind,
                                 const struct data *said)
{
    struct credential credential = {.kind = kind, .algorithm = STR("")};
    const struct data *id = data_get(said, words[kind].id);
    const struct data *secret = data_get(said, words[kind].secret);
    const struct data *algorithm = data_get(said, "algorithm");
    bool has_algorithm = kind == GW_CREDENTIAL_JWT;
    size_t members = 0;
    const char *why;

    if (!secret && words[kind].public_key)
        secret = data_get(said, words[kind].public_key);
    for (const struct data *one = said->kind == DATA_MAP ? said->first : NULL; one; one = one->next)
        members++;
    if (members != 2 + (size_t)has_algorithm || !data_text(id, &credential.id) ||
        credential.id.len == 0 || !data_text(secret, &credential.secret) ||
        (has_algorithm && !data_text(algorithm, &credential.algorithm)))
        return bad(r, said->line,
                   has_algorithm ? "a credential is 'key', 'algorithm' and 'secret' or 'public_key'"
                   : kind == GW_CREDENTIAL_BASIC ? "a credential is 'username' and 'password_hash'"
                                                 : "a credential is 'access_key' and 'secret_key'");
    return add_credential(r, &credential, &why) || bad(r, said->line, why);
}

static bool read_credentials(struct reading *r, const struct data *said, bool *found)
{
    for (unsigned kind = 0; kind < GW_CREDENTIAL_KINDS && !*found; kind++) {
        *found = str_eq(said->key, str_of(words[kind].member)) && said->kind == DATA_LIST;
        for (const struct data *one = said->first; *found && one; one = one->next)
            if (!read_file_credential(r, (enum gw_credential_kind)kind, one))
                return false;
    }
    return true;
}

static bool read_member(struct reading *r, const struct data *said, struct consumer *consumer)
{
    struct str text;
    bool is_credentials = false;

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
    if (!read_credentials(r, said, &is_credentials))
        return false;
    return is_credentials ||
           bad(r, said->line,
               "a consumer has 'id' and lists of 'groups', 'keys', 'jwt', 'basic' "
               "and 'aws'");
}

static bool read_consumer(struct reading *r, const struct data *said)
{
    struct consumers *c = r->to;
    struct consumer consumer = {.name = pool_copy(&c->pool, said->key)};

    consumer.id = consumer.name;
    if (said->kind != DATA_MAP || !is_visible(said->key))
        return bad(r, said->line, "a consumer is a name and a map");
    *vec_add(&c->pool, &c->all) = consumer;
    if (!add_name(c, consumer.name))
        return bad(r, said->line, "this consumer is the document's");
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
    for (size_t i = 0; i < consumers->credentials.count; i++) {
        struct credential *one = consumers->credentials.at[i];
        if (consumers->kinds[one->kind]->unmake)
            consumers->kinds[one->kind]->unmake(one);
    }
    pool_close_wiped(&consumers->pool);
    free(consumers);
}

static struct consumers *consumers_read(const struct gw_consumers *config, struct pool *pool,
                                        struct str *error)
{
    struct consumers *c = pool_xmalloc(sizeof *c);
    struct reading reading = {.to = c, .pool = pool, .file = config->file, .error = error};

    *c = (struct consumers){.kinds = config->kinds};
    pool_open(&c->pool, NULL);
    if (read_own(&reading, config) && read_file(&reading) && place_all(&reading) &&
        place_credentials(&reading))
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

static const struct consumer *by_name(const struct consumers *consumers, struct str name)
{
    uintptr_t number = (uintptr_t)map_get(&consumers->names, name);

    return number > 0 ? &consumers->all.at[number - 1] : NULL;
}

static const struct credential *credential(const struct consumers *consumers,
                                           enum gw_credential_kind kind, struct str id)
{
    return map_get(&consumers->ids[kind], id);
}

static const struct credential *some(const struct consumers *consumers,
                                     enum gw_credential_kind kind, uint64_t number)
{
    const struct map *ids = &consumers->ids[kind];

    return ids->count > 0 ? ids->at[number % ids->count].value : NULL;
}

const struct consumers_module consumers_module = {
    .read = consumers_read,
    .free = consumers_free,
    .by_key = by_key,
    .by_name = by_name,
    .credential = credential,
    .some = some,
};
