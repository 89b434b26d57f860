#include "jsonpath_query.h"

/* How many nodes one query may look at: filters in descendants of descendants multiply. */
enum { VISITS_MAX = 10 * 1000 * 1000 };

struct search {
    struct pool *pool;
    struct jsonpath_hit *root;
    size_t visits;
};

static size_t child_count(const struct node *node)
{
    if (node->kind == NODE_MAP)
        return node->member_count;
    return node->kind == NODE_LIST ? node->item_count : 0;
}

static struct jsonpath_hit *child(struct search *s, const struct jsonpath_hit *hit, size_t index)
{
    struct jsonpath_hit *found = pool_take(s->pool, sizeof *found);
    const struct node *node = hit->node;

    *found = (struct jsonpath_hit){
        .node = node->kind == NODE_MAP ? node->members[index].value : node->items[index],
        .parent = hit,
        .index = index,
    };
    return found;
}

/* False once the search has looked at too much: then it finds nothing more. */
static bool may_visit(struct search *s, size_t count)
{
    s->visits += count;
    return s->visits <= VISITS_MAX;
}

static void select_query(struct search *s, const struct query *query, struct jsonpath_hit *from,
                         struct jsonpath_hits *hits);

static void add(struct search *s, const struct jsonpath_hit *hit, size_t index,
                struct jsonpath_hits *out)
{
    if (may_visit(s, 1))
        *vec_add(s->pool, &out->list) = child(s, hit, index);
}

static void select_name(struct search *s, struct str name, const struct jsonpath_hit *hit,
                        struct jsonpath_hits *out)
{
    const struct member *member = node_member(hit->node, name);

    if (member)
        add(s, hit, (size_t)(member - hit->node->members), out);
}

static void select_index(struct search *s, int64_t index, const struct jsonpath_hit *hit,
                         struct jsonpath_hits *out)
{
    int64_t count = hit->node->kind == NODE_LIST ? (int64_t)hit->node->item_count : 0;

    if (index < 0)
        index += count;
    if (index >= 0 && index < count)
        add(s, hit, (size_t)index, out);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* RFC 9535 §2.3.4.2.2: defaults and bounds depend on the direction. */
static void select_slice(struct search *s, const struct selector *slice,
                         const struct jsonpath_hit *hit, struct jsonpath_hits *out)
{
    int64_t count = hit->node->kind == NODE_LIST ? (int64_t)hit->node->item_count : 0;
    bool forward = slice->step > 0;
    int64_t first = slice->has_start ? slice->start : forward ? 0 : count - 1;
    int64_t last = slice->has_end ? slice->end : forward ? count : -count - 1;

    first = first < 0 ? first + count : first;
    last = last < 0 ? last + count : last;
    if (forward) {
        last = clamp(last, 0, count);
        for (int64_t i = clamp(first, 0, count); i < last; i += slice->step)
            add(s, hit, (size_t)i, out);
    } else if (slice->step < 0) {
        last = clamp(last, -1, count - 1);
        for (int64_t i = clamp(first, -1, count - 1); i > last; i += slice->step)
            add(s, hit, (size_t)i, out);
    }
}

static bool is_number(const struct node *node)
{
    return node->kind == NODE_INT || node->kind == NODE_FLOAT;
}

static double number_of(const struct node *node)
{
    return node->kind == NODE_INT ? (double)node->integer : node->number;
}

static bool equal(const struct node *a, const struct node *b);

static bool equal_maps(const struct node *a, const struct node *b)
{
    for (size_t i = 0; i < a->member_count; i++) {
        const struct member *other = node_member(b, a->members[i].key);
        if (!other || !equal(a->members[i].value, other->value))
            return false;
    }
    return a->member_count == b->member_count;
}

static bool equal_lists(const struct node *a, const struct node *b)
{
    if (a->item_count != b->item_count)
        return false;
    for (size_t i = 0; i < a->item_count; i++)
        if (!equal(a->items[i], b->items[i]))
            return false;
    return true;
}

static bool equal(const struct node *a, const struct node *b)
{
    if (a == b)
        return true;
    if (is_number(a) && is_number(b))
        return a->kind == NODE_INT && b->kind == NODE_INT ? a->integer == b->integer
                                                          : number_of(a) == number_of(b);
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case NODE_BOOL:
        return a->truth == b->truth;
    case NODE_TEXT:
        return str_eq(a->text, b->text);
    case NODE_LIST:
        return equal_lists(a, b);
    case NODE_MAP:
        return equal_maps(a, b);
    default:
        return true;
    }
}

/* Only numbers and strings have an order; everything else is not less (RFC 9535 §2.3.5.2.2). */
static bool less(const struct node *a, const struct node *b)
{
    if (!a || !b)
        return false;
    if (a->kind == NODE_INT && b->kind == NODE_INT)
        return a->integer < b->integer;
    if (is_number(a) && is_number(b))
        return number_of(a) < number_of(b);
    return a->kind == NODE_TEXT && b->kind == NODE_TEXT && str_cmp(a->text, b->text) < 0;
}

/* NULL: nothing, which equals nothing else. */
static bool same(const struct node *a, const struct node *b)
{
    return a && b ? equal(a, b) : a == b;
}

static const struct node *value_of(struct search *s, const struct operand *operand,
                                   struct jsonpath_hit *current)
{
    struct jsonpath_hits hits = {0};

    if (!operand->query)
        return &operand->literal;
    select_query(s, operand->query, current, &hits);
    return hits.list.count > 0 ? hits.list.at[0]->node : NULL;
}

static bool compare(struct search *s, const struct filter *filter, struct jsonpath_hit *current)
{
    const struct node *a = value_of(s, &filter->a, current), *b = value_of(s, &filter->b, current);

    switch (filter->comparison) {
    case COMPARE_EQ:
        return same(a, b);
    case COMPARE_NE:
        return !same(a, b);
    case COMPARE_LT:
        return less(a, b);
    case COMPARE_LE:
        return less(a, b) || same(a, b);
    case COMPARE_GT:
        return less(b, a);
    case COMPARE_GE:
        return less(b, a) || same(a, b);
    }
    return false;
}

static bool holds(struct search *s, const struct filter *filter, struct jsonpath_hit *current)
{
    struct jsonpath_hits hits = {0};

    switch (filter->kind) {
    case FILTER_OR:
        return holds(s, filter->left, current) || holds(s, filter->right, current);
    case FILTER_AND:
        return holds(s, filter->left, current) && holds(s, filter->right, current);
    case FILTER_NOT:
        return !holds(s, filter->left, current);
    case FILTER_EXISTS:
        select_query(s, filter->a.query, current, &hits);
        return hits.list.count > 0;
    case FILTER_COMPARE:
        return compare(s, filter, current);
    }
    return false;
}

static void select_children(struct search *s, const struct selector *selector,
                            const struct jsonpath_hit *hit, struct jsonpath_hits *out)
{
    size_t count = child_count(hit->node);

    for (size_t i = 0; i < count && may_visit(s, 1); i++) {
        struct jsonpath_hit *found = child(s, hit, i);
        if (selector->kind == SELECTOR_WILDCARD || holds(s, selector->filter, found))
            *vec_add(s->pool, &out->list) = found;
    }
}

static void select_by(struct search *s, const struct segment *segment,
                      const struct jsonpath_hit *hit, struct jsonpath_hits *out)
{
    for (size_t i = 0; i < segment->selectors.count; i++) {
        const struct selector *selector = &segment->selectors.at[i];
        switch (selector->kind) {
        case SELECTOR_NAME:
            select_name(s, selector->name, hit, out);
            break;
        case SELECTOR_INDEX:
            select_index(s, selector->start, hit, out);
            break;
        case SELECTOR_SLICE:
            select_slice(s, selector, hit, out);
            break;
        case SELECTOR_WILDCARD:
        case SELECTOR_FILTER:
            select_children(s, selector, hit, out);
            break;
        }
    }
}

static void descend(struct search *s, const struct segment *segment, const struct jsonpath_hit *hit,
                    struct jsonpath_hits *out)
{
    size_t count = child_count(hit->node);

    select_by(s, segment, hit, out);
    for (size_t i = 0; i < count && may_visit(s, 1); i++)
        descend(s, segment, child(s, hit, i), out);
}

static void select_query(struct search *s, const struct query *query, struct jsonpath_hit *from,
                         struct jsonpath_hits *hits)
{
    struct jsonpath_hits now = {0};

    *vec_add(s->pool, &now.list) = query->relative ? from : s->root;
    for (size_t i = 0; i < query->segments.count; i++) {
        const struct segment *segment = &query->segments.at[i];
        struct jsonpath_hits next = {0};
        for (size_t j = 0; j < now.list.count; j++) {
            if (segment->descends)
                descend(s, segment, now.list.at[j], &next);
            else
                select_by(s, segment, now.list.at[j], &next);
        }
        now = next;
    }
    *hits = now;
}

bool jsonpath_select(struct job *job, const struct jsonpath *path, struct node *root,
                     struct jsonpath_hits *hits)
{
    struct jsonpath_hit *start = pool_new(&job->pool, struct jsonpath_hit);
    struct search search = {.pool = &job->pool, .root = start};

    start->node = root;
    select_query(&search, path->query, start, hits);
    if (search.visits <= VISITS_MAX)
        return true;
    diag_error(&job->diags, path->loc, "jsonpath", "this query looks at more than %d nodes",
               VISITS_MAX);
    return false;
}
