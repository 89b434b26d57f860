#include "client/discover.h"
#include "client/file_finder.h"

enum { LABELS_MAX = 64, WEIGHT_MAX = 65535, PRIORITY_MAX = 128 };

/* Protobuf's JSON has each name in two spellings. */
static const struct data *get(const struct data *map, const char *snake, const char *camel)
{
    const struct data *found = data_get(map, snake);

    return found ? found : data_get(map, camel);
}

static const struct data *first_of(const struct data *list)
{
    return list && list->kind == DATA_LIST ? list->first : NULL;
}

/* The fields of filter_metadata's `envoy.lb`, which Envoy selects subsets by. */
static size_t read_labels(const struct data *endpoint, struct gw_label labels[LABELS_MAX])
{
    const struct data *metadata =
        get(data_get(endpoint, "metadata"), "filter_metadata", "filterMetadata");
    const struct data *fields = data_get(metadata, "envoy.lb");
    size_t count = 0;

    for (const struct data *field = fields && fields->kind == DATA_MAP ? fields->first : NULL;
         field && count < LABELS_MAX; field = field->next) {
        labels[count].name = field->key;
        count += data_text(field, &labels[count].value);
    }
    return count;
}

/* Envoy sends nothing new to those that are about to leave, or known to be sick. */
static bool takes_requests(const struct data *endpoint)
{
    static const char *const not_these[] = {"UNHEALTHY", "DRAINING", "TIMEOUT"};
    struct str status;

    if (!data_text(get(endpoint, "health_status", "healthStatus"), &status))
        return true;
    for (size_t i = 0; i < sizeof not_these / sizeof *not_these; i++)
        if (str_eq(status, str_of(not_these[i])))
            return false;
    return true;
}

static bool read_address(struct finder *finder, const struct data *endpoint,
                         struct gw_target *target)
{
    const struct data *address = data_get(data_get(endpoint, "endpoint"), "address");
    const struct data *at = get(address, "socket_address", "socketAddress");
    const struct data *pipe = data_get(address, "pipe");
    struct str path, protocol;
    uint64_t port;

    if (data_text(data_get(pipe, "path"), &path)) {
        target->url = pool_printf(&finder->pool, "unix:%.*s", STR_ARG(path));
        target->host = path;
        target->authority = STR("localhost");
        target->is_unix = true;
        return path.len > 0 || finder_bad(finder, endpoint->line, "an endpoint has no pipe.path");
    }
    if (!data_text(data_get(at, "address"), &target->host) ||
        !finder_host_is_legal(finder, target->host))
        return finder_bad(finder, endpoint->line, "an endpoint has no socket_address.address");
    if (!data_number(get(at, "port_value", "portValue"), &port) || port == 0 || port > UINT16_MAX)
        return finder_bad(finder, endpoint->line, "an endpoint has no socket_address.port_value");
    if (data_text(data_get(at, "protocol"), &protocol) && !str_eq(protocol, STR("TCP")))
        return finder_bad(finder, endpoint->line, "an endpoint's protocol is not TCP");
    target->port = (uint16_t)port;
    return true;
}

static bool read_endpoint(struct finder *finder, const struct data *endpoint, struct str zone,
                          uint64_t priority)
{
    struct gw_target target = {.zone = zone, .priority = (uint16_t)priority};
    struct gw_label labels[LABELS_MAX];
    uint64_t weight = 1;

    if (!read_address(finder, endpoint, &target) ||
        !finder_number(finder, get(endpoint, "load_balancing_weight", "loadBalancingWeight"),
                       "load_balancing_weight", WEIGHT_MAX, &weight))
        return false;
    target.weight = (uint16_t)weight;
    if (takes_requests(endpoint))
        finder_add(finder, target, labels, read_labels(endpoint, labels));
    return true;
}

static bool read_locality(struct finder *finder, const struct data *locality)
{
    struct str zone = STR("");
    uint64_t priority = 0;

    data_text(data_get(data_get(locality, "locality"), "zone"), &zone);
    if (!finder_number(finder, data_get(locality, "priority"), "priority", PRIORITY_MAX, &priority))
        return false;
    for (const struct data *endpoint = first_of(get(locality, "lb_endpoints", "lbEndpoints"));
         endpoint; endpoint = endpoint->next)
        if (!read_endpoint(finder, endpoint, zone, priority))
            return false;
    return true;
}

static bool is_ours(const struct finder *finder, const struct data *assignment)
{
    struct str name;

    return data_text(get(assignment, "cluster_name", "clusterName"), &name) &&
           str_eq(name, finder->config->name);
}

static bool read_assignment(struct finder *finder, const struct data *assignment)
{
    for (const struct data *locality = first_of(data_get(assignment, "endpoints")); locality;
         locality = locality->next)
        if (!read_locality(finder, locality))
            return false;
    return true;
}

/* One ClusterLoadAssignment, or the one of several that is of this cluster. */
static bool read_response(struct finder *finder, const struct data *data)
{
    if (is_ours(finder, data))
        return read_assignment(finder, data);
    for (const struct data *resource = first_of(data_get(data, "resources")); resource;
         resource = resource->next)
        if (is_ours(finder, resource))
            return read_assignment(finder, resource);
    return finder_bad(finder, data->line,
                      pool_printf(&finder->pool, "no ClusterLoadAssignment is of cluster '%.*s'",
                                  STR_ARG(finder->config->name))
                          .at);
}

static void open_eds(struct finder *finder)
{
    file_finder_open(finder, read_response);
}

const struct discovery_source discover_eds = {open_eds, file_finder_close};
