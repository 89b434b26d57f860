#include "request/hops.h"

#include <stdio.h>

#include "request/reply.h"

/* A request may pass the same gateway again, on its way from one backend to another, but not for ever. */
enum { PASSES_MAX = 8 };

static struct {
    struct str name;
    struct str lines[2]; /* by the minor version of the request */
    char text[2][128];
} own;

void hops_setup(struct str name)
{
    own.name = name;
    for (unsigned minor = 0; minor < 2; minor++) {
        int len = snprintf(own.text[minor], sizeof own.text[minor], "Via: 1.%u %.*s\r\n", minor,
                           STR_ARG(name));
        own.lines[minor] = (struct str){own.text[minor], (size_t)len};
    }
}

/* ---- Via ---- */

/* Off unless the document asks for it: some upstreams treat requests that came through a proxy as second-rate. */
static bool says_via(const struct gw_req *rq)
{
    return rq->listener && rq->listener->forwarded && rq->listener->forwarded->via;
}

static size_t word_len(struct str text)
{
    size_t len = 0;

    while (len < text.len && text.at[len] != ' ' && text.at[len] != '\t' && text.at[len] != '(')
        len++;
    return len;
}

/* The second word of "1.1 name (comment)". */
static struct str received_by(struct str hop)
{
    struct str by = str_trim(str_from(hop, word_len(hop)), " \t");

    return str_head(by, word_len(by));
}

static unsigned passes(const struct fields *fields)
{
    unsigned count = 0;

    for (unsigned i = 0; i < fields->count; i++) {
        struct str list = field_value(&fields->at[i]);

        while (fields->at[i].id == FIELD_VIA && list.at)
            count += str_eq_nocase(received_by(list_next(&list)), own.name);
    }
    return count;
}

/* ---- Max-Forwards ---- */

/* What the field says, at most UINT32_MAX, which is as far as we can count; -1: not a number. */
static int64_t forwards_of(struct str value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return -1;
        number = number * 10 + (uint64_t)(value.at[i] - '0');
        if (number > UINT32_MAX)
            number = UINT32_MAX;
    }
    return value.len > 0 ? (int64_t)number : -1;
}

/* The field that bounds this request, or NULL. Other methods may have it, and it means nothing. */
static const struct field *bound_of(const struct gw_req *rq)
{
    if (rq->head.method != METHOD_OPTIONS && rq->head.method != METHOD_TRACE)
        return NULL;
    return fields_find(&rq->head.fields, FIELD_MAX_FORWARDS);
}

static enum gw_next answer_here(struct gw_req *rq)
{
    if (rq->head.method == METHOD_TRACE)
        return reply_error(rq, 501, "Max-Forwards ends here, where TRACE is not answered", STR(""));
    return reply_lines(rq, 204, pool_printf(&rq->pool, "Allow: %.*s\r\n", STR_ARG(rq->allow)));
}

/* ---- both ---- */

enum gw_next hops_check(struct gw_req *rq)
{
    const struct field *bound = bound_of(rq);
    int64_t left = bound ? forwards_of(field_value(bound)) : 1;

    if (left < 0 || (bound && fields_named(&rq->head.fields, STR("max-forwards"), bound)))
        return reply_error(rq, 400, "Max-Forwards is not one number", STR(""));
    if (left == 0)
        return answer_here(rq);
    if (says_via(rq) && passes(&rq->head.fields) >= PASSES_MAX)
        return reply_error(rq, 508, "the request goes in circles", STR(""));
    return GW_GO;
}

struct str hops_via(const struct gw_req *rq)
{
    if (!says_via(rq))
        return STR("");
    return own.lines[rq->head.minor > 0];
}

void hops_count_down(struct gw_req *rq, struct text *text)
{
    const struct field *bound = bound_of(rq);

    if (!bound)
        return;
    text_printf(text, "Max-Forwards: %u\r\n", (unsigned)(forwards_of(field_value(bound)) - 1));
    fields_drop(&rq->head.fields, FIELD_MAX_FORWARDS);
}
