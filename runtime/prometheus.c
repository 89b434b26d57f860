#include "prometheus.h"

void prom_family(struct text *text, const char *name, const char *type, const char *help)
{
    text_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void prom_number(struct text *text, const char *name, const char *type, const char *help,
                 uint64_t value)
{
    prom_family(text, name, type, help);
    text_printf(text, "%s %llu\n", name, (unsigned long long)value);
}

void prom_label(struct text *text, const char *name, struct str value)
{
    text_printf(text, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\n') {
            text_add(text, STR("\\n"));
            continue;
        }
        if (value.at[i] == '"' || value.at[i] == '\\')
            text_byte(text, '\\');
        text_byte(text, value.at[i]);
    }
    text_byte(text, '"');
}
