/* Certificates, keys, lists of revocations and OCSP responses from hostile files: a byte says what the rest is, the
 * others are good. Whatever it is: loaded, or refused with a sentence. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "io/tls.h"

static char cert[4096], key[4096];

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void to_text(BIO *bio, char to[4096])
{
    int len = BIO_read(bio, to, 4095);

    check(len > 0);
    to[len] = 0;
    BIO_free(bio);
}

static void make_pair(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *own = X509_new();
    BIO *out = BIO_new(BIO_s_mem());

    X509_set_version(own, 2);
    X509_gmtime_adj(X509_getm_notBefore(own), 0);
    X509_gmtime_adj(X509_getm_notAfter(own), 86400);
    X509_set_pubkey(own, pair);
    check(X509_sign(own, pair, EVP_sha256()));
    PEM_write_bio_X509(out, own);
    to_text(out, cert);
    out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, pair, NULL, NULL, 0, NULL, NULL);
    to_text(out, key);
    X509_free(own);
    EVP_PKEY_free(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static bool begun;
    char error[TLS_ERROR] = "";
    struct str rest = {(const char *)bytes + 1, len > 0 ? len - 1 : 0};
    struct tls_certificate one = {.label = STR("x")};
    struct tls_server_config config = {.certificates = &one, .certificate_count = 1, .depth = 3};
    struct tls_server *server;
    unsigned kind = len > 0 ? bytes[0] % 5 : 0;

    if (!begun) {
        tls_module.start();
        make_pair();
        begun = true;
    }
    one.cert = kind == 0 ? rest : str_of(cert);
    one.key = kind == 1 ? rest : str_of(key);
    one.ocsp = kind == 4 ? rest : STR("");
    config.client_auth = kind == 2 || kind == 3 ? TLS_CLIENT_OPTIONAL : TLS_CLIENT_OFF;
    config.ca = kind == 2 ? rest : str_of(cert);
    config.crl = kind == 3 ? rest : STR("");
    server = tls_module.server_open();
    if (!tls_module.server_load(server, &config, error))
        check(error[0] != 0);
    else
        check(kind != 0 || rest.len > 0);
    tls_module.server_close(server);
    return 0;
}
