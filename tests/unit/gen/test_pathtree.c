/* The matcher's tables against precedence cases and a naive matcher. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/map.h"
#include "base/text.h"
#include "templates.h"

enum { MOST = 64 };

static uint64_t random_state = 88172645463325252;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 20) % below;
}

/* ---- precedence, one case a row ---- */

struct precedence {
    const char *templates[8];
    struct {
        const char *path;
        int want;           /* index, or -1 */
        const char *params; /* joined by '|' */
    } asks[8];
};

static const struct precedence cases[] = {
    {{"/"}, {{"/", 0, ""}, {"//", -1, ""}, {"/a", -1, ""}}},
    {{"/pets", "/pets/"}, {{"/pets", 0, ""}, {"/pets/", 1, ""}, {"/pets//", -1, ""}}},
    {{"/pets/{id}", "/pets/mine"},
     {{"/pets/mine", 1, ""}, {"/pets/min", 0, "min"}, {"/pets/", -1, ""}}},
    {{"/{a}/b", "/a/{b}"},
     {{"/a/b", 1, "b"}, {"/x/b", 0, "x"}, {"/a/c", 1, "c"}, {"/x/y", -1, ""}}},
    /* at the first differing segment, whatever comes behind it; and falling back when it fails there */
    {{"/{a}/{b}/c", "/a/{b}/{c}", "/{a}/b/d"},
     {{"/a/b/c", 1, "b|c"}, {"/x/b/c", 0, "x|b"}, {"/a/b/d", 1, "b|d"}, {"/x/b/d", 2, "x"}}},
    {{"/a/x/1", "/{p}/x/2", "/a/{q}/3", "/{p}/{q}/4"},
     {{"/a/x/1", 0, ""},
      {"/a/x/2", 1, "a"},
      {"/a/x/3", 2, "x"},
      {"/a/x/4", 3, "a|x"},
      {"/a/x/5", -1, ""},
      {"/b/x/1", -1, ""}}},
    /* mixed beats parameter, longer text first */
    {{"/{sid}.json", "/{sid}", "/x.json"},
     {{"/a.json", 0, "a"},
      {"/a.xml", 1, "a.xml"},
      {"/x.json", 2, ""},
      {"/.json", 1, ".json"},
      {"/x.json.json", 0, "x.json"}}},
    {{"/{id}:cancel", "/{id}:cancelAll", "/{id}"},
     {{"/7:cancel", 0, "7"},
      {"/7:cancelAll", 1, "7"},
      {"/7:", 2, "7:"},
      {"/:cancel", 2, ":cancel"}}},
    {{"/c/{base}...{head}", "/c/{sha}"},
     {{"/c/a...b", 0, "a|b"},
      {"/c/a...b...c", 0, "a|b...c"},
      {"/c/...b", 1, "...b"},
      {"/c/a...", 1, "a..."},
      {"/c/a....b", 0, "a|.b"}}},
    {{"/v{major}.{minor}/x", "/{v}/x"},
     {{"/v1.2/x", 0, "1|2"}, {"/v1/x", 1, "v1"}, {"/v./x", 1, "v."}, {"/v1.2.3/x", 0, "1|2.3"}}},
    {{"/{a}-{b}-{c}"},
     {{"/1-2-3", 0, "1|2|3"},
      {"/1-2-3-4", 0, "1|2|3-4"},
      {"/1--3", -1, ""},
      {"/---", -1, ""},
      {"/-----", 0, "-|-|-"}}},
    /* tails take the rest, may be empty, and give way to all else */
    {{"/files/{rest*}", "/files/{id}", "/files/{id}/meta"},
     {{"/files/", 0, ""},
      {"/files/a", 1, "a"},
      {"/files/a/meta", 2, "a"},
      {"/files/a/b/c", 0, "a/b/c"},
      {"/files//x", 0, "/x"},
      {"/files", -1, ""}}},
    {{"/{rest*}"}, {{"/", 0, ""}, {"/a", 0, "a"}, {"//", 0, "/"}, {"/a/b/", 0, "a/b/"}}},
    {{"/{a}/{rest*}", "/x/{id}.json"},
     {{"/x/1.json", 1, "1"}, {"/x/1.xml", 0, "x|1.xml"}, {"//a", -1, ""}, {"/y/", 0, "y|"}}},
    {{"/a//b", "/a/{x}/b"}, {{"/a//b", 0, ""}, {"/a/c/b", 1, "c"}, {"/a///b", -1, ""}}},
    {{"/a/{x}/", "/a/{x}"}, {{"/a/1/", 0, "1"}, {"/a/1", 1, "1"}, {"/a//", -1, ""}}},
    /* GitHub's crossing templates */
    {{"/repos/{o}/{r}/{x}/latest", "/repos/{o}/{r}/releases/{id}",
      "/repos/{o}/{r}/releases/latest"},
     {{"/repos/a/b/releases/latest", 2, "a|b"},
      {"/repos/a/b/releases/1", 1, "a|b|1"},
      {"/repos/a/b/c/latest", 0, "a|b|c"}}},
    {{"/a-literal-that-is-longer-than-twenty-four-bytes/{x}",
      "/a-literal-that-is-longer-than-twenty-four-bytez/{x}"},
     {{"/a-literal-that-is-longer-than-twenty-four-bytez/1", 1, "1"},
      {"/a-literal-that-is-longer-than-twenty-four-bytes/1", 0, "1"},
      {"/a-literal-that-is-longer-than-twenty-four-byteS/1", -1, ""}}},
};

static size_t build(struct pool *pool, const char *const *texts, size_t most, struct pathtree *tree)
{
    struct pathtree_template templates[MOST];
    size_t count = 0;

    for (; count < most && texts[count]; count++)
        templates[count] = templates_parse(pool, str_of(texts[count]));
    assert_true(pathtree_build(pool, templates, count, false, tree));
    return count;
}

/* The quick way finds what the careful one finds, whatever stands behind the path. */
static int32_t find(const struct pathtree *tree, struct str path, struct str *params)
{
    struct str quick[PATHMAP_PARAMS];
    size_t room = path.len + PATHMAP_AHEAD;
    char *padded = malloc(room);
    int32_t want = pathmap_find(&tree->map, path, params);

    for (int filler = 0; filler < 3; filler++) {
        memset(padded, "/a\xFF"[filler], room);
        memcpy(padded, path.at, path.len);
        for (size_t readable = path.len; readable <= room; readable += room - path.len) {
            int32_t got =
                pathmap_find_ahead(&tree->map, (struct str){padded, path.len}, readable, quick);

            if (got != want)
                fail_msg("%.*s: %d quickly, %d slowly", STR_ARG(path), (int)got, (int)want);
            for (uint32_t i = 0; got >= 0 && i < pathmap_params(&tree->map, (uint32_t)got); i++)
                assert_true(quick[i].at - padded == params[i].at - path.at &&
                            quick[i].len == params[i].len);
        }
    }
    free(padded);
    return want;
}

static void ask(const struct pathtree *tree, const char *path, int want, const char *params)
{
    struct str found[PATHMAP_PARAMS];
    char joined[256] = "", *exact = malloc(strlen(path));
    size_t len = 0;
    struct str asked = {memcpy(exact, path, strlen(path)), strlen(path)};
    int32_t got = find(tree, asked, found);

    for (uint32_t i = 0; got >= 0 && i < pathmap_params(&tree->map, (uint32_t)got); i++) {
        len += (size_t)snprintf(joined + len, sizeof joined - len, "%s%.*s", i ? "|" : "",
                                STR_ARG(found[i]));
        assert_true(found[i].at >= asked.at && found[i].at + found[i].len <= asked.at + asked.len);
    }
    if (got != want || (got >= 0 && strcmp(joined, params) != 0))
        fail_msg("%s: %d (%s), not %d (%s)", path, (int)got, joined, want, params);
    free(exact);
}

static void test_precedence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool pool;
        struct pathtree tree;

        pool_open(&pool, NULL);
        build(&pool, cases[i].templates, 8, &tree);
        for (size_t j = 0; j < 8 && cases[i].asks[j].path; j++)
            ask(&tree, cases[i].asks[j].path, cases[i].asks[j].want, cases[i].asks[j].params);
        pool_close(&pool);
    }
}

static void test_nothing_and_nonsense(void **state)
{
    static const char *const one[] = {"/a", NULL};
    struct pool pool;
    struct pathtree tree;
    struct str params[PATHMAP_PARAMS];
    char *huge = malloc(1 << 17);

    (void)state;
    pool_open(&pool, NULL);
    assert_true(pathtree_build(&pool, NULL, 0, false, &tree));
    assert_int_equal(pathmap_find(&tree.map, STR("/"), params), PATHMAP_NONE);
    assert_int_equal(pathmap_find(&tree.map, STR("/a/b"), params), PATHMAP_NONE);
    build(&pool, one, 2, &tree);
    assert_int_equal(pathmap_find(&tree.map, STR(""), params), PATHMAP_NONE);
    assert_int_equal(pathmap_find(&tree.map, STR("a"), params), PATHMAP_NONE);
    memset(huge, '/', 1 << 17);
    assert_int_equal(pathmap_find(&tree.map, (struct str){huge, 1 << 17}, params), PATHMAP_NONE);
    assert_int_equal(pathmap_find(&tree.map, (struct str){huge, PATHMAP_PATH}, params),
                     PATHMAP_NONE);
    memset(huge + 1, 'a', PATHMAP_PATH);
    assert_int_equal(pathmap_find(&tree.map, (struct str){huge, PATHMAP_PATH}, params),
                     PATHMAP_NONE);
    free(huge);
    pool_close(&pool);
}

static void test_case(void **state)
{
    struct pool pool;
    struct pathtree tree;
    struct str params[PATHMAP_PARAMS];
    struct pathtree_template template;

    (void)state;
    pool_open(&pool, NULL);
    template = templates_parse(&pool, STR("/Pets/{id}/Photo%2F"));
    assert_true(pathtree_build(&pool, &template, 1, true, &tree));
    assert_int_equal(pathmap_find(&tree.map, STR("/pets/7/photo%2f"), params), 0);
    pool_close(&pool);
}

/* ---- against a matcher that tries everything ---- */

static struct str next_segment(struct str *rest)
{
    struct str segment = str_head(str_from(*rest, 1), str_find(str_from(*rest, 1), '/'));

    *rest = str_from(*rest, 1 + segment.len);
    return segment;
}

static bool naive_parts(const struct ir_part *parts, size_t count, struct str text)
{
    if (count == 0)
        return text.len == 0;
    if (parts->param < 0)
        return str_starts(text, parts->literal) &&
               naive_parts(parts + 1, count - 1, str_from(text, parts->literal.len));
    for (size_t len = 1; len <= text.len; len++)
        if (naive_parts(parts + 1, count - 1, str_from(text, len)))
            return true;
    return false;
}

static bool naive_match(const struct pathtree_template *template, struct str path)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct ir_segment *segment = &template->segments[i];

        if (path.len == 0)
            return false;
        if (segment->tail)
            return true;
        if (!naive_parts(segment->parts.at, segment->parts.count, next_segment(&path)))
            return false;
    }
    return template->trailing_slash ? str_eq(path, STR("/")) : path.len == 0;
}

static size_t text_in(const struct ir_segment *segment)
{
    size_t len = 0;

    for (size_t i = 0; i < segment->parts.count; i++)
        len += segment->parts.at[i].param < 0 ? segment->parts.at[i].literal.len : 0;
    return len;
}

/* 0 literal, 1 mixed, 2 parameter, 3 tail */
static int kind_of(const struct pathtree_template *template, size_t i)
{
    const struct ir_segment *segment = &template->segments[i];

    if (i >= template->count || segment->parts.count == 0)
        return 0;
    if (segment->tail)
        return 3;
    if (segment->parts.count == 1)
        return segment->parts.at[0].param < 0 ? 0 : 2;
    return 1;
}

static bool naive_beats(const struct pathtree_template *a, const struct pathtree_template *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (kind_of(a, i) != kind_of(b, i))
            return kind_of(a, i) < kind_of(b, i);
        if (kind_of(a, i) == 1 && text_in(&a->segments[i]) != text_in(&b->segments[i]))
            return text_in(&a->segments[i]) > text_in(&b->segments[i]);
    }
    /* a trailing slash is an empty literal, which beats a tail */
    return a->count < b->count && kind_of(b, a->count) == 3;
}

static int naive_find(const struct pathtree_template *templates, size_t count, struct str path)
{
    int best = -1;

    for (size_t i = 0; i < count; i++)
        if (naive_match(&templates[i], path) &&
            (best < 0 || naive_beats(&templates[i], &templates[best])))
            best = (int)i;
    return best;
}

static const char *const words[] = {
    "a",
    "b",
    "ab",
    "abcdefgh",
    "abcdefghi",
    "a.json",
    "x.b",
    "list",
    "",
    "zzzzzzzzzzzzzzzzzzzz",
    "zzzzzzzzyzzzzzzzzzzz",
    "comments",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
};
static const char *const shapes[] = {"{p}",     "{p}",  "{p}",  "{p}.json",
                                     "{p}.{q}", "x{p}", "{p}b", "a{p}b{q}"};

static struct str random_template(struct pool *pool)
{
    struct text out = {.pool = pool};
    uint32_t segments = draw(6);

    for (uint32_t i = 0; i < segments; i++) {
        bool literal = draw(10) < 6;

        text_byte(&out, '/');
        text_add(&out, str_of(literal ? words[draw(13)] : shapes[draw(8)]));
    }
    if (draw(8) == 0)
        text_add(&out, STR("/{t*}"));
    else if (segments == 0 || draw(8) == 0)
        text_byte(&out, '/');
    return text_str(&out);
}

static struct str random_path(struct pool *pool)
{
    static const char *const values[] = {"v",    "x.json", "1.b", "xb",
                                         "a1b2", "b.b.b",  "q",   "abcdefgX"};
    struct text out = {.pool = pool};
    uint32_t segments = draw(12) == 0 ? draw(40) : draw(7);

    for (uint32_t i = 0; i < segments; i++) {
        text_byte(&out, '/');
        text_add(&out, str_of(draw(3) ? words[draw(13)] : values[draw(8)]));
    }
    if (segments == 0 || draw(6) == 0)
        text_byte(&out, '/');
    return text_str(&out);
}

/* The template's shape: names of parameters do not count. */
static struct str shape_key(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};

    for (size_t i = 0; i < text.len; i++) {
        text_byte(&out, text.at[i]);
        if (text.at[i] == '{' && text.at[i + 1] != 't')
            while (text.at[i + 1] != '}')
                i++;
    }
    return text_str(&out);
}

static void one_round(uint32_t size)
{
    struct pool pool;
    struct pathtree tree;
    struct pathtree_template templates[MOST];
    struct map seen = {0};
    struct text all = {.pool = &pool};
    size_t count = 0;

    pool_open(&pool, NULL);
    while (count < size) {
        struct str text = random_template(&pool);

        if (map_set(&seen, &pool, shape_key(&pool, text), &pool)) {
            size--;
            continue;
        }
        text_printf(&all, " %.*s", STR_ARG(text));
        templates[count++] = templates_parse(&pool, text);
    }
    if (count == 0 || !pathtree_build(&pool, templates, count, false, &tree)) {
        pool_close(&pool);
        return;
    }
    for (int i = 0; i < 300; i++) {
        struct str path = random_path(&pool), params[PATHMAP_PARAMS];
        char *exact = memcpy(malloc(path.len), path.at, path.len);
        int32_t got = find(&tree, (struct str){exact, path.len}, params);
        int want = naive_find(templates, count, path);

        /* of mixed segments with as much text either may win */
        bool tie = got >= 0 && want >= 0 && !naive_beats(&templates[want], &templates[got]) &&
                   naive_match(&templates[got], path);
        if (got != want && !tie)
            fail_msg("%.*s: %d, not %d, of%.*s", STR_ARG(path), (int)got, want, (int)all.len,
                     all.at);
        free(exact);
    }
    pool_close(&pool);
}

static void test_random_sets(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++)
        one_round(1 + draw(MOST - 1));
}

/* ---- size ---- */

static void build_many(size_t count, bool one_segment)
{
    struct pool pool;
    struct pathtree tree;
    struct pathtree_template *templates;
    struct str params[PATHMAP_PARAMS];
    clock_t start = clock();

    pool_open(&pool, NULL);
    templates = pool_alloc(&pool, count * sizeof *templates);
    for (size_t i = 0; i < count; i++)
        templates[i] = templates_parse(
            &pool, one_segment
                       ? pool_printf(&pool, "/resource-number-%zu-of-many", i)
                       : pool_printf(&pool, "/service%zu/items/{id}/part%zu", i % 97, i / 97));
    assert_true(pathtree_build(&pool, templates, count, false, &tree));
    for (size_t i = 0; i < count; i++) {
        struct str path =
            one_segment ? pool_printf(&pool, "/resource-number-%zu-of-many", i)
                        : pool_printf(&pool, "/service%zu/items/%zu/part%zu", i % 97, i, i / 97);

        assert_int_equal(pathmap_find(&tree.map, path, params), i);
        path.len--;
        assert_int_not_equal(pathmap_find(&tree.map, path, params), i);
    }
    print_message("%zu paths: %.2f s, %.1f bytes a path\n", count,
                  (double)(clock() - start) / CLOCKS_PER_SEC,
                  (double)pathtree_bytes(&tree) / (double)count);
    pool_close(&pool);
}

static void test_many(void **state)
{
    (void)state;
    build_many(10000, false);
    build_many(50000, false);
    build_many(50000, true);
}

/* Number i of a big API: ten paths for each of many resources, the names of which begin alike or not. With `id` NULL
 * the template. */
static struct str api_path(struct pool *pool, size_t i, const char *id)
{
    static const char *const kinds[] = {"account", "customer-notification", "file", "x"};
    static const char *const tails[] = {"",         "/{}",         "/search",  "/{}/events",
                                        "/{}/tags", "/{}/tags/{}", "/{}/{}/x", "/{}/settings/email",
                                        "/tags/{}", "/{}.json"};
    const char *tail = tails[i % 10];
    struct text out = {.pool = pool};

    text_printf(&out, "/v1/%s-%zu-entries", kinds[i / 10 % 4], i / 10);
    for (char name = 'a'; *tail; tail++)
        if (*tail == '{')
            text_add(&out, id ? str_of(id) : pool_printf(pool, "{%c}", name++)), tail++;
        else
            text_byte(&out, *tail);
    return text_str(&out);
}

static uint32_t big_map(size_t count, size_t samples)
{
    struct pool pool;
    struct pathtree tree;
    struct pathtree_template *templates;
    struct str params[PATHMAP_PARAMS];
    uint32_t most = 0;

    pool_open(&pool, NULL);
    templates = pool_alloc(&pool, count * sizeof *templates);
    for (size_t i = 0; i < count; i++)
        templates[i] = templates_parse(&pool, api_path(&pool, i, NULL));
    assert_true(pathtree_build(&pool, templates, count, false, &tree));
    for (size_t i = 0; i < count; i++) {
        struct str path = api_path(&pool, i, "id-7"), wrong = path;
        uint32_t steps = pathmap_steps(&tree.map, path);

        if (find(&tree, path, params) != (int32_t)i)
            fail_msg("%.*s is not path %zu", STR_ARG(path), i);
        for (uint32_t j = 0; j < pathmap_params(&tree.map, (uint32_t)i); j++)
            assert_true(str_eq(params[j], STR("id-7")));
        wrong.len -= (size_t)(str_cmp(str_from(path, path.len - 4), STR("id-7")) == 0 ? 5 : 1);
        assert_int_not_equal(find(&tree, wrong, params), i);
        most = steps > most ? steps : most;
    }
    for (size_t i = 0; i < samples; i++) {
        struct str path = api_path(&pool, draw((uint32_t)count), draw(2) ? "tags" : "settings");

        assert_int_equal(find(&tree, path, params), naive_find(templates, count, path));
    }
    assert_true(pathtree_bytes(&tree) < 100 * count + 4096);
    pool_close(&pool);
    return most;
}

/* As many steps to a path of 50,000 as to one of 100. */
static void test_big_maps(void **state)
{
    uint32_t most = big_map(100, 1000);

    (void)state;
    assert_true(most <= 5);
    assert_int_equal(big_map(1000, 1000), most);
    assert_int_equal(big_map(10000, 200), most);
    assert_int_equal(big_map(50000, 50), most);
}

/* Templates that cross each other: every pair has requests of its own. What would explode is refused. */
static void test_explosion(void **state)
{
    struct pool pool;
    struct pathtree tree;
    struct pathtree_template templates[60];

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < 60; i++) {
        struct text text = {.pool = &pool};

        for (size_t j = 0; j < 60; j++)
            text_printf(&text, j == i ? "/x" : "/{p%zu}", j);
        templates[i] = templates_parse(&pool, text_str(&text));
    }
    assert_true(!pathtree_build(&pool, templates, 60, false, &tree) || tree.nodes < 100000);
    pool_close(&pool);
}

static void test_trial_limit(void **state)
{
    struct pool pool;
    struct pathtree tree;
    struct pathtree_template templates[60];

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < 60; i++)
        templates[i] = templates_parse(&pool, pool_printf(&pool, "/{id}.type%zu", i));
    assert_false(pathtree_build(&pool, templates, 60, false, &tree));
    assert_true(tree.crowd_count == 60);
    assert_true(pathtree_build(&pool, templates, PATHMAP_TRIALS, false, &tree));
    ask(&tree, "/a.type7", 7, "a");
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence), cmocka_unit_test(test_nothing_and_nonsense),
        cmocka_unit_test(test_case),       cmocka_unit_test(test_trial_limit),
        cmocka_unit_test(test_explosion),  cmocka_unit_test(test_random_sets),
        cmocka_unit_test(test_many),       cmocka_unit_test(test_big_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
