/* diag_print: how diagnostics look: the text with its caret lines for people, and three formats for
 * programs. Only diag comes here, with messages already sorted and told apart. */
#ifndef GEN_DIAG_PRINT_H
#define GEN_DIAG_PRINT_H

#include "base/text.h"
#include "diag.h"

/* An error or warning and its notes. */
struct diag_entry {
    const struct diag_message *message;
    const struct diag_message *notes;
    size_t note_count;
};

struct diag_report {
    const struct diags *diags;
    const struct diag_entry *entries;
    size_t count;
    bool colour;
};

void diag_print_text(const struct diag_report *report, struct text *out);

/* One array of messages with file, line, column and notes. */
void diag_print_json(const struct diag_report *report, struct text *out);

/* SARIF 2.1.0, for code scanning services. */
void diag_print_sarif(const struct diag_report *report, struct text *out);

/* Workflow commands of GitHub Actions: one line each. */
void diag_print_github(const struct diag_report *report, struct text *out);

/* "error" or "warning" as it counts in this job, "note". */
const char *diag_print_severity(const struct diags *d, const struct diag_message *message);

/* Adds s with control and bidirectional characters shown as <U+202E> and broken bytes as <FF>. */
void diag_print_safe(struct text *out, struct str s);

#endif
