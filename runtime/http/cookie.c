#include "http/cookie.h"

struct str cookie_named(const struct fields *fields, struct str name)
{
    const struct field *field = fields_find(fields, FIELD_COOKIE);
    struct str left = field ? field_value(field) : (struct str){0};

    while (left.len > 0) {
        struct str pair = str_trim(str_head(left, str_find(left, ';')), " \t");
        size_t equals = str_find(pair, '=');
        left = str_from(left, str_find(left, ';') + 1);
        if (equals < pair.len && str_eq(str_head(pair, equals), name))
            return str_from(pair, equals + 1);
    }
    return (struct str){0};
}
