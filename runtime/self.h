/* self: what the kernel says about this process, and the room it has. Every figure may be missing: an empty
 * root has no /proc and no /sys. */
#ifndef SELF_H
#define SELF_H

#include <stdbool.h>
#include <stdint.h>

/* CPU time spent, user and system, in microseconds. */
uint64_t self_cpu_us(void);

/* Bytes in memory; false when unknown. */
bool self_resident(uint64_t *bytes);

/* Open descriptors; false when unknown. */
bool self_descriptors(uint64_t *count);

/* The soft limit of descriptors, raised to the hard one; returns what it is now. */
uint64_t self_raise_descriptors(void);

/* CPUs this process may use: its affinity, less what a cgroup's quota (v1 or v2) leaves; at least 1.
 * `root` is "" but for tests, which bring their own /proc and /sys. */
unsigned self_cpus(const char *root);

#endif
