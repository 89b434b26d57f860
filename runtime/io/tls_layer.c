#include "io/tls_layer.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/pool.h"
#include "base/slab.h"

enum {
    RECORD_MAX = 16 * 1024,        /* plain bytes of one record */
    BATCH_MAX = 4 * RECORD_MAX,    /* plain bytes that leave in one send */
    BATCH_ROOM = BATCH_MAX + 8192, /* and what TLS adds to them, alerts and tickets included */
    KEPT_MAX = 2 * BATCH_ROOM,     /* records that wait for the socket; more is an attack */
};

static const char HTTP_ANSWER[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                                  "Connection: close\r\nContent-Length: 45\r\n\r\n"
                                  "This port speaks HTTPS; this was plain HTTP.\n";

static BIO_METHOD *socket_method;
static struct tls_stats stats; /* atomic */

/* Records of the call that is under way, and the plain bytes of one record: of the thread, not of a
 * connection, so that an idle one holds neither. */
static _Thread_local struct {
    size_t len;
    char records[BATCH_ROOM];
    char plain[RECORD_MAX];
} batch;

struct tls_layer *tls_layer_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static struct tls_layer *layer_of(const struct stream *stream)
{
    return (struct tls_layer *)stream->layer;
}

const char *tls_error_text(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(error);

    ERR_clear_error();
    return text ? text : "TLS failed";
}

/* ---- out: records into the batch, the batch into the socket ---- */

static bool keep(struct tls_layer *layer, const char *bytes, size_t len)
{
    char *grown;

    if (layer->kept_len + len > KEPT_MAX)
        return false;
    if (layer->kept_start > 0)
        memmove(layer->kept, layer->kept + layer->kept_start, layer->kept_len);
    layer->kept_start = 0;
    grown = OPENSSL_realloc(layer->kept, layer->kept_len + len);
    if (!grown)
        return false;
    memcpy(grown + layer->kept_len, bytes, len);
    layer->kept = grown;
    layer->kept_len += len;
    return true;
}

static ssize_t flush(struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);

    while (layer->kept_len > 0) {
        struct iovec iov = {layer->kept + layer->kept_start, layer->kept_len};
        ssize_t sent = stream->writable ? stream_socket_write(stream, &iov, 1) : STREAM_AGAIN;
        if (sent < 0)
            return sent;
        layer->kept_start += (size_t)sent;
        layer->kept_len -= (size_t)sent;
    }
    OPENSSL_free(layer->kept);
    layer->kept = NULL;
    layer->kept_start = 0;
    stream->unsent = false;
    return 0;
}

/* Ends a call: what it made leaves, or is kept. */
static bool send_batch(struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);
    struct iovec iov = {batch.records, batch.len};
    ssize_t sent = 0;

    if (batch.len == 0)
        return true;
    batch.len = 0;
    if (layer->kept_len == 0 && stream->writable)
        sent = stream_socket_write(stream, &iov, 1);
    if (sent == STREAM_FAILED)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == iov.iov_len)
        return true;
    stream->unsent = true;
    stream->writable = false;
    return keep(layer, batch.records + sent, iov.iov_len - (size_t)sent);
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    (void)bio;
    if (len <= 0 || (size_t)len > sizeof batch.records - batch.len)
        return -1;
    memcpy(batch.records + batch.len, bytes, (size_t)len);
    batch.len += (size_t)len;
    return len;
}

/* ---- in ---- */

static int bio_read(BIO *bio, char *to, int room)
{
    struct tls_layer *layer = BIO_get_data(bio);
    struct stream *stream = layer->stream;
    ssize_t got = STREAM_AGAIN;

    BIO_clear_retry_flags(bio);
    if (room <= 0)
        return -1;
    if (!layer->dry || stream->hangup) {
        stream->readable = true;
        got = stream_socket_read(stream, to, (size_t)room);
        layer->dry = !stream->readable;
        layer->ended = got == 0;
    }
    if (got == STREAM_AGAIN)
        BIO_set_retry_read(bio);
    return got < 0 ? -1 : (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_layer *layer = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && layer->ended);
}

/* ---- the life of a layer ---- */

/* A socket that ends without the goodbye of TLS was cut off, maybe by somebody in between. */
static bool is_cut(void)
{
    unsigned long error = ERR_peek_last_error();

    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static bool is_http(void)
{
    unsigned long error = ERR_peek_last_error();

    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           (ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST ||
            ERR_GET_REASON(error) == SSL_R_HTTPS_PROXY_REQUEST);
}

static void answer_http(struct stream *stream)
{
    struct iovec iov = {(void *)HTTP_ANSWER, sizeof HTTP_ANSWER - 1};

    batch.len = 0; /* an alert that nobody would understand */
    stream_socket_write(stream, &iov, 1);
}

static void note_handshake(struct tls_layer *layer)
{
    if (layer->counted || !SSL_is_init_finished(layer->ssl))
        return;
    layer->counted = true;
    __atomic_fetch_add(&stats.handshakes, 1, __ATOMIC_RELAXED);
    if (SSL_session_reused(layer->ssl))
        __atomic_fetch_add(&stats.resumed, 1, __ATOMIC_RELAXED);
}

static void note_failure(struct tls_layer *layer)
{
    if (!layer->counted)
        __atomic_fetch_add(&stats.failures, 1, __ATOMIC_RELAXED);
    layer->counted = true;
}

static ssize_t broken(struct stream *stream, const char *reason)
{
    struct tls_layer *layer = layer_of(stream);

    note_failure(layer);
    layer->reason = reason;
    layer->verdict = STREAM_FAILED;
    if (!stream->error)
        stream->error = EPROTO;
    stream->failed = true;
    stream->readable = stream->writable = false;
    return STREAM_FAILED;
}

static const char *error_of(const SSL *ssl)
{
    const char *text = tls_error_text();
    long verified = SSL_get_verify_result(ssl);

    return verified == X509_V_OK ? text : X509_verify_cert_error_string(verified);
}

/* What OpenSSL says when it did not do what it was asked: STREAM_AGAIN, 0 at the end, STREAM_FAILED. */
static ssize_t judge(struct stream *stream, int result)
{
    struct tls_layer *layer = layer_of(stream);

    switch (SSL_get_error(layer->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        layer->verdict = 0;
        stream->hangup = true;
        return 0;
    default:
        break;
    }
    if (stream->failed) {
        ERR_clear_error();
        return broken(stream, "the connection was reset");
    }
    if (is_cut()) {
        ERR_clear_error();
        note_failure(layer);
        layer->reason = "the connection was closed within the handshake";
        layer->verdict = 0;
        stream->hangup = stream->cut = true;
        return 0;
    }
    if (is_http())
        answer_http(stream);
    send_batch(stream); /* the alert */
    return broken(stream, error_of(layer->ssl));
}

static ssize_t read_records(struct stream *stream, char *to, size_t room)
{
    struct tls_layer *layer = layer_of(stream);
    size_t got = 0;

    while (got < room && layer->verdict == STREAM_AGAIN) {
        size_t left = room - got;
        int len = SSL_read(layer->ssl, to + got, left < INT32_MAX ? (int)left : INT32_MAX);
        if (len > 0) {
            got += (size_t)len;
            if (layer->dry && !stream->hangup && !SSL_has_pending(layer->ssl))
                break;
            continue;
        }
        if (judge(stream, len) == STREAM_AGAIN)
            break;
    }
    return (ssize_t)got;
}

static ssize_t layer_read(struct stream *stream, void *to, size_t room)
{
    struct tls_layer *layer = layer_of(stream);
    ssize_t got;

    layer->stream = stream;
    got = read_records(stream, to, room);
    note_handshake(layer);
    if (!send_batch(stream) && layer->verdict == STREAM_AGAIN)
        broken(stream, "the connection takes nothing more");
    if (got > 0) {
        stream->readable = (size_t)got == room || layer->verdict != STREAM_AGAIN || stream->hangup;
        stream->drained = !stream->readable;
        return got;
    }
    stream->readable = false;
    stream->drained = layer->verdict == STREAM_AGAIN;
    return layer->verdict;
}

/* The pieces' bytes from `skip` on, as one run of at most a record: a part of one piece, or gathered. */
static struct str next_run(const struct iovec *iov, int count, size_t skip)
{
    size_t len = 0;

    for (int i = 0; i < count && len < RECORD_MAX; i++) {
        size_t room = RECORD_MAX - len, part;
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        part = iov[i].iov_len - skip;
        if (len == 0 && (part >= RECORD_MAX || i + 1 == count))
            return (struct str){(char *)iov[i].iov_base + skip, part < room ? part : room};
        if (part > room)
            part = room;
        memcpy(batch.plain + len, (char *)iov[i].iov_base + skip, part);
        len += part;
        skip = 0;
    }
    return (struct str){batch.plain, len};
}

static ssize_t layer_write(struct stream *stream, const struct iovec *iov, int count)
{
    struct tls_layer *layer = layer_of(stream);
    size_t taken = 0;
    ssize_t state = flush(stream);

    layer->stream = stream;
    if (state != 0)
        return state;
    for (struct str run; (run = next_run(iov, count, taken)).len > 0 && !stream->unsent;) {
        int len = SSL_write(layer->ssl, run.at, (int)run.len);
        if (len <= 0) {
            ERR_clear_error();
            batch.len = 0;
            return broken(stream, "nothing can be sent");
        }
        taken += (size_t)len;
        if (taken % BATCH_MAX == 0 && !send_batch(stream))
            return broken(stream, "the connection takes nothing more");
    }
    if (!send_batch(stream))
        return broken(stream, "the connection takes nothing more");
    return (ssize_t)taken;
}

static void layer_event(struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);

    layer->dry = false;
    if (layer->kept_len > 0 && stream->writable)
        flush(stream);
}

static void say_goodbye(struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);

    layer->stream = stream;
    if (layer->verdict == STREAM_FAILED || stream->failed || !SSL_is_init_finished(layer->ssl))
        return;
    if (SSL_shutdown(layer->ssl) < 0)
        ERR_clear_error();
    send_batch(stream);
}

static void layer_close(struct stream *stream, bool in_order)
{
    struct tls_layer *layer = layer_of(stream);

    if (in_order && layer->kept_len == 0)
        say_goodbye(stream);
    else
        SSL_set_quiet_shutdown(layer->ssl, 1);
    SSL_free(layer->ssl);
    OPENSSL_free(layer->kept);
    if (layer->peer) {
        OPENSSL_free((char *)layer->peer->subject.at);
        OPENSSL_free((char *)layer->peer->issuer.at);
        OPENSSL_free((char *)layer->peer->serial.at);
        OPENSSL_free((char *)layer->peer->fingerprint.at);
        OPENSSL_free((char *)layer->peer->san.at);
        OPENSSL_free((char *)layer->peer->base64.at);
        OPENSSL_free(layer->peer);
    }
    OPENSSL_free(layer);
}

static struct str layer_protocol(const struct stream *stream)
{
    const unsigned char *at = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(layer_of(stream)->ssl, &at, &len);
    return (struct str){(const char *)at, len};
}

/* ---- who the other side is ---- */

/* What a BIO has gathered, as a text of its own. */
static struct str take_text(BIO *bio)
{
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    struct str text = {len > 0 ? OPENSSL_memdup(at, (size_t)len) : NULL, len > 0 ? (size_t)len : 0};

    BIO_reset(bio);
    return text.at ? text : (struct str){0};
}

static struct str hex(const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *at = OPENSSL_malloc(2 * len + 1);

    for (size_t i = 0; at && i < len; i++) {
        at[2 * i] = digits[bytes[i] >> 4];
        at[2 * i + 1] = digits[bytes[i] & 15];
    }
    return (struct str){at, at ? 2 * len : 0};
}

static struct str serial_text(X509 *certificate)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

    return hex(serial->data, serial->length > 0 ? (size_t)serial->length : 0);
}

static struct str base64_text(X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    char *at = len > 0 ? OPENSSL_malloc((size_t)(len + 2) / 3 * 4 + 1) : NULL;
    int coded = at ? EVP_EncodeBlock((unsigned char *)at, der, len) : 0;

    OPENSSL_free(der);
    return (struct str){at, (size_t)coded};
}

static struct str san_text(BIO *bio, X509 *certificate)
{
    int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);

    if (at >= 0)
        X509V3_EXT_print(bio, X509_get_ext(certificate, at), 0, 0);
    ERR_clear_error();
    return take_text(bio);
}

static void read_certificate(struct tls_peer *peer, X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        return;
    X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    peer->subject = take_text(bio);
    X509_NAME_print_ex(bio, X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
    peer->issuer = take_text(bio);
    peer->san = san_text(bio, certificate);
    peer->serial = serial_text(certificate);
    peer->base64 = base64_text(certificate);
    if (X509_digest(certificate, EVP_sha256(), digest, &len))
        peer->fingerprint = hex(digest, len);
    BIO_free(bio);
}

static const struct tls_peer *layer_peer(const struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);
    const char *name;
    X509 *certificate;

    if (layer->peer || !(layer->peer = OPENSSL_zalloc(sizeof *layer->peer)))
        return layer->peer;
    name = SSL_get_servername(layer->ssl, TLSEXT_NAMETYPE_host_name);
    certificate = SSL_get0_peer_certificate(layer->ssl);
    layer->peer->version = SSL_get_version(layer->ssl);
    layer->peer->cipher = SSL_get_cipher_name(layer->ssl);
    layer->peer->name = name ? str_of(name) : STR("");
    layer->peer->resumed = SSL_session_reused(layer->ssl);
    layer->peer->verified = certificate && SSL_get_verify_result(layer->ssl) == X509_V_OK;
    if (certificate)
        read_certificate(layer->peer, certificate);
    return layer->peer;
}

bool tls_layer_open(struct stream *stream, SSL *ssl)
{
    static const struct stream_layer_ops ops = {
        .read = layer_read,
        .write = layer_write,
        .flush = flush,
        .event = layer_event,
        .shutdown = say_goodbye,
        .close = layer_close,
        .protocol = layer_protocol,
        .peer = layer_peer,
    };
    struct tls_layer *layer = ssl ? OPENSSL_zalloc(sizeof *layer) : NULL;
    BIO *bio = layer ? BIO_new(socket_method) : NULL;

    if (!bio) {
        SSL_free(ssl);
        OPENSSL_free(layer);
        return false;
    }
    layer->layer.ops = &ops;
    layer->ssl = ssl;
    layer->verdict = STREAM_AGAIN;
    BIO_set_data(bio, layer);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, layer);
    stream->layer = &layer->layer;
    return true;
}

ssize_t tls_layer_handshake(struct stream *stream, const char **reason)
{
    struct tls_layer *layer = layer_of(stream);
    ssize_t state = 0;
    int result;

    layer->stream = stream;
    result = SSL_do_handshake(layer->ssl);
    if (result <= 0)
        state = judge(stream, result);
    else
        note_handshake(layer);
    if (!send_batch(stream) && state != STREAM_FAILED)
        state = broken(stream, "the connection takes nothing more");
    if (result <= 0 && state == 0)
        state = STREAM_FAILED;
    *reason = layer->reason;
    return state;
}

struct tls_stats tls_layer_stats(void)
{
    return (struct tls_stats){
        .handshakes = __atomic_load_n(&stats.handshakes, __ATOMIC_RELAXED),
        .resumed = __atomic_load_n(&stats.resumed, __ATOMIC_RELAXED),
        .failures = __atomic_load_n(&stats.failures, __ATOMIC_RELAXED),
    };
}

/* ---- the library ---- */

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return slab_take(size);
}

static void *resize(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return slab_resize(block, size);
}

static void give(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    slab_give(block);
}

void tls_layer_start(void)
{
    CRYPTO_set_mem_functions(take, resize, give);
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
    socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(socket_method, bio_read);
    BIO_meth_set_write(socket_method, bio_write);
    BIO_meth_set_ctrl(socket_method, bio_ctrl);
}

void tls_context_setup(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
}
