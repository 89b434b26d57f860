#include "request/identity.h"

#include "request/reply.h"

/* ---- ways ---- */

struct identity_hiding {
    struct identity_hiding *next;
    void (*hide)(struct gw_req *rq, const void *scheme);
    const void *scheme;
};

struct identity_memo {
    struct identity_memo *next;
    const void *scheme;
    void *known;
};

void identity_hide(struct gw_req *rq, void (*hide)(struct gw_req *rq, const void *scheme),
                   const void *scheme)
{
    struct identity_hiding *hiding = pool_new(&rq->pool, struct identity_hiding);

    *hiding = (struct identity_hiding){rq->identity.hidings, hide, scheme};
    rq->identity.hidings = hiding;
}

void **identity_memo(struct gw_req *rq, const void *scheme)
{
    struct identity_memo *memo = rq->identity.memos;

    while (memo && memo->scheme != scheme)
        memo = memo->next;
    if (!memo) {
        memo = pool_new(&rq->pool, struct identity_memo);
        *memo = (struct identity_memo){rq->identity.memos, scheme, NULL};
        rq->identity.memos = memo;
    }
    return &memo->known;
}

bool gw_way(struct gw_req *rq)
{
    if (rq->identity.is_taken || gw_waits(rq))
        return false;
    rq->identity.consumer = NULL;
    rq->identity.tokens = NULL;
    rq->identity.hidings = NULL;
    rq->identity.is_spared = false;
    return true;
}

/* The consumer lives in what was read; a reading that replaces it must not end before the request. */
static void let_go(void *live)
{
    live_release(live);
}

void gw_take(struct gw_req *rq)
{
    rq->identity.is_taken = true;
    for (const struct identity_hiding *h = rq->identity.hidings; h; h = h->next)
        h->hide(rq, h->scheme);
    if (rq->identity.consumer)
        pool_defer(&rq->pool, let_go, live_hold(rq->worker->live));
}

bool gw_anonymous(struct gw_req *rq)
{
    return !rq->identity.is_wrong && rq->identity.retry_after == 0;
}

/* ---- scopes ---- */

bool gw_scopes(struct gw_req *rq, struct str needed)
{
    if (rq->identity.is_spared)
        return true;
    if (rq->identity.tokens && grant_has_scopes(rq->identity.tokens->grant, needed))
        return true;
    rq->identity.lacking = needed;
    return false;
}

/* ---- refusals ---- */

static void ask(struct text *lines, const char *scheme, struct str realm)
{
    text_printf(lines, "WWW-Authenticate: %s realm=\"%.*s\"", scheme, STR_ARG(realm));
}

static void end_line(struct text *lines)
{
    text_add(lines, STR("\r\n"));
}

/* A token that was refused is told why (RFC 6750 section 3.1); who brings none is told nothing. */
static void ask_bearer(struct gw_req *rq, struct text *lines, struct str realm, bool lacks_scopes)
{
    ask(lines, "Bearer", realm);
    if (lacks_scopes)
        text_printf(lines, ", error=\"insufficient_scope\", scope=\"%.*s\"",
                    STR_ARG(rq->identity.lacking));
    else if (rq->identity.is_bearer_wrong)
        text_printf(lines, ", error=\"invalid_token\", error_description=\"%s\"",
                    rq->identity.reason);
    end_line(lines);
}

static struct str challenges(struct gw_req *rq, unsigned asks, struct str realm, bool lacks_scopes)
{
    struct text lines = {.pool = &rq->pool};

    if (asks & GW_ASK_BEARER)
        ask_bearer(rq, &lines, realm, lacks_scopes);
    if (asks & GW_ASK_BASIC && !lacks_scopes) {
        ask(&lines, "Basic", realm);
        text_add(&lines, STR(", charset=\"UTF-8\""));
        end_line(&lines);
    }
    if (asks & GW_ASK_KEY && !lacks_scopes) {
        ask(&lines, "Key", realm);
        end_line(&lines);
    }
    if (asks & GW_ASK_SIGV4 && !lacks_scopes) {
        ask(&lines, "AWS4-HMAC-SHA256", realm);
        end_line(&lines);
    }
    return text_str(&lines);
}

enum gw_next gw_unauthorized(struct gw_req *rq, unsigned asks, struct str realm)
{
    const char *reason = rq->identity.reason;

    if (rq->identity.failed)
        return reply_error(rq, rq->identity.failed, reason, STR(""));
    rq->identity.denied = GW_DENIED_SECURITY;
    if (rq->identity.lacking.len > 0)
        return reply_error(rq, 403, "the token's scopes do not suffice",
                           challenges(rq, asks, realm, true));
    if (rq->identity.retry_after > 0 && !rq->identity.is_wrong)
        return reply_error(rq, 503, reason,
                           pool_printf(&rq->pool, "Retry-After: %u\r\n", rq->identity.retry_after));
    return reply_error(rq, 401, reason ? reason : "who calls is not known",
                       challenges(rq, asks, realm, false));
}

/* ---- proofs ---- */

/* What a field can carry as it is, without blanks that would be cut off. */
static bool fits_a_field(struct str value)
{
    return value.len > 0 && !str_has_controls(value) && value.at[0] != ' ' &&
           value.at[value.len - 1] != ' ';
}

bool identity_lacks(struct gw_req *rq, const char *reason)
{
    if (!rq->identity.reason)
        rq->identity.reason = reason;
    return false;
}

/* Tells more than what another way lacks. */
bool identity_is_wrong(struct gw_req *rq, const char *reason)
{
    if (!rq->identity.is_wrong)
        rq->identity.reason = reason;
    rq->identity.is_wrong = true;
    return false;
}

bool identity_is_wrong_token(struct gw_req *rq, const char *reason)
{
    /* RFC 6750 section 3: what is told in a challenge is told of the token. */
    if (!rq->identity.is_bearer_wrong)
        rq->identity.reason = reason;
    rq->identity.is_wrong = rq->identity.is_bearer_wrong = true;
    return false;
}

bool identity_is_unknown(struct gw_req *rq, const char *reason, uint32_t retry_after)
{
    if (!rq->identity.is_wrong)
        rq->identity.reason = reason;
    rq->identity.retry_after = retry_after;
    return false;
}

bool identity_fails(struct gw_req *rq, uint16_t status, const char *reason)
{
    rq->identity.reason = reason;
    rq->identity.failed = status;
    rq->identity.is_wrong = true; /* who says nothing else is let in where that is asked for */
    return false;
}

bool identity_claim(struct gw_req *rq, const struct consumer *consumer)
{
    if (rq->identity.consumer && !str_eq(rq->identity.consumer->name, consumer->name))
        return identity_is_wrong(rq, "the credentials are of two consumers");
    rq->identity.consumer = consumer;
    return true;
}

bool identity_claim_name(struct gw_req *rq, struct str name)
{
    const struct consumer *known =
        identity_all(rq) ? identity_consumers(rq)->by_name(identity_all(rq), name) : NULL;
    struct consumer *consumer;

    if (known)
        return identity_claim(rq, known);
    if (!fits_a_field(name))
        return identity_is_wrong_token(rq, "the token names no consumer that could be told");
    consumer = pool_new(&rq->pool, struct consumer);
    *consumer = (struct consumer){.name = name, .id = name};
    return identity_claim(rq, consumer);
}

bool identity_add_token(struct gw_req *rq, const struct grant *grant,
                        const struct gw_claim_fields *told)
{
    struct identity_token *token = pool_new(&rq->pool, struct identity_token);

    if (grant->consumer.len > 0 && !identity_claim_name(rq, grant->consumer))
        return false;
    *token = (struct identity_token){rq->identity.tokens, grant, told};
    rq->identity.tokens = token;
    return true;
}

static bool stands_in(const struct str *groups, size_t count, struct str group)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(groups[i], group))
            return true;
    return false;
}

bool identity_is_in(const struct gw_req *rq, struct str group)
{
    const struct consumer *consumer = rq->identity.consumer;

    if (consumer && stands_in(consumer->groups, consumer->group_count, group))
        return true;
    for (const struct identity_token *t = rq->identity.tokens; t; t = t->next)
        if (grant_has_group(t->grant, group))
            return true;
    return false;
}

const struct consumers_module *identity_consumers(const struct gw_req *rq)
{
    return rq->worker->live->consumers_module;
}

const struct consumers *identity_all(const struct gw_req *rq)
{
    return rq->worker->live->consumers;
}

/* ---- lines ---- */

static void add(struct text *lines, struct str name, struct str value)
{
    text_add(lines, name);
    text_add(lines, STR(": "));
    text_add(lines, value);
    text_add(lines, STR("\r\n"));
}

void identity_add_line(struct gw_req *rq, struct str name, struct str value)
{
    struct text lines = {.pool = &rq->pool};

    text_add(&lines, rq->added_request);
    add(&lines, name, value);
    rq->added_request = text_str(&lines);
}

static bool is_listable(struct str member)
{
    return fits_a_field(member) && !memchr(member.at, ',', member.len);
}

static void list(struct text *line, struct str member)
{
    if (line->len > 0)
        text_add(line, STR(", "));
    text_add(line, member);
}

/* The consumer's, and those of the tokens that it has not; what a list cannot carry is left out. */
static struct str groups_line(struct gw_req *rq)
{
    const struct consumer *consumer = rq->identity.consumer;
    struct text line = {.pool = &rq->pool};

    if (consumer)
        text_add(&line, consumer->groups_line);
    for (const struct identity_token *t = rq->identity.tokens; t; t = t->next)
        for (size_t i = 0; i < t->grant->group_count; i++) {
            struct str group = t->grant->groups[i];
            bool is_there = consumer && stands_in(consumer->groups, consumer->group_count, group);
            if (!is_there && is_listable(group))
                list(&line, group);
        }
    return text_str(&line);
}

/* A scalar as it is, the scalars of an array as a list; nothing else is told. */
static struct str claim_line(struct gw_req *rq, const struct data *claim)
{
    struct text line = {.pool = &rq->pool};
    struct str text;

    if (claim && claim->kind == DATA_LIST) {
        for (const struct data *one = claim->first; one; one = one->next)
            if (data_text(one, &text) && is_listable(text))
                list(&line, text);
        return text_str(&line);
    }
    return data_text(claim, &text) && fits_a_field(text) ? text : STR("");
}

static void add_claims(struct gw_req *rq, struct text *lines)
{
    for (const struct identity_token *t = rq->identity.tokens; t; t = t->next)
        for (uint32_t i = 0; t->told && i < t->told->count; i++) {
            const struct gw_claim_field *field = &t->told->at[i];
            struct str value =
                claim_line(rq, data_at(t->grant->claims, field->path, field->path_count));
            if (value.len > 0)
                add(lines, field->name, value);
        }
}

static void add_scopes(const struct identity_token *token, struct text *lines)
{
    while (token && !fits_a_field(token->grant->scopes))
        token = token->next;
    if (token)
        add(lines, STR("X-Authenticated-Scope"), token->grant->scopes);
}

void identity_lines(struct gw_req *rq, struct text *lines)
{
    const struct consumer *consumer = rq->identity.consumer;
    struct str groups;

    if (rq->listener->identity_field_count == 0)
        return;
    fields_drop_alike(&rq->head.fields, rq->listener->identity_fields,
                      rq->listener->identity_field_count);
    if (!rq->identity.is_taken)
        return;
    if (consumer) {
        add(lines, STR("X-Consumer-Username"), consumer->name);
        add(lines, STR("X-Consumer-ID"), consumer->id);
    }
    groups = rq->identity.hides_groups ? STR("") : groups_line(rq);
    if (groups.len > 0)
        add(lines, STR("X-Consumer-Groups"), groups);
    add_scopes(rq->identity.tokens, lines);
    add_claims(rq, lines);
}
