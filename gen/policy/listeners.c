#include "policy/listeners.h"

#include "policy/type.h"

struct raw_keep_alive {
    char *idle, *requests;
};

static const cyaml_schema_field_t keep_alive_fields[] = {
    POLICY_CELL(struct raw_keep_alive, idle, DURATION_OR_OFF),
    POLICY_CELL(struct raw_keep_alive, requests, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t keep_alive_schema =
    POLICY_MAPPING(struct raw_keep_alive, keep_alive_fields);

struct raw {
    char *address, *keep_alive, *limits, *forwarded;
    int protocol;
};

enum { PROTOCOL_HTTP = 1 };
static const cyaml_strval_t protocols[] = {{"http", PROTOCOL_HTTP}, {"https", POLICY_LATER_FROM}};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, address, TEXT),
    POLICY_CHOICE(struct raw, protocol, protocols),
    POLICY_CELL(struct raw, keep_alive, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, limits, TYPED_OR_OFF),
    POLICY_CELL(struct raw, forwarded, TYPED_OR_OFF),
    POLICY_LATER("http2"),
    POLICY_LATER("tls"),
    POLICY_LATER("redirect_https"),
    POLICY_LATER("h2c"),
    POLICY_LATER("hsts"),
    POLICY_LATER("proxy_protocol"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw, fields);
static const cyaml_schema_value_t schema = POLICY_SEQUENCE(struct raw, &entry_schema);

static void read_keep_alive(struct policy_reader *r, const struct node *node, const void *from,
                            size_t count, void *out)
{
    const struct raw_keep_alive *raw = from;
    struct listener *l = out;

    (void)node;
    (void)count;
    setting_read_duration(r->job, policy_cell(r, raw->idle), "idle", &l->idle);
    setting_read_number(r->job, policy_cell(r, raw->requests), "requests", 1, UINT32_MAX,
                        &l->requests);
}

const struct policy_type listeners_keep_alive_type = {"listeners[].keep_alive", &keep_alive_schema,
                                                      read_keep_alive};

static void read_listeners(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct listeners *listeners = out;

    for (size_t i = 0; i < count; i++) {
        struct listener *l = vec_add(&r->job->pool, &listeners->list);
        struct node *address = policy_cell(r, raw[i].address);
        struct node *keep_alive = policy_cell(r, raw[i].keep_alive);

        l->loc = address ? address->loc : node->loc;
        if (address != NULL && setting_text(r->job, address, "address", &l->address))
            setting_address(r->job, l->address);
        if (setting_is_off(keep_alive))
            l->keep_alive_off = true;
        else if (keep_alive != NULL && !(keep_alive->kind == NODE_BOOL && keep_alive->truth))
            r->load(r, keep_alive, &listeners_keep_alive_type, l);
        l->limits = policy_cell(r, raw[i].limits);
        l->forwarded = policy_cell(r, raw[i].forwarded);
    }
}

const struct policy_type listeners_type = {"listeners[]", &schema, read_listeners};
