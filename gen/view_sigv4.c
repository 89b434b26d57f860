#include "view_sigv4.h"

#include "view_parts.h"

struct value *view_sigv4_schemes(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < gw->schemes.count; i++) {
        const struct ir_scheme *scheme = &gw->schemes.at[i];
        const struct ir_sigv4 *s = &scheme->sigv4;
        struct value *map = value_map(pool);
        if (scheme->proof != IR_PROOF_SIGV4)
            continue;
        view_set_name(pool, map, "scheme", scheme->symbol);
        view_set_text(pool, map, "region", s->region);
        view_set_text(pool, map, "service", s->service);
        view_set_number(pool, map, "clock_skew", s->clock_skew);
        view_set_number(pool, map, "max_expires", s->max_expires);
        view_set_flag(pool, map, "unsigned_payload", s->unsigned_payload);
        view_set_flag(pool, map, "has_signed_headers", s->signed_headers.count > 0);
        value_set(pool, map, "signed_headers",
                  view_texts(pool, s->signed_headers.at, s->signed_headers.count));
        view_set_number(pool, map, "signed_header_count", s->signed_headers.count);
        view_set_flag(pool, map, "hide_credentials", scheme->hide_credentials);
        value_add(pool, list, map);
    }
    return list;
}

bool view_uses_sigv4(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof == IR_PROOF_SIGV4)
            return true;
    return false;
}
