#include "log_line.h"

#include <stdio.h>

#include <stdlib.h>

#include "base/clock.h"
#include "log_text.h"

/* Bounds of what comes from outside, in bytes written. */
enum { MAX_URL = 8 * 1024, MAX_TEXT = 2 * 1024, MAX_SHORT = 512, MAX_FIELDS = 32 };

typedef void write_field(struct log_text *line, const struct gw_req *rq);

/* How the lines of one configuration look. */
struct plan {
    bool combined;
    size_t count;
    struct {
        struct str key; /* ,"name": */
        write_field *write;
    } fields[MAX_FIELDS];
};

static struct plan shared;
static struct plan **own; /* by the route's index; NULL: the shared one */
static uint32_t own_count;

/* ---- times ---- */

/* Years to seconds of a second that many lines share. */
static const char *second_text(uint64_t wall_us)
{
    static _Thread_local uint64_t second;
    static _Thread_local char text[28];

    if (wall_us / 1000000 != second || text[0] == 0) {
        second = wall_us / 1000000;
        clock_iso(second * 1000000, text);
    }
    return text;
}

static void put_milliseconds(struct log_text *line, uint64_t thousandths)
{
    log_text_byte(line, (char)('0' + thousandths / 100 % 10));
    log_text_byte(line, (char)('0' + thousandths / 10 % 10));
    log_text_byte(line, (char)('0' + thousandths % 10));
}

/* ---- fields of JSON ---- */

static void quote(struct log_text *line, struct str s, size_t max)
{
    if (!s.at) {
        log_text_put(line, STR("null"));
        return;
    }
    log_text_byte(line, '"');
    log_text_escape(line, s, max);
    log_text_byte(line, '"');
}

/* Our own text, which needs no escaping. */
static void quote_own(struct log_text *line, struct str s)
{
    if (s.len == 0) {
        log_text_put(line, STR("null"));
        return;
    }
    log_text_byte(line, '"');
    log_text_put(line, s);
    log_text_byte(line, '"');
}

/* Absent and empty are the same here. */
static void quote_some(struct log_text *line, struct str s, size_t max)
{
    quote(line, s.len > 0 ? s : (struct str){0}, max);
}

static struct str header(const struct gw_req *rq, enum field_id id)
{
    const struct field *field = fields_find(&rq->head.fields, id);

    return field ? field_value(field) : (struct str){0};
}

static void write_timestamp(struct log_text *line, const struct gw_req *rq)
{
    log_text_byte(line, '"');
    log_text_put(line, (struct str){second_text(rq->started_us), 19});
    log_text_byte(line, '.');
    put_milliseconds(line, rq->started_us / 1000 % 1000);
    log_text_put(line, STR("Z\""));
}

static void write_request_id(struct log_text *line, const struct gw_req *rq)
{
    quote_own(line, rq->request_id);
}

static void write_remote_addr(struct log_text *line, const struct gw_req *rq)
{
    quote_own(line, rq->client_address);
}

static void write_method(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->head.method_text, MAX_SHORT);
}

static void write_host(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->head.authority, MAX_SHORT);
}

static void write_path(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->head.path, MAX_URL);
}

static void write_query(struct log_text *line, const struct gw_req *rq)
{
    if (!rq->head.query.at) {
        log_text_put(line, STR("null"));
        return;
    }
    log_text_byte(line, '"');
    log_text_query(line, rq->head.query, MAX_URL);
    log_text_byte(line, '"');
}

static void put_protocol(struct log_text *line, const struct gw_req *rq)
{
    if (rq->head.is_http2)
        log_text_put(line, STR("HTTP/2.0"));
    else
        log_text_put(line, rq->head.minor == 0 ? STR("HTTP/1.0") : STR("HTTP/1.1"));
}

static void write_protocol(struct log_text *line, const struct gw_req *rq)
{
    log_text_byte(line, '"');
    put_protocol(line, rq);
    log_text_byte(line, '"');
}

static void put_or_null(struct log_text *line, struct str text)
{
    if (text.len == 0) {
        log_text_put(line, STR("null"));
        return;
    }
    log_text_byte(line, '"');
    log_text_escape(line, text, MAX_URL);
    log_text_byte(line, '"');
}

static void write_tls_version(struct log_text *line, const struct gw_req *rq)
{
    const struct tls_peer *peer = stream_peer(rq->x->stream);

    put_or_null(line, peer ? str_of(peer->version) : STR(""));
}

static void write_tls_cipher(struct log_text *line, const struct gw_req *rq)
{
    const struct tls_peer *peer = stream_peer(rq->x->stream);

    put_or_null(line, peer ? str_of(peer->cipher) : STR(""));
}

/* Of a certificate that was found good. */
static void write_client_subject(struct log_text *line, const struct gw_req *rq)
{
    const struct tls_peer *peer = stream_peer(rq->x->stream);

    put_or_null(line, peer && peer->verified ? peer->subject : STR(""));
}

static void write_route(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->route ? rq->route->name : (struct str){0}, MAX_SHORT);
}

static void write_tag(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->route ? rq->route->tag : (struct str){0}, MAX_SHORT);
}

static void write_status(struct log_text *line, const struct gw_req *rq)
{
    log_text_number(line, rq->status);
}

static void write_latency_ms(struct log_text *line, const struct gw_req *rq)
{
    uint64_t us = worker_elapsed_us(rq->worker, rq);

    log_text_number(line, us / 1000);
    log_text_byte(line, '.');
    put_milliseconds(line, us % 1000);
}

static void write_upstream_latency_ms(struct log_text *line, const struct gw_req *rq)
{
    if (rq->upstream_status != 0)
        log_text_number(line, rq->upstream_ms);
    else
        log_text_put(line, STR("null"));
}

static void write_upstream(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->forward ? rq->forward->upstream->name : (struct str){0}, MAX_SHORT);
}

static void write_upstream_addr(struct log_text *line, const struct gw_req *rq)
{
    quote_some(line, rq->upstream_target, MAX_SHORT);
}

static void write_upstream_status(struct log_text *line, const struct gw_req *rq)
{
    if (rq->upstream_status != 0)
        log_text_number(line, rq->upstream_status);
    else
        log_text_put(line, STR("null"));
}

static void write_tries(struct log_text *line, const struct gw_req *rq)
{
    log_text_number(line, rq->tries);
}

static void write_bytes_received(struct log_text *line, const struct gw_req *rq)
{
    log_text_number(line, rq->bytes_in);
}

static void write_bytes_sent(struct log_text *line, const struct gw_req *rq)
{
    log_text_number(line, rq->bytes_out);
}

static void write_user_agent(struct log_text *line, const struct gw_req *rq)
{
    quote(line, header(rq, FIELD_USER_AGENT), MAX_TEXT);
}

static struct str referer(const struct gw_req *rq)
{
    const struct field *field = fields_named(&rq->head.fields, STR("Referer"), NULL);

    return field ? field_value(field) : (struct str){0};
}

static void write_referer(struct log_text *line, const struct gw_req *rq)
{
    struct str value = referer(rq);

    if (!value.at) {
        log_text_put(line, STR("null"));
        return;
    }
    log_text_byte(line, '"');
    log_text_url(line, value, MAX_TEXT);
    log_text_byte(line, '"');
}

/* W3C Trace Context, "version-traceid-parentid-flags": the 32 digits in the middle, unless all zero. */
static struct str trace_id(const struct gw_req *rq)
{
    struct str value = header(rq, FIELD_TRACEPARENT), id = {0};
    bool zero = true;

    if (value.len < 55 || value.at[2] != '-' || value.at[35] != '-' || str_starts(value, STR("ff")))
        return id;
    for (size_t i = 3; i < 35; i++) {
        if (str_hex(value.at[i]) < 0)
            return id;
        zero = zero && value.at[i] == '0';
    }
    return zero ? id : (struct str){value.at + 3, 32};
}

static void write_trace_id(struct log_text *line, const struct gw_req *rq)
{
    quote(line, trace_id(rq), MAX_SHORT);
}

static void write_reason(struct log_text *line, const struct gw_req *rq)
{
    static const char policy[] = "security: ";
    char text[MAX_SHORT];

    if (rq->identity.denied != GW_DENIED_SECURITY || !rq->reason) {
        quote(line, rq->reason ? str_of(rq->reason) : (struct str){0}, MAX_SHORT);
        return;
    }
    snprintf(text, sizeof text, "%s%s", policy, rq->reason);
    quote(line, str_of(text), MAX_SHORT);
}

static void write_consumer(struct log_text *line, const struct gw_req *rq)
{
    const struct consumer *consumer = rq->identity.is_taken ? rq->identity.consumer : NULL;

    quote(line, consumer ? consumer->name : (struct str){0}, MAX_SHORT);
}

/* ---- the plan ---- */

static const struct {
    struct str name, key;
    write_field *write;
    bool shown;
} known[] = {
#define LOG_FIELD(name, key, shown)                                                                \
    {STR_INIT(#name), STR_INIT(",\"" #key "\":"), write_##key, shown},
#include "base/log_fields.def"
#undef LOG_FIELD
};

enum { KNOWN = sizeof known / sizeof *known };

static bool plan_field(struct plan *plan, struct str name)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (!str_eq(known[i].name, name) || plan->count == MAX_FIELDS)
            continue;
        plan->fields[plan->count].key = known[i].key;
        plan->fields[plan->count++].write = known[i].write;
        return true;
    }
    return false;
}

static bool plan_lines(struct plan *plan, const struct gw_access_log *config, struct str *unknown)
{
    plan->combined = config->format == GW_LOG_COMBINED;
    plan->count = 0;
    for (size_t i = 0; !config->fields && i < KNOWN; i++) {
        if (known[i].shown)
            plan_field(plan, known[i].name);
    }
    for (size_t i = 0; config->fields && i < config->field_count; i++) {
        if (plan_field(plan, config->fields[i]))
            continue;
        *unknown = config->fields[i];
        return false;
    }
    return true;
}

static void forget_own(void)
{
    for (uint32_t i = 0; i < own_count; i++)
        free(own[i]);
    free(own);
    own = NULL;
    own_count = 0;
}

bool log_line_setup(const struct gw_access_log *config, const struct gw_route *const *routes,
                    uint32_t count, struct str *unknown)
{
    forget_own();
    for (uint32_t i = 0; i < count; i++) {
        if (!routes[i]->own_log)
            continue;
        if (!own) {
            own = pool_xmalloc(count * sizeof *own);
            memset(own, 0, count * sizeof *own);
            own_count = count;
        }
        own[i] = pool_xmalloc(sizeof **own);
        if (!plan_lines(own[i], routes[i]->own_log, unknown))
            return false;
    }
    return plan_lines(&shared, config, unknown);
}

static bool shows_id(const struct plan *plan)
{
    for (size_t i = 0; !plan->combined && i < plan->count; i++) {
        if (plan->fields[i].write == write_request_id)
            return true;
    }
    return false;
}

bool log_line_has_id(void)
{
    bool shown = shows_id(&shared);

    for (uint32_t i = 0; !shown && i < own_count; i++)
        shown = own[i] && shows_id(own[i]);
    return shown;
}

static void write_json(struct log_text *line, const struct plan *plan, const struct gw_req *rq)
{
    char *start = line->at;

    for (size_t i = 0; i < plan->count; i++) {
        log_text_put(line, plan->fields[i].key);
        plan->fields[i].write(line, rq);
    }
    log_text_put(line, STR("}\n"));
    if (!line->full)
        *start = '{'; /* in the place of the first comma */
}

static void put_or_dash(struct log_text *line, struct str s)
{
    if (s.len > 0)
        log_text_escape(line, s, MAX_SHORT);
    else
        log_text_byte(line, '-');
}

/* "[31/Jan/2026:23:59:59 +0000]" out of "2026-01-31T23:59:59". */
static void put_apache_time(struct log_text *line, uint64_t wall_us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *iso = second_text(wall_us);
    unsigned month = (unsigned)((iso[5] - '0') * 10 + iso[6] - '0');

    log_text_byte(line, '[');
    log_text_put(line, (struct str){iso + 8, 2});
    log_text_byte(line, '/');
    log_text_put(line, (struct str){months + (month - 1) * 3, 3});
    log_text_byte(line, '/');
    log_text_put(line, (struct str){iso, 4});
    log_text_byte(line, ':');
    log_text_put(line, (struct str){iso + 11, 8});
    log_text_put(line, STR(" +0000]"));
}

static void write_combined(struct log_text *line, const struct gw_req *rq)
{
    struct str agent = header(rq, FIELD_USER_AGENT), from = referer(rq);

    put_or_dash(line, rq->client_address);
    log_text_put(line, STR(" - - "));
    put_apache_time(line, rq->started_us);
    log_text_put(line, STR(" \""));
    if (rq->head.method_text.len > 0) {
        log_text_escape(line, rq->head.method_text, MAX_SHORT);
        log_text_byte(line, ' ');
        log_text_url(line, rq->head.target, MAX_URL);
        log_text_byte(line, ' ');
        put_protocol(line, rq);
    } else {
        log_text_byte(line, '-');
    }
    log_text_put(line, STR("\" "));
    log_text_number(line, rq->status);
    log_text_byte(line, ' ');
    log_text_number(line, rq->bytes_out);
    log_text_put(line, STR(" \""));
    if (from.len > 0)
        log_text_url(line, from, MAX_TEXT);
    else
        log_text_byte(line, '-');
    log_text_put(line, STR("\" \""));
    if (agent.len > 0)
        log_text_escape(line, agent, MAX_TEXT);
    else
        log_text_byte(line, '-');
    log_text_put(line, STR("\"\n"));
}

static const struct plan *plan_of(const struct gw_req *rq)
{
    if (own && rq->route && own[rq->route->index])
        return own[rq->route->index];
    return &shared;
}

size_t log_line_write(char *to, size_t room, const struct gw_req *rq)
{
    const struct plan *plan = plan_of(rq);
    struct log_text line = {to, to + room, plan->combined, false};

    if (plan->combined)
        write_combined(&line, rq);
    else
        write_json(&line, plan, rq);
    return line.full ? 0 : (size_t)(line.at - to);
}
