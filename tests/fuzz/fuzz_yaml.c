/* Documents. The first byte chooses the file's name, and with it the rules. Whatever the input: reading
 * ends, either with a tree or with complaints in places that exist; a tree written as JSON or YAML reads as the
 * same tree; complaints can be printed in every format. */
#include <stdlib.h>

#include "base/text.h"
#include "yaml.h"
#include "yaml_write.h"

enum { NODES_MAX = 20000 };

static void check(bool fine)
{
    if (!fine)
        abort();
}

/* The nodes of a tree with shared ones counted again, at most NODES_MAX. */
static size_t count_nodes(const struct node *node, size_t count)
{
    count++;
    for (size_t i = 0; node->kind == NODE_LIST && i < node->item_count && count < NODES_MAX; i++)
        count = count_nodes(node->items[i], count);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->member_count && count < NODES_MAX; i++)
        count = count_nodes(node->members[i].value, count);
    return count;
}

static void check_places(const struct job *job)
{
    for (size_t i = 0; i < job->diags.list.count; i++) {
        struct loc loc = job->diags.list.at[i].loc;
        const struct source *source = source_get(&job->sources, loc.file);
        check(source && loc.line >= 1 && loc.line <= source->line_count && loc.col >= 1);
    }
}

static void print_all(struct job *job)
{
    for (int format = DIAG_TEXT; format <= DIAG_GITHUB; format++) {
        char *at = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&at, &len);
        diag_print(&job->diags, out, (enum diag_format)format, false);
        fclose(out);
        check(len > 0);
        free(at);
    }
}

/* What was written reads as the tree that it was written from. */
static void read_again(struct job *job, const char *name, struct str written, struct str as_json)
{
    struct text json = {.pool = &job->pool};
    struct node *again = yaml_read(job, source_add(&job->sources, str_of(name), written));

    check(again != NULL);
    node_json(again, &json, 2);
    check(str_eq(text_str(&json), as_json));
}

static void write_and_read_again(struct job *job, const struct node *tree)
{
    struct text json = {.pool = &job->pool}, yaml = {.pool = &job->pool};

    node_json(tree, &json, 2);
    read_again(job, "again.json", text_str(&json), text_str(&json));
    yaml_write(tree, &yaml);
    read_again(job, "again.yaml", text_str(&yaml), text_str(&json));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job;
    struct node *tree;

    if (size == 0)
        return 0;
    job_begin(&job);
    tree = yaml_read(&job, source_add(&job.sources, data[0] == 'j' ? STR("x.json") : STR("x.yaml"),
                                      (struct str){(const char *)data + 1, size - 1}));
    check((tree == NULL) == diag_failed(&job.diags));
    check_places(&job);
    if (!tree)
        print_all(&job);
    else if (count_nodes(tree, 0) < NODES_MAX)
        write_and_read_again(&job, tree);
    pool_close(&job.pool);
    return 0;
}
