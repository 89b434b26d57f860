#include "http/cookie.h"

bool cookie_next(const struct fields *fields, struct cookie_walk *walk, struct str *pair)
{
    for (;;) {
        while (walk->left.len > 0) {
            size_t end = str_find(walk->left, ';');
            *pair = str_trim(str_head(walk->left, end), " \t");
            walk->left = str_from(walk->left, end + 1);
            if (pair->len > 0)
                return true;
        }
        walk->field = fields_named(fields, STR("Cookie"), walk->field);
        if (!walk->field)
            return false;
        walk->left = field_value(walk->field);
    }
}

struct str cookie_named(const struct fields *fields, struct str name)
{
    struct cookie_walk walk = {0};
    struct str pair;

    if (!fields_find(fields, FIELD_COOKIE))
        return (struct str){0};
    while (cookie_next(fields, &walk, &pair)) {
        size_t equals = str_find(pair, '=');
        if (equals < pair.len && str_eq(str_head(pair, equals), name))
            return str_from(pair, equals + 1);
    }
    return (struct str){0};
}
