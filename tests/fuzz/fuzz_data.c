/* Small texts of JSON and YAML as trees. Whatever the input: reading ends, a refusal has a line and a sentence, a
 * tree is no deeper than promised, and what JSON alone takes YAML takes as well. */
#include <stdlib.h>

#include "base/data.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

static size_t walk(const struct data *data, unsigned depth)
{
    size_t count = 1;

    check(depth <= DATA_DEPTH);
    check(data->kind == DATA_LIST || data->kind == DATA_MAP || !data->first);
    for (const struct data *member = data->first; member; member = member->next)
        count += walk(member, depth + 1);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = {(const char *)bytes, size};
    struct pool pool;
    struct data_problem problem;
    const struct data *json, *yaml;

    pool_open(&pool, NULL);
    json = data_read_json(&pool, input, &problem);
    check(json || (problem.what && problem.line > 0));
    yaml = data_read_yaml(&pool, input, &problem);
    check(yaml || (problem.what && problem.line > 0));
    check(!json || yaml);
    if (yaml)
        check(walk(yaml, 0) <= size + 1);
    if (json)
        check(walk(json, 0) == walk(yaml, 0));
    pool_close(&pool);
    return 0;
}
