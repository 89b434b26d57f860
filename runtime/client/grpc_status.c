#include "client/grpc_status.h"

enum {
    UNKNOWN = 2,
    DEADLINE_EXCEEDED = 4,
    RESOURCE_EXHAUSTED = 8,
    INTERNAL = 13,
    UNAVAILABLE = 14,
    DATA_LOSS = 15,
    STATUS_MAX = 16
};

static unsigned status_of(struct str value)
{
    uint64_t status;

    return str_to_u64(value, &status) && status <= STATUS_MAX ? (unsigned)status : UNKNOWN;
}

static uint16_t http_of(unsigned status)
{
    switch (status) {
    case UNAVAILABLE:
        return 503;
    case DEADLINE_EXCEEDED:
        return 504;
    case UNKNOWN:
    case INTERNAL:
    case DATA_LOSS:
        return 500;
    case RESOURCE_EXHAUSTED:
        return 429;
    default:
        return 200;
    }
}

static bool is_grpc(const struct head *head)
{
    return head->status == 200 && fields_are_grpc(&head->fields);
}

/* Of an answer that ends with its head. */
static unsigned status_in(const struct head *head)
{
    const struct field *field = fields_named(&head->fields, STR("grpc-status"), NULL);

    return field ? status_of(field_value(field)) : UNKNOWN;
}

static uint16_t of_head(const struct head *head)
{
    if (!is_grpc(head))
        return head->status;
    return head->framing == FRAMING_NONE ? http_of(status_in(head)) : 0;
}

static uint16_t of_trailers(struct str lines)
{
    return http_of(status_of(trailers_find(lines, STR("grpc-status"))));
}

static bool is_one_of(const struct head *head, uint32_t statuses)
{
    return is_grpc(head) && head->framing == FRAMING_NONE && statuses >> status_in(head) & 1;
}

const struct grpc_status_module grpc_status_module = {of_head, of_trailers, is_one_of};
