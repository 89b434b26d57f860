#include "policy/buffering.h"

#include "policy/type.h"

enum { BUFFER_MAX = 1 << 30 };

struct raw {
    char *request, *response;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, request, SIZE_OR_OFF),
    POLICY_CELL(struct raw, response, SIZE_OR_OFF),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_side(struct policy_reader *r, const char *cell, const char *what,
                      struct setting *out)
{
    struct setting read = {0};

    setting_read_size(r->job, policy_cell(r, cell), what, &read);
    if (read.said && read.value > BUFFER_MAX)
        diag_error(&r->job->diags, read.loc, "range", "'%s' must be at most 1g", what);
    else if (read.said)
        *out = read;
}

static void read_buffering(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct buffering *b = out;

    (void)node;
    (void)count;
    read_side(r, raw->request, "request", &b->request);
    read_side(r, raw->response, "response", &b->response);
}

const struct policy_type buffering_type = {"buffering", &schema, read_buffering};
