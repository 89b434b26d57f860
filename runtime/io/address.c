#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

/* The three faces of a sockaddr_storage. */
static struct sockaddr_in *v4(const struct address *address)
{
    return (struct sockaddr_in *)&address->at;
}

static struct sockaddr_in6 *v6(const struct address *address)
{
    return (struct sockaddr_in6 *)&address->at;
}

static struct sockaddr_un *local(const struct address *address)
{
    return (struct sockaddr_un *)&address->at;
}

static size_t path_len(const struct address *address)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    const char *path = local(address)->sun_path;

    if (address->len <= head)
        return 0;
    return path[0] ? strnlen(path, address->len - head) : address->len - head;
}

bool address_literal(struct address *address, struct str host, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];

    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    *address = (struct address){.len = 0};
    if (strlen(text) != host.len)
        return false;
    if (inet_pton(AF_INET, text, &v4(address)->sin_addr) == 1) {
        address->at.ss_family = AF_INET;
        address->len = sizeof(struct sockaddr_in);
    } else if (inet_pton(AF_INET6, text, &v6(address)->sin6_addr) == 1) {
        address->at.ss_family = AF_INET6;
        address->len = sizeof(struct sockaddr_in6);
    } else {
        return false;
    }
    address_set_port(address, port);
    return true;
}

bool address_unix(struct address *address, struct str path)
{
    struct sockaddr_un *at = local(address);
    bool abstract = path.len > 0 && path.at[0] == '@';

    *address = (struct address){.len = 0};
    if (path.len <= abstract || path.len >= sizeof at->sun_path)
        return false;
    if (memchr(path.at, '\0', path.len))
        return false;
    at->sun_family = AF_UNIX;
    memcpy(at->sun_path, path.at, path.len);
    if (abstract)
        at->sun_path[0] = '\0';
    /* A path counts its NUL, an abstract name is all bytes up to the length. */
    address->len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + (abstract ? 0 : 1));
    return true;
}

static bool to_port(struct str text, uint16_t *port)
{
    uint64_t value;

    if (!str_to_u64(text, &value) || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

bool address_parse(struct address *address, struct str text, uint16_t default_port)
{
    struct str host;
    uint16_t port = default_port;
    size_t colon = text.len, at;

    if (str_starts(text, STR("unix:")))
        return address_unix(address, str_from(text, 5));
    if (text.len > 0 && text.at[0] == '[') {
        at = str_find(text, ']');
        if (at == text.len)
            return false;
        host = str_head(str_from(text, 1), at - 1);
        colon = at + 1;
        if (!address_literal(address, host, 0) || address->at.ss_family != AF_INET6)
            return false;
    } else {
        at = str_find(text, ':');
        /* Two colons without brackets: an IPv6 address, no port. */
        if (at < text.len && str_find(str_from(text, at + 1), ':') == text.len - at - 1)
            colon = at;
        host = colon == 0 && text.len > 0 ? STR("::") : str_head(text, colon);
    }
    if (colon < text.len && (text.at[colon] != ':' || !to_port(str_from(text, colon + 1), &port)))
        return false;
    if (colon >= text.len && default_port == 0)
        return false;
    return address_literal(address, host, port);
}

struct str address_host(const struct address *address, char out[ADDRESS_TEXT])
{
    out[0] = '\0';
    if (address->at.ss_family == AF_INET)
        inet_ntop(AF_INET, &v4(address)->sin_addr, out, ADDRESS_TEXT);
    else if (address->at.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6(address)->sin6_addr))
        inet_ntop(AF_INET, v6(address)->sin6_addr.s6_addr + 12, out, ADDRESS_TEXT);
    else if (address->at.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &v6(address)->sin6_addr, out, ADDRESS_TEXT);
    return str_of(out);
}

struct str address_text(const struct address *address, char out[ADDRESS_TEXT])
{
    char host[ADDRESS_TEXT];
    const char *path = local(address)->sun_path;
    size_t len = path_len(address);
    bool abstract;

    if (address->at.ss_family == AF_UNIX) {
        abstract = len > 0 && path[0] == '\0';
        snprintf(out, ADDRESS_TEXT, "unix:%s%.*s", abstract ? "@" : "", (int)(len - abstract),
                 path + abstract);
        return str_of(out);
    }
    address_host(address, host);
    snprintf(out, ADDRESS_TEXT, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
             address_port(address));
    return str_of(out);
}

uint16_t address_port(const struct address *address)
{
    if (address->at.ss_family == AF_INET)
        return ntohs(v4(address)->sin_port);
    if (address->at.ss_family == AF_INET6)
        return ntohs(v6(address)->sin6_port);
    return 0;
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->at.ss_family == AF_INET)
        v4(address)->sin_port = htons(port);
    else if (address->at.ss_family == AF_INET6)
        v6(address)->sin6_port = htons(port);
}

bool address_eq(const struct address *a, const struct address *b)
{
    if (a->at.ss_family != b->at.ss_family || address_port(a) != address_port(b))
        return false;
    if (a->at.ss_family == AF_INET)
        return v4(a)->sin_addr.s_addr == v4(b)->sin_addr.s_addr;
    if (a->at.ss_family == AF_INET6)
        return memcmp(&v6(a)->sin6_addr, &v6(b)->sin6_addr, sizeof(struct in6_addr)) == 0;
    return path_len(a) == path_len(b) &&
           memcmp(local(a)->sun_path, local(b)->sun_path, path_len(a)) == 0;
}
