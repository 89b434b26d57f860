#include "client/target_url.h"

#include "http/h1_parse.h"

static bool authority_read(struct str authority, bool is_tls, struct gw_target *target)
{
    struct str host = authority, port = is_tls ? STR("443") : STR("80");
    size_t colon = authority.len;
    uint64_t number;

    while (colon > 0 && authority.at[colon - 1] != ':' && authority.at[colon - 1] != ']')
        colon--;
    if (colon > 0 && authority.at[colon - 1] == ':') {
        host = str_head(authority, colon - 1);
        port = str_from(authority, colon);
    }
    if (!h1_host_is_legal(authority) || !str_to_u64(port, &number) || number == 0 ||
        number > UINT16_MAX)
        return false;
    if (host.len > 2 && host.at[0] == '[')
        host = (struct str){host.at + 1, host.len - 2};
    target->authority = authority;
    target->host = host;
    target->port = (uint16_t)number;
    return host.len > 0;
}

bool target_url_read(struct str url, bool is_tls, struct gw_target *target)
{
    struct str scheme = is_tls ? STR("https://") : STR("http://");
    struct str rest;
    size_t slash;

    *target = (struct gw_target){.url = url, .weight = 1};
    if (str_starts(url, STR("unix:")) && !is_tls) {
        target->host = str_from(url, 5);
        target->authority = STR("localhost");
        target->is_unix = true;
        return target->host.len > 0;
    }
    if (!str_starts(url, scheme))
        return false;
    rest = str_from(url, scheme.len);
    slash = str_find(rest, '/');
    target->path = str_from(rest, slash);
    while (target->path.len > 0 && target->path.at[target->path.len - 1] == '/')
        target->path.len--;
    for (size_t i = 0; i < target->path.len; i++)
        if (target->path.at[i] <= ' ' || target->path.at[i] >= 0x7f ||
            strchr("?#\"<>\\", target->path.at[i]))
            return false;
    return authority_read(str_head(rest, slash), is_tls, target);
}
