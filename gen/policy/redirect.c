#include "policy/redirect.h"

#include "policy/type.h"

struct raw {
    char *status, *location;
    int keep_query;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, status, NUMBER),
    POLICY_NEEDED(struct raw, location, TEXT),
    POLICY_TRUTH(struct raw, keep_query),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static bool is_redirect(uint64_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_location(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>')
            return false;
    }
    /* A location that begins with a parameter would let the client choose where it points to. */
    return s.len > 0 && s.at[0] != '{';
}

static void read_redirect(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw *raw = from;
    struct redirect *redirect = out;
    struct node *status = policy_cell(r, raw->status);
    uint64_t number;

    (void)count;
    redirect->loc = node->loc;
    redirect->status = 308;
    redirect->keep_query = raw->keep_query != NO;
    if (status != NULL && setting_number(r->job, status, "status", 300, 399, &number)) {
        redirect->status = (uint32_t)number;
        if (!is_redirect(number))
            diag_error(&r->job->diags, status->loc, "bad-status",
                       "a redirect's status is 301, 302, 303, 307 or 308");
    }
    if (setting_text(r->job, policy_cell(r, raw->location), "location", &redirect->location) &&
        !is_location(redirect->location.text))
        diag_error(
            &r->job->diags, redirect->location.loc, "bad-url",
            "'location' must be an escaped URL or path that does not begin with a parameter");
}

const struct policy_type redirect_type = {"redirect", &schema, read_redirect};
