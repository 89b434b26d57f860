#include "policy/aws_sigv4.h"

#include "policy/type.h"

enum { SKEW_MAX = 3600, EXPIRES_MAX = 7 * 24 * 3600, HEADERS_MAX = 16, WORD_MAX = 64 };

struct raw {
    char *region, *service, *clock_skew, *max_expires, *signed_headers;
    int unsigned_payload, hide_credentials;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_NEEDED(struct raw, region, TEXT),
    POLICY_CELL(struct raw, service, TEXT),
    POLICY_CELL(struct raw, clock_skew, DURATION),
    POLICY_CELL(struct raw, max_expires, DURATION),
    POLICY_CELL(struct raw, signed_headers, TEXT_OR_TEXTS),
    POLICY_TRUTH(struct raw, unsigned_payload),
    POLICY_TRUTH(struct raw, hide_credentials),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if ((byte < 'a' || byte > 'z') && (byte < 'A' || byte > 'Z') &&
            (byte < '0' || byte > '9') && byte != '-' && byte != '_')
            return false;
    }
    return text.len > 0 && text.len <= WORD_MAX;
}

/* A piece of the credential's scope. */
static void read_word(struct policy_reader *r, const struct node *node, const char *what,
                      struct str *out)
{
    struct said said;

    if (node == NULL || !setting_text(r->job, node, what, &said))
        return;
    if (!is_word(said.text))
        diag_error(&r->job->diags, said.loc, "bad-value",
                   "'%s' is letters, digits, '-' and '_', %d at most", what, WORD_MAX);
    *out = said.text;
}

static void read_seconds(struct policy_reader *r, const struct node *node, const char *what,
                         uint64_t most, uint64_t *seconds)
{
    uint64_t ms;

    if (node == NULL || !setting_duration(r->job, node, what, &ms))
        return;
    if (ms < 1000 || ms % 1000 != 0 || ms / 1000 > most)
        diag_error(&r->job->diags, node->loc, "bad-value",
                   "'%s' is in whole seconds, from 1s to %llu", what, (unsigned long long)most);
    else
        *seconds = ms / 1000;
}

static void read_signed_headers(struct policy_reader *r, const struct node *node, ir_texts *names)
{
    setting_texts(r->job, node, "signed_headers", names);
    for (size_t i = 0; i < names->count; i++) {
        struct str lower = pool_copy(&r->job->pool, names->at[i]);
        setting_header_name(r->job, (struct said){lower, node->loc});
        for (char *at = (char *)lower.at; at < lower.at + lower.len; at++)
            *at = (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at);
        names->at[i] = lower;
    }
    if (names->count > HEADERS_MAX)
        diag_error(&r->job->diags, node->loc, "bad-value", "'signed_headers' has %d names at most",
                   HEADERS_MAX);
}

static void read_aws_sigv4(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct aws_sigv4 *a = out;

    (void)count;
    *a = (struct aws_sigv4){.sigv4 = {.service = STR("execute-api"),
                                      .clock_skew = 300,
                                      .max_expires = EXPIRES_MAX,
                                      .unsigned_payload = raw->unsigned_payload == YES},
                            .hide_credentials = raw->hide_credentials == YES,
                            .loc = node->loc};
    read_word(r, policy_cell(r, raw->region), "region", &a->sigv4.region);
    read_word(r, policy_cell(r, raw->service), "service", &a->sigv4.service);
    read_seconds(r, policy_cell(r, raw->clock_skew), "clock_skew", SKEW_MAX, &a->sigv4.clock_skew);
    read_seconds(r, policy_cell(r, raw->max_expires), "max_expires", EXPIRES_MAX,
                 &a->sigv4.max_expires);
    read_signed_headers(r, policy_cell(r, raw->signed_headers), &a->sigv4.signed_headers);
}

const struct policy_type aws_sigv4_type = {"aws_sigv4", &schema, read_aws_sigv4};
