#include "policy/tls.h"

#include "member.h"
#include "policy/type.h"

enum { DEPTH_MAX = 16 };

/* ---- words ---- */

struct word {
    const char *said, *openssl;
};

/* RFC 8446 appendix B.4. */
static const struct word suites[] = {
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
    {"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
    {"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
};

/* TLS 1.2: forward secrecy and an AEAD, nothing else (RFC 9325 section 4.2). By IANA's names and by OpenSSL's. */
static const struct word ciphers[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
};

static const struct word groups[] = {
    {"X25519", "X25519"}, {"X448", "X448"},   {"P-256", "P-256"},
    {"P-384", "P-384"},   {"P-521", "P-521"}, {"secp256r1", "P-256"},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *find_word(const struct word *words, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(text, str_of(words[i].said)) || str_eq(text, str_of(words[i].openssl)))
            return words[i].openssl;
    return NULL;
}

static struct str append(struct pool *pool, struct str list, const char *word)
{
    return list.len > 0 ? pool_printf(pool, "%.*s:%s", STR_ARG(list), word) : str_of(word);
}

/* ---- lists ---- */

/* One text or a list of them; calls `add` for each. */
static void each_text(struct policy_reader *r, const struct node *node, const char *what,
                      void (*add)(struct policy_reader *r, struct said text, void *out), void *out)
{
    struct said text;

    if (node->kind != NODE_LIST) {
        if (setting_text(r->job, node, what, &text))
            add(r, text, out);
        return;
    }
    if (node->item_count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'%s' lists nothing", what);
    for (size_t i = 0; i < node->item_count; i++)
        if (setting_text(r->job, node->items[i], what, &text))
            add(r, text, out);
}

static void add_suite(struct policy_reader *r, struct said text, void *out)
{
    struct ir_tls *tls = out;
    const char *suite = find_word(suites, COUNT(suites), text.text);
    const char *cipher = find_word(ciphers, COUNT(ciphers), text.text);

    if (suite != NULL) {
        tls->suites = append(&r->job->pool, tls->suites, suite);
    } else if (cipher != NULL) {
        tls->ciphers = append(&r->job->pool, tls->ciphers, cipher);
    } else {
        struct str names[COUNT(suites) + COUNT(ciphers)];
        size_t count = 0;
        for (size_t i = 0; i < COUNT(suites); i++)
            names[count++] = str_of(suites[i].said);
        for (size_t i = 0; i < COUNT(ciphers); i++)
            names[count++] = str_of(ciphers[i].said);
        struct str near = diag_suggest(&r->job->pool, text.text, names, count);
        diag_error(&r->job->diags, text.loc, "bad-cipher-suite",
                   "'%.*s' is not offered: forward secrecy and an AEAD are asked for%.*s",
                   STR_SHORT(text.text), STR_ARG(near));
    }
}

static void add_group(struct policy_reader *r, struct said text, void *out)
{
    struct ir_tls *tls = out;
    const char *group = find_word(groups, COUNT(groups), text.text);

    if (group != NULL)
        tls->groups = append(&r->job->pool, tls->groups, group);
    else
        diag_error(&r->job->diags, text.loc, "bad-value",
                   "'%.*s' is no group: X25519, P-256, P-384, P-521 or X448", STR_SHORT(text.text));
}

static void add_name(struct policy_reader *r, struct said text, void *out)
{
    struct ir_certificate *certificate = out;
    struct str name;

    if (!setting_host(r->job, text, &name))
        return;
    if (str_eq(name, STR("*"))) {
        diag_error(&r->job->diags, text.loc, "bad-host",
                   "'sni' names hosts; the first certificate is taken for all others");
        return;
    }
    *vec_add(&r->job->pool, &certificate->names) = name;
}

/* ---- run-time values ---- */

static void read_reference(struct policy_reader *r, const char *cell, const char *what,
                           struct ir_text *out)
{
    struct node *node = policy_cell(r, cell);

    if (node != NULL)
        setting_runtime(r->job, node, what, out);
}

static void read_secret(struct policy_reader *r, const char *cell, const char *what,
                        struct ir_text *out)
{
    struct node *node = policy_cell(r, cell);

    if (node != NULL)
        setting_secret(r->job, node, what, out);
}

/* ---- versions and reload ---- */

enum { VERSION_1_2 = 1, VERSION_1_3 };
static const cyaml_strval_t versions[] = {{"1.2", VERSION_1_2}, {"1.3", VERSION_1_3}};

enum { RELOAD_SIGNAL = 1, RELOAD_WATCH };
static const cyaml_strval_t reloads[] = {{"signal", RELOAD_SIGNAL}, {"watch", RELOAD_WATCH}};

/* ---- client certificates ---- */

struct raw_client_auth {
    int mode, forward;
    char *ca, *crl, *depth;
};

static const cyaml_strval_t modes[] = {
    {"off", 1 + IR_CLIENT_OFF},
    {"optional", 1 + IR_CLIENT_OPTIONAL},
    {"required", 1 + IR_CLIENT_REQUIRED},
};

static const cyaml_schema_field_t client_auth_fields[] = {
    POLICY_CHOICE(struct raw_client_auth, mode, modes),
    POLICY_CELL(struct raw_client_auth, ca, RUNTIME),
    POLICY_CELL(struct raw_client_auth, crl, RUNTIME),
    POLICY_CELL(struct raw_client_auth, depth, NUMBER),
    POLICY_TRUTH(struct raw_client_auth, forward),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t client_auth_schema =
    POLICY_MAPPING(struct raw_client_auth, client_auth_fields);

static void read_client_auth(struct policy_reader *r, const struct node *node, const void *from,
                             size_t count, void *out)
{
    const struct raw_client_auth *raw = from;
    struct ir_tls *tls = out;
    struct node *depth = policy_cell(r, raw->depth);

    (void)count;
    tls->client_auth = raw->mode ? (enum ir_client_auth)(raw->mode - 1) : IR_CLIENT_REQUIRED;
    tls->client_forward = raw->forward == YES;
    read_reference(r, raw->ca, "ca", &tls->client_ca);
    read_reference(r, raw->crl, "crl", &tls->client_crl);
    if (depth != NULL)
        setting_number(r->job, depth, "depth", 1, DEPTH_MAX, &tls->client_depth);
    if (tls->client_auth != IR_CLIENT_OFF && tls->client_ca.kind == IR_TEXT_NONE)
        diag_error(&r->job->diags, node->loc, "missing-key",
                   "'client_auth' needs 'ca': who may sign the certificates of clients");
}

const struct policy_type tls_client_auth_type = {"listeners[].tls.client_auth", &client_auth_schema,
                                                 read_client_auth};

/* ---- listeners ---- */

struct raw_certificate {
    char *sni, *cert, *key, *ocsp;
};

static const cyaml_schema_field_t certificate_fields[] = {
    POLICY_CELL(struct raw_certificate, sni, TEXT_OR_TEXTS),
    POLICY_NEEDED(struct raw_certificate, cert, RUNTIME),
    POLICY_NEEDED(struct raw_certificate, key, REFERENCE),
    POLICY_CELL(struct raw_certificate, ocsp, RUNTIME),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t certificate_schema =
    POLICY_ENTRY(struct raw_certificate, certificate_fields);

struct raw_listener {
    struct raw_certificate *certificates;
    uint32_t certificates_count;
    int min_version, reload, strict_sni;
    char *cipher_suites, *groups, *client_auth;
};

static const cyaml_schema_field_t listener_fields[] = {
    POLICY_LIST(struct raw_listener, certificates, &certificate_schema),
    POLICY_CHOICE(struct raw_listener, min_version, versions),
    POLICY_CELL(struct raw_listener, cipher_suites, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw_listener, groups, TEXT_OR_TEXTS),
    POLICY_TRUTH(struct raw_listener, strict_sni),
    POLICY_CHOICE(struct raw_listener, reload, reloads),
    POLICY_CELL(struct raw_listener, client_auth, TYPED_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t listener_schema =
    POLICY_MAPPING(struct raw_listener, listener_fields);

static void read_certificate(struct policy_reader *r, const struct raw_certificate *raw,
                             struct ir_certificate *certificate)
{
    struct node *sni = policy_cell(r, raw->sni);

    if (sni != NULL)
        each_text(r, sni, "sni", add_name, certificate);
    read_reference(r, raw->cert, "cert", &certificate->cert);
    read_secret(r, raw->key, "key", &certificate->key);
    read_reference(r, raw->ocsp, "ocsp", &certificate->ocsp);
}

static void read_suites(struct policy_reader *r, const struct node *node, struct ir_tls *tls)
{
    each_text(r, node, "cipher_suites", add_suite, tls);
    if (tls->ciphers.len > 0 && !tls->allow_1_2)
        diag_error(&r->job->diags, node->loc, "bad-cipher-suite",
                   "suites of TLS 1.2 are never used: 'min_version' is 1.3");
    if (tls->ciphers.len == 0 && tls->suites.len > 0 && tls->allow_1_2)
        diag_error(&r->job->diags, node->loc, "bad-cipher-suite",
                   "'min_version' is 1.2, and no suite of TLS 1.2 is among the 'cipher_suites'");
}

static void read_listener(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw_listener *raw = from;
    struct ir_tls *tls = out;
    struct node *list = policy_cell(r, raw->cipher_suites), *some = policy_cell(r, raw->groups);
    struct node *client_auth = policy_cell(r, raw->client_auth);

    (void)count;
    tls->loc = node->loc;
    tls->client_depth = 3;
    tls->allow_1_2 = raw->min_version == VERSION_1_2;
    tls->strict_sni = raw->strict_sni == YES;
    tls->watch = raw->reload == RELOAD_WATCH;
    for (uint32_t i = 0; i < raw->certificates_count; i++)
        read_certificate(r, &raw->certificates[i], vec_add(&r->job->pool, &tls->certificates));
    if (list != NULL)
        read_suites(r, list, tls);
    if (some != NULL)
        each_text(r, some, "groups", add_group, tls);
    if (client_auth != NULL && !setting_is_off(client_auth))
        r->load(r, client_auth, &tls_client_auth_type, tls);
    if (raw->certificates_count == 0)
        diag_error(&r->job->diags, node->loc, "missing-key", "'tls' needs 'certificates'");
}

const struct policy_type tls_listener_type = {"listeners[].tls", &listener_schema, read_listener};

/* ---- upstreams ---- */

struct raw_upstream {
    char *ca, *cert, *key, *sni, *verify_name;
    int verify, min_version, reload;
};

static const cyaml_schema_field_t upstream_fields[] = {
    POLICY_CELL(struct raw_upstream, ca, RUNTIME),
    POLICY_CELL(struct raw_upstream, cert, RUNTIME),
    POLICY_CELL(struct raw_upstream, key, REFERENCE),
    POLICY_CELL(struct raw_upstream, sni, TEXT),
    POLICY_CELL(struct raw_upstream, verify_name, TEXT),
    POLICY_TRUTH(struct raw_upstream, verify),
    POLICY_CHOICE(struct raw_upstream, min_version, versions),
    POLICY_CHOICE(struct raw_upstream, reload, reloads),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t upstream_schema =
    POLICY_MAPPING(struct raw_upstream, upstream_fields);

static void read_host(struct policy_reader *r, const char *cell, const char *what, struct str *out)
{
    struct node *node = policy_cell(r, cell);
    struct said text;
    struct str host;

    if (node == NULL || !setting_text(r->job, node, what, &text) ||
        !setting_host(r->job, text, &host))
        return;
    if (host.at[0] == '*')
        diag_error(&r->job->diags, text.loc, "bad-host", "'%s' is one host name", what);
    else
        *out = host;
}

static void check_upstream(struct policy_reader *r, const struct node *node,
                           const struct ir_upstream_tls *tls)
{
    if ((tls->cert.kind == IR_TEXT_NONE) != (tls->key.kind == IR_TEXT_NONE))
        diag_error(&r->job->diags, node->loc, "missing-key",
                   "'cert' and 'key' go together: the gateway's own certificate");
    if (tls->trust_anyone && (tls->ca.kind != IR_TEXT_NONE || tls->verify_name.len > 0))
        diag_error(
            &r->job->diags, node->loc, "bad-value",
            "'verify: false' looks at no certificate: 'ca' and 'verify_name' are never used");
    else if (tls->trust_anyone)
        diag_warn(&r->job->diags, node->loc, "unverified-upstream",
                  "'verify: false': anybody between can read and change what is sent");
}

static void read_upstream(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw_upstream *raw = from;
    struct ir_upstream_tls *tls = out;

    (void)count;
    tls->loc = node->loc;
    tls->said = true;
    read_reference(r, raw->ca, "ca", &tls->ca);
    read_reference(r, raw->cert, "cert", &tls->cert);
    read_secret(r, raw->key, "key", &tls->key);
    read_host(r, raw->sni, "sni", &tls->sni);
    read_host(r, raw->verify_name, "verify_name", &tls->verify_name);
    tls->trust_anyone = raw->verify == NO;
    tls->only_1_3 = raw->min_version == VERSION_1_3;
    tls->watch = raw->reload == RELOAD_WATCH;
    check_upstream(r, node, tls);
}

const struct policy_type tls_upstream_type = {"upstreams.*.tls", &upstream_schema, read_upstream};
const struct policy_type tls_endpoint_type = {"tls", &upstream_schema, read_upstream};
