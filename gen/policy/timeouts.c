#include "policy/timeouts.h"

#include "policy/type.h"

struct raw {
    char *connect, *send, *read, *request, *idle;
    int from_client;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, connect, DURATION),
    POLICY_CELL(struct raw, send, DURATION_OR_OFF),
    POLICY_CELL(struct raw, read, DURATION_OR_OFF),
    POLICY_CELL(struct raw, request, DURATION_OR_OFF),
    POLICY_CELL(struct raw, idle, DURATION_OR_OFF),
    POLICY_TRUTH(struct raw, from_client),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_timeouts(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw *raw = from;
    struct timeouts *t = out;
    const struct node *connect = policy_cell(r, raw->connect);

    (void)node;
    (void)count;
    if (setting_is_off(connect))
        diag_error(&r->job->diags, connect->loc, "bad-value", "'connect' cannot be switched off");
    else
        setting_read_duration(r->job, connect, "connect", &t->connect);
    setting_read_duration(r->job, policy_cell(r, raw->send), "send", &t->send);
    setting_read_duration(r->job, policy_cell(r, raw->read), "read", &t->read);
    setting_read_duration(r->job, policy_cell(r, raw->request), "request", &t->request);
    setting_read_duration(r->job, policy_cell(r, raw->idle), "idle", &t->idle);
    if (raw->from_client != UNSAID)
        t->from_client = (struct setting){.said = true, .value = raw->from_client == YES};
}

const struct policy_type timeouts_type = {"timeouts", &schema, read_timeouts};

struct timeouts timeouts_off(struct loc loc)
{
    const struct setting off = {.said = true, .value = 0, .loc = loc};

    return (struct timeouts){
        .send = off, .read = off, .request = off, .idle = off, .from_client = off};
}

static void replace(struct setting *under, const struct setting *over)
{
    if (over->said)
        *under = *over;
}

void timeouts_merge(struct timeouts *under, const struct timeouts *over)
{
    replace(&under->connect, &over->connect);
    replace(&under->send, &over->send);
    replace(&under->read, &over->read);
    replace(&under->request, &over->request);
    replace(&under->idle, &over->idle);
    replace(&under->from_client, &over->from_client);
}
