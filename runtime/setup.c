#include "setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/reference.h"
#include "client/share.h"
#include "client/upstream.h"
#include "gw.h"
#include "health.h"
#include "io/address.h"
#include "io/listen.h"
#include "secure.h"
#include "self.h"
#include "successor.h"

/* For a gateway without listeners, and for status and admin: modest limits that no document needs to say. */
static const struct gw_listener built_in = {
    .address = STR_INIT("[::]:8080"),
    .limits = {.line = 8 * 1024, .fields = 32 * 1024, .count = 100},
    .header_timeout = 10 * 1000,
    .idle_timeout = 75 * 1000,
};

/* ---- reading ---- */

static bool fail(char error[SETUP_ERROR], struct str what)
{
    snprintf(error, SETUP_ERROR, "%.*s", STR_ARG(what));
    return false;
}

static struct setup_place *add_place(struct setup *setup, enum serve_kind kind,
                                     const struct gw_listener *model, struct str address)
{
    struct setup_place *place = vec_add(&setup->pool, &setup->places);

    place->kind = kind;
    place->listener = *model;
    place->listener.address = address;
    place->fd_count = kind == SERVE_TRAFFIC ? setup->workers : 1;
    place->fd_room = LISTEN_INHERITED_MAX;
    place->fds = pool_take(&setup->pool, place->fd_room * sizeof *place->fds);
    for (unsigned i = 0; i < place->fd_room; i++)
        place->fds[i] = -1;
    return place;
}

static void make_plain(struct gw_listener *listener)
{
    listener->tls = NULL;
    listener->hsts = STR("");
    listener->redirect_https = 0;
    listener->http2 = listener->h2c ? listener->http2 : NULL;
}

/* The n-th --listen replaces the n-th listener's address, further ones are like the first, in plain HTTP. */
static void add_traffic(struct setup *setup, const struct options *options)
{
    const struct gw_listener *first =
        gateway.listener_count > 0 ? &gateway.listeners[0] : &built_in;
    size_t count = gateway.listener_count > 0 ? gateway.listener_count : 1;

    for (size_t i = 0; i < count || i < options->listen.count; i++) {
        const struct gw_listener *model =
            i < gateway.listener_count ? &gateway.listeners[i] : first;
        struct setup_place *place =
            add_place(setup, SERVE_TRAFFIC, model,
                      i < options->listen.count ? options->listen.at[i] : model->address);
        if (i >= count)
            make_plain(&place->listener);
    }
}

static void add_plain(struct setup *setup, enum serve_kind kind, struct str address)
{
    if (address.len > 0)
        add_place(setup, kind, &built_in, address);
}

static bool check_addresses(struct setup *setup, char error[SETUP_ERROR])
{
    for (size_t i = 0; i < setup->places.count; i++) {
        struct str text = setup->places.at[i].listener.address;
        struct address address;
        if (!address_parse(&address, text, 0))
            return fail(error, pool_printf(&setup->pool,
                                           "cannot listen on %.*s: not ADDRESS:PORT or unix:/PATH",
                                           STR_ARG(text)));
    }
    return true;
}

static bool override_upstreams(struct setup *setup, const struct options *options,
                               char error[SETUP_ERROR])
{
    for (size_t i = 0; i < options->upstreams.count; i++) {
        struct option_upstream given = options->upstreams.at[i];
        struct str why;
        if (!upstreams_override(gateway.upstreams, gateway.upstream_count, given.name, given.url,
                                &why))
            return fail(error, pool_printf(&setup->pool, "--upstream %.*s=%.*s: %.*s",
                                           STR_ARG(given.name), STR_ARG(given.url), STR_ARG(why)));
    }
    return true;
}

/* Here {file: /path} is the file to write to, not one to read. */
static bool read_log_output(struct setup *setup, char error[SETUP_ERROR])
{
    const struct gw_text *output = &gateway.access_log.output;
    struct str why;

    if (!gateway.access_log.on)
        return true;
    if (output->kind == GW_TEXT_FILE)
        setup->log_output = output->text;
    else if (!reference_read(output, &setup->pool, &setup->log_output, &why))
        return fail(error, pool_printf(&setup->pool, "access log: %.*s", STR_ARG(why)));
    if (setup->log_output.len == 0)
        setup->log_output = STR("stdout");
    return true;
}

struct live *setup_read_live(const struct setup *setup, char error[SETUP_ERROR])
{
    struct pool pool;
    VEC(struct gw_listener) listeners = {0};
    struct live *live;

    pool_open(&pool, NULL);
    for (size_t i = 0; i < setup->places.count; i++)
        *vec_add(&pool, &listeners) = setup->places.at[i].listener;
    live = live_read(&(struct live_sources){.listeners = listeners.at,
                                            .listener_count = listeners.count,
                                            .ip_restrictions = gateway.ip_restrictions,
                                            .ip_restriction_count = gateway.ip_restriction_count,
                                            .admin_token = &gateway.admin.token,
                                            .consumers = gateway.consumers,
                                            .jwts = gateway.jwts,
                                            .introspections = gateway.introspections},
                     error, SETUP_ERROR);
    pool_close(&pool);
    return live;
}

static bool open_secure(struct setup *setup, char error[SETUP_ERROR])
{
    struct gw_listener **listeners =
        pool_alloc(&setup->pool, (setup->places.count + 1) * sizeof *listeners);

    for (size_t i = 0; i < setup->places.count; i++)
        listeners[i] = &setup->places.at[i].listener;
    return secure_open(listeners, setup->places.count, error);
}

static bool read_zone(struct setup *setup, char error[SETUP_ERROR])
{
    struct str zone, why;

    if (gateway.zone.kind == GW_TEXT_NONE)
        return true;
    if (!reference_read(&gateway.zone, &setup->pool, &zone, &why))
        return fail(error, pool_printf(&setup->pool, "zone: %.*s", STR_ARG(why)));
    upstreams_stand_in(zone);
    return true;
}

bool setup_read(struct setup *setup, const struct options *options, char error[SETUP_ERROR])
{
    *setup = (struct setup){.health_fd = -1};
    pool_open(&setup->pool, NULL);
    setup->workers = options->workers > 0 ? options->workers : self_cpus("");
    add_traffic(setup, options);
    add_plain(setup, SERVE_STATUS,
              options->status.len > 0 ? options->status : gateway.status.address);
    add_plain(setup, SERVE_ADMIN, gateway.admin.address);
    if (!check_addresses(setup, error) || !override_upstreams(setup, options, error) ||
        !read_log_output(setup, error) || !read_zone(setup, error))
        return false;
    setup->live = setup_read_live(setup, error);
    return setup->live != NULL && open_secure(setup, error) &&
           (!gateway.runtime || gateway.runtime->module->open(gateway.runtime, error, SETUP_ERROR));
}

/* ---- listening ---- */

/* "8080"; empty for a unix socket. */
static struct str bound_port(struct pool *pool, int fd)
{
    struct address bound = {.len = sizeof bound.at};

    if (getsockname(fd, (struct sockaddr *)&bound.at, &bound.len) != 0 || address_port(&bound) == 0)
        return STR("");
    return pool_printf(pool, "%u", address_port(&bound));
}

static bool open_place(struct setup *setup, struct setup_place *place,
                       struct listen_inherited *inherited, char error[SETUP_ERROR])
{
    static const char *const titles[] = {"listening", "status", "admin"};
    char text[LISTEN_TEXT];

    unsigned opened = listen_open(place->listener.address, place->fds, place->fd_count,
                                  place->fd_room, inherited, text);
    if (opened == 0)
        return fail(error, str_of(text));
    place->fd_count = opened;
    place->listener.address = pool_copy(&setup->pool, str_of(text));
    place->listener.port_text = bound_port(&setup->pool, place->fds[0]);
    log_info("%s on %s", titles[place->kind], text);
    return true;
}

bool setup_listen(struct setup *setup, char error[SETUP_ERROR])
{
    struct listen_inherited inherited;
    char text[LISTEN_TEXT];

    listen_inherit(&inherited);
    for (size_t i = 0; i < setup->places.count; i++) {
        if (!open_place(setup, &setup->places.at[i], &inherited, error))
            return false;
    }
    if (listen_left_over(&inherited, text))
        log_warn("inherited a socket on %s, which no listener asks for", text);
    setup->health_fd = successor_inherited_health();
    if (setup->health_fd < 0)
        setup->health_fd = health_open(gateway.name, setup->places.at[0].listener.address);
    return true;
}

/* Worker w serves the descriptors w, w + workers, … of each place. */
static void add_posts(struct setup *setup, struct setup_place *place, struct crew_post *posts)
{
    for (unsigned i = 0; i < place->fd_count; i++) {
        struct crew_post *post = &posts[i % setup->workers];
        struct serve_listener *listeners = (struct serve_listener *)post->listeners;
        listeners[post->count++] =
            (struct serve_listener){place->fds[i], place->kind, &place->listener};
    }
    place->served = true;
}

const struct crew_post *setup_posts(struct setup *setup)
{
    struct crew_post *posts = pool_alloc(&setup->pool, setup->workers * sizeof *posts);
    size_t most = 0;

    for (size_t i = 0; i < setup->places.count; i++)
        most += setup->places.at[i].fd_count / setup->workers + 1;
    for (unsigned w = 0; w < setup->workers; w++)
        posts[w].listeners = pool_alloc(&setup->pool, most * sizeof *posts[w].listeners);
    for (size_t i = 0; i < setup->places.count; i++)
        add_posts(setup, &setup->places.at[i], posts);
    return posts;
}

unsigned setup_listening(const struct setup *setup, int *fds, unsigned room)
{
    unsigned count = 0;

    for (size_t i = 0; i < setup->places.count; i++) {
        const struct setup_place *place = &setup->places.at[i];
        for (unsigned n = 0; n < place->fd_count && count < room; n++)
            fds[count++] = place->fds[n];
    }
    return count;
}

void setup_close(struct setup *setup)
{
    for (size_t i = 0; i < setup->places.count; i++) {
        for (unsigned w = 0; w < setup->places.at[i].fd_count; w++) {
            if (!setup->places.at[i].served && setup->places.at[i].fds[w] >= 0)
                close(setup->places.at[i].fds[w]);
        }
    }
    if (setup->health_fd >= 0)
        close(setup->health_fd);
    secure_close();
    if (gateway.runtime)
        gateway.runtime->module->close();
    share_close();
    if (setup->live)
        live_release(setup->live);
    pool_close(&setup->pool);
}
