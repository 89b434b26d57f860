/* discover: where targets can be found. Each is named by the upstreams that use it, and not in the program else. */
#ifndef CLIENT_DISCOVER_H
#define CLIENT_DISCOVER_H

#include "client/finder.h"

/* Every address of a host is a target; looked up again when the records expire. */
extern const struct discovery_source discover_dns;
/* Every SRV record of a name (RFC 2782): its host, port, priority and weight. */
extern const struct discovery_source discover_dns_srv;
/* The instances of a service that a Consul agent takes for passing, by blocking queries of /v1/health/service. */
extern const struct discovery_source discover_consul;
/* A file of JSON or YAML with `targets` as an upstream has them; read again when it has changed. */
extern const struct discovery_source discover_file;
/* The same with Envoy's ClusterLoadAssignment, alone or in a DiscoveryResponse. */
extern const struct discovery_source discover_eds;

#endif
