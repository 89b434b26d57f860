#include "policy/endpoint.h"

#include "base/ip.h"
#include "member.h"
#include "policy/tls.h"
#include "policy/type.h"

static bool bad(struct job *job, struct said url, const char *why)
{
    diag_error(&job->diags, url.loc, "bad-url", "'%.*s' %s", STR_SHORT(url.text), why);
    return false;
}

/* What a request line can carry as it is (RFC 3986 sections 3.3 and 3.4). */
static bool is_target(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}#", c) != NULL)
            return false;
    }
    return text.len > 0 && text.at[0] == '/';
}

static bool is_loopback(struct str host)
{
    uint8_t address[16];
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127}, v6[16] = {[15] = 1};

    if (ip_parse(host, address))
        return ip_is_in(address, v4, 104) || ip_is_in(address, v6, 128);
    return str_eq(host, STR("localhost")) ||
           (host.len > 10 && str_eq(str_from(host, host.len - 10), STR(".localhost")));
}

bool endpoint_read_url(struct job *job, struct said url, struct endpoint *out)
{
    bool is_https = str_eq_nocase(str_head(url.text, 8), STR("https://"));
    struct str rest = str_from(url.text, is_https ? 8 : 7), authority;
    struct said origin = {.loc = url.loc};
    size_t end = 0;

    if (!is_https && !str_eq_nocase(str_head(url.text, 7), STR("http://")))
        return bad(job, url, "is no URL to ask: write https://host[:port]/path");
    if (str_find(url.text, '#') < url.text.len)
        return bad(job, url, "must not have a fragment: no request carries one");
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    authority = str_head(rest, end);
    out->path = str_from(rest, end);
    if (out->path.len == 0 || out->path.at[0] == '?')
        out->path = pool_printf(&job->pool, "/%.*s", STR_ARG(out->path));
    if (!is_target(out->path))
        return bad(job, url, "has bytes that must be percent-encoded");
    origin.text =
        pool_printf(&job->pool, is_https ? "https://%.*s" : "http://%.*s", STR_ARG(authority));
    out->target = (struct ir_target){0};
    if (!setting_target(job, origin, &out->target))
        return false;
    if (!is_https && !is_loopback(out->target.host))
        diag_warn(&job->diags, url.loc, "plain-endpoint",
                  "'%.*s' is asked without TLS: anybody between can read what is asked and change "
                  "the answer",
                  STR_SHORT(url.text));
    out->loc = url.loc;
    return out->said = true;
}

static void read_upstream(struct policy_reader *r, const struct node *upstream,
                          const struct node *path, struct endpoint *out)
{
    struct said said;

    out->loc = upstream->loc;
    if (!setting_text(r->job, upstream, "upstream", &out->upstream))
        return;
    if (path == NULL) {
        diag_error(&r->job->diags, upstream->loc, "missing-key",
                   "'upstream' needs 'path': what is asked for there");
        return;
    }
    if (!setting_text(r->job, path, "path", &said))
        return;
    out->path = said.text;
    out->said = is_target(said.text);
    if (!out->said)
        diag_error(&r->job->diags, said.loc, "bad-path",
                   "'%.*s' is no path: it begins with '/', and what cannot stand in a URL is "
                   "percent-encoded",
                   STR_SHORT(said.text));
}

void endpoint_read(struct policy_reader *r, const struct endpoint_raw *raw, struct endpoint *out)
{
    struct node *url = policy_cell(r, raw->url), *upstream = policy_cell(r, raw->upstream);
    struct node *path = policy_cell(r, raw->path), *tls = policy_cell(r, raw->tls);
    struct said said;

    if (url != NULL && upstream != NULL)
        diag_error(&r->job->diags, upstream->loc, "contradiction",
                   "'url' and 'upstream' both say who is asked: one of them is enough");
    else if (upstream != NULL)
        read_upstream(r, upstream, path, out);
    else if (path != NULL)
        diag_error(&r->job->diags, path->loc, "missing-key", "'path' needs 'upstream'");
    else if (url != NULL && setting_text(r->job, url, "url", &said))
        endpoint_read_url(r->job, said, out);
    if (tls == NULL)
        return;
    r->load(r, tls, &tls_endpoint_type, &out->tls);
    if (url == NULL || (out->said && !out->target.is_https))
        diag_error(&r->job->diags, tls->loc, "bad-value",
                   "'tls' is for a 'url' of https://; an upstream has its own");
}
