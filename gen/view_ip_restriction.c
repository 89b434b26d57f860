#include "view_ip_restriction.h"

#include "base/ip_ranges.h"
#include "view_parts.h"

/* "10.0.0.0 to 10.255.255.255", or one address. */
static struct str range_words(struct pool *pool, const struct ip_range *range)
{
    char first[IP_TEXT], last[IP_TEXT];

    ip_print(range->first, first);
    ip_print(range->last, last);
    if (memcmp(range->first, range->last, 16) == 0)
        return pool_printf(pool, "%s", first);
    return pool_printf(pool, "%s to %s", first, last);
}

static struct value *ranges(struct pool *pool, const ir_networks *networks)
{
    struct ip_range *all = pool_alloc(pool, (2 * networks->count + 1) * sizeof *all);
    struct value *list = value_list(pool);
    size_t count = 0;

    for (size_t i = 0; i < networks->count; i++)
        count += ip_ranges_of(networks->at[i].address, networks->at[i].bits, &all[count]);
    count = ip_ranges_merge(all, count);
    for (size_t i = 0; i < count; i++) {
        struct value *map = value_map(pool);
        view_set_text(pool, map, "text", range_words(pool, &all[i]));
        value_set(pool, map, "first", view_address_bytes(pool, all[i].first));
        value_set(pool, map, "last", view_address_bytes(pool, all[i].last));
        value_add(pool, list, map);
    }
    return list;
}

/* False for a list that is not given. */
static struct value *list(struct pool *pool, const struct ir_ip_list *from, struct str name)
{
    if (from->networks.count == 0 && from->file.len == 0)
        return value_flag(pool, false);
    struct value *map = value_map(pool), *all = ranges(pool, &from->networks);
    view_set_name(pool, map, "ranges_name", name);
    value_set(pool, map, "ranges", all);
    view_set_flag(pool, map, "has_ranges", all->items.count > 0);
    view_set_number(pool, map, "range_count", all->items.count);
    value_set(pool, map, "list_file", value_text_or_false(pool, from->file));
    return map;
}

struct value *view_ip_restrictions(struct pool *pool, const struct gateway *gw)
{
    struct value *all = value_list(pool);

    for (size_t i = 0; i < gw->ip_restrictions.count; i++) {
        const struct ir_ip_restriction *from = &gw->ip_restrictions.at[i];
        struct value *map = value_map(pool);
        view_set_number(pool, map, "number", i + 1);
        value_set(pool, map, "allow",
                  list(pool, &from->allow, pool_printf(pool, "allow_%zu", i + 1)));
        value_set(pool, map, "deny", list(pool, &from->deny, pool_printf(pool, "deny_%zu", i + 1)));
        value_add(pool, all, map);
    }
    return all;
}

struct value *view_ip_restriction_of(struct pool *pool, const struct ir_operation *op)
{
    return op->ip_restriction > 0 ? value_number(pool, op->ip_restriction)
                                  : value_flag(pool, false);
}
