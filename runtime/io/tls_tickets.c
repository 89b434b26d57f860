#include "io/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <time.h>

enum { KEY_AGE_S = 12 * 3600, NAME = 16, SECRET = 32 };

struct ticket_key {
    unsigned char name[NAME], hmac[SECRET], aes[SECRET];
    int64_t made; /* seconds of the wall clock: a successor goes on counting */
};

_Static_assert(2 * sizeof(struct ticket_key) == TLS_TICKET_BYTES, "tls.h says how many");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key keys[2]; /* the current one, the one before */
static EVP_CIPHER *cipher;

static bool make_key(struct ticket_key *key)
{
    key->made = time(NULL);
    return RAND_bytes(key->name, sizeof key->name) == 1 &&
           RAND_priv_bytes(key->hmac, sizeof key->hmac) == 1 &&
           RAND_priv_bytes(key->aes, sizeof key->aes) == 1;
}

static bool current_key(struct ticket_key *key)
{
    bool good = true;

    pthread_mutex_lock(&lock);
    if (time(NULL) - keys[0].made >= KEY_AGE_S) {
        keys[1] = keys[0];
        good = make_key(&keys[0]);
    }
    *key = keys[0];
    pthread_mutex_unlock(&lock);
    return good;
}

/* 1: the current one; 2: the one before, to be replaced; 0: unknown or too old. */
static int find_key(const unsigned char *name, struct ticket_key *key)
{
    int found = 0;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < 2 && !found; i++) {
        if (memcmp(keys[i].name, name, NAME) == 0 && time(NULL) - keys[i].made < 2 * KEY_AGE_S) {
            *key = keys[i];
            found = i + 1;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static bool use_hmac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof key->hmac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb has it. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *aes,
                     EVP_MAC_CTX *mac, int sealing)
{
    struct ticket_key key;
    int result = 1;

    if (sealing) {
        if (!current_key(&key) || RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher)) != 1)
            return -1;
        memcpy(name, key.name, NAME);
    } else {
        result = find_key(name, &key);
        if (result == 0)
            return 0;
        /* A ticket of TLS 1.3 serves once: who resumes needs the next one (RFC 8446 appendix C.4). */
        if (SSL_version(ssl) == TLS1_3_VERSION)
            result = 2;
    }
    if (!EVP_CipherInit_ex2(aes, cipher, key.aes, iv, sealing, NULL) || !use_hmac(mac, &key))
        result = -1;
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}

void tls_tickets_start(void)
{
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (keys[0].made == 0)
        make_key(&keys[0]);
}

void tls_tickets_use(SSL_CTX *ctx)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_timeout(ctx, KEY_AGE_S);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}

void tls_tickets_export(char out[TLS_TICKET_BYTES])
{
    pthread_mutex_lock(&lock);
    memcpy(out, keys, sizeof keys);
    pthread_mutex_unlock(&lock);
}

void tls_tickets_import(const char in[TLS_TICKET_BYTES])
{
    pthread_mutex_lock(&lock);
    memcpy(keys, in, sizeof keys);
    pthread_mutex_unlock(&lock);
}
