/* yaml: bytes to located tree. YAML by libyaml (this is its only user), JSON by base/json: a file whose
 * first significant byte is { or [ and that parses as JSON to its end is JSON, with JSON's rules.
 * Errors (duplicate keys, bad encoding, nesting beyond 256, expansion beyond its budget, custom tags, a
 * second document …) are reported to the job with their place; the result is then NULL. */
#ifndef GEN_YAML_H
#define GEN_YAML_H

#include "job.h"
#include "node.h"

/* The tree of a file by its number in job->sources. Read once per file. */
struct node *yaml_read(struct job *job, uint32_t file);

#endif
