#include "view_tls.h"

#include "view_parts.h"

static struct value *certificates(struct pool *pool, size_t index, const struct ir_tls *tls)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < tls->certificates.count; i++) {
        const struct ir_certificate *from = &tls->certificates.at[i];
        struct value *map = value_map(pool);
        view_set_number(pool, map, "listener", index);
        view_set_number(pool, map, "number", i + 1);
        view_set_flag(pool, map, "has_names", from->names.count > 0);
        value_set(pool, map, "names", view_texts(pool, from->names.at, from->names.count));
        view_set_number(pool, map, "name_count", from->names.count);
        value_set(pool, map, "cert", view_text(pool, &from->cert));
        value_set(pool, map, "key", view_text(pool, &from->key));
        value_set(pool, map, "ocsp", view_text(pool, &from->ocsp));
        value_add(pool, list, map);
    }
    return list;
}

static struct value *client_auth(struct pool *pool, const struct ir_tls *tls)
{
    struct value *map;

    if (tls->client_auth == IR_CLIENT_OFF)
        return value_flag(pool, false);
    map = value_map(pool);
    view_set_name(pool, map, "mode",
                  tls->client_auth == IR_CLIENT_REQUIRED ? STR("TLS_CLIENT_REQUIRED")
                                                         : STR("TLS_CLIENT_OPTIONAL"));
    view_set_number(pool, map, "depth", tls->client_depth);
    view_set_flag(pool, map, "forward", tls->client_forward);
    value_set(pool, map, "ca", view_text(pool, &tls->client_ca));
    value_set(pool, map, "crl", view_text(pool, &tls->client_crl));
    return map;
}

struct value *view_tls(struct pool *pool, size_t index, const struct ir_tls *tls)
{
    struct value *map;

    if (tls->certificates.count == 0)
        return value_flag(pool, false);
    map = value_map(pool);
    view_set_number(pool, map, "listener", index);
    value_set(pool, map, "certificates", certificates(pool, index, tls));
    view_set_number(pool, map, "certificate_count", tls->certificates.count);
    view_set_flag(pool, map, "allow_1_2", tls->allow_1_2);
    view_set_flag(pool, map, "strict_sni", tls->strict_sni);
    view_set_flag(pool, map, "watch", tls->watch);
    value_set(pool, map, "suites", value_text_or_false(pool, tls->suites));
    value_set(pool, map, "ciphers", value_text_or_false(pool, tls->ciphers));
    value_set(pool, map, "groups", value_text_or_false(pool, tls->groups));
    value_set(pool, map, "client_auth", client_auth(pool, tls));
    return map;
}

struct value *view_redirect_https(struct pool *pool, const struct ir_listener *listener)
{
    struct value *map;

    if (listener->redirect_https == 0)
        return value_flag(pool, false);
    map = value_map(pool);
    view_set_number(pool, map, "status", listener->redirect_https);
    view_set_number(pool, map, "port", listener->https_port);
    return map;
}

static bool trusts_roots(const struct ir_upstream *upstream)
{
    return upstream->tls.on && !upstream->tls.trust_anyone && upstream->tls.ca.kind == IR_TEXT_NONE;
}

struct value *view_upstream_tls(struct pool *pool, const struct ir_upstream *upstream)
{
    const struct ir_upstream_tls *tls = &upstream->tls;
    struct value *map;

    if (!tls->on)
        return value_flag(pool, false);
    map = value_map(pool);
    view_set_name(pool, map, "symbol", upstream->symbol);
    view_set_flag(pool, map, "roots", trusts_roots(upstream));
    value_set(pool, map, "ca", view_text(pool, &tls->ca));
    value_set(pool, map, "cert", view_text(pool, &tls->cert));
    value_set(pool, map, "key", view_text(pool, &tls->key));
    value_set(pool, map, "sni", value_text_or_false(pool, tls->sni));
    value_set(pool, map, "verify_name", value_text_or_false(pool, tls->verify_name));
    view_set_flag(pool, map, "trust_anyone", tls->trust_anyone);
    view_set_flag(pool, map, "only_1_3", tls->only_1_3);
    view_set_flag(pool, map, "watch", tls->watch);
    return map;
}

bool view_uses_tls(const struct gateway *gw)
{
    bool uses = false;

    for (size_t i = 0; i < gw->listeners.count; i++)
        uses = uses || gw->listeners.at[i].tls.certificates.count > 0;
    for (size_t i = 0; i < gw->upstreams.count; i++)
        uses = uses || gw->upstreams.at[i].tls.on;
    return uses;
}

bool view_asks_clients(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->listeners.count; i++)
        if (gw->listeners.at[i].tls.client_auth != IR_CLIENT_OFF)
            return true;
    return false;
}

bool view_uses_roots(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->upstreams.count; i++)
        if (trusts_roots(&gw->upstreams.at[i]))
            return true;
    return false;
}

struct value *view_http2(struct pool *pool, size_t index, const struct ir_http2 *http2)
{
    struct value *map;

    if (!http2->on)
        return value_flag(pool, false);
    map = value_map(pool);
    view_set_number(pool, map, "listener", index);
    view_set_number(pool, map, "streams", http2->max_concurrent_streams);
    view_set_number(pool, map, "window", http2->initial_stream_window_size);
    view_set_number(pool, map, "connection_window", http2->initial_connection_window_size);
    view_set_flag(pool, map, "h2c", http2->h2c);
    return map;
}

bool view_serves_http2(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->listeners.count; i++)
        if (gw->listeners.at[i].http2.on)
            return true;
    return false;
}

bool view_uses_http2(const struct gateway *gw)
{
    if (view_serves_http2(gw))
        return true;
    for (size_t i = 0; i < gw->upstreams.count; i++)
        if (gw->upstreams.at[i].protocol != IR_HTTP1)
            return true;
    return false;
}
