/* matcher: nanoseconds per match over a real route list, beside a plain segment trie, in interleaved rounds.
 *
 *   matcher ROUTES [REQUESTS]     ROUTES: "METHOD /template" lines; so many random requests (default 20000)
 *
 * Warm: the tables stay in the caches, the median of all rounds; cold: they are thrown out of them before each
 * request. Then the worst that a request can meet, and maps of 10,000 and 50,000 paths. CPU time of the thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/templates.h"
#include "base/map.h"
#include "base/text.h"
#include "base/urlpath.h"

/* ---- the opponent: one hash table per node, literal before parameter, with backtracking ---- */

struct trie {
    struct map literals;
    struct trie *param;
    uint32_t path; /* index + 1 */
    size_t *bytes;
};

struct fast {
    struct fast_slot {
        uint32_t hash, len;
        const char *text;
        struct fast *child;
    } * slots;
    uint32_t mask, path;
    struct fast *param;
};

static uint32_t simple_hash(const char *at, size_t len)
{
    uint64_t h = len;

    for (; len >= 8; at += 8, len -= 8) {
        uint64_t w;

        memcpy(&w, at, 8);
        h = (h ^ w) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    for (; len > 0; at++, len--)
        h = (h ^ (unsigned char)*at) * 0x100000001B3u;
    return (uint32_t)(h ^ h >> 32);
}

static void trie_add(struct pool *pool, struct trie *node, struct str path, uint32_t number)
{
    while (path.len > 0) {
        struct str segment = str_head(str_from(path, 1), str_find(str_from(path, 1), '/'));
        struct trie *next;

        path = str_from(path, 1 + segment.len);
        if (str_find(segment, '{') < segment.len) {
            if (!node->param)
                node->param = pool_new(pool, struct trie);
            node = node->param;
            continue;
        }
        next = map_get(&node->literals, segment);
        if (!next)
            map_set(&node->literals, pool, segment, next = pool_new(pool, struct trie));
        node = next;
    }
    node->path = number + 1;
}

static struct fast *freeze(struct pool *pool, const struct trie *trie, size_t *bytes)
{
    struct fast *fast = pool_new(pool, struct fast);
    uint32_t size = 4;

    while (size < 2 * trie->literals.count)
        size *= 2;
    *fast = (struct fast){.mask = size - 1, .path = trie->path};
    *bytes += sizeof *fast;
    if (trie->literals.count > 0) {
        fast->slots = pool_alloc(pool, size * sizeof *fast->slots);
        *bytes += size * sizeof *fast->slots;
    }
    for (size_t i = 0; i < trie->literals.count; i++) {
        struct str key = trie->literals.at[i].key;
        uint32_t hash = simple_hash(key.at, key.len), at = hash & fast->mask;

        while (fast->slots[at].child)
            at = (at + 1) & fast->mask;
        fast->slots[at] = (struct fast_slot){hash, (uint32_t)key.len, key.at, NULL};
        fast->slots[at].child = freeze(pool, trie->literals.at[i].value, bytes);
        *bytes += key.len;
    }
    if (trie->param)
        fast->param = freeze(pool, trie->param, bytes);
    return fast;
}

static uint32_t fast_find(const struct fast *node, const char *at, const char *end)
{
    while (at < end) {
        const char *from = ++at;
        const struct fast *next = NULL;

        at = memchr(from, '/', (size_t)(end - from));
        at = at ? at : end;
        if (node->slots) {
            uint32_t hash = simple_hash(from, (size_t)(at - from));

            for (uint32_t i = hash & node->mask; node->slots[i].child; i = (i + 1) & node->mask)
                if (node->slots[i].hash == hash && node->slots[i].len == at - from &&
                    memcmp(node->slots[i].text, from, (size_t)(at - from)) == 0) {
                    next = node->slots[i].child;
                    break;
                }
        }
        if (next && node->param) {
            uint32_t found = fast_find(next, at, end);

            if (found)
                return found;
            next = NULL;
        }
        node = next ? next : node->param;
        if (!node)
            return 0;
    }
    return node->path;
}

/* ---- measuring ---- */

static double clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static volatile uint32_t sink;

enum { ROUNDS = 25, COLD = 100, COLD_BYTES = 64 << 20, RUNS = 5 };

struct bench {
    struct pool *pool;
    struct pathtree tree;
    struct fast *trie;
    size_t paths, trie_bytes, unmatched;
    uint32_t most_steps;
    double build_ms;
    struct str *requests;
    size_t count;
};

static uint32_t run_pathmap(const struct bench *bench, struct str path)
{
    struct str params[PATHMAP_PARAMS];

    return (uint32_t)pathmap_find_ahead(&bench->tree.map, path, path.len + PATHMAP_AHEAD, params) +
           1;
}

static uint32_t run_careful(const struct bench *bench, struct str path)
{
    struct str params[PATHMAP_PARAMS];

    return (uint32_t)pathmap_find(&bench->tree.map, path, params) + 1;
}

static uint32_t run_normalised(const struct bench *bench, struct str path)
{
    static const struct urlpath_rules rules = {.normalize = true, .case_sensitive = true};

    return urlpath_is_normal(path, &rules) ? run_pathmap(bench, path) : 0;
}

static uint32_t run_trie(const struct bench *bench, struct str path)
{
    return fast_find(bench->trie, path.at, path.at + path.len);
}

/* What the requests themselves cost when they come out of memory. */
static uint32_t run_touch(const struct bench *bench, struct str path)
{
    uint32_t sum = (uint32_t)path.at[path.len - 1];

    (void)bench;
    for (size_t i = 0; i < path.len; i += 64)
        sum += (uint32_t)path.at[i];
    return sum;
}

static const struct run {
    const char *name;
    uint32_t (*run)(const struct bench *bench, struct str path);
} runs[RUNS] = {
    {"segment trie", run_trie},
    {"pathmap", run_pathmap},
    {"pathmap and normal form", run_normalised},
    {"pathmap, nothing readable behind", run_careful},
    {"the requests' bytes alone", run_touch},
};

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

/* The request has just been read; the tables have not been looked at for long. */
static double cold(const struct bench *bench, const struct run *run)
{
    volatile char *trash = pool_xmalloc(COLD_BYTES);
    double each[COLD];

    for (size_t i = 0; i < COLD; i++) {
        struct str path = bench->requests[i * 37 % bench->count];

        for (size_t j = 0; j < COLD_BYTES; j += 64)
            trash[j]++;
        sink += run_touch(bench, path);
        double before = clock_ns(CLOCK_MONOTONIC), start = clock_ns(CLOCK_MONOTONIC);
        sink += run->run(bench, path);
        each[i] = clock_ns(CLOCK_MONOTONIC) - start - (start - before);
    }
    free((void *)trash);
    return median(each, COLD);
}

/* One table; the first run is what the others are compared with. */
static void compare(const struct bench *bench, int count)
{
    static double each[RUNS][ROUNDS], ratio[RUNS][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (int r = 0; r < count; r++) {
            double start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

            for (size_t i = 0; i < bench->count; i++)
                sink += runs[r].run(bench, bench->requests[i]);
            each[r][round] = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / (double)bench->count;
            ratio[r][round] = each[r][round] / each[0][round];
        }
    for (int r = 0; r < count; r++)
        printf("  %-33s %7.1f ns warm (%.2f) %8.0f ns cold\n", runs[r].name,
               median(each[r], ROUNDS), median(ratio[r], ROUNDS), cold(bench, &runs[r]));
}

/* ---- maps and requests ---- */

/* A concrete path for a template, and behind it what may be read: in a head something follows. */
static struct str concrete(struct pool *pool, struct str pattern)
{
    char out[4096];
    size_t len = 0;

    for (size_t i = 0; i < pattern.len && len < sizeof out - 32 - PATHMAP_AHEAD; i++) {
        if (pattern.at[i] != '{') {
            out[len++] = pattern.at[i];
            continue;
        }
        i += str_find(str_from(pattern, i), '}');
        for (int n = 4 + rand() % 11; n > 0; n--)
            out[len++] = "abcdefghijklmnopqrstuvwxyz-0123456789"[rand() % 37];
    }
    memset(out + len, ' ', PATHMAP_AHEAD);
    return str_head(pool_copy(pool, (struct str){out, len + PATHMAP_AHEAD}), len);
}

/* `routes` with repetitions: each is as likely to be asked for. */
static void bench_open(struct bench *bench, struct pool *pool, const struct str *routes,
                       size_t route_count, size_t requests)
{
    struct map seen = {0};
    struct trie root = {0};
    struct pathtree_template *templates = pool_alloc(pool, route_count * sizeof *templates);

    *bench = (struct bench){.pool = pool, .count = requests};
    for (size_t i = 0; i < route_count; i++) {
        if (map_set(&seen, pool, routes[i], &root))
            continue;
        trie_add(pool, &root, routes[i], (uint32_t)bench->paths);
        templates[bench->paths++] = templates_parse(pool, routes[i]);
    }

    double start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (!pathtree_build(pool, templates, bench->paths, false, &bench->tree))
        fprintf(stderr, "too many paths compete\n");
    bench->build_ms = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / 1e6;
    bench->trie = freeze(pool, &root, &bench->trie_bytes);
    bench->requests = pool_alloc(pool, requests * sizeof *bench->requests);
    for (size_t i = 0; i < requests; i++) {
        struct str path = concrete(pool, routes[(size_t)rand() % route_count]);
        uint32_t steps = pathmap_steps(&bench->tree.map, path);

        bench->requests[i] = path;
        bench->unmatched += run_pathmap(bench, path) == 0;
        bench->most_steps = steps > bench->most_steps ? steps : bench->most_steps;
    }
}

static void tell(const struct bench *bench, const char *what)
{
    printf(
        "%s: %zu paths, built in %.1f ms; %zu bytes (%zu nodes, %zu slots, %zu of text, %zu trials), trie %zu "
        "bytes; %zu requests, %u steps at most, %zu without a path\n",
        what, bench->paths, bench->build_ms, pathtree_bytes(&bench->tree), bench->tree.nodes,
        bench->tree.slots, bench->tree.text_len, bench->tree.trials, bench->trie_bytes,
        bench->count, bench->most_steps, bench->unmatched);
}

/* Requests to the same map that differ from a path in their last byte alone. */
static void almost(struct bench *bench)
{
    struct bench other = *bench;

    other.requests = pool_alloc(bench->pool, other.count * sizeof *other.requests);
    for (size_t i = 0; i < other.count; i++) {
        struct str path = bench->requests[i];
        char *copy = pool_alloc(bench->pool, path.len + PATHMAP_AHEAD);

        memcpy(copy, path.at, path.len);
        copy[path.len - 1] ^= 1;
        other.requests[i] = (struct str){copy, path.len};
    }
    printf("the same, but for the last byte of each request:\n");
    compare(&other, 2);
}

/* Paths that only a trial tells apart, and a path of as many segments as there can be. */
static void worst(struct pool *pool)
{
    struct str trial[PATHMAP_TRIALS], deep;
    struct text text = {.pool = pool};
    struct bench bench;

    for (size_t i = 0; i < PATHMAP_TRIALS; i++)
        trial[i] = pool_printf(pool, "/files/{name}.type-%zu", i);
    bench_open(&bench, pool, trial, PATHMAP_TRIALS, 2000);
    tell(&bench, "a trial of the greatest length");
    compare(&bench, 2);
    for (size_t i = 0; i < PATHMAP_SEGMENTS / 2; i++)
        text_printf(&text, i % 2 ? "/literal-%zu/{p%zu}" : "/{p%zu}/l%zu", i, i);
    deep = text_str(&text);
    bench_open(&bench, pool, &deep, 1, 2000);
    tell(&bench, "the deepest path");
    compare(&bench, 2);
}

static struct str name_of(struct pool *pool, size_t i)
{
    static const char *const words[] = {
        "account", "billing", "catalog", "device", "event", "file",    "group", "invoice",
        "job",     "ledger",  "member",  "notice", "order", "payment", "quota", "region"};

    return i < 256 ? pool_printf(pool, "%s-%ss", words[i / 16], words[i % 16])
                   : pool_printf(pool, "%s-%ss-%zu", words[i / 16 % 16], words[i % 16], i / 256);
}

/* Twenty paths for each of many resources. */
static void synthetic(struct pool *pool, size_t count)
{
    struct str *routes = pool_alloc(pool, count * sizeof *routes);
    struct bench bench;

    for (size_t i = 0; i < count; i++) {
        struct str name = name_of(pool, i / 20), part = name_of(pool, i % 20);

        routes[i] =
            i % 20 == 0   ? pool_printf(pool, "/v1/%.*s", STR_ARG(name))
            : i % 20 == 1 ? pool_printf(pool, "/v1/%.*s/{id}", STR_ARG(name))
            : i % 20 < 11
                ? pool_printf(pool, "/v1/%.*s/{id}/%.*s", STR_ARG(name), STR_ARG(part))
                : pool_printf(pool, "/v1/%.*s/{id}/%.*s/{part}", STR_ARG(name), STR_ARG(part));
    }
    bench_open(&bench, pool, routes, count, 100000);
    tell(&bench, "synthetic");
    compare(&bench, 2);
}

int main(int argc, char **argv)
{
    struct pool pool;
    VEC(struct str) routes = {0};
    struct bench bench;
    char line[8192], method[32], path[8000];
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;

    if (!file || count == 0) {
        fprintf(stderr, "usage: matcher ROUTES [REQUESTS]\n");
        return 2;
    }
    pool_open(&pool, NULL);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%31s %7999s", method, path) == 2)
            *vec_add(&pool, &routes) = pool_copy(&pool, str_of(path));
    fclose(file);
    srand(42);
    bench_open(&bench, &pool, routes.at, routes.count, count);
    printf("%zu routes\n", routes.count);
    tell(&bench, argv[1]);
    compare(&bench, RUNS);
    almost(&bench);
    worst(&pool);
    synthetic(&pool, 10000);
    synthetic(&pool, 50000);
    pool_close(&pool);
    return bench.unmatched > 0;
}
