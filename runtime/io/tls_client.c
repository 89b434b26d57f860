#include "io/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "io/address.h"
#include "io/tls_layer.h"

enum { NAME_ROOM = 256, SESSIONS = 4 };

struct tls_client {
    pthread_mutex_t lock;
    SSL_CTX *ctx; /* the newest; a reference */
    struct pool pool;
    struct str sni, name;
};

static bool fail(char error[TLS_ERROR], const char *what)
{
    ERR_clear_error();
    snprintf(error, TLS_ERROR, "%s", what);
    return false;
}

/* ---- sessions ---- */

/* The newest few: a ticket of TLS 1.3 serves once (RFC 8446 appendix C.4). */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_sessions *sessions = tls_layer_of(ssl)->sessions;

    if (!sessions || !SSL_SESSION_is_resumable(session))
        return 0;
    SSL_SESSION_free(sessions->kept[sessions->next % SESSIONS]);
    sessions->kept[sessions->next++ % SESSIONS] = session;
    return 1;
}

static void resume(SSL *ssl, struct tls_sessions *sessions)
{
    for (unsigned i = 1; i <= SESSIONS; i++) {
        unsigned at = (sessions->next - i) % SESSIONS;
        SSL_SESSION *session = sessions->kept[at];
        if (!session)
            continue;
        SSL_set_session(ssl, session);
        sessions->kept[at] = NULL;
        SSL_SESSION_free(session);
        return;
    }
}

void tls_client_sessions_close(struct tls_sessions *sessions)
{
    for (unsigned i = 0; i < SESSIONS; i++)
        SSL_SESSION_free(sessions->kept[i]);
    *sessions = (struct tls_sessions){0};
}

/* ---- loading ---- */

static bool set_trust(SSL_CTX *ctx, const struct tls_client_config *config, char error[TLS_ERROR])
{
    if (config->trust_anyone) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return true;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return tls_keys_trust(SSL_CTX_get_cert_store(ctx), config->ca, STR(""), NULL, error);
}

static SSL_CTX *new_context(const struct tls_client_config *config, char error[TLS_ERROR])
{
    static const unsigned char h1[] = "\10http/1.1", h2[] = "\2h2";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx) {
        fail(error, "no memory for TLS");
        return NULL;
    }
    tls_context_setup(ctx);
    SSL_CTX_set_min_proto_version(ctx, config->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_alpn_protos(ctx, config->http2 ? h2 : h1,
                            config->http2 ? sizeof h2 - 1 : sizeof h1 - 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    if (set_trust(ctx, config, error) &&
        (config->cert.len == 0 ||
         tls_keys_use_pair(ctx, config->cert, config->key, STR("cert"), error)))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* ---- public ---- */

struct tls_client *tls_client_open(void)
{
    struct tls_client *client = pool_xmalloc(sizeof *client);

    *client = (struct tls_client){.lock = PTHREAD_MUTEX_INITIALIZER};
    pool_open(&client->pool, NULL);
    return client;
}

bool tls_client_load(struct tls_client *client, const struct tls_client_config *config,
                     char error[TLS_ERROR])
{
    SSL_CTX *loaded = new_context(config, error), *before;

    if (!loaded)
        return false;
    pthread_mutex_lock(&client->lock);
    before = client->ctx;
    client->ctx = loaded;
    if (!before) {
        client->sni = pool_copy(&client->pool, config->sni);
        client->name = pool_copy(&client->pool, config->name);
    }
    pthread_mutex_unlock(&client->lock);
    SSL_CTX_free(before);
    return true;
}

void tls_client_close(struct tls_client *client)
{
    SSL_CTX_free(client->ctx);
    pool_close(&client->pool);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

static bool is_address(struct str host)
{
    struct address address;

    return address_literal(&address, host, 0);
}

/* RFC 6066 section 3: an address is no name to be sent; RFC 9525 section 6: what has to stand in the certificate. */
static bool set_names(SSL *ssl, const struct tls_client *client, struct str host)
{
    struct str name = client->name, sni = client->sni;
    char text[NAME_ROOM];

    if (sni.len == 0 && !is_address(host))
        sni = host;
    if (name.len == 0)
        name = client->sni.len > 0 ? client->sni : host;
    if (name.len >= sizeof text || sni.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", STR_ARG(sni));
    if (sni.len > 0 && !SSL_set_tlsext_host_name(ssl, text))
        return false;
    snprintf(text, sizeof text, "%.*s", STR_ARG(name));
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, text);
}

bool tls_client_connect(struct tls_client *client, struct stream *stream, struct str host,
                        struct tls_sessions *sessions)
{
    SSL *ssl;

    pthread_mutex_lock(&client->lock);
    ssl = SSL_new(client->ctx);
    pthread_mutex_unlock(&client->lock);
    if (!ssl)
        return false;
    if (!set_names(ssl, client, host)) {
        ERR_clear_error();
        SSL_free(ssl);
        return false;
    }
    if (!tls_layer_open(stream, ssl))
        return false;
    SSL_set_connect_state(ssl);
    tls_layer_of(ssl)->sessions = sessions;
    resume(ssl, sessions);
    return true;
}
