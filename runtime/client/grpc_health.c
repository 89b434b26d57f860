#include "client/grpc_health.h"

enum {
    FRAME = 5, /* a flag, 0: not compressed, and the message's length, big-endian */
    VARINT_MAX = 10,
    /* a field's number and how it is encoded */
    REQUEST_SERVICE = 1 << 3 | 2,
    RESPONSE_STATUS = 1 << 3 | 0,
    SERVING = 1
};

static size_t put_varint(char *to, uint64_t value)
{
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        to[len++] = (char)(value | 0x80);
    to[len++] = (char)value;
    return len;
}

static void put_length(char *to, size_t len)
{
    for (int i = 0; i < 4; i++)
        to[i] = (char)(len >> (24 - 8 * i));
}

struct str grpc_health_request(struct pool *pool, struct str service)
{
    char *at = pool_take(pool, FRAME + 1 + VARINT_MAX + service.len);
    size_t len = FRAME;

    if (service.len > 0) {
        at[len++] = REQUEST_SERVICE;
        len += put_varint(at + len, service.len);
        memcpy(at + len, service.at, service.len);
        len += service.len;
    }
    at[0] = 0;
    put_length(at + 1, len - FRAME);
    return (struct str){at, len};
}

static bool take_varint(struct str *bytes, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < VARINT_MAX && i < bytes->len; i++) {
        uint8_t byte = (uint8_t)bytes->at[i];
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte >= 0x80)
            continue;
        *bytes = str_from(*bytes, i + 1);
        return true;
    }
    return false;
}

static bool skip(struct str *bytes, uint64_t len)
{
    if (len > bytes->len)
        return false;
    *bytes = str_from(*bytes, (size_t)len);
    return true;
}

/* A field's value, by how it is encoded; *number: what a varint was. */
static bool take_value(struct str *bytes, uint64_t tag, uint64_t *number)
{
    switch (tag & 7) {
    case 0:
        return take_varint(bytes, number);
    case 1:
        return skip(bytes, 8);
    case 2:
        return take_varint(bytes, number) && skip(bytes, *number);
    case 5:
        return skip(bytes, 4);
    default:
        return false;
    }
}

/* The last one counts, and fields that are not known are passed over, as protobuf has it. */
enum grpc_health grpc_health_read(struct str bytes)
{
    uint64_t status = 0, tag, value;
    char length[4];

    if (bytes.len < FRAME || bytes.at[0] != 0)
        return GRPC_NO_HEALTH;
    put_length(length, bytes.len - FRAME);
    if (memcmp(bytes.at + 1, length, sizeof length) != 0)
        return GRPC_NO_HEALTH;
    bytes = str_from(bytes, FRAME);
    while (bytes.len > 0) {
        if (!take_varint(&bytes, &tag) || tag >> 3 == 0 || !take_value(&bytes, tag, &value))
            return GRPC_NO_HEALTH;
        if (tag == RESPONSE_STATUS)
            status = value;
    }
    return status == SERVING ? GRPC_SERVING : GRPC_NOT_SERVING;
}
