/* Health messages of gRPC: nothing is read beyond what is there, more fields change nothing, and a request, whose field
 * is of another kind, is no status. */
#include <stdlib.h>

#include "client/grpc_health.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* The bytes alone in memory, as a message behind its frame. */
static enum grpc_health read_framed(struct str message, struct str more)
{
    size_t len = message.len + more.len;
    char *copy = malloc(5 + len);
    enum grpc_health health;

    memcpy(copy, (char[5]){0, (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len},
           5);
    memcpy(copy + 5, message.at, message.len);
    memcpy(copy + 5 + message.len, more.at, more.len);
    health = grpc_health_read((struct str){copy, 5 + len});
    free(copy);
    return health;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct pool pool;
    enum grpc_health health;

    if (size == 0)
        return 0;
    grpc_health_read(input);
    health = read_framed(input, STR(""));
    if (health != GRPC_NO_HEALTH) {
        check(read_framed(input, STR("\x10\1")) == health);
        check(read_framed(input, STR("\x08\1")) == GRPC_SERVING);
        check(read_framed(input, STR("\x08")) == GRPC_NO_HEALTH);
    }
    pool_open(&pool, NULL);
    check(grpc_health_read(grpc_health_request(&pool, input)) == GRPC_NOT_SERVING);
    pool_close(&pool);
    return 0;
}
