/* prometheus: the words of its text format (version 0.0.4). */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

#include "base/text.h"

/* The two lines in front of a metric's samples; type: "counter", "gauge", "histogram". */
void prom_family(struct text *text, const char *name, const char *type, const char *help);
/* A metric of one sample without labels. */
void prom_number(struct text *text, const char *name, const char *type, const char *help,
                 uint64_t value);
/* name="value" with the format's three escapes. */
void prom_label(struct text *text, const char *name, struct str value);

#endif
