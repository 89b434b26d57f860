/* servers: what `servers` says about the gateway's public address: the base path, the host names, and for
 * `$servers` the backend. Variables are filled from their defaults or from the command line. */
#ifndef GEN_SERVERS_H
#define GEN_SERVERS_H

#include "api.h"
#include "base/map.h"
#include "job.h"

struct servers_address {
    struct str url;    /* with variables filled in */
    struct str scheme; /* "https"; empty for a relative URL */
    struct str host;   /* lower case, without port; empty for a relative URL */
    struct str path;   /* "" or "/v1": normalised, without a slash at its end */
    struct loc loc;
};

/* The address of one entry. `variables` maps names to struct str. False after a complaint. */
bool servers_read(struct job *job, const struct api_server *server, const struct map *variables,
                  struct servers_address *out);

/* The base path of a list: that of its first entry, "" when it is empty; warns when entries disagree. */
struct str servers_base(struct job *job, const struct api_server *servers, size_t count,
                        const struct map *variables);

/* `path` as a base path: normalised, without a slash at its end; false after a complaint at `loc`. */
bool servers_base_path(struct job *job, struct said path, struct str *out);

/* Adds the host names of a list to *hosts: every entry, every value of a variable that stands in a host. */
struct servers_hosts {
    VEC(struct str) names;
};
void servers_add_hosts(struct job *job, const struct api_server *servers, size_t count,
                       const struct map *variables, struct servers_hosts *hosts);

#endif
