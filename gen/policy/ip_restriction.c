#include "policy/ip_restriction.h"

#include <stdlib.h>

#include "base/ip.h"
#include "member.h"
#include "policy/type.h"

struct raw {
    char *allow, *deny;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, allow, TEXTS_OR_RUNTIME),
    POLICY_CELL(struct raw, deny, TEXTS_OR_RUNTIME),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_network(struct policy_reader *r, const struct node *node, const char *what,
                         ir_networks *list)
{
    struct ir_network network = {0};
    struct said text;

    if (!setting_text(r->job, node, what, &text) || !setting_network(r->job, text))
        return;
    network.text = text.text;
    network.loc = text.loc;
    ip_parse_network(text.text, network.address, &network.bits);
    *vec_add(&r->job->pool, list) = network;
}

static void read_file(struct policy_reader *r, const struct node *node, const char *what,
                      struct str *file)
{
    struct ir_text text = {0};

    if (node->kind == NODE_MAP && !setting_runtime(r->job, node, what, &text))
        return;
    if (text.kind == IR_TEXT_FILE)
        *file = text.text;
    else
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'%s' must be a list of networks or {file: /path}", what);
}

static void read_list(struct policy_reader *r, const struct node *node, const char *what,
                      struct ir_ip_list *list)
{
    if (node == NULL)
        return;
    if (node->kind != NODE_LIST) {
        read_file(r, node, what, &list->file);
        return;
    }
    if (node->item_count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'%s' lists nothing", what);
    for (size_t i = 0; i < node->item_count; i++)
        read_network(r, node->items[i], what, &list->networks);
}

/* ---- entries that change nothing ---- */

struct entry {
    const struct ir_network *network;
    bool denies, is_v4;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = (int)y->is_v4 - (int)x->is_v4;

    if (order == 0)
        order = memcmp(x->network->address, y->network->address, 16);
    if (order == 0)
        order = (int)x->network->bits - (int)y->network->bits;
    if (order == 0)
        order = (int)y->denies - (int)x->denies;
    if (order == 0)
        order = (x->network > y->network) - (x->network < y->network);
    return order;
}

static void add_entries(const ir_networks *list, bool denies, struct entry *entries, size_t *count)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct ir_network *network = &list->at[i];
        entries[(*count)++] =
            (struct entry){network, denies, network->bits >= 96 && ip_is_v4(network->address)};
    }
}

/* Of the same family, since ::/0 has no IPv4 address in it. */
static bool covers(const struct entry *outer, const struct entry *inner)
{
    return outer != NULL && outer->is_v4 == inner->is_v4 &&
           outer->network->bits <= inner->network->bits &&
           ip_is_in(inner->network->address, outer->network->address, outer->network->bits);
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    return covers(a, b) && covers(b, a);
}

static void redundant(struct job *job, const struct entry *entry, const struct entry *by)
{
    diag_warn(&job->diags, entry->network->loc, "redundant-network",
              by->denies == entry->denies ? "'%.*s' changes nothing: '%.*s' has it, too"
                                          : "'%.*s' is never allowed: 'deny' has '%.*s'",
              STR_SHORT(entry->network->text), STR_SHORT(by->network->text));
}

/* Networks lie within each other or apart; sorted, each follows the one that it lies in. */
static void check_entries(struct job *job, const struct entry *entries, size_t count)
{
    const struct entry *outer[2] = {NULL, NULL}, *denied = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if (!entry->denies && is_same(denied, entry)) {
            diag_error(&job->diags, entry->network->loc, "contradiction",
                       "'%.*s' stands in 'allow' and in 'deny'", STR_SHORT(entry->network->text));
            diag_note(&job->diags, denied->network->loc, "denied here");
        } else if (covers(outer[entry->denies], entry)) {
            redundant(job, entry, outer[entry->denies]);
        } else {
            outer[entry->denies] = entry;
            if (covers(outer[true], entry) && !entry->denies)
                redundant(job, entry, outer[true]);
        }
        if (entry->denies)
            denied = entry;
    }
}

static void check(struct job *job, const struct ir_ip_restriction *said)
{
    size_t count = 0;
    struct entry *entries = pool_alloc(
        &job->pool, (said->allow.networks.count + said->deny.networks.count + 1) * sizeof *entries);

    add_entries(&said->deny.networks, true, entries, &count);
    add_entries(&said->allow.networks, false, entries, &count);
    qsort(entries, count, sizeof *entries, compare);
    check_entries(job, entries, count);
}

static void read_ip_restriction(struct policy_reader *r, const struct node *node, const void *from,
                                size_t count, void *out)
{
    const struct raw *raw = from;
    struct node *allow = policy_cell(r, raw->allow), *deny = policy_cell(r, raw->deny);
    struct ir_ip_restriction *said = out;

    (void)count;
    if (allow == NULL && deny == NULL)
        diag_error(&r->job->diags, node->loc, "missing-key",
                   "'ip_restriction' needs 'allow' or 'deny'");
    read_list(r, allow, "allow", &said->allow);
    read_list(r, deny, "deny", &said->deny);
    if (said->allow.file.len > 0 && str_eq(said->allow.file, said->deny.file))
        diag_error(&r->job->diags, deny->loc, "contradiction", "'allow' and 'deny' are one file");
    check(r->job, said);
}

const struct policy_type ip_restriction_type = {"ip_restriction", &schema, read_ip_restriction};
