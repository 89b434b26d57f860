#include "io/tls_server.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/pool.h"
#include "base/vec.h"
#include "io/tls_layer.h"
#include "io/tls_tickets.h"

static const char CIPHERS_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";
/* The cheapest of equals first. */
static const char SUITES_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* One name and the certificates that stand for it: one of each kind of key. */
struct named {
    struct str name;
    SSL_CTX *ctx;
};

/* All that one loading has made. It belongs to its first context, and goes with it: connections that are
 * in their handshake may outlive the next loading. */
struct set {
    struct pool pool;
    VEC(struct named) names;
    SSL_CTX *first; /* for names that are not there, and for who says none */
    bool strict, http2;
};

struct tls_server {
    pthread_mutex_t lock;
    SSL_CTX *first; /* of the newest set; a reference */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int set_slot, ocsp_slot;

/* ---- sets ---- */

static void free_set(void *parent, void *at, CRYPTO_EX_DATA *data, int slot, long argl, void *argp)
{
    struct set *set = at;
    struct pool pool;

    (void)parent;
    (void)data;
    (void)slot;
    (void)argl;
    (void)argp;
    if (!set)
        return;
    for (size_t i = 0; i < set->names.count; i++)
        if (set->names.at[i].ctx != set->first)
            SSL_CTX_free(set->names.at[i].ctx);
    pool = set->pool;
    pool_close(&pool);
}

static void free_ocsp(void *parent, void *at, CRYPTO_EX_DATA *data, int slot, long argl, void *argp)
{
    (void)parent;
    (void)data;
    (void)slot;
    (void)argl;
    (void)argp;
    free(at);
}

static void make_slots(void)
{
    set_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_set);
    ocsp_slot = X509_get_ex_new_index(0, NULL, NULL, NULL, free_ocsp);
}

/* ---- what is chosen within a handshake ---- */

/* The name itself, then the wildcard that covers its first label. */
static SSL_CTX *find_name(const struct set *set, struct str name)
{
    size_t dot = str_find(name, '.');

    for (int wild = 0; wild < 2; wild++) {
        for (size_t i = 0; i < set->names.count; i++) {
            struct str known = set->names.at[i].name;
            bool is_wild = known.len > 1 && known.at[0] == '*';
            if (is_wild != (wild == 1))
                continue;
            if (is_wild ? dot > 0 && str_eq_nocase(str_from(known, 1), str_from(name, dot))
                        : str_eq_nocase(known, name))
                return set->names.at[i].ctx;
        }
    }
    return NULL;
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
    const struct set *set = arg;
    const char *said = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *ctx = said ? find_name(set, str_of(said)) : NULL;

    if (!ctx && set->strict) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (ctx && ctx != set->first)
        SSL_set_SSL_CTX(ssl, ctx);
    return said ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* RFC 7301: ours come first; without one in common the handshake fails. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                        const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char both[] = "\2h2\10http/1.1", one[] = "\10http/1.1";
    const struct set *set = arg;

    (void)ssl;
    if (SSL_select_next_proto((unsigned char **)out, out_len, set->http2 ? both : one,
                              set->http2 ? sizeof both - 1 : sizeof one - 1, in,
                              in_len) == OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* RFC 6066 section 8: the response for the certificate that was chosen. */
static int on_status(SSL *ssl, void *arg)
{
    X509 *leaf = SSL_get_certificate(ssl);
    const struct str *ocsp = leaf ? X509_get_ex_data(leaf, ocsp_slot) : NULL;
    unsigned char *copy;

    (void)arg;
    if (!ocsp || !(copy = OPENSSL_memdup(ocsp->at, ocsp->len)))
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)ocsp->len);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- loading ---- */

static bool fail(char error[TLS_ERROR], const char *what)
{
    ERR_clear_error();
    snprintf(error, TLS_ERROR, "%s", what);
    return false;
}

static bool set_client_auth(SSL_CTX *ctx, const struct tls_server_config *config,
                            char error[TLS_ERROR])
{
    STACK_OF(X509_NAME) * names;
    int mode = SSL_VERIFY_PEER;

    if (config->client_auth == TLS_CLIENT_OFF)
        return true;
    names = sk_X509_NAME_new_null();
    if (!names ||
        !tls_keys_trust(SSL_CTX_get_cert_store(ctx), config->ca, config->crl, names, error)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return false;
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    if (config->client_auth == TLS_CLIENT_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    SSL_CTX_set_verify_depth(ctx, (int)config->depth);
    return true;
}

static bool set_words(SSL_CTX *ctx, const struct tls_server_config *config, char error[TLS_ERROR])
{
    if (!SSL_CTX_set_min_proto_version(ctx, config->allow_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) ||
        !SSL_CTX_set_cipher_list(ctx, config->ciphers ? config->ciphers : CIPHERS_1_2) ||
        !SSL_CTX_set_ciphersuites(ctx, config->suites ? config->suites : SUITES_1_3))
        return fail(error, "no cipher suite is left");
    if (config->groups && !SSL_CTX_set1_groups_list(ctx, config->groups))
        return fail(error, "unknown group");
    return true;
}

/* Sessions hold what was true of a client: not beyond another list of roots or of revocations. */
static void set_session_id(SSL_CTX *ctx, const struct tls_server_config *config)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
        EVP_DigestUpdate(md, config->id.at, config->id.len) &&
        EVP_DigestUpdate(md, config->ca.at, config->ca.len) &&
        EVP_DigestUpdate(md, config->crl.at, config->crl.len) &&
        EVP_DigestFinal_ex(md, digest, &len))
        SSL_CTX_set_session_id_context(ctx, digest, SSL_MAX_SID_CTX_LENGTH);
    EVP_MD_CTX_free(md);
}

static SSL_CTX *new_context(struct set *set, const struct tls_server_config *config,
                            char error[TLS_ERROR])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx) {
        fail(error, "no memory for TLS");
        return NULL;
    }
    tls_context_setup(ctx);
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (!set_words(ctx, config, error) || !set_client_auth(ctx, config, error)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    set_session_id(ctx, config);
    tls_tickets_use(ctx);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, set);
    SSL_CTX_set_alpn_select_cb(ctx, on_protocols, set);
    SSL_CTX_set_tlsext_status_cb(ctx, on_status);
    return ctx;
}

/* A response that does not fit is left out: clients then ask for themselves. */
static void staple(SSL_CTX *ctx, const struct tls_certificate *from)
{
    X509 *leaf = SSL_CTX_get0_certificate(ctx);
    const char *error;
    struct str *kept;

    if (from->ocsp.len == 0 || !leaf || X509_get_ex_data(leaf, ocsp_slot))
        return;
    error = tls_keys_check_ocsp(from->ocsp, leaf);
    if (error) {
        log_warn("%.*s: the OCSP response is not stapled: %s", STR_ARG(from->label), error);
        return;
    }
    kept = pool_xmalloc(sizeof *kept + from->ocsp.len);
    *kept = (struct str){(char *)(kept + 1), from->ocsp.len};
    memcpy(kept + 1, from->ocsp.at, from->ocsp.len);
    X509_set_ex_data(leaf, ocsp_slot, kept);
}

static bool add_to(SSL_CTX *ctx, const struct tls_certificate *from, char error[TLS_ERROR])
{
    if (!tls_keys_use(ctx, from, error))
        return false;
    staple(ctx, from);
    return true;
}

static bool has_name(const struct tls_certificate *from, struct str name)
{
    for (size_t i = 0; i < from->name_count; i++)
        if (str_eq(from->names[i], name))
            return true;
    return false;
}

/* Who shares all names with the first certificate, or has none, stands beside it. */
static bool is_like_first(const struct tls_server_config *config, size_t i)
{
    const struct tls_certificate *first = config->certificates, *one = first + i;

    if (one->name_count != first->name_count)
        return one->name_count == 0;
    for (size_t n = 0; n < one->name_count; n++)
        if (!has_name(first, one->names[n]))
            return false;
    return true;
}

static bool load_first(struct set *set, const struct tls_server_config *config,
                       char error[TLS_ERROR])
{
    for (size_t i = 0; i < config->certificate_count; i++)
        if (is_like_first(config, i) && !add_to(set->first, &config->certificates[i], error))
            return false;
    return true;
}

static bool load_name(struct set *set, const struct tls_server_config *config, struct str name,
                      char error[TLS_ERROR])
{
    SSL_CTX *ctx;

    for (size_t i = 0; i < set->names.count; i++)
        if (str_eq(set->names.at[i].name, name))
            return true;
    ctx = new_context(set, config, error);
    if (!ctx)
        return false;
    *vec_add(&set->pool, &set->names) = (struct named){pool_copy(&set->pool, name), ctx};
    for (size_t i = 0; i < config->certificate_count; i++) {
        const struct tls_certificate *from = &config->certificates[i];
        if (has_name(from, name) && !add_to(ctx, from, error))
            return false;
    }
    return true;
}

static bool load_names(struct set *set, const struct tls_server_config *config,
                       char error[TLS_ERROR])
{
    for (size_t i = 0; i < config->certificate_count; i++) {
        const struct tls_certificate *from = &config->certificates[i];
        for (size_t n = 0; n < from->name_count; n++)
            if (!load_name(set, config, from->names[n], error))
                return false;
    }
    return true;
}

/* The set's first context, a reference; NULL: *error says why. */
static SSL_CTX *load_set(const struct tls_server_config *config, char error[TLS_ERROR])
{
    struct pool pool;
    struct set *set;
    SSL_CTX *first;

    pool_open(&pool, NULL);
    set = pool_new(&pool, struct set);
    *set = (struct set){.pool = pool, .strict = config->strict_sni, .http2 = config->http2};
    first = set->first = new_context(set, config, error);
    if (!first) {
        pool = set->pool;
        pool_close(&pool);
        return NULL;
    }
    SSL_CTX_set_ex_data(first, set_slot, set);
    if (load_first(set, config, error) && load_names(set, config, error))
        return first;
    SSL_CTX_free(first);
    return NULL;
}

/* ---- public ---- */

struct tls_server *tls_server_open(void)
{
    struct tls_server *server = pool_xmalloc(sizeof *server);

    pthread_once(&once, make_slots);
    *server = (struct tls_server){.lock = PTHREAD_MUTEX_INITIALIZER};
    return server;
}

bool tls_server_load(struct tls_server *server, const struct tls_server_config *config,
                     char error[TLS_ERROR])
{
    SSL_CTX *loaded = load_set(config, error), *before;

    if (!loaded)
        return false;
    pthread_mutex_lock(&server->lock);
    before = server->first;
    server->first = loaded;
    pthread_mutex_unlock(&server->lock);
    SSL_CTX_free(before);
    return true;
}

void tls_server_close(struct tls_server *server)
{
    SSL_CTX_free(server->first);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

bool tls_server_accept(struct tls_server *server, struct stream *stream)
{
    SSL *ssl;

    pthread_mutex_lock(&server->lock);
    ssl = SSL_new(server->first);
    pthread_mutex_unlock(&server->lock);
    if (!tls_layer_open(stream, ssl))
        return false;
    SSL_set_accept_state(ssl);
    return true;
}
