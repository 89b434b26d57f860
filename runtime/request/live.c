#include "request/live.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ip_ranges.h"
#include "base/reference.h"
#include "base/vec.h"
#include "request/introspection.h"
#include "request/jwt.h"
#include "request/proxied.h"

typedef VEC(struct gw_network) network_list;

static uint64_t readings;

/* One address or network a line. */
static bool read_list(struct live *live, struct str path, network_list *list, struct str *error)
{
    struct str file;
    unsigned line_number = 0;

    if (!reference_read_file(path, &live->pool, &file, error))
        return false;
    while (file.len > 0) {
        size_t end = str_find(file, '\n');
        struct str line = str_head(file, end);
        file = str_from(file, end + 1);
        line_number++;
        line = str_trim(str_head(line, str_find(line, '#')), " \t\r");
        if (line.len == 0)
            continue;
        struct gw_network *network = vec_add(&live->pool, list);
        if (!ip_parse_network(line, network->address, &network->bits)) {
            *error = pool_printf(&live->pool, "%.*s:%u: not an address or network: %.*s",
                                 STR_ARG(path), line_number, STR_ARG(line));
            return false;
        }
    }
    return true;
}

/* ---- trusted proxies ---- */

static const struct live_networks *find(const struct live_networks *networks, size_t count,
                                        const struct gw_forwarded *config)
{
    for (size_t i = 0; i < count; i++) {
        if (networks[i].config == config)
            return &networks[i];
    }
    return NULL;
}

static bool read_networks(struct live *live, const struct gw_listener *listeners, size_t count,
                          struct str *error)
{
    VEC(struct live_networks) all = {0};

    for (size_t i = 0; i < 2 * count; i++) {
        const struct gw_listener *listener = &listeners[i / 2];
        const struct gw_forwarded *config = listener->forwarded;
        network_list list = {0};
        if (i % 2 == 1)
            config = listener->proxy_protocol ? listener->proxy_protocol->from : NULL;
        if (!config || config->trusted_file.len == 0 || find(all.at, all.count, config))
            continue;
        if (!read_list(live, config->trusted_file, &list, error))
            return false;
        *vec_add(&live->pool, &all) = (struct live_networks){config, list.at, list.count};
    }
    live->networks = all.at;
    live->networks_count = all.count;
    return true;
}

/* ---- who may call ---- */

typedef VEC(struct live_ranges) ranges_list;

static bool read_ranges(struct live *live, const struct gw_ip_list *list, ranges_list *all,
                        struct str *error)
{
    network_list networks = {0};
    struct ip_range *ranges;
    size_t count = 0;

    if (list->file.len == 0)
        return true;
    if (!read_list(live, list->file, &networks, error))
        return false;
    ranges = pool_alloc(&live->pool, (2 * networks.count + 1) * sizeof *ranges);
    for (size_t i = 0; i < networks.count; i++)
        count += ip_ranges_of(networks.at[i].address, networks.at[i].bits, &ranges[count]);
    count = ip_ranges_merge(ranges, count);
    *vec_add(&live->pool, all) = (struct live_ranges){list, ranges, count};
    return true;
}

static bool read_restrictions(struct live *live, const struct live_sources *from, struct str *error)
{
    ranges_list all = {0};

    for (size_t i = 0; i < from->ip_restriction_count; i++) {
        const struct gw_ip_restriction *restriction = from->ip_restrictions[i];
        if (!read_ranges(live, &restriction->allow, &all, error) ||
            !read_ranges(live, &restriction->deny, &all, error))
            return false;
    }
    live->ranges = all.at;
    live->ranges_count = all.count;
    return true;
}

/* ---- the whole ---- */

static bool read_consumers(struct live *live, const struct gw_consumers *config, struct str *error)
{
    if (!config)
        return true;
    live->consumers_module = config->module;
    live->consumers = config->module->read(config, &live->pool, error);
    return live->consumers != NULL;
}

static bool read_jwts(struct live *live, const struct gw_jwts *jwts, struct str *error)
{
    live->jwts = jwts;
    if (!jwts)
        return true;
    live->jwt_keys = pool_alloc(&live->pool, jwts->count * sizeof *live->jwt_keys);
    for (uint32_t i = 0; i < jwts->count; i++)
        if (!jwts->module->read(jwts->at[i], &live->pool, &live->jwt_keys[i], error))
            return false;
    return true;
}

static bool read_introspections(struct live *live, const struct gw_introspections *all,
                                struct str *error)
{
    if (!all)
        return true;
    live->introspection_lines =
        pool_alloc(&live->pool, all->count * sizeof *live->introspection_lines);
    for (uint32_t i = 0; i < all->count; i++)
        if (!all->module->read(all->at[i], &live->secrets, &live->introspection_lines[i], error))
            return false;
    return true;
}

struct live *live_read(const struct live_sources *from, char *error, size_t error_size)
{
    struct live *live = pool_xmalloc(sizeof *live);
    struct str why = {0};

    memset(live, 0, sizeof *live);
    live->users = 1;
    live->number = __atomic_add_fetch(&readings, 1, __ATOMIC_RELAXED);
    pool_open(&live->pool, NULL);
    pool_open(&live->secrets, NULL);
    if (read_networks(live, from->listeners, from->listener_count, &why) &&
        read_restrictions(live, from, &why) && read_consumers(live, from->consumers, &why) &&
        read_jwts(live, from->jwts, &why) &&
        read_introspections(live, from->introspections, &why) &&
        reference_read(from->admin_token, &live->pool, &live->admin_token, &why)) {
        if (!live->admin_token.at || live->admin_token.len > 0)
            return live;
        why = STR("the admin token is empty");
    }
    snprintf(error, error_size, "%.*s", STR_ARG(why));
    live_release(live);
    return NULL;
}

struct live *live_hold(struct live *live)
{
    __atomic_add_fetch(&live->users, 1, __ATOMIC_RELAXED);
    return live;
}

void live_release(struct live *live)
{
    if (__atomic_sub_fetch(&live->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (live->consumers)
        live->consumers_module->free(live->consumers);
    for (uint32_t i = 0; live->jwt_keys && i < live->jwts->count; i++)
        live->jwts->module->free(live->jwt_keys[i]);
    if (live->admin_token.at)
        explicit_bzero((char *)live->admin_token.at, live->admin_token.len);
    pool_close_wiped(&live->secrets);
    pool_close(&live->pool);
    free(live);
}

const struct live_networks *live_networks_of(const struct live *live,
                                             const struct gw_forwarded *config)
{
    return find(live->networks, live->networks_count, config);
}

const struct live_ranges *live_ranges_of(const struct live *live, const struct gw_ip_list *list)
{
    for (size_t i = 0; i < live->ranges_count; i++) {
        if (live->ranges[i].list == list)
            return &live->ranges[i];
    }
    return NULL;
}
