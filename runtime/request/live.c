#include "request/live.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ip.h"
#include "base/reference.h"
#include "base/vec.h"
#include "request/proxied.h"

static bool parse_networks(struct live *live, const struct gw_forwarded *config, struct str file,
                           struct live_networks *networks, struct str *error)
{
    VEC(struct gw_network) list = {0};
    unsigned line_number = 0;

    while (file.len > 0) {
        size_t end = str_find(file, '\n');
        struct str line = str_head(file, end);
        file = str_from(file, end + 1);
        line_number++;
        line = str_trim(str_head(line, str_find(line, '#')), " \t\r");
        if (line.len == 0)
            continue;
        struct gw_network *network = vec_add(&live->pool, &list);
        if (!ip_parse_network(line, network->address, &network->bits)) {
            *error = pool_printf(&live->pool, "%.*s:%u: not an address or network: %.*s",
                                 STR_ARG(config->trusted_file), line_number, STR_ARG(line));
            return false;
        }
    }
    *networks = (struct live_networks){config, list.at, list.count};
    return true;
}

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
        struct str file;
        if (i % 2 == 1)
            config = listener->proxy_protocol ? listener->proxy_protocol->from : NULL;
        if (!config || config->trusted_file.len == 0 || find(all.at, all.count, config))
            continue;
        if (!reference_read_file(config->trusted_file, &live->pool, &file, error))
            return false;
        struct live_networks *networks = vec_add(&live->pool, &all);
        if (!parse_networks(live, config, file, networks, error))
            return false;
    }
    live->networks = all.at;
    live->networks_count = all.count;
    return true;
}

static bool read_consumers(struct live *live, const struct gw_consumers *config, struct str *error)
{
    if (!config)
        return true;
    live->consumers_module = config->module;
    live->consumers = config->module->read(config, &live->pool, error);
    return live->consumers != NULL;
}

struct live *live_read(const struct gw_listener *listeners, size_t count,
                       const struct gw_text *admin_token, const struct gw_consumers *consumers,
                       char *error, size_t error_size)
{
    struct live *live = pool_xmalloc(sizeof *live);
    struct str why = {0};

    memset(live, 0, sizeof *live);
    live->users = 1;
    pool_open(&live->pool, NULL);
    if (read_networks(live, listeners, count, &why) && read_consumers(live, consumers, &why) &&
        reference_read(admin_token, &live->pool, &live->admin_token, &why)) {
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
    if (live->admin_token.at)
        explicit_bzero((char *)live->admin_token.at, live->admin_token.len);
    pool_close(&live->pool);
    free(live);
}

const struct live_networks *live_networks_of(const struct live *live,
                                             const struct gw_forwarded *config)
{
    return find(live->networks, live->networks_count, config);
}
