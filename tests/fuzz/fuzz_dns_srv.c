/* DNS messages with SRV records. Whatever the bytes: reading ends, records have a host and a port, and are no more than
 * the message says. */
#include <stdlib.h>

#include "io/dns_srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pool pool;
    struct dns_question question = {.pool = &pool};
    size_t said = size >= 8 ? (size_t)bytes[6] << 8 | bytes[7] : 0;

    pool_open(&pool, NULL);
    dns_srv_read(&question, bytes, (int)size);
    if (question.records.count > said)
        abort();
    for (size_t i = 0; i < question.records.count; i++)
        if (question.records.at[i].host.len == 0 || question.records.at[i].port == 0)
            abort();
    pool_close(&pool);
    return 0;
}
