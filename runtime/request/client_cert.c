#include "request/client_cert.h"

bool client_cert_is_good(const struct gw_req *rq)
{
    const struct tls_peer *peer = stream_peer(rq->x->stream);

    return peer && peer->verified;
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
    static const struct str ours[] = {STR_INIT("client-cert"), STR_INIT("client-cert-"),
                                      STR_INIT("x-client-cert"), STR_INIT("x-client-cert-")};
    const struct tls_peer *peer;

    if (!rq->listener->strips_client_cert)
        return;
    fields_drop_alike(&rq->head.fields, ours, sizeof ours / sizeof *ours);
    if (!rq->listener->tls || !rq->listener->tls->forward_client || !client_cert_is_good(rq))
        return;
    peer = stream_peer(rq->x->stream);
    text_printf(lines, "Client-Cert: :%.*s:\r\n", STR_ARG(peer->base64));
    add(lines, STR("X-Client-Cert-Subject: "), peer->subject);
    add(lines, STR("X-Client-Cert-San: "), peer->san);
    add(lines, STR("X-Client-Cert-Fingerprint: "), peer->fingerprint);
}
