#include "request/deadline.h"

#include "request/grpc.h"
#include "request/worker.h"

enum { FRACTION_DIGITS = 3, GRPC_MS_MAX = 99999999 }; /* grpc-timeout has eight digits */

uint32_t deadline_seconds(struct str text)
{
    size_t point = str_find(text, '.');
    struct str fraction = str_from(text, point < text.len ? point + 1 : point);
    bool has_fraction = point < text.len;
    uint64_t seconds, thousandths = 0;

    if (!str_to_u64(str_head(text, point), &seconds) || fraction.len > FRACTION_DIGITS ||
        has_fraction != (fraction.len > 0))
        return 0;
    for (size_t i = 0; i < FRACTION_DIGITS; i++) {
        char digit = i < fraction.len ? fraction.at[i] : '0';
        if (digit < '0' || digit > '9')
            return 0;
        thousandths = thousandths * 10 + (uint64_t)(digit - '0');
    }
    if (seconds >= UINT32_MAX / 1000)
        return UINT32_MAX;
    return seconds == 0 && thousandths == 0 ? 1 : (uint32_t)(seconds * 1000 + thousandths);
}

bool deadline_read(struct gw_req *rq)
{
    const struct str name = STR("X-Request-Timeout");
    const struct field *field;

    if (grpc_is_call(rq)) {
        rq->deadline.is_grpc = true;
        rq->deadline.ms = grpc_timeout(rq);
        if (rq->deadline.ms > 0)
            fields_drop_named(&rq->head.fields, STR("grpc-timeout"));
    } else if (rq->timeouts->from_client &&
               (field = fields_named(&rq->head.fields, name, NULL)) != NULL) {
        rq->deadline.ms = deadline_seconds(field_value(field));
        if (rq->deadline.ms == 0 || fields_named(&rq->head.fields, name, field))
            return false;
        fields_drop_named(&rq->head.fields, name);
    }
    rq->deadline.at = rq->worker->loop.now + rq->deadline.ms;
    return true;
}

void deadline_put(const struct gw_req *rq, struct head_text *text)
{
    uint64_t now = rq->worker->loop.now;
    uint64_t left = rq->deadline.at > now ? rq->deadline.at - now : 1;

    if (rq->deadline.ms == 0)
        return;
    if (rq->deadline.is_grpc) {
        head_put(text, STR("grpc-timeout: "));
        head_put_number(text, left <= GRPC_MS_MAX ? left : left / 1000);
        head_put(text, left <= GRPC_MS_MAX ? STR("m\r\n") : STR("S\r\n"));
        return;
    }
    head_put(text, STR("X-Request-Timeout: "));
    head_put_number(text, left / 1000);
    head_put(text, left % 1000 < 10 ? STR(".00") : left % 1000 < 100 ? STR(".0") : STR("."));
    head_put_number(text, left % 1000);
    head_put(text, STR("\r\n"));
}
