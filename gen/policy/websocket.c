#include "policy/websocket.h"

#include "member.h"
#include "policy/type.h"

struct raw {
    char *upgrade, *origins, *protocols, *idle_timeout;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, upgrade, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, origins, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, protocols, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, idle_timeout, DURATION_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

typedef VEC(struct str) texts;

/* One text or a list of them, each good for `check`. */
static void read_texts(struct policy_reader *r, const char *cell, const char *what,
                       bool (*check)(struct policy_reader *r, struct said text), void *out)
{
    struct node *node = policy_cell(r, cell);
    texts *list = out;
    struct said text;

    if (node == NULL)
        return;
    if (node->kind != NODE_LIST) {
        if (setting_text(r->job, node, what, &text) && check(r, text))
            *vec_add(&r->job->pool, list) = text.text;
        return;
    }
    if (node->item_count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'%s' lists nothing", what);
    for (size_t i = 0; i < node->item_count; i++)
        if (setting_text(r->job, node->items[i], what, &text) && check(r, text))
            *vec_add(&r->job->pool, list) = text.text;
}

static bool is_token(struct policy_reader *r, struct said text)
{
    return setting_header_name(r->job, text);
}

/* What smuggles: a second HTTP, or a TLS, within the tunnel. */
static bool is_upgrade(struct policy_reader *r, struct said text)
{
    static const char *const never[] = {"h2c", "h2", "http", "http/2.0", "tls", "tls/1.0"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        if (!str_eq_nocase(text.text, str_of(never[i])))
            continue;
        diag_error(&r->job->diags, text.loc, "bad-value",
                   "'%.*s' is never tunnelled: requests within it would pass by every policy",
                   STR_SHORT(text.text));
        return false;
    }
    return is_token(r, text);
}

/* A scheme and a host, which may begin with "*.", and maybe a port. */
static bool is_origin(struct policy_reader *r, struct said text)
{
    struct said host = text;
    size_t colon;
    struct str lower;

    if (str_starts(text.text, STR("https://")))
        host.text = str_from(text.text, 8);
    else if (str_starts(text.text, STR("http://")))
        host.text = str_from(text.text, 7);
    if (host.text.len < text.text.len) {
        colon = host.text.len;
        while (colon > 0 && host.text.at[colon - 1] >= '0' && host.text.at[colon - 1] <= '9')
            colon--;
        if (colon > 0 && colon < host.text.len && host.text.at[colon - 1] == ':')
            host.text = str_head(host.text, colon - 1);
        return setting_host(r->job, host, &lower);
    }
    diag_error(&r->job->diags, text.loc, "bad-value",
               "'%.*s' is no origin: write https://example.com or https://*.example.com",
               STR_SHORT(text.text));
    return false;
}

static void read_websocket(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_websocket *w = out;
    struct setting idle = {0};

    (void)count;
    w->loc = node->loc;
    read_texts(r, raw->upgrade, "upgrade", is_upgrade, &w->upgrades);
    read_texts(r, raw->origins, "origins", is_origin, &w->origins);
    read_texts(r, raw->protocols, "protocols", is_token, &w->protocols);
    setting_read_duration(r->job, policy_cell(r, raw->idle_timeout), "idle_timeout", &idle);
    w->idle_said = idle.said;
    w->idle_timeout = idle.value;
}

const struct policy_type websocket_type = {"websocket", &schema, read_websocket};
