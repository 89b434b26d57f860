/* matcher: nanoseconds per match over a real route list, beside a plain segment trie.
 *
 *   matcher ROUTES [REQUESTS]     ROUTES: "METHOD /template" lines; so many random requests (default 20000)
 *
 * Warm: the tables stay in the caches. Cold: they are thrown out of them before each request. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/templates.h"
#include "base/map.h"
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

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static volatile uint32_t sink;

enum { ROUNDS = 25, COLD = 2000, COLD_BYTES = 64 << 20 };

struct bench {
    struct pathtree tree;
    struct fast *trie;
    struct str *requests;
    size_t count;
};

static uint32_t run_pathmap(const struct bench *bench, struct str path)
{
    struct str params[PATHMAP_PARAMS];

    return (uint32_t)pathmap_find_ahead(&bench->tree.map, path, path.len + PATHMAP_AHEAD, params) +
           1;
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

typedef uint32_t run_fn(const struct bench *bench, struct str path);

static void warm(const char *name, const struct bench *bench, run_fn *run)
{
    double best = 1e18;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();

        for (size_t i = 0; i < bench->count; i++)
            sink += run(bench, bench->requests[i]);
        double each = (now_ns() - start) / (double)bench->count;
        best = each < best ? each : best;
    }
    printf("%-28s %7.1f ns warm", name, best);
}

static void cold(const struct bench *bench, run_fn *run)
{
    volatile char *trash = pool_xmalloc(COLD_BYTES);
    double sum = 0, clock = 0;

    for (int i = 0; i < COLD / 20; i++) {
        struct str path = bench->requests[(size_t)i * 37 % bench->count];

        for (size_t j = 0; j < COLD_BYTES; j += 64)
            trash[j]++;
        sink += (uint32_t)path.at[0] + (uint32_t)path.at[path.len - 1];
        double start = now_ns();
        clock += now_ns() - start;
        start = now_ns();
        sink += run(bench, path);
        sum += now_ns() - start;
    }
    printf(" %7.0f ns cold\n", (sum - clock) / (COLD / 20));
    free((void *)trash);
}

/* A concrete path for a template. */
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
    memset(out + len, ' ', PATHMAP_AHEAD); /* in a head something follows */
    return str_head(pool_copy(pool, (struct str){out, len + PATHMAP_AHEAD}), len);
}

int main(int argc, char **argv)
{
    struct pool pool;
    struct trie root = {0};
    struct bench bench = {.count = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000};
    VEC(struct str) routes = {0};
    VEC(struct pathtree_template) templates = {0};
    struct map seen = {0};
    char line[8192], method[32], path[8000];
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    size_t trie_bytes = 0, wrong = 0;

    if (!file || bench.count == 0) {
        fprintf(stderr, "usage: matcher ROUTES [REQUESTS]\n");
        return 2;
    }
    pool_open(&pool, NULL);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%31s %7999s", method, path) == 2) {
            struct str text = pool_copy(&pool, str_of(path));

            *vec_add(&pool, &routes) = text;
            if (map_set(&seen, &pool, text, &root))
                continue;
            trie_add(&pool, &root, text, (uint32_t)templates.count);
            *vec_add(&pool, &templates) = templates_parse(&pool, text);
        }
    fclose(file);

    double start = now_ns();
    bool built = pathtree_build(&pool, templates.at, templates.count, false, &bench.tree);
    printf("%zu routes, %zu paths; built in %.1f ms%s\n", routes.count, templates.count,
           (now_ns() - start) / 1e6, built ? "" : ": too many compete");
    bench.trie = freeze(&pool, &root, &trie_bytes);
    bench.requests = pool_alloc(&pool, bench.count * sizeof *bench.requests);
    srand(42);
    for (size_t i = 0; i < bench.count; i++) {
        bench.requests[i] = concrete(&pool, routes.at[(size_t)rand() % routes.count]);
        wrong += run_pathmap(&bench, bench.requests[i]) == 0;
    }
    printf("tables %zu bytes: %zu nodes, %zu slots, %zu of text, %zu pieces, %zu trials; trie %zu "
           "bytes\n",
           pathtree_bytes(&bench.tree), bench.tree.nodes, bench.tree.slots, bench.tree.text_len,
           bench.tree.pieces, bench.tree.trials, trie_bytes);
    printf("%zu requests, %zu without a path\n", bench.count, wrong);
    warm("pathmap", &bench, run_pathmap);
    cold(&bench, run_pathmap);
    warm("pathmap and normal form", &bench, run_normalised);
    cold(&bench, run_normalised);
    warm("segment trie", &bench, run_trie);
    cold(&bench, run_trie);
    pool_close(&pool);
    return wrong > 0;
}
