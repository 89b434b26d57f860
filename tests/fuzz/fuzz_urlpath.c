/* Paths and templates' literals. The first byte chooses the rules. Whatever the input: what is accepted is
 * in its one form, holds nothing that two readers could understand differently, and nothing is read or
 * written out of bounds. */
#include <stdlib.h>

#include "base/urlpath.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void check_form(struct str out, const struct urlpath_rules *rules)
{
    check(out.len > 0 && out.at[0] == '/');
    for (size_t i = 0; i < out.len; i++) {
        unsigned char byte = (unsigned char)out.at[i];

        check(byte > ' ' && byte < 0x7F && byte != '\\' && byte != '?' && byte != '#');
        if (out.at[i] != '/')
            continue;
        struct str segment = str_head(str_from(out, i + 1), str_find(str_from(out, i + 1), '/'));
        check(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
        check(!rules->merge_slashes || segment.len > 0 || i + 1 == out.len);
    }
    check(str_find_str(out, STR("%00")) == out.len);
    if (rules->encoded_slash == URLPATH_SLASH_REJECT)
        check(!urlpath_has_encoded_slash(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct urlpath_rules rules;
    struct str in, out, again;
    char *buf, *second;

    if (size < 1)
        return 0;
    rules = (struct urlpath_rules){data[0] & 1, data[0] & 2, data[0] & 4, (data[0] >> 3) % 3};
    in = (struct str){(const char *)data + 1, size - 1};
    buf = malloc(urlpath_room(in.len) + 1);
    if (!urlpath_normalise(in, &rules, buf, &out)) {
        check(out.len <= urlpath_room(in.len));
        check_form(out, &rules);
        if (urlpath_is_normal(in, &rules))
            check(out.at == in.at && out.len == in.len);
        second = malloc(urlpath_room(out.len) + 1);
        check(!urlpath_normalise(out, &rules, second, &again) && str_eq(out, again));
        free(second);
    } else {
        check(!urlpath_is_normal(in, &rules));
    }
    if (!urlpath_literal(in, &rules, buf, &out))
        check(out.len <= urlpath_room(in.len));
    check(urlpath_fold(in, buf).len == in.len);
    free(buf);
    return 0;
}
