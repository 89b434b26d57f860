/* template: a strict subset of Mustache: sections, inverted sections, lists, partials with indentation,
 * comments, standalone lines. No lambdas, no changed delimiters, no dotted names, no expressions.
 *
 * Safe by position. In a template for C (.c, .h, .re) `{{x}}` may stand only inside a string literal or a
 * comment, where its escapes hold; everywhere else only `{{{x}}}` is accepted, and that only takes names and
 * numbers. The parser follows the C text to know where it is. In a Makefile only `{{{x}}}` is accepted. In
 * any other file `{{x}}` is written as one line of harmless text.
 *
 * Strict: an unknown name, a list where text is due, an unclosed section are errors with file and line. */
#ifndef GEN_TEMPLATE_H
#define GEN_TEMPLATE_H

#include "job.h"
#include "value.h"

/* One template as it was baked into the program: name relative to templates/ ("flow.c.mustache"). */
struct template_source {
    const char *name;
    const char *text;
    size_t len;
};
extern const struct template_source template_baked[];
extern const size_t template_baked_count;

struct template_set;

/* Parses all baked templates; with `folder` (not empty) files of the same name there win. Errors go to the
 * job; NULL when the job failed. */
struct template_set *template_read(struct job *job, struct str folder);

/* Parses one template under a name, for tests. */
bool template_add(struct job *job, struct template_set *set, struct str name, struct str text);
struct template_set *template_set_new(struct job *job);

/* Renders the template called `name` with ".mustache" behind it. */
void template_render(struct job *job, const struct template_set *set, const char *name,
                     const struct value *values, struct text *out);

#endif
