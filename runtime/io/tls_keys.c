/* Certificates, keys and lists, from PEM and DER as they were read. */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "base/log.h"
#include "io/tls_layer.h"

enum { CHAIN_MAX = 16, CLOCK_SKEW_S = 300 };

static bool refuse(char error[TLS_ERROR], struct str label, const char *what)
{
    ERR_clear_error();
    snprintf(error, TLS_ERROR, "%.*s: %s", STR_ARG(label), what);
    return false;
}

/* Nobody is there to type one in. */
static int no_password(char *to, int room, int writing, void *arg)
{
    (void)to;
    (void)room;
    (void)writing;
    (void)arg;
    return -1;
}

static BIO *open_text(struct str text)
{
    return BIO_new_mem_buf(text.at ? text.at : "", (int)(text.len < INT32_MAX ? text.len : 0));
}

static void warn_of_dates(const X509 *leaf, struct str label)
{
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        log_warn("%.*s: the certificate has expired", STR_ARG(label));
    else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        log_warn("%.*s: the certificate is not valid yet", STR_ARG(label));
}

/* What follows the leaf. True: the end was reached, and nothing but certificates. */
static bool use_chain(SSL_CTX *ctx, BIO *bio)
{
    X509 *issuer;
    bool good = SSL_CTX_clear_chain_certs(ctx);

    for (int i = 0; good && (issuer = PEM_read_bio_X509(bio, NULL, no_password, NULL)); i++) {
        good = i < CHAIN_MAX && SSL_CTX_add0_chain_cert(ctx, issuer);
        if (!good)
            X509_free(issuer);
    }
    if (good)
        good = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return good;
}

bool tls_keys_use_pair(SSL_CTX *ctx, struct str cert, struct str key, struct str label,
                       char error[TLS_ERROR])
{
    BIO *cert_bio = open_text(cert), *key_bio = open_text(key);
    X509 *leaf = cert_bio ? PEM_read_bio_X509(cert_bio, NULL, no_password, NULL) : NULL;
    EVP_PKEY *secret = key_bio ? PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL) : NULL;
    bool good = false;

    if (!leaf)
        refuse(error, label, "no certificate in PEM");
    else if (!secret)
        refuse(error, label, "its key is no private key in PEM without a password");
    else if (!X509_check_private_key(leaf, secret))
        refuse(error, label, "the key is not that of the certificate");
    else if (!SSL_CTX_use_certificate(ctx, leaf) || !SSL_CTX_use_PrivateKey(ctx, secret))
        refuse(error, label,
               "the certificate's key is too short or of a kind that TLS does not take");
    else if (!use_chain(ctx, cert_bio))
        refuse(error, label, "the chain behind the certificate is damaged or too long");
    else
        good = true;
    if (good)
        warn_of_dates(leaf, label);
    ERR_clear_error();
    X509_free(leaf);
    EVP_PKEY_free(secret);
    BIO_free(cert_bio);
    BIO_free(key_bio);
    return good;
}

bool tls_keys_use(SSL_CTX *ctx, const struct tls_certificate *from, char error[TLS_ERROR])
{
    return tls_keys_use_pair(ctx, from->cert, from->key, from->label, error);
}

static bool trust_roots(X509_STORE *store, struct str ca, STACK_OF(X509_NAME) * names, int *count)
{
    BIO *bio = open_text(ca);
    X509 *root;
    bool good = bio != NULL;

    *count = 0;
    while (good && (root = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL))) {
        X509_NAME *name = names ? X509_NAME_dup(X509_get_subject_name(root)) : NULL;
        good = X509_STORE_add_cert(store, root) &&
               (!names || (name && sk_X509_NAME_push(names, name)));
        if (!good)
            X509_NAME_free(name);
        X509_free(root);
        ++*count;
    }
    good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    return good && *count > 0;
}

static bool trust_lists(X509_STORE *store, struct str crl)
{
    BIO *bio = open_text(crl);
    X509_CRL *list;
    bool good = bio != NULL;
    int count = 0;

    while (good && (list = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL))) {
        good = X509_STORE_add_crl(store, list);
        X509_CRL_free(list);
        count++;
    }
    good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return good && count > 0;
}

bool tls_keys_trust(X509_STORE *store, struct str ca, struct str crl, STACK_OF(X509_NAME) * names,
                    char error[TLS_ERROR])
{
    int count;

    if (!trust_roots(store, ca, names, &count))
        return refuse(error, STR("ca"),
                      count > 0 ? "damaged behind its first certificates"
                                : "no certificate in PEM");
    if (crl.len > 0 && !trust_lists(store, crl))
        return refuse(error, STR("crl"), "no revocation list in PEM, or a damaged one");
    return true;
}

/* The one answer of a response that speaks of this serial number; NULL: none. */
static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *leaf)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        ASN1_INTEGER *serial = NULL;
        OCSP_id_get0_info(NULL, NULL, NULL, &serial,
                          (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
        if (serial && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0)
            return single;
    }
    return NULL;
}

static const char *judge_single(OCSP_SINGLERESP *single)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);

    if (status != V_OCSP_CERTSTATUS_GOOD)
        return "it does not say that the certificate is good";
    return OCSP_check_validity(from, until, CLOCK_SKEW_S, -1) ? NULL : "it is out of date";
}

const char *tls_keys_check_ocsp(struct str ocsp, X509 *leaf)
{
    const unsigned char *at = (const unsigned char *)ocsp.at;
    OCSP_RESPONSE *response =
        ocsp.len < INT32_MAX ? d2i_OCSP_RESPONSE(NULL, &at, (long)ocsp.len) : NULL;
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    OCSP_SINGLERESP *single = basic ? find_single(basic, leaf) : NULL;
    const char *error;

    if (!basic)
        error = "no OCSP response in DER";
    else if (!single)
        error = "it is about another certificate";
    else
        error = judge_single(single);
    ERR_clear_error();
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return error;
}
