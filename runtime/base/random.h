/* random: bytes nobody can guess, from the kernel, bought 4 KiB at a time per thread so that an identifier
 * per request costs no system call. Never fails: without entropy the process waits for it at its start. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *to, size_t len);
uint64_t random_u64(void);

#endif
