/* backoff: pauses between two questions, so that who does not answer is not run over and many who ask do not ask at once. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include "base/random.h"

enum { BACKOFF_MIN_MS = 1000, BACKOFF_MAX_MS = 30 * 1000 };

/* `ms` and at most a tenth more. */
static inline uint64_t backoff_jittered(uint64_t ms)
{
    return ms + random_u64() % (ms / 10 + 1);
}

/* The pause before the next question where the last one failed: 1 s, 2 s … 30 s, from *backoff, which is 0 at first. */
static inline uint64_t backoff_pause(uint64_t *backoff)
{
    *backoff = *backoff > 0 ? *backoff * 2 : BACKOFF_MIN_MS;
    if (*backoff > BACKOFF_MAX_MS)
        *backoff = BACKOFF_MAX_MS;
    return backoff_jittered(*backoff);
}

#endif
