#include "request/client_cert.h"

bool client_cert_is_good(const struct gw_req *rq)
{
    const struct tls_peer *peer = stream_peer(rq->x->stream);

    return peer && peer->verified;
}

/* "X-Client_Cert.Subject" is the same to a CGI-like backend. */
static bool is_ours(struct str name)
{
    static const struct str names[] = {STR_INIT("client-cert"), STR_INIT("x-client-cert")};

    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        size_t i = 0;
        while (i < names[n].len && i < name.len) {
            char c = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] + 32) : name.at[i];
            bool same = c == names[n].at[i] || (names[n].at[i] == '-' && (c == '_' || c == '.'));
            if (!same)
                break;
            i++;
        }
        if (i == names[n].len)
            return true;
    }
    return false;
}

static void drop_theirs(struct fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++)
        if (is_ours(field_name(&fields->at[i])))
            fields->at[i].dropped = true;
}

/* Names in a certificate are whatever its maker wrote. */
static void add(struct text *lines, struct str name, struct str value)
{
    if (value.len == 0)
        return;
    text_add(lines, name);
    for (size_t i = 0; i < value.len; i++)
        text_byte(lines, value.at[i] >= ' ' && value.at[i] < 0x7f ? value.at[i] : '?');
    text_add(lines, STR("\r\n"));
}

void client_cert_lines(struct gw_req *rq, struct text *lines)
{
    const struct tls_peer *peer;

    if (!rq->listener->strips_client_cert)
        return;
    drop_theirs(&rq->head.fields);
    if (!rq->listener->tls || !rq->listener->tls->forward_client || !client_cert_is_good(rq))
        return;
    peer = stream_peer(rq->x->stream);
    text_printf(lines, "Client-Cert: :%.*s:\r\n", STR_ARG(peer->base64));
    add(lines, STR("X-Client-Cert-Subject: "), peer->subject);
    add(lines, STR("X-Client-Cert-San: "), peer->san);
    add(lines, STR("X-Client-Cert-Fingerprint: "), peer->fingerprint);
}
