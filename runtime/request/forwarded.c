#include "request/forwarded.h"

#include <netinet/in.h>

#include "base/ip.h"
#include "request/live.h"

/* Elements of one Forwarded field that are looked at; a longer chain is no chain of proxies. */
enum { ELEMENTS_MAX = 64 };

/* Bounds of the lines that are written in one go: their names and two addresses, and the host. */
enum { PLAIN_MAX = 256, PLAIN_HOST = 256 };

/* One hop as a proxy described it. */
struct hop {
    uint8_t address[16];
    struct str proto, host; /* RFC 7239 only */
};

/* ---- who is trusted ---- */

static bool is_in_list(const uint8_t address[16], const struct gw_network *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ip_is_in(address, list[i].address, list[i].bits))
            return true;
    }
    return false;
}

static bool is_listed(const struct worker *worker, const struct gw_forwarded *config,
                      const uint8_t address[16])
{
    const struct live_networks *file;

    if (is_in_list(address, config->trusted, config->trusted_count))
        return true;
    if (config->trusted_file.len == 0 || !worker->live)
        return false;
    file = live_networks_of(worker->live, config);
    return file && is_in_list(address, file->at, file->count);
}

static bool is_trusted(const struct gw_req *rq, const uint8_t address[16])
{
    const struct gw_forwarded *config = rq->listener ? rq->listener->forwarded : NULL;

    return config && is_listed(rq->worker, config, address);
}

/* The socket's other end; a unix socket has no address and counts as "::", so that only a list with ::/0
 * trusts it. */
static void peer_address(const struct sockaddr *peer, uint8_t address[16])
{
    memset(address, 0, 16);
    if (peer && peer->sa_family == AF_INET6) {
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    } else if (peer && peer->sa_family == AF_INET) {
        memset(address + 10, 0xff, 2);
        memcpy(address + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    }
}

bool forwarded_trusts(const struct worker *worker, const struct gw_forwarded *config,
                      const struct sockaddr *peer)
{
    uint8_t address[16];

    peer_address(peer, address);
    return is_listed(worker, config, address);
}

static struct str print_address(struct gw_req *rq, const uint8_t address[16])
{
    static const uint8_t none[16];
    char *text;

    if (!ip_is_v4(address) && memcmp(address, none, sizeof none) == 0)
        return STR("unix:");
    text = pool_take(&rq->pool, IP_TEXT);
    return (struct str){text, ip_print(address, text)};
}

/* ---- reading hops ---- */

static bool is_port(struct str text)
{
    uint64_t port;

    return str_to_u64(text, &port) && port <= 65535;
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80". */
static bool parse_node(struct str node, uint8_t address[16])
{
    size_t end;

    if (node.len > 0 && node.at[0] == '[') {
        end = str_find(node, ']');
        struct str rest = str_from(node, end + 1);
        if (rest.len > 0 && (rest.at[0] != ':' || !is_port(str_from(rest, 1))))
            return false;
        return end < node.len && ip_parse((struct str){node.at + 1, end - 1}, address) &&
               memchr(node.at, ':', end);
    }
    end = str_find(node, ':');
    if (end < node.len && str_find(str_from(node, end + 1), ':') + end + 1 == node.len) {
        if (!is_port(str_from(node, end + 1)))
            return false;
        node.len = end;
    }
    return ip_parse(node, address);
}

/* Goes on from hop to hop; true while the hop is a trusted proxy, so that the one before it counts. */
static bool step(const struct gw_req *rq, struct hop *at, const struct hop *next)
{
    *at = *next;
    return is_trusted(rq, at->address);
}

/* Walks a list of plain addresses from the right; false when the walk is over. An entry that is no address
 * ends it: what stands left of it was written by nobody we trust. */
static bool walk_list(const struct gw_req *rq, struct str list, struct hop *client)
{
    size_t end = list.len;

    for (;;) {
        size_t start = end;
        struct hop hop = {0};
        while (start > 0 && list.at[start - 1] != ',')
            start--;
        struct str node = str_trim((struct str){list.at + start, end - start}, " \t");
        if (node.len > 0 && (!parse_node(node, hop.address) || !step(rq, client, &hop)))
            return false;
        if (start == 0)
            return true;
        end = start - 1;
    }
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(struct str s)
{
    size_t len = 0;

    while (len < s.len && is_token_char(s.at[len]))
        len++;
    return len;
}

/* A token, or the inside of a quoted string, at the start of *rest, which moves behind it. Nothing that may
 * stand here needs a backslash: a value with one is refused. */
static bool take_value(struct str *rest, struct str *value)
{
    if (rest->len > 0 && rest->at[0] == '"') {
        struct str inside = str_from(*rest, 1);
        size_t end = str_find(inside, '"');
        *value = str_head(inside, end);
        *rest = str_from(inside, end + 1);
        return end < inside.len && str_find(*value, '\\') == value->len;
    }
    *value = str_head(*rest, token_len(*rest));
    *rest = str_from(*rest, value->len);
    return value->len > 0;
}

struct element {
    struct str node, proto, host;
};

/* One `for=…;proto=…` at the start of *rest (RFC 7239 section 4), up to its comma. */
static bool take_element(struct str *rest, struct element *element)
{
    for (;;) {
        struct str name = str_head(*rest, token_len(*rest)), value;
        *rest = str_from(*rest, name.len);
        if (name.len == 0 || rest->len == 0 || rest->at[0] != '=')
            return false;
        *rest = str_from(*rest, 1);
        if (!take_value(rest, &value))
            return false;
        if (str_eq_nocase(name, STR("for")))
            element->node = value;
        else if (str_eq_nocase(name, STR("proto")))
            element->proto = value;
        else if (str_eq_nocase(name, STR("host")))
            element->host = value;
        if (rest->len == 0 || rest->at[0] != ';')
            return true;
        *rest = str_from(*rest, 1);
    }
}

static struct str skip_space(struct str s)
{
    while (s.len > 0 && (*s.at == ' ' || *s.at == '\t'))
        s = str_from(s, 1);
    return s;
}

/* The elements of one field, in order; SIZE_MAX when it is malformed or endless. */
static size_t take_elements(struct str rest, struct element elements[ELEMENTS_MAX])
{
    size_t count = 0;

    for (;;) {
        rest = skip_space(rest);
        if (rest.len > 0 && rest.at[0] != ',') {
            if (count == ELEMENTS_MAX || !take_element(&rest, &elements[count++]))
                return SIZE_MAX;
            rest = skip_space(rest);
        }
        if (rest.len == 0)
            return count;
        if (rest.at[0] != ',')
            return SIZE_MAX;
        rest = str_from(rest, 1);
    }
}

/* The same walk over one Forwarded field. "unknown" and obfuscated names end it like any non-address. */
static bool walk_elements(const struct gw_req *rq, struct str value, struct hop *client)
{
    struct element elements[ELEMENTS_MAX] = {0};
    size_t count = take_elements(value, elements);

    if (count == SIZE_MAX)
        return false;
    while (count > 0) {
        const struct element *element = &elements[--count];
        struct hop hop = {.proto = element->proto, .host = element->host};
        if (!parse_node(element->node, hop.address) || !step(rq, client, &hop))
            return false;
    }
    return true;
}

static enum field_id source_field(const struct gw_forwarded *config)
{
    switch (config->header) {
    case GW_FORWARDED_FOR:
        return FIELD_X_FORWARDED_FOR;
    case GW_FORWARDED_RFC7239:
        return FIELD_FORWARDED;
    case GW_FORWARDED_REAL_IP:
        break;
    }
    return FIELD_X_REAL_IP;
}

/* Behind a trusted peer: moves *client from the peer to the rightmost hop that is not trusted, or as far as
 * the chain can be read. Lines of one field count as one list (RFC 9110 section 5.3). */
static void find_client(const struct gw_req *rq, struct hop *client)
{
    const struct gw_forwarded *config = rq->listener->forwarded;
    const struct fields *fields = &rq->head.fields;
    enum field_id id = source_field(config);
    bool on = true;

    for (unsigned i = fields->count; on && i > 0; i--) {
        const struct field *field = &fields->at[i - 1];
        if (field->id != id)
            continue;
        if (config->header == GW_FORWARDED_RFC7239)
            on = walk_elements(rq, field_value(field), client);
        else
            on = walk_list(rq, field_value(field), client);
    }
}

#define OURS                                                                                       \
    (FIELD_BIT(FIELD_FORWARDED) | FIELD_BIT(FIELD_X_FORWARDED_FOR) |                               \
     FIELD_BIT(FIELD_X_FORWARDED_HOST) | FIELD_BIT(FIELD_X_FORWARDED_PORT) |                       \
     FIELD_BIT(FIELD_X_FORWARDED_PREFIX) | FIELD_BIT(FIELD_X_FORWARDED_PROTO) |                    \
     FIELD_BIT(FIELD_X_REAL_IP))

/* What the peer says of those before it is not passed on as it stands. */
static void drop_ours(struct fields *fields)
{
    if (!(fields->ids & OURS))
        return;
    for (unsigned i = 0; i < fields->count; i++)
        if (FIELD_BIT(fields->at[i].id) & OURS)
            fields->at[i].dropped = true;
}

void forwarded_resolve(struct gw_req *rq, const struct sockaddr *peer)
{
    struct hop client = {0};

    drop_ours(&rq->head.fields);
    peer_address(peer, client.address);
    rq->peer_address = print_address(rq, client.address);
    rq->client_address = rq->peer_address;
    rq->trusted_peer = is_trusted(rq, client.address);
    if (rq->trusted_peer) {
        find_client(rq, &client);
        rq->client_address = print_address(rq, client.address);
    }
    memcpy(rq->client_ip, client.address, sizeof rq->client_ip);
}

/* ---- writing them ---- */

static void add_line(struct text *text, struct str name, struct str value)
{
    text_add(text, name);
    text_add(text, value);
    text_add(text, STR("\r\n"));
}

/* All values of a field, joined as one list, with a comma behind; nothing when there is none. */
static void add_chain(const struct gw_req *rq, enum field_id id, struct text *text)
{
    const struct fields *fields = &rq->head.fields;

    for (unsigned i = 0; i < fields->count; i++) {
        if (fields->at[i].id != id || fields->at[i].value_len == 0)
            continue;
        text_add(text, field_value(&fields->at[i]));
        text_add(text, STR(", "));
    }
}

/* What a trusted peer said in a field of one value: the last line counts. */
static struct str told(const struct gw_req *rq, enum field_id id)
{
    const struct fields *fields = &rq->head.fields;

    for (unsigned i = fields->count; rq->trusted_peer && i > 0; i--) {
        if (fields->at[i - 1].id == id)
            return field_value(&fields->at[i - 1]);
    }
    return (struct str){0};
}

static bool is_rfc7239(const struct gw_req *rq)
{
    return rq->listener && rq->listener->forwarded &&
           rq->listener->forwarded->header == GW_FORWARDED_RFC7239;
}

static void add_for(const struct gw_req *rq, struct text *text)
{
    text_add(text, STR("X-Forwarded-For: "));
    if (rq->trusted_peer && rq->listener->forwarded->header == GW_FORWARDED_FOR) {
        add_chain(rq, FIELD_X_FORWARDED_FOR, text);
        add_line(text, STR(""), rq->peer_address);
    } else {
        add_line(text, STR(""), rq->client_address);
    }
    add_line(text, STR("X-Real-IP: "), rq->client_address);
}

static struct str own_proto(const struct gw_req *rq)
{
    return rq->x->stream->layer ? STR("https") : STR("http");
}

bool forwarded_is_https(const struct gw_req *rq)
{
    struct hop hop = {.proto = told(rq, FIELD_X_FORWARDED_PROTO)};

    if (is_rfc7239(rq) && rq->trusted_peer)
        find_client(rq, &hop);
    return rq->x->stream->layer || str_eq_nocase(hop.proto, STR("https"));
}

/* Scheme and host as the client used them: told by a trusted peer, else our own. */
static void add_origin(const struct gw_req *rq, struct text *text)
{
    struct hop hop = {.proto = told(rq, FIELD_X_FORWARDED_PROTO),
                      .host = told(rq, FIELD_X_FORWARDED_HOST)};

    if (is_rfc7239(rq) && rq->trusted_peer) {
        hop = (struct hop){0};
        find_client(rq, &hop);
    }
    if (hop.proto.len == 0 || hop.proto.len > 16 || token_len(hop.proto) < hop.proto.len)
        hop.proto = own_proto(rq);
    if (hop.host.len == 0 || !h1_host_is_legal(hop.host))
        hop.host = rq->head.authority;
    add_line(text, STR("X-Forwarded-Proto: "), hop.proto);
    if (hop.host.len > 0)
        add_line(text, STR("X-Forwarded-Host: "), hop.host);
}

static void add_port(const struct gw_req *rq, struct text *text)
{
    struct str port = told(rq, FIELD_X_FORWARDED_PORT);

    if ((port.len == 0 || !is_port(port)) && rq->listener)
        port = rq->listener->port_text;
    if (port.len > 0)
        add_line(text, STR("X-Forwarded-Port: "), port);
}

/* The part of the public path that the upstream does not see. */
static void add_prefix(const struct gw_req *rq, struct text *text)
{
    struct str outer = told(rq, FIELD_X_FORWARDED_PREFIX), own = {0};

    if (rq->forward && rq->forward->rewrite)
        own = str_head(rq->path, rq->forward->rewrite->strip);
    if (own.len > 0 && own.at[own.len - 1] == '/')
        own.len--;
    if (outer.len > 0 && outer.at[outer.len - 1] == '/')
        outer.len--;
    if (outer.len + own.len == 0)
        return;
    text_add(text, STR("X-Forwarded-Prefix: "));
    text_add(text, outer);
    add_line(text, STR(""), own);
}

/* RFC 7239 section 6: an IPv6 address stands in brackets and quotes. */
static void add_rfc7239(const struct gw_req *rq, struct text *text)
{
    struct str peer = rq->peer_address;

    text_add(text, STR("Forwarded: "));
    if (rq->trusted_peer)
        add_chain(rq, FIELD_FORWARDED, text);
    if (str_eq(peer, STR("unix:")))
        text_add(text, STR("for=unknown"));
    else if (str_find(peer, ':') < peer.len)
        text_printf(text, "for=\"[%.*s]\"", STR_ARG(peer));
    else
        text_printf(text, "for=%.*s", STR_ARG(peer));
    if (rq->head.authority.len > 0)
        text_printf(text, ";host=\"%.*s\"", STR_ARG(rq->head.authority));
    text_printf(text, ";proto=%.*s\r\n", STR_ARG(own_proto(rq)));
}

static char *append(char *to, struct str s)
{
    memcpy(to, s.at, s.len);
    return to + s.len;
}

/* Nobody is trusted, nothing stripped: nearly every request. The same lines, in one go. */
static bool add_plain(const struct gw_req *rq, struct text *text)
{
    struct str host = rq->head.authority, port = rq->listener ? rq->listener->port_text : STR("");
    char lines[PLAIN_MAX + PLAIN_HOST], *to = lines;

    if (rq->trusted_peer || is_rfc7239(rq) || host.len == 0 || host.len > PLAIN_HOST ||
        port.len == 0 || (rq->forward && rq->forward->rewrite && rq->forward->rewrite->strip > 0))
        return false;
    to = append(to, STR("X-Forwarded-For: "));
    to = append(to, rq->client_address);
    to = append(to, STR("\r\nX-Real-IP: "));
    to = append(to, rq->client_address);
    to = append(to, STR("\r\nX-Forwarded-Proto: "));
    to = append(to, own_proto(rq));
    to = append(to, STR("\r\nX-Forwarded-Host: "));
    to = append(to, host);
    to = append(to, STR("\r\nX-Forwarded-Port: "));
    to = append(to, port);
    to = append(to, STR("\r\n"));
    text_add(text, (struct str){lines, (size_t)(to - lines)});
    return true;
}

void forwarded_lines(const struct gw_req *rq, struct text *text)
{
    if (add_plain(rq, text))
        return;
    add_for(rq, text);
    add_origin(rq, text);
    add_port(rq, text);
    add_prefix(rq, text);
    if (is_rfc7239(rq))
        add_rfc7239(rq, text);
}
