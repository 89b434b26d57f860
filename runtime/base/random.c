#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static _Thread_local struct {
    unsigned char bytes[4096];
    size_t left;
} stock;

static void buy(unsigned char *to, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* a kernel without getrandom: nothing secret can be made here */
        if (got > 0) {
            to += got;
            len -= (size_t)got;
        }
    }
}

void random_bytes(void *to, size_t len)
{
    if (len > sizeof stock.bytes) {
        buy(to, len);
        return;
    }
    if (len > stock.left) {
        buy(stock.bytes, sizeof stock.bytes);
        stock.left = sizeof stock.bytes;
    }
    stock.left -= len;
    memcpy(to, stock.bytes + stock.left, len);
    /* What was handed out is not kept: a later leak of this memory tells nothing. */
    explicit_bzero(stock.bytes + stock.left, len);
}

uint64_t random_u64(void)
{
    uint64_t value;

    random_bytes(&value, sizeof value);
    return value;
}
