/* JSONPath: a document, a line of three dashes, a query. Whatever the input: a query is refused once, in a
 * place, or selects nodes that can be reached on the way it tells; and an overlay that removes what it
 * selects leaves the document as it was. */
#include <stdlib.h>

#include "base/text.h"
#include "jsonpath.h"
#include "overlay.h"
#include "yaml.h"

enum { LONGEST = 4096 };

static void check(bool fine)
{
    if (!fine)
        abort();
}

static const struct node *child(const struct node *node, size_t index)
{
    if (node->kind == NODE_MAP)
        return index < node->member_count ? node->members[index].value : NULL;
    return node->kind == NODE_LIST && index < node->item_count ? node->items[index] : NULL;
}

static void check_hits(const struct jsonpath_hits *hits, const struct node *root)
{
    for (size_t i = 0; i < hits->list.count; i++) {
        const struct jsonpath_hit *hit = hits->list.at[i];
        for (; hit->parent; hit = hit->parent)
            check(child(hit->parent->node, hit->index) == hit->node);
        check(hit->node == root);
    }
}

static void check_overlay(struct job *job, struct node *root, struct str query)
{
    struct text overlay = {.pool = &job->pool}, before = {.pool = &job->pool},
                after = {.pool = &job->pool};

    text_add(&overlay, STR("{\"overlay\":\"1.0.0\",\"actions\":[{\"target\":"));
    text_json(&overlay, query);
    text_add(&overlay, STR(",\"update\":{\"x\":[1]}},{\"remove\":true,\"target\":"));
    text_json(&overlay, query);
    text_add(&overlay, STR("}]}"));
    node_json(root, &before, 0);
    overlay_apply(job, root, source_add(&job->sources, STR("o.json"), text_str(&overlay)));
    node_json(root, &after, 0);
    check(str_eq(text_str(&before), text_str(&after)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size}, document, query;
    size_t split = str_find_str(input, STR("\n---\n"));
    struct jsonpath_hits hits = {0};
    struct jsonpath *path;
    struct node *root;
    struct job job;

    if (split == input.len || size > LONGEST)
        return 0;
    document = str_head(input, split);
    query = str_from(input, split + 5);
    if (str_find(document, '&') < document.len)
        return 0; /* what aliases multiply is the business of fuzz_yaml */
    job_begin(&job);
    root = yaml_read(&job, source_add(&job.sources, STR("doc"), document));
    if (root) {
        uint32_t file = source_add(&job.sources, STR("query"), query);
        path = jsonpath_parse(&job, query, (struct loc){file, 1, 1});
        check((path == NULL) == diag_failed(&job.diags));
        if (path && jsonpath_select(&job, path, root, &hits)) {
            check_hits(&hits, root);
            check_overlay(&job, root, query);
        }
    }
    pool_close(&job.pool);
    return 0;
}
