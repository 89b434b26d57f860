/* dump_parts: what the halves of the gateway's dump share. */
#ifndef GEN_DUMP_PARTS_H
#define GEN_DUMP_PARTS_H

#include "base/text.h"
#include "ir.h"

static inline void quoted(struct text *text, struct str s)
{
    text_json(text, s.at ? s : STR(""));
}

static inline void number(struct text *text, const char *label, uint64_t value, uint64_t normal)
{
    if (value != normal)
        text_printf(text, " %s %llu", label, (unsigned long long)value);
}

static inline void dump_runtime_text(struct text *text, const struct ir_text *t)
{
    static const char *const kinds[] = {"", "", "env ", "file "};

    text_printf(text, " %s", kinds[t->kind]);
    quoted(text, t->text);
    if (t->fallback.at != NULL) {
        text_add(text, STR(" default "));
        quoted(text, t->fallback);
    }
}

/* What is said of upstreams that fail, in words: those of the lock file. */
static inline void dump_phrase(struct text *text, const char *label, struct str words)
{
    if (words.len > 0)
        text_printf(text, "%s %.*s\n", label, STR_ARG(words));
}

void dump_upstream(struct text *text, const struct gateway *gw, const struct ir_upstream *upstream);

#endif
