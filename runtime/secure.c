#include "secure.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/watched.h"
#include "gw.h"
#include "successor.h"

struct place {
    const struct gw_listener *listener;
    struct tls_server *server;
    struct watched files;
    bool watches;
};

struct pool_client {
    const struct gw_upstream *upstream;
    struct watched files;
    bool watches;
};

static struct {
    struct place *places;
    size_t place_count;
    struct pool_client *pools;
    struct tls_client **clients; /* by upstream index; NULL entries: plain */
    size_t pool_count;
} secure;

/* ---- files that change ---- */

static void mix_file(uint64_t *digest, const struct gw_text *text)
{
    if (text->kind == GW_TEXT_FILE)
        watched_add(digest, text->text);
}

static uint64_t listener_digest(const struct gw_tls *tls)
{
    uint64_t digest = WATCHED_BEGIN;

    for (uint32_t i = 0; i < tls->certificate_count; i++) {
        mix_file(&digest, &tls->certificates[i].cert);
        mix_file(&digest, &tls->certificates[i].key);
        mix_file(&digest, &tls->certificates[i].ocsp);
    }
    mix_file(&digest, &tls->client_ca);
    mix_file(&digest, &tls->client_crl);
    return digest;
}

static uint64_t pool_digest(const struct gw_upstream_tls *tls)
{
    uint64_t digest = WATCHED_BEGIN;

    mix_file(&digest, &tls->ca);
    mix_file(&digest, &tls->cert);
    mix_file(&digest, &tls->key);
    return digest;
}

/* ---- reading ---- */

static bool read_text(const struct gw_text *from, struct pool *pool, struct str *to,
                      char error[SECURE_ERROR])
{
    struct str why;

    if (reference_read(from, pool, to, &why))
        return true;
    snprintf(error, SECURE_ERROR, "%.*s", STR_ARG(why));
    return false;
}

/* A response that cannot be read is left out, as one that does not fit is. */
static void read_ocsp(const struct gw_text *from, struct pool *pool, struct str *to)
{
    struct str why;

    if (from->kind == GW_TEXT_FILE) {
        if (!reference_read_file(from->text, pool, to, &why))
            log_warn("the OCSP response is not stapled: %.*s", STR_ARG(why));
    } else if (!reference_read(from, pool, to, &why)) {
        log_warn("the OCSP response is not stapled: %.*s", STR_ARG(why));
    }
}

static bool read_certificate(const struct gw_tls_certificate *from, struct pool *pool,
                             struct tls_certificate *to, char error[SECURE_ERROR])
{
    *to = (struct tls_certificate){
        .names = from->names, .name_count = from->name_count, .label = from->cert.text};
    if (!read_text(&from->cert, pool, &to->cert, error) ||
        !read_text(&from->key, pool, &to->key, error))
        return false;
    read_ocsp(&from->ocsp, pool, &to->ocsp);
    return true;
}

static bool read_listener(struct place *place, struct pool *pool, char error[SECURE_ERROR])
{
    const struct gw_tls *tls = place->listener->tls;
    struct tls_certificate *certificates =
        pool_alloc(pool, tls->certificate_count * sizeof *certificates);
    struct tls_server_config config = {
        .allow_1_2 = tls->allow_1_2,
        .ciphers = tls->ciphers,
        .suites = tls->suites,
        .groups = tls->groups,
        .http2 = place->listener->http2 != NULL,
        .strict_sni = tls->strict_sni,
        .client_auth = tls->client_auth,
        .depth = tls->client_depth,
        .id = place->listener->address,
        .certificates = certificates,
        .certificate_count = tls->certificate_count,
    };
    char why[TLS_ERROR];

    for (uint32_t i = 0; i < tls->certificate_count; i++)
        if (!read_certificate(&tls->certificates[i], pool, &certificates[i], error))
            return false;
    if (!read_text(&tls->client_ca, pool, &config.ca, error) ||
        !read_text(&tls->client_crl, pool, &config.crl, error))
        return false;
    if (gateway.tls->server_load(place->server, &config, why))
        return true;
    snprintf(error, SECURE_ERROR, "TLS on %.*s: %s", STR_ARG(place->listener->address), why);
    return false;
}

static struct str join(const char *const *pieces, struct pool *pool)
{
    size_t len = 0;
    char *at;

    for (const char *const *piece = pieces; *piece; piece++)
        len += strlen(*piece);
    at = pool_take(pool, len + 1);
    len = 0;
    for (const char *const *piece = pieces; *piece; piece++) {
        size_t more = strlen(*piece);
        memcpy(at + len, *piece, more);
        len += more;
    }
    return (struct str){at, len};
}

static bool read_pool(struct pool_client *client, struct pool *pool, char error[SECURE_ERROR])
{
    const struct gw_upstream_tls *tls = client->upstream->tls;
    struct tls_client_config config = {
        .sni = tls->sni,
        .name = tls->verify_name,
        .trust_anyone = tls->trust_anyone,
        .only_1_3 = tls->only_1_3,
        .http2 = client->upstream->h2 != NULL,
    };
    char why[TLS_ERROR];

    if (!read_text(&tls->ca, pool, &config.ca, error) ||
        !read_text(&tls->cert, pool, &config.cert, error) ||
        !read_text(&tls->key, pool, &config.key, error))
        return false;
    if (tls->roots && tls->ca.kind == GW_TEXT_NONE)
        config.ca = join(tls->roots, pool);
    if (gateway.tls->client_load(secure.clients[client->upstream->index], &config, why))
        return true;
    snprintf(error, SECURE_ERROR, "TLS to upstream %.*s: %s", STR_ARG(client->upstream->name), why);
    return false;
}

static bool try_listener(struct place *place, char error[SECURE_ERROR])
{
    struct pool pool;
    bool good;

    pool_open(&pool, NULL);
    watched_is_read(&place->files, listener_digest(place->listener->tls));
    place->watches = place->listener->tls->watch;
    good = read_listener(place, &pool, error);
    pool_close_wiped(&pool); /* keys stood there */
    return good;
}

static bool try_pool(struct pool_client *client, char error[SECURE_ERROR])
{
    struct pool pool;
    bool good;

    pool_open(&pool, NULL);
    watched_is_read(&client->files, pool_digest(client->upstream->tls));
    client->watches = client->upstream->tls->watch;
    good = read_pool(client, &pool, error);
    pool_close_wiped(&pool); /* keys stood there */
    return good;
}

/* ---- public ---- */

static bool open_pools(char error[SECURE_ERROR])
{
    secure.pools = pool_xmalloc((gateway.upstream_count + 1) * sizeof *secure.pools);
    secure.clients = pool_xmalloc((gateway.upstream_count + 1) * sizeof *secure.clients);
    memset(secure.clients, 0, (gateway.upstream_count + 1) * sizeof *secure.clients);
    for (uint32_t i = 0; i < gateway.upstream_count; i++) {
        const struct gw_upstream *upstream = gateway.upstreams[i];
        if (!upstream->tls)
            continue;
        secure.clients[upstream->index] = gateway.tls->client_open();
        secure.pools[secure.pool_count] = (struct pool_client){.upstream = upstream};
        if (!try_pool(&secure.pools[secure.pool_count++], error))
            return false;
    }
    return true;
}

bool secure_open(struct gw_listener *const *listeners, size_t count, char error[SECURE_ERROR])
{
    char keys[TLS_TICKET_BYTES];

    if (!gateway.tls)
        return true;
    gateway.tls->start();
    if (successor_inherited_secrets(keys, sizeof keys) == sizeof keys)
        gateway.tls->tickets_import(keys);
    explicit_bzero(keys, sizeof keys);
    secure.places = pool_xmalloc((count + 1) * sizeof *secure.places);
    for (size_t i = 0; i < count; i++) {
        struct place *place = &secure.places[secure.place_count];
        if (!listeners[i]->tls)
            continue;
        *place = (struct place){.listener = listeners[i], .server = gateway.tls->server_open()};
        listeners[i]->tls_server = place->server;
        secure.place_count++;
        if (!try_listener(place, error))
            return false;
    }
    return open_pools(error);
}

static void reload_place(struct place *place)
{
    char error[SECURE_ERROR];

    if (try_listener(place, error))
        log_info("certificates of %.*s read again", STR_ARG(place->listener->address));
    else
        log_error("keeping the old certificates: %s", error);
}

static void reload_pool(struct pool_client *client)
{
    char error[SECURE_ERROR];

    if (try_pool(client, error))
        log_info("certificates for upstream %.*s read again", STR_ARG(client->upstream->name));
    else
        log_error("keeping the old certificates: %s", error);
}

void secure_reload(void)
{
    for (size_t i = 0; i < secure.place_count; i++)
        reload_place(&secure.places[i]);
    for (size_t i = 0; i < secure.pool_count; i++)
        reload_pool(&secure.pools[i]);
}

bool secure_watches(void)
{
    bool watches = false;

    for (size_t i = 0; i < secure.place_count; i++)
        watches = watches || secure.places[i].watches;
    for (size_t i = 0; i < secure.pool_count; i++)
        watches = watches || secure.pools[i].watches;
    return watches;
}

void secure_look(void)
{
    for (size_t i = 0; i < secure.place_count; i++) {
        struct place *place = &secure.places[i];
        if (place->watches &&
            watched_has_rested(&place->files, listener_digest(place->listener->tls)))
            reload_place(place);
    }
    for (size_t i = 0; i < secure.pool_count; i++) {
        struct pool_client *client = &secure.pools[i];
        if (client->watches &&
            watched_has_rested(&client->files, pool_digest(client->upstream->tls)))
            reload_pool(client);
    }
}

struct upstreams_tls secure_upstreams(void)
{
    return (struct upstreams_tls){gateway.tls, secure.clients};
}

void secure_close(void)
{
    for (size_t i = 0; i < secure.place_count; i++)
        gateway.tls->server_close(secure.places[i].server);
    for (size_t i = 0; i < secure.pool_count; i++)
        gateway.tls->client_close(secure.clients[secure.pools[i].upstream->index]);
    free(secure.places);
    free(secure.pools);
    free(secure.clients);
    memset(&secure, 0, sizeof secure);
}
