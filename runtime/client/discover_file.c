#include "client/discover.h"
#include "client/file_finder.h"
#include "client/target_url.h"

enum { LABELS_MAX = 64, WEIGHT_MAX = 65535, PRIORITY_MAX = 65535 };

static bool has_only_known_keys(struct finder *finder, const struct data *map,
                                const char *const *known)
{
    for (const struct data *member = map->first; member; member = member->next) {
        const char *const *key = known;
        while (*key && !str_eq(member->key, str_of(*key)))
            key++;
        if (!*key)
            return finder_bad(finder, member->line,
                              pool_printf(&finder->pool, "'%.*s' is no key here",
                                          STR_ARG(str_head(member->key, 40)))
                                  .at);
    }
    return true;
}

static bool read_labels(struct finder *finder, const struct data *said,
                        struct gw_label labels[LABELS_MAX], size_t *count)
{
    *count = 0;
    if (!said)
        return true;
    if (said->kind != DATA_MAP)
        return finder_bad(finder, said->line, "'labels' is a map of names and values");
    for (const struct data *label = said->first; label; label = label->next) {
        if (*count == LABELS_MAX)
            return finder_bad(finder, label->line, "a target has too many labels");
        labels[*count].name = label->key;
        if (!data_text(label, &labels[(*count)++].value))
            return finder_bad(finder, label->line, "the value of a label is a text");
    }
    return true;
}

static bool read_target(struct finder *finder, const struct data *said)
{
    static const char *const keys[] = {"url", "weight", "priority", "zone", "labels", NULL};
    struct gw_label labels[LABELS_MAX];
    struct gw_target target;
    struct str url;
    uint64_t weight = 1, priority = 0;
    size_t label_count;

    if (said->kind != DATA_MAP || !data_text(data_get(said, "url"), &url))
        return finder_bad(finder, said->line, "a target is a map with a 'url'");
    if (!target_url_read(url, finder->config->is_https, &target))
        return finder_bad(finder, said->line,
                          finder->config->is_https
                              ? "'url' is https://HOST[:PORT][/PATH]: this upstream has TLS"
                              : "'url' is http://HOST[:PORT][/PATH] or unix:/PATH");
    if (!has_only_known_keys(finder, said, keys) ||
        !finder_number(finder, data_get(said, "weight"), "weight", WEIGHT_MAX, &weight) ||
        !finder_number(finder, data_get(said, "priority"), "priority", PRIORITY_MAX, &priority) ||
        !read_labels(finder, data_get(said, "labels"), labels, &label_count))
        return false;
    if (data_get(said, "zone") && !data_text(data_get(said, "zone"), &target.zone))
        return finder_bad(finder, said->line, "'zone' is a text");
    target.weight = (uint16_t)weight;
    target.priority = (uint16_t)priority;
    finder_add(finder, target, labels, label_count);
    return true;
}

static bool read_targets(struct finder *finder, const struct data *data)
{
    static const char *const keys[] = {"targets", NULL};
    const struct data *targets = data_get(data, "targets");

    if (!targets || targets->kind != DATA_LIST)
        return finder_bad(finder, data->line, "a list named 'targets' is missing");
    if (!has_only_known_keys(finder, data, keys))
        return false;
    for (const struct data *target = targets->first; target; target = target->next)
        if (!read_target(finder, target))
            return false;
    return true;
}

static void open_file(struct finder *finder)
{
    file_finder_open(finder, read_targets);
}

const struct discovery_source discover_file = {open_file, file_finder_close};
