#include "policy/aws_sigv4.h"

#include "request/carried.h"
#include "request/hold.h"
#include "request/identity.h"
#include "request/taken.h"

/* What is known of a request, once it has been read. */
struct asked {
    struct sigv4_request request;
    struct sigv4 sigv4;
    enum sigv4_outcome outcome;
    const char *reason;
    bool is_verified; /* the signature, where that goes without the body */
    bool is_proven;   /* the body, too */
};

/* ---- credentials ---- */

static bool is_access_key(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] <= ' ' || id.at[i] > '~' || id.at[i] == '/' || id.at[i] == ',')
            return false;
    return id.len <= SIGV4_MAX_ACCESS_KEY;
}

static const char *make(struct credential *credential, struct pool *pool)
{
    (void)pool;
    if (!is_access_key(credential->id))
        return "an access key is longer than 128 bytes, or has one that none can have";
    if (credential->secret.len == 0)
        return "a secret key is empty";
    return credential->secret.len > SIGV4_MAX_SECRET ? "a secret key is longer than 256 bytes"
                                                     : NULL;
}

const struct credential_kind aws_credentials = {.make = make};

/* ---- the request ---- */

/* As they came: whatever is not forwarded was signed all the same. The host is the one by which the request is routed,
 * wherever it was said. */
static void set_fields(struct gw_req *rq, struct sigv4_request *request)
{
    const struct fields *from = &rq->head.fields;
    struct sigv4_field *fields = pool_take(&rq->pool, (from->count + 1u) * sizeof *fields);
    size_t count = 0;

    fields[count++] = (struct sigv4_field){STR("Host"), rq->head.authority};
    for (size_t i = 0; i < from->count; i++)
        if (from->at[i].id != FIELD_HOST)
            fields[count++] =
                (struct sigv4_field){field_name(&from->at[i]), field_value(&from->at[i])};
    request->fields = fields;
    request->field_count = count;
}

/* Runs of slashes count as one slash in what is signed; behind the gateway they may not. */
static bool has_empty_segments(const struct gw_req *rq, const struct sigv4_rules *rules)
{
    return str_find_str(rq->path, STR("//")) < rq->path.len && !str_eq(rules->service, STR("s3"));
}

/* Once for a request: time goes on while it waits. */
static struct asked *ask(struct gw_req *rq, const struct gw_sigv4 *scheme)
{
    void **memo = identity_memo(rq, scheme);
    struct asked *asked = *memo;

    if (asked)
        return asked;
    *memo = asked = pool_new(&rq->pool, struct asked);
    asked->request = (struct sigv4_request){
        .method = rq->head.method_text, .path = rq->head.path, .query = rq->head.query};
    set_fields(rq, &asked->request);
    asked->outcome = sigv4_read(&rq->pool, &asked->request, &scheme->rules,
                                rq->started_us / 1000000, &asked->sigv4, &asked->reason);
    if (asked->outcome == SIGV4_READ && has_empty_segments(rq, &scheme->rules)) {
        asked->outcome = SIGV4_WRONG;
        asked->reason = "the path has empty segments, which a signature does not cover";
    }
    return asked;
}

/* ---- hiding it ---- */

static void hide(struct gw_req *rq, const void *config)
{
    static const struct str parameters[] = {
        STR_INIT("X-Amz-Algorithm"),      STR_INIT("X-Amz-Credential"),
        STR_INIT("X-Amz-Date"),           STR_INIT("X-Amz-Expires"),
        STR_INIT("X-Amz-SignedHeaders"),  STR_INIT("X-Amz-Signature"),
        STR_INIT("X-Amz-Security-Token"), STR_INIT("X-Amz-Content-Sha256"),
    };
    struct asked *asked = *identity_memo(rq, config);

    if (asked->sigv4.in_query)
        carried_drop_from_query(rq, parameters, sizeof parameters / sizeof *parameters);
    else
        fields_drop(&rq->head.fields, FIELD_AUTHORIZATION);
    fields_drop_named(&rq->head.fields, STR("X-Amz-Security-Token"));
}

/* ---- the proof ---- */

static bool is_signed(struct gw_req *rq, const struct gw_sigv4 *scheme, const struct asked *asked,
                      struct str secret, const unsigned char *body)
{
    unsigned char key[CRYPTO_SHA256];
    bool fits;

    sigv4_key(secret, asked->sigv4.day, &scheme->rules, key);
    fits = sigv4_verify(&rq->pool, &asked->request, &scheme->rules, &asked->sigv4, key, body);
    crypto_wipe(key, sizeof key);
    return fits;
}

static void body_digest(const struct gw_req *rq, unsigned char digest[CRYPTO_SHA256])
{
    struct crypto_pieces pieces;

    crypto_pieces_open(&pieces);
    for (const struct buf *b = rq->hold ? rq->hold->kept.out : NULL; b; b = b->next)
        crypto_pieces_add(&pieces, (struct str){b->bytes + b->start, buf_len(b)});
    crypto_pieces_close(&pieces, digest);
}

/* Without the body first: who did not sign the head need not send any. */
static bool prove(struct gw_req *rq, const struct gw_sigv4 *scheme, struct asked *asked,
                  struct str secret)
{
    static const char *const mismatch = "the signature does not match the request";
    unsigned char body[CRYPTO_SHA256];
    enum sigv4_payload payload = asked->sigv4.payload;

    if (payload != SIGV4_PAYLOAD_BODY && !asked->is_verified) {
        if (!is_signed(rq, scheme, asked, secret, NULL))
            return identity_is_wrong(rq, mismatch);
        asked->is_verified = true;
    }
    if (payload == SIGV4_PAYLOAD_UNSIGNED)
        return true;
    if (!taken_whole(rq))
        return false;
    body_digest(rq, body);
    if (payload == SIGV4_PAYLOAD_BODY && !is_signed(rq, scheme, asked, secret, body))
        return identity_is_wrong(rq, mismatch);
    return sigv4_body_is(&asked->sigv4, body) ||
           identity_is_wrong(rq, "the body is not the one that was signed");
}

bool gw_sigv4(struct gw_req *rq, const struct gw_sigv4 *scheme)
{
    struct asked *asked = ask(rq, scheme);
    const struct credential *credential;

    if (asked->outcome == SIGV4_NONE)
        return identity_lacks(rq, "an AWS signature is needed");
    if (asked->outcome == SIGV4_WRONG)
        return identity_is_wrong(rq, asked->reason);
    /* Each time: what is known may have been read anew while the request waited. */
    credential = identity_consumers(rq)->credential(identity_all(rq), GW_CREDENTIAL_AWS,
                                                    asked->sigv4.access_key);
    if (!credential)
        return identity_is_wrong(rq, "the access key is not known");
    if (!asked->is_proven && !prove(rq, scheme, asked, credential->secret))
        return false;
    asked->is_proven = true;
    if (scheme->hide_credentials)
        identity_hide(rq, hide, scheme);
    return identity_claim(rq, credential->consumer);
}
