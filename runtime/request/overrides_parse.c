#include "base/data.h"
#include "base/log.h"
#include "request/overrides.h"

enum { NAME_SHOWN = 200 };

static const struct str levels[] = {
    [LOG_DEBUG] = STR_INIT("debug"),
    [LOG_INFO] = STR_INIT("info"),
    [LOG_WARN] = STR_INIT("warn"),
    [LOG_ERROR] = STR_INIT("error"),
};
enum { LEVELS = sizeof levels / sizeof *levels };

static bool fail(struct overrides_problem *problem, uint32_t line, struct str what)
{
    *problem = (struct overrides_problem){line, what};
    return false;
}

static bool read_level(const struct data *data, uint32_t *word)
{
    struct str text;

    if (!data_text(data, &text))
        return false;
    for (uint32_t i = 0; i < LEVELS; i++) {
        if (!str_eq(text, levels[i]))
            continue;
        *word = i;
        return true;
    }
    return false;
}

static bool read_value(const struct gw_runtime_value *value, struct pool *pool,
                       const struct data *data, uint32_t *word, struct overrides_problem *problem)
{
    uint64_t number;
    bool truth;

    switch (value->kind) {
    case GW_RUNTIME_NUMBER:
        if (data_number(data, &number) && number >= value->min && number <= value->max) {
            *word = (uint32_t)number;
            return true;
        }
        return fail(problem, data->line,
                    pool_printf(pool, "'%.*s' must be a number from %u to %u", STR_ARG(value->name),
                                value->min, value->max));
    case GW_RUNTIME_SWITCH:
        if (data_truth(data, &truth)) {
            *word = truth;
            return true;
        }
        return fail(problem, data->line,
                    pool_printf(pool, "'%.*s' must be true or false", STR_ARG(value->name)));
    case GW_RUNTIME_LEVEL:
        break;
    }
    return read_level(data, word) ||
           fail(problem, data->line,
                pool_printf(pool, "'%.*s' must be debug, info, warn or error",
                            STR_ARG(value->name)));
}

static bool read_member(const struct gw_runtime *runtime, struct pool *pool,
                        const struct data *member, struct override *overrides,
                        struct overrides_problem *problem)
{
    for (uint32_t i = 0; i < runtime->count; i++) {
        if (!str_eq(runtime->values[i].name, member->key))
            continue;
        overrides[i].line = member->line;
        return read_value(&runtime->values[i], pool, member, &overrides[i].word, problem);
    }
    return fail(
        problem, member->line,
        pool_printf(pool, "no value is called '%.*s'", STR_ARG(str_head(member->key, NAME_SHOWN))));
}

/* Weights of which one is needed: where the file leaves none, its last word on them is the culprit. */
static bool check_sum(const struct gw_runtime *runtime, struct pool *pool,
                      const struct override *overrides, uint32_t first,
                      struct overrides_problem *problem)
{
    uint32_t last = first;

    for (uint32_t i = 0; i < runtime->count; i++) {
        if (runtime->values[i].sum != runtime->values[first].sum)
            continue;
        if (overrides[i].word > 0)
            return true;
        if (overrides[i].line > overrides[last].line)
            last = i;
    }
    return fail(problem, overrides[last].line,
                pool_printf(pool, "with '%.*s' all weights of the choice are 0",
                            STR_ARG(runtime->values[last].name)));
}

static bool check_sums(const struct gw_runtime *runtime, struct pool *pool,
                       const struct override *overrides, struct overrides_problem *problem)
{
    for (uint32_t i = 0; i < runtime->count; i++)
        if (runtime->values[i].sum > 0 && overrides[i].line > 0 && overrides[i].word == 0 &&
            !check_sum(runtime, pool, overrides, i, problem))
            return false;
    return true;
}

bool overrides_parse(const struct gw_runtime *runtime, struct pool *pool, struct str text,
                     struct override *overrides, struct overrides_problem *problem)
{
    struct data_problem unreadable = {0};
    const struct data *data = data_read_yaml(pool, text, &unreadable);

    for (uint32_t i = 0; i < runtime->count; i++)
        overrides[i] = (struct override){.word = runtime->values[i].normal};
    if (!data)
        return fail(problem, unreadable.line, str_of(unreadable.what));
    if (data->kind == DATA_NULL)
        return true;
    if (data->kind != DATA_MAP)
        return fail(problem, data->line, STR("it must be a map of names and values"));
    for (const struct data *member = data->first; member; member = member->next)
        if (!read_member(runtime, pool, member, overrides, problem))
            return false;
    return check_sums(runtime, pool, overrides, problem);
}

struct str overrides_word(const struct gw_runtime_value *value, uint32_t word, struct pool *pool)
{
    switch (value->kind) {
    case GW_RUNTIME_SWITCH:
        return word ? STR("true") : STR("false");
    case GW_RUNTIME_LEVEL:
        return levels[word < LEVELS ? word : LOG_ERROR];
    case GW_RUNTIME_NUMBER:
        break;
    }
    return pool_printf(pool, "%u", word);
}
