#include "self.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t self_cpu_us(void)
{
    struct timespec spent;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) != 0)
        return 0;
    return (uint64_t)spent.tv_sec * 1000000 + (uint64_t)spent.tv_nsec / 1000;
}

/* A small file as a C string; false when it is not there. */
static bool read_small(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, to, size - 1);
    close(fd);
    to[got > 0 ? got : 0] = 0;
    return got > 0;
}

bool self_resident(uint64_t *bytes)
{
    char text[128];
    unsigned long pages;

    if (!read_small("/proc/self/statm", text, sizeof text) || sscanf(text, "%*u %lu", &pages) != 1)
        return false;
    *bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

bool self_descriptors(uint64_t *count)
{
    DIR *folder = opendir("/proc/self/fd");

    if (!folder)
        return false;
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.')
            ++*count;
    }
    closedir(folder);
    --*count; /* the folder itself */
    return true;
}

uint64_t self_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = before;
    }
    return limit.rlim_cur;
}

/* Whole CPUs in a quota of microseconds per period; 0: no limit. */
static unsigned whole_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    return quota < period ? 1 : (unsigned)(quota / period);
}

static unsigned quota_v2(const char *folder)
{
    char path[PATH_MAX], text[64];
    long long quota, period;

    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_small(path, text, sizeof text) || sscanf(text, "%lld %lld", &quota, &period) != 2)
        return 0;
    return whole_cpus(quota, period);
}

static unsigned quota_v1(const char *folder)
{
    char path[PATH_MAX], text[64];
    long long quota, period;

    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_small(path, text, sizeof text) || sscanf(text, "%lld", &quota) != 1)
        return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_small(path, text, sizeof text) || sscanf(text, "%lld", &period) != 1)
        return 0;
    return whole_cpus(quota, period);
}

static unsigned smaller(unsigned a, unsigned b)
{
    return b != 0 && (a == 0 || b < a) ? b : a;
}

/* The smallest quota from a group up to the top of its hierarchy. Inside a container the group's own path
 * is not there, but its files are at the mount's top. */
static unsigned smallest(const char *mount, const char *group,
                         unsigned (*quota)(const char *folder))
{
    char folder[PATH_MAX];
    size_t top = strlen(mount);
    unsigned found = 0;

    if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
        return quota(mount);
    while (strlen(folder) > top) {
        found = smaller(found, quota(folder));
        *strrchr(folder, '/') = 0;
    }
    return smaller(found, quota(mount));
}

/* One line of /proc/self/cgroup: "0::/group" (v2) or "4:cpu,cpuacct:/group" (v1). */
static unsigned quota_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':'), *group, mount[PATH_MAX];

    if (!controllers || !(group = strchr(++controllers, ':')))
        return 0;
    *group++ = 0;
    if (*controllers == 0) {
        unsigned found;
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        found = smallest(mount, group, quota_v2);
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/unified", root);
        return smaller(found, smallest(mount, group, quota_v2));
    }
    if (strcmp(controllers, "cpu") != 0 && strncmp(controllers, "cpu,", 4) != 0 &&
        !strstr(controllers, ",cpu"))
        return 0;
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/cpu", root);
    return smallest(mount, group, quota_v1);
}

static unsigned quota_cpus(const char *root)
{
    char path[PATH_MAX], text[4096], *line, *rest = text;
    unsigned found = 0;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!read_small(path, text, sizeof text))
        return 0;
    while ((line = strsep(&rest, "\n")) != NULL)
        found = smaller(found, quota_of_line(root, line));
    return found;
}

unsigned self_cpus(const char *root)
{
    unsigned usable = 1;
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        usable = (unsigned)CPU_COUNT(&set);
    return smaller(usable > 0 ? usable : 1, quota_cpus(root));
}
