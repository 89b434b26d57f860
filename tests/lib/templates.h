/* templates: path templates written as text, for tests of the matcher. "{x}" is a parameter, "{x*}" as the
 * last segment a tail. */
#ifndef LIB_TEMPLATES_H
#define LIB_TEMPLATES_H

#include "pathtree.h"

static inline struct ir_segment templates_segment(struct pool *pool, struct str text, int *params)
{
    struct ir_segment segment = {0};

    while (text.len > 0) {
        size_t open = str_find(text, '{');
        struct ir_part *part = vec_add(pool, &segment.parts);

        part->param = -1;
        part->literal = str_head(text, open);
        if (open == 0) {
            open = str_find(text, '}') + 1;
            part->param = (*params)++;
            part->literal = (struct str){0};
            segment.tail = text.at[open - 2] == '*';
        }
        text = str_from(text, open);
    }
    return segment;
}

static inline struct pathtree_template templates_parse(struct pool *pool, struct str text)
{
    VEC(struct ir_segment) segments = {0};
    struct pathtree_template out = {0};
    int params = 0;

    text = str_from(text, 1);
    while (text.len > 0) {
        size_t end = str_find(text, '/');

        *vec_add(pool, &segments) = templates_segment(pool, str_head(text, end), &params);
        out.trailing_slash = end + 1 == text.len;
        text = str_from(text, end + 1);
    }
    out.trailing_slash |= segments.count == 0;
    out.segments = segments.at;
    out.count = segments.count;
    return out;
}

#endif
