/* endpoint: somebody whom the gateway asks by itself over HTTP: `url`, or `upstream` and `path`. For the values that name
 * one: ENDPOINT_FIELDS in their table, a struct endpoint_raw in their raw struct. */
#ifndef GEN_POLICY_ENDPOINT_H
#define GEN_POLICY_ENDPOINT_H

#include "setting.h"

struct policy_reader;

struct endpoint_raw {
    char *url, *upstream, *path, *tls;
};

#define ENDPOINT_FIELDS(type, member)                                                              \
    POLICY_STRING("url", CYAML_FLAG_OPTIONAL, type, member.url, TEXT),                             \
        POLICY_STRING("upstream", CYAML_FLAG_OPTIONAL, type, member.upstream, TEXT),               \
        POLICY_STRING("path", CYAML_FLAG_OPTIONAL, type, member.path, TEXT),                       \
        POLICY_STRING("tls", CYAML_FLAG_OPTIONAL, type, member.tls, TYPED)

struct endpoint {
    bool said;                  /* somebody is named */
    struct said upstream;       /* empty: by its url */
    struct ir_target target;    /* of the url, without its path */
    struct ir_upstream_tls tls; /* for the url */
    struct str path;            /* "/…", with its query */
    struct loc loc;
};

/* What is wrong was reported; `said` is then false. */
void endpoint_read(struct policy_reader *r, const struct endpoint_raw *raw, struct endpoint *out);

/* A URL that stands elsewhere in the document; false after a complaint. */
bool endpoint_read_url(struct job *job, struct said url, struct endpoint *out);

#endif
