/* PROXY headers: every split says the same, nothing is read beyond what is there, and a client that a header names
 * is the same when it is introduced again, by either version. */
#include <netinet/in.h>
#include <stdlib.h>

#include "base/ip.h"
#include "io/proxy_protocol.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* The bytes alone in memory. */
static enum proxy_protocol_result read_alone(struct str bytes, struct proxy_protocol *header)
{
    char *copy = malloc(bytes.len);
    enum proxy_protocol_result result;

    memcpy(copy, bytes.at, bytes.len);
    result = proxy_protocol_read((struct str){copy, bytes.len}, header);
    free(copy);
    return result;
}

static void ends_of(const struct address *source, struct proxy_protocol_ends *ends)
{
    char text[ADDRESS_TEXT];

    *ends = (struct proxy_protocol_ends){.from_port = address_port(source), .known = true};
    check(ip_parse(address_host(source, text), ends->from));
    memcpy(ends->to, ends->from, 16);
}

static void check_again(const struct proxy_protocol *header)
{
    char bytes[PROXY_PROTOCOL_LINE], text[ADDRESS_TEXT], again[ADDRESS_TEXT];
    struct proxy_protocol_ends ends;
    struct proxy_protocol twice;

    address_text(&header->source, text);
    ends_of(&header->source, &ends);
    check(proxy_protocol_read((struct str){bytes, proxy_protocol_v1(&ends, bytes)}, &twice) ==
          PROXY_PROTOCOL_DONE);
    check(str_eq(address_text(&twice.source, again), str_of(text)));
    check(proxy_protocol_read((struct str){bytes, proxy_protocol_v2(&ends, bytes)}, &twice) ==
          PROXY_PROTOCOL_DONE);
    check(str_eq(address_text(&twice.source, again), str_of(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    enum proxy_protocol_result whole, part = PROXY_PROTOCOL_MORE;
    struct proxy_protocol header, early;
    size_t len = 0;

    if (size == 0 || size > PROXY_PROTOCOL_MAX)
        return 0;
    whole = read_alone(input, &header);
    while (part == PROXY_PROTOCOL_MORE && len < size)
        part = read_alone(str_head(input, ++len), &early);
    check(part == whole);
    check(whole != PROXY_PROTOCOL_MORE || size < PROXY_PROTOCOL_MAX);
    if (whole == PROXY_PROTOCOL_DONE) {
        check(early.len == header.len && header.len == len);
        if (header.source.len > 0)
            check_again(&header);
    }
    return 0;
}
