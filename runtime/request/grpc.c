#include "request/grpc.h"

enum {
    INVALID_ARGUMENT = 3,
    DEADLINE_EXCEEDED = 4,
    PERMISSION_DENIED = 7,
    RESOURCE_EXHAUSTED = 8,
    UNIMPLEMENTED = 12,
    INTERNAL = 13,
    UNAVAILABLE = 14,
    UNAUTHENTICATED = 16,
    UNKNOWN = 2
};

enum { DIGITS_MAX = 8 };

bool grpc_is_call(const struct gw_req *rq)
{
    return fields_are_grpc(&rq->head.fields);
}

uint32_t grpc_timeout(const struct gw_req *rq)
{
    const struct field *field = fields_named(&rq->head.fields, STR("grpc-timeout"), NULL);
    struct str text = field ? field_value(field) : (struct str){0};
    uint64_t amount, ms;

    if (text.len < 2 || text.len > DIGITS_MAX + 1 ||
        !str_to_u64(str_head(text, text.len - 1), &amount))
        return 0;
    switch (text.at[text.len - 1]) {
    case 'H':
        ms = amount * 3600 * 1000;
        break;
    case 'M':
        ms = amount * 60 * 1000;
        break;
    case 'S':
        ms = amount * 1000;
        break;
    case 'm':
        ms = amount;
        break;
    case 'u':
        ms = (amount + 999) / 1000;
        break;
    case 'n':
        ms = (amount + 999999) / 1000000;
        break;
    default:
        return 0;
    }
    if (ms == 0)
        ms = 1;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static unsigned code_of(unsigned status)
{
    switch (status) {
    case 400:
        return INTERNAL;
    case 401:
        return UNAUTHENTICATED;
    case 403:
        return PERMISSION_DENIED;
    case 404:
        return UNIMPLEMENTED;
    case 408:
    case 504:
        return DEADLINE_EXCEEDED;
    case 413:
    case 431:
        return RESOURCE_EXHAUSTED;
    case 405:
    case 501:
        return UNIMPLEMENTED;
    case 415:
        return INVALID_ARGUMENT;
    case 429:
    case 502:
    case 503:
        return UNAVAILABLE;
    default:
        return status >= 500 ? INTERNAL : UNKNOWN;
    }
}

struct str grpc_error_lines(struct gw_req *rq, unsigned status, const char *reason)
{
    struct text lines = {.pool = &rq->pool};

    text_printf(&lines, "Content-Type: application/grpc\r\ngrpc-status: %u\r\n", code_of(status));
    if (reason) {
        text_add(&lines, STR("grpc-message: "));
        for (const char *at = reason; *at; at++) {
            if (*at >= ' ' && *at <= '~' && *at != '%')
                text_byte(&lines, *at);
            else
                text_printf(&lines, "%%%02X", (unsigned)(unsigned char)*at);
        }
        text_add(&lines, STR("\r\n"));
    }
    return text_str(&lines);
}
