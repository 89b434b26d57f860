#include "serve.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "access_log.h"
#include "admin.h"
#include "admission.h"
#include "gw.h"
#include "http/h1.h"
#include "io/acceptor.h"
#include "metrics.h"
#include "request/forwarded.h"
#include "request/reply.h"
#include "request/request_id.h"
#include "request/tunnel.h"
#include "secure.h"
#include "self.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

enum {
    BUFFER_MIN = 64 * 1024,
    PROXY_HEADER_MS = 10 * 1000, /* for a PROXY header, where heads may take any time */
    PROXY_DRAINING_MS = 500      /* while the gateway drains */
};

/* A listening socket of this worker and its connections. */
struct door {
    struct h1_server h1;
    struct acceptor acceptor;
    struct server *server;
    const struct gw_listener *config;
    struct admission *admission;
    struct proxy_room *proxy_room; /* NULL: nobody's PROXY header is read */
    enum serve_kind kind;
};

struct server {
    struct worker *worker;
    struct bufs bufs;
    struct probes *probes;   /* NULL: there are none, or another worker has them */
    struct finders *finders; /* the same */
    size_t door_count;
    bool draining, closing;
    struct door doors[];
};

/* ---- a request begins ---- */

static struct gw_req *req_new(struct door *door, struct exchange *x)
{
    struct worker *worker = door->server->worker;
    struct gw_req *rq = pool_take(x->pool, sizeof *rq);

    memset(rq, 0, offsetof(struct gw_req, head));
    rq->pool = *x->pool;
    x->pool = &rq->pool;
    rq->x = x;
    rq->worker = worker;
    rq->listener = door->config;
    rq->head = *x->head;
    rq->path = rq->head.path;
    rq->added_reply = x->stream->layer ? door->config->hsts : STR("");
    rq->errors = gateway.errors;
    rq->timeouts = gateway.timeouts;
    rq->started_us = worker->loop.wall_us;
    rq->started_ms = worker->loop.now;
    return rq;
}

static void req_use_route(struct gw_req *rq)
{
    const struct gw_route *route = rq->route;
    struct exchange *x = rq->x;

    rq->errors = route->errors;
    rq->timeouts = route->timeouts;
    if (route->correlation)
        request_id_use_route(rq);
    x->idle_timeout = route->timeouts->idle;
    x->buffer = route->buffer_response;
    x->body_limit = route->body_limit;
}

/* ---- a request ends ---- */

static void finish(struct gw_req *rq)
{
    struct worker *worker = rq->worker;
    struct exchange *x = rq->x;

    op_leave(&rq->wait, false);
    loop_unpost(&worker->loop, &rq->call);
    pump_stop(&rq->download);
    rq->bytes_out = rq->download.moved;
    if (rq->tunnel)
        tunnel_close(rq);
    if (rq->upstream) {
        rq->bytes_in += rq->upstream->upload.moved;
        call_close(rq->upstream);
    }
    if (rq->status == 0) {
        rq->status = 499;
        rq->reason = "the client left before the answer";
    }
    if (((struct door *)x->server_owner)->kind == SERVE_TRAFFIC) {
        metrics_request(worker, rq);
        access_log_write(worker, rq);
    }
    x->ops->finish(x, &rq->pool);
}

static void on_gone(struct exchange *x)
{
    struct gw_req *rq = x->owner;
    struct door *door = x->server_owner;

    rq->cancelled = true;
    if (door->server->closing)
        finish(rq);
    else
        loop_post(&rq->worker->loop, &rq->call);
}

/* ---- in between ---- */

static enum gw_next refuse_unmatched(struct gw_req *rq, enum gw_match match)
{
    struct str allow = {0};

    rq->route = NULL;
    if (match == GW_MATCH_NO_METHOD || match == GW_MATCH_OPTIONS)
        allow = pool_printf(&rq->pool, "Allow: %.*s\r\n", STR_ARG(gw_allow(rq)));
    switch (match) {
    case GW_MATCH_NO_METHOD:
        return reply_error(rq, 405, "the path has no such method", allow);
    case GW_MATCH_OPTIONS:
        return reply_lines(rq, 204, allow);
    case GW_MATCH_BAD_PATH:
        return reply_error(rq, 400, rq->reason ? rq->reason : "the path is malformed", STR(""));
    case GW_MATCH_FOUND:
    case GW_MATCH_NO_PATH:
        break;
    }
    return reply_error(rq, 404, "no route takes this path", STR(""));
}

/* Requests that no route takes (NULL) are for those whom every document admits. */
static bool may_call(const struct gw_req *rq, const struct gw_route *route)
{
    const struct gw_ip_restriction *own = route ? route->ip_restriction : NULL;
    uint32_t count = route ? 0 : gateway.document_restrictions;

    for (uint32_t i = 0; i < count; i++) {
        if (!gateway.ip_restrictions[i]->admits(gateway.ip_restrictions[i], rq))
            return false;
    }
    return !own || own->admits(own, rq);
}

/* Who may not call learns nothing of what is there: neither by what is said of a path, a method or a body, nor by how
 * the answers of one operation look. Log and metrics know which it was. */
static enum gw_next refuse_address(struct gw_req *rq, const struct gw_route *route)
{
    enum gw_next next;

    rq->route = NULL;
    next = reply_error(rq, 403, "this address may not call", STR(""));
    rq->route = route;
    rq->reason = "ip_restriction: this address may not call";
    metrics_address_refused(rq->worker);
    return next;
}

/* The first time: which operation is it, and may it be that at all? */
static enum gw_next match(struct gw_req *rq)
{
    enum gw_match found = gateway_match(rq);
    bool is_there = found == GW_MATCH_FOUND && !rq->route->internal;
    const struct gw_route *route = is_there ? rq->route : NULL;

    if (!may_call(rq, route))
        return refuse_address(rq, route);
    if (!is_there)
        return refuse_unmatched(rq, found);
    req_use_route(rq);
    if (rq->head.framing == FRAMING_LENGTH && rq->x->body_limit > 0 &&
        rq->head.length > rq->x->body_limit)
        return reply_error(rq, 413, "the body of the request is too large", STR(""));
    return gateway_flow(rq);
}

static enum gw_next begin(struct gw_req *rq)
{
    struct door *door = rq->x->server_owner;

    if (rq->x->refused)
        return reply_error(rq, rq->x->refused, rq->x->refusal, STR(""));
    if (rq->head.fields.underscores && gateway.underscores == GW_UNDERSCORES_DROP)
        fields_drop_underscores(&rq->head.fields);
    else if (rq->head.fields.underscores && gateway.underscores == GW_UNDERSCORES_REJECT)
        return reply_error(rq, 400, "a field's name holds an underscore", STR(""));
    if (door->kind != SERVE_TRAFFIC)
        return admin_flow(rq, door->kind);
    if (rq->listener->redirect_https && !forwarded_is_https(rq))
        return reply_redirect_https(rq);
    /* RFC 9110 section 7.4: else only a proxy in front of us can have had it over TLS. */
    if (rq->head.is_https && !rq->trusted_peer && !rq->x->stream->layer)
        return reply_error(rq, 421, "a https URL over a connection that is not secured", STR(""));
    if (rq->head.method == METHOD_CONNECT)
        return reply_error(rq, 501, "CONNECT is for proxies of another kind", STR(""));
    if (rq->head.method == METHOD_TRACE && rq->head.framing != FRAMING_NONE)
        return reply_error(rq, 400, "a TRACE request has no content", STR(""));
    return match(rq);
}

/* The one place where flows are entered. */
static void enter(struct loop_call *call)
{
    struct gw_req *rq = CONTAINER(struct gw_req, call, call);
    enum gw_next next;

    if (rq->ended || rq->cancelled) {
        finish(rq);
        return;
    }
    if (rq->replied)
        return;
    if (rq->begun)
        next = gateway_flow(rq);
    else
        next = begin(rq);
    rq->begun = true;
    if (next != GW_WAIT && !rq->replied)
        reply_error(rq, 500, "the flow ended without an answer", STR(""));
}

static void on_request(struct h1_server *h1, struct exchange *x)
{
    struct door *door = h1->owner;
    struct gw_req *rq = req_new(door, x);

    x->owner = rq;
    x->gone = on_gone;
    x->buffer = BUFFER_MIN;
    x->idle_timeout = gateway.timeouts->idle;
    rq->call.run = enter;
    forwarded_resolve(rq, x->peer);
    request_id_make(rq);
    if (door->kind == SERVE_TRAFFIC)
        metrics_request_begin(rq->worker);
    loop_post(&rq->worker->loop, &rq->call);
}

/* ---- connections ---- */

static bool secure_stream(struct h1_server *h1, struct stream *stream)
{
    const struct door *door = h1->owner;

    return gateway.tls->accept(door->config->tls_server, stream);
}

static void on_closed(struct h1_server *h1, const struct sockaddr *peer)
{
    struct door *door = h1->owner;

    if (door->admission)
        admission_leave(door->admission, peer);
    if (door->kind == SERVE_TRAFFIC)
        metrics_connection_closed(door->server->worker);
}

/* A client is at the door: itself, or as a trusted proxy presents it. */
static void on_client(void *owner, int fd, const struct address *peer)
{
    struct door *door = owner;
    const struct sockaddr *from = (const struct sockaddr *)&peer->at;
    struct worker *worker = door->server->worker;

    if (door->admission && !admission_enter(door->admission, from)) {
        close(fd);
        if (door->kind == SERVE_TRAFFIC)
            metrics_connection_refused(worker);
        return;
    }
    if (door->kind == SERVE_TRAFFIC)
        metrics_connection_opened(worker);
    h1_accept(&door->h1, fd, from);
}

static void on_bad_proxy_header(void *owner)
{
    struct door *door = owner;

    metrics_proxy_header_refused(door->server->worker);
}

static bool must_present(const struct door *door, const struct sockaddr *peer)
{
    const struct gw_proxy_protocol *config = door->config->proxy_protocol;

    return (config->unix_peers && peer->sa_family == AF_UNIX) ||
           forwarded_trusts(door->server->worker, config->from, peer);
}

static void on_accepted(struct acceptor *acceptor, int fd, const struct address *peer)
{
    struct door *door = CONTAINER(struct door, acceptor, acceptor);

    if (door->proxy_room && must_present(door, (const struct sockaddr *)&peer->at))
        door->config->proxy_protocol->room->enter(door->proxy_room, fd, peer);
    else
        on_client(door, fd, peer);
}

/* ---- open and close ---- */

static uint32_t buffer_size(const struct serve_listener *listeners, size_t count)
{
    size_t size = h1_head_room(&gateway.upstream_limits);

    for (size_t i = 0; i < count; i++) {
        size_t room = h1_head_room(&listeners[i].config->limits);
        size = room > size ? room : size;
    }
    /* Behind the longest head there is still some room for a body. */
    size += 4096;
    return (uint32_t)(size > BUFFER_MIN ? size : BUFFER_MIN);
}

/* The last sixteenth of the descriptors is kept for upstreams, so that who is connected goes on being served
 * however many others come, and for those who ask how the gateway is. */
static int spare_from(enum serve_kind kind)
{
    uint64_t limit = self_raise_descriptors();

    if (kind != SERVE_TRAFFIC || limit > INT_MAX)
        return 0;
    return (int)(limit - limit / 16);
}

static void proxy_room_open(struct door *door)
{
    const struct gw_listener *config = door->config;
    const struct proxy_room_owner owner = {on_client, on_bad_proxy_header, door};
    uint32_t timeout = config->header_timeout ? config->header_timeout : PROXY_HEADER_MS;

    if (config->proxy_protocol)
        door->proxy_room =
            config->proxy_protocol->room->open(&door->server->worker->loop, timeout, &owner);
}

static void proxy_room_close(struct door *door)
{
    if (door->proxy_room)
        door->config->proxy_protocol->room->close(door->proxy_room);
    door->proxy_room = NULL;
}

/* Who has not said anything yet loses nothing. */
static void proxy_room_drain(struct door *door)
{
    if (door->proxy_room)
        door->config->proxy_protocol->room->hurry(door->proxy_room, PROXY_DRAINING_MS);
}

static size_t proxy_room_count(const struct door *door)
{
    return door->proxy_room ? door->config->proxy_protocol->room->count(door->proxy_room) : 0;
}

static bool door_open(struct door *door, struct server *server,
                      const struct serve_listener *listener)
{
    const struct gw_listener *config = listener->config;

    door->server = server;
    door->config = config;
    door->kind = listener->kind;
    door->admission = admission_of(config);
    door->h1 = (struct h1_server){
        .loop = &server->worker->loop,
        .bufs = &server->bufs,
        .limits = &config->limits,
        .header_timeout = config->header_timeout,
        .idle_timeout = config->idle_timeout,
        .keep_alive_requests = config->keep_alive_requests,
        .winding_down = &server->worker->draining,
        .secure = config->tls_server ? secure_stream : NULL,
        .request = on_request,
        .h2 = config->http2 ? gateway.http2 : NULL,
        .h2_settings = config->http2,
        .h2c = config->h2c,
        .closed = on_closed,
        .owner = door,
    };
    h1_server_open(&door->h1);
    proxy_room_open(door);
    if (!acceptor_open(&door->acceptor, &server->worker->loop, listener->fd, on_accepted))
        return false;
    door->acceptor.spare_from = spare_from(listener->kind);
    return true;
}

/* What asks the targets of upstreams whether they are well; NULL: none need be asked. */
static const struct probe_module *prober(void)
{
    for (size_t i = 0; i < gateway.upstream_count; i++)
        if (gateway.upstreams[i]->check)
            return gateway.upstreams[i]->check->module;
    return NULL;
}

/* One worker asks for all. */
static void probes_open(struct server *server)
{
    if (server->worker->index == 0 && prober())
        server->probes = prober()->open(server->worker->upstreams);
}

static void probes_close(struct server *server)
{
    if (server->probes)
        prober()->close(server->probes);
}

/* What looks for targets that come and go; NULL: all stay where they are. */
static const struct discovery_module *looker(void)
{
    for (size_t i = 0; i < gateway.upstream_count; i++)
        if (gateway.upstreams[i]->discovery)
            return gateway.upstreams[i]->discovery->module;
    return NULL;
}

static void discovery_open(struct server *server)
{
    if (server->worker->index == 0 && looker())
        server->finders = looker()->open(server->worker->upstreams);
}

static void discovery_close(struct server *server)
{
    if (server->finders)
        looker()->close(server->finders);
}

static void mirrors_close(struct worker *worker)
{
    for (size_t i = 0; i < gateway.upstream_count; i++)
        if (gateway.upstreams[i]->mirror)
            gateway.upstreams[i]->mirror->module->close(worker);
}

void serve_close(struct worker *worker)
{
    struct server *server = worker->server;

    server->closing = true;
    for (size_t i = 0; i < server->door_count; i++) {
        acceptor_close(&server->doors[i].acceptor);
        proxy_room_close(&server->doors[i]);
        h1_server_close(&server->doors[i].h1);
    }
    dns_close(worker->dns); /* before the names it may still be asking for */
    worker->dns = NULL;
    discovery_close(server);
    probes_close(server);
    mirrors_close(worker);
    if (gateway.jwts)
        gateway.jwts->module->close(gateway.jwts, worker);
    upstreams_free(worker->upstreams);
    bufs_close(&server->bufs);
    free(server);
    worker->server = NULL;
    worker->upstreams = NULL;
}

bool serve_open(struct worker *worker, const struct serve_listener *listeners, size_t count)
{
    struct server *server = pool_xmalloc(sizeof *server + count * sizeof server->doors[0]);
    int error;

    memset(server, 0, sizeof *server + count * sizeof server->doors[0]);
    server->worker = worker;
    worker->server = server;
    bufs_open(&server->bufs, buffer_size(listeners, count));
    server->bufs.held_max = gateway.buffers / (worker_count > 0 ? worker_count : 1);
    worker->upstreams =
        upstreams_new(gateway.upstreams, gateway.upstream_count, &worker->loop, worker->dns,
                      &server->bufs, &gateway.upstream_limits, secure_upstreams());
    probes_open(server);
    discovery_open(server);
    if (gateway.jwts)
        gateway.jwts->module->open(gateway.jwts, worker);
    for (size_t i = 0; i < count; i++) {
        server->door_count++;
        if (!door_open(&server->doors[i], server, &listeners[i]))
            break;
    }
    if (server->door_count == count)
        return true;
    error = errno;
    for (size_t i = server->door_count; i < count; i++)
        close(listeners[i].fd);
    serve_close(worker);
    errno = error;
    return false;
}

void serve_drain(struct worker *worker, bool handed_over)
{
    struct server *server = worker->server;

    worker->draining = server->draining = true;
    tunnels_drain(worker);
    for (size_t i = 0; i < server->door_count; i++) {
        struct door *door = &server->doors[i];
        if (handed_over)
            acceptor_close(&door->acceptor);
        if (door->kind != SERVE_TRAFFIC)
            continue;
        acceptor_drain(&door->acceptor);
        proxy_room_drain(door);
        h1_drain(&door->h1);
    }
}

size_t serve_in_flight(const struct worker *worker)
{
    const struct server *server = worker->server;
    size_t count = 0;

    for (size_t i = 0; i < server->door_count; i++) {
        const struct h1_server *h1 = &server->doors[i].h1;
        if (server->doors[i].kind == SERVE_TRAFFIC)
            count += server->draining ? h1->conn_count + proxy_room_count(&server->doors[i]) +
                                            (server->doors[i].acceptor.fd >= 0)
                                      : h1->busy_count;
    }
    return count;
}
