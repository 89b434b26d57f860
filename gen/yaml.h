/* yaml: bytes to located tree. YAML 1.2 (core schema) by libyaml (this is its only user), JSON by base/json:
 * a file called *.json, or one whose first significant byte is { or [ and that is JSON to its end, is read
 * by JSON's rules. Keys of any scalar kind become their text. Refused, each with its place: what is not
 * UTF-8 or UTF-16 with a byte order mark, duplicate keys, keys that are maps or lists, nesting beyond 256,
 * aliases that contain themselves or expand to more than 10 million nodes, tags other than the core's, merge
 * keys (YAML 1.2 has none, and as a plain key "<<" would silently lose what it names), a second document,
 * an empty one. */
#ifndef GEN_YAML_H
#define GEN_YAML_H

#include "job.h"
#include "node.h"

/* The tree of a file by its number in job->sources, or NULL when errors were reported to the job. Read (and
 * complained about) once per file. */
struct node *yaml_read(struct job *job, uint32_t file);

#endif
