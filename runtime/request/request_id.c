#include "request/request_id.h"

#include <unistd.h>

#include "base/random.h"

enum { UUID_LEN = 36, INCOMING_MAX = 128 };

static struct {
    struct gw_correlation config;
    bool needed;
} setup;

/* One per worker thread: the fixed part of `counter` ids. */
static _Thread_local char counter_prefix[UUID_LEN];
static _Thread_local bool counter_begun;

void request_id_setup(const struct gw_correlation *config, bool needed)
{
    setup.config = *config;
    setup.needed = needed || config->generator != GW_ID_NONE;
}

static char *hex(char *to, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    return to + 2 * count;
}

static void uuid_print(char *to, const uint8_t uuid[16])
{
    to = hex(to, uuid, 4);
    *to++ = '-';
    to = hex(to, uuid + 4, 2);
    *to++ = '-';
    to = hex(to, uuid + 6, 2);
    *to++ = '-';
    to = hex(to, uuid + 8, 2);
    *to++ = '-';
    hex(to, uuid + 10, 6);
}

/* RFC 9562 section 5.7: 48 bits of milliseconds, then 12 bits of the fraction below (section 6.2, method 3),
 * so that ids of one worker sort by time within the millisecond, then 62 random bits. */
static void uuid_v7(char *to, uint64_t wall_us)
{
    uint64_t ms = wall_us / 1000;
    unsigned fraction = (unsigned)(wall_us % 1000 * 4096 / 1000);
    uint64_t random = random_u64();
    uint8_t uuid[16];

    for (int i = 0; i < 6; i++)
        uuid[i] = (uint8_t)(ms >> (40 - 8 * i));
    uuid[6] = (uint8_t)(0x70 | fraction >> 8);
    uuid[7] = (uint8_t)fraction;
    memcpy(uuid + 8, &random, sizeof random);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    uuid_print(to, uuid);
}

static struct str make_counter(struct gw_req *rq)
{
    if (!counter_begun) {
        uuid_v7(counter_prefix, rq->worker->loop.wall_us);
        counter_begun = true;
    }
    return pool_printf(&rq->pool, "%.*s#%llu", UUID_LEN, counter_prefix,
                       (unsigned long long)++rq->worker->request_count);
}

/* Where the listener sits, without its port: "[::]:8080" gives "::". */
static struct str listener_host(const struct gw_listener *listener)
{
    struct str host = listener ? listener->address : STR("");

    if (str_starts(host, STR("unix:")))
        return STR("unix");
    for (size_t i = host.len; i > 0; i--) {
        if (host.at[i - 1] == ':') {
            host.len = i - 1;
            break;
        }
    }
    return str_trim(host, "[]");
}

static struct str make_tracker(struct gw_req *rq)
{
    struct str host = listener_host(rq->listener);
    struct str port =
        rq->listener && rq->listener->port_text.len > 0 ? rq->listener->port_text : STR("0");
    uint64_t wall_ms = rq->worker->loop.wall_us / 1000;

    return pool_printf(&rq->pool, "%.*s-%.*s-%d-%u-%llu-%llu.%03u", STR_ARG(host), STR_ARG(port),
                       (int)getpid(), rq->worker->index,
                       (unsigned long long)++rq->worker->request_count,
                       (unsigned long long)(wall_ms / 1000), (unsigned)(wall_ms % 1000));
}

static struct str make_uuid(struct gw_req *rq)
{
    char *at = pool_take(&rq->pool, UUID_LEN);

    uuid_v7(at, rq->worker->loop.wall_us);
    return (struct str){at, UUID_LEN};
}

static bool is_valid(struct str id)
{
    if (id.len == 0 || id.len > INCOMING_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

/* How ids travel with this request. */
static const struct gw_correlation *config_of(const struct gw_req *rq)
{
    return rq->route && rq->route->correlation ? rq->route->correlation : &setup.config;
}

/* The client's own id, when it may be believed. */
static struct str incoming(const struct gw_req *rq, const struct gw_correlation *config)
{
    const struct field *field, *other;

    if (!config->trust || !rq->trusted_peer)
        return (struct str){0};
    field = fields_named(&rq->head.fields, config->header_name, NULL);
    other = field ? fields_named(&rq->head.fields, config->header_name, field) : NULL;
    return field && !other && is_valid(field_value(field)) ? field_value(field) : (struct str){0};
}

static struct str generate(struct gw_req *rq, const struct gw_correlation *config)
{
    switch (config->generator) {
    case GW_ID_COUNTER:
        return make_counter(rq);
    case GW_ID_TRACKER:
        return make_tracker(rq);
    case GW_ID_NONE:
    case GW_ID_UUID:
        break;
    }
    return make_uuid(rq);
}

void request_id_make(struct gw_req *rq)
{
    const struct gw_correlation *config = config_of(rq);
    struct str id = {0};

    if (!setup.needed)
        return;
    if (config->generator != GW_ID_NONE)
        id = incoming(rq, config);
    rq->request_id = id.len > 0 ? id : generate(rq, config);
}

void request_id_use_route(struct gw_req *rq)
{
    const struct gw_correlation *config = rq->route->correlation;
    struct str id;

    if (!config || config->generator == GW_ID_NONE)
        return;
    id = incoming(rq, config);
    if (id.len > 0)
        rq->request_id = id;
    else if (rq->request_id.len == 0 || config->generator != setup.config.generator ||
             incoming(rq, &setup.config).len > 0)
        rq->request_id = generate(rq, config);
}

static void add_line(const struct gw_correlation *config, const struct gw_req *rq,
                     struct text *text)
{
    if (config->generator == GW_ID_NONE || rq->request_id.len == 0)
        return;
    text_add(text, config->header_name);
    text_add(text, STR(": "));
    text_add(text, rq->request_id);
    text_add(text, STR("\r\n"));
}

/* What the client wrote there must not stand beside ours. */
static void drop_incoming(struct gw_req *rq, const struct gw_correlation *config)
{
    struct fields *fields = &rq->head.fields;
    struct str name = config->header_name;

    for (unsigned i = 0; config->generator != GW_ID_NONE && i < fields->count; i++) {
        struct field *field = &fields->at[i];
        if (field->name_len == name.len && str_eq_nocase(field_name(field), name))
            field->dropped = true;
    }
}

void request_id_line(struct gw_req *rq, struct text *text)
{
    const struct gw_correlation *config = config_of(rq);

    drop_incoming(rq, config);
    add_line(config, rq, text);
}

void request_id_echo(const struct gw_req *rq, struct text *text)
{
    const struct gw_correlation *config = config_of(rq);

    if (config->echo)
        add_line(config, rq, text);
}
