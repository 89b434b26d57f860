#include "request/tunnel.h"

#include "http/ws_frames.h"
#include "request/reply.h"

enum {
    GOING_AWAY = 1001,
    TICKS = 4, /* of the idle time: how exactly it is kept */
    TICK_MIN_MS = 50,
    LOOK_MS = 15000,    /* the tick of a tunnel that may be idle for ever */
    FAREWELL_MS = 1000, /* what the last bytes may take */
    KEY_LEN = 24        /* 16 bytes in base64 */
};

/* One direction: what one side says, on its way to the other. */
struct side {
    struct body_in in;      /* what the pump reads … */
    struct body_in *source; /* … and where it comes from */
    struct ws_frames frames;
    char close[8];
    uint8_t close_len, close_at;
    bool watches; /* frames are followed */
    bool masked;  /* as a client's must be */
};

struct tunnel {
    struct gw_req *rq;
    struct tunnel *next, **link;
    struct side up, down;
    struct pump upload;
    struct timer tick;
    uint64_t moved; /* at the last tick */
    uint32_t still; /* ticks without a byte */
    bool draining;
};

#define OWNER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* ---- before ---- */

static struct str field_of(const struct gw_req *rq, struct str name)
{
    const struct field *field = fields_named(&rq->head.fields, name, NULL);

    return field ? field_value(field) : (struct str){0};
}

static bool is_among(const struct str *list, uint32_t count, struct str text)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_eq_nocase(list[i], text))
            return true;
    return false;
}

/* A star stands for one label and more in front. */
static bool origin_is(struct str pattern, struct str origin)
{
    size_t star = str_find(pattern, '*');
    struct str tail = str_from(pattern, star + 1);

    if (star == pattern.len)
        return str_eq_nocase(pattern, origin);
    return origin.len > star + tail.len &&
           str_eq_nocase(str_head(pattern, star), str_head(origin, star)) &&
           str_eq_nocase(tail, str_from(origin, origin.len - tail.len)) &&
           !memchr(origin.at + star, '/', origin.len - star);
}

static bool origin_is_allowed(const struct gw_tunnel *config, struct str origin)
{
    for (uint32_t i = 0; i < config->origin_count; i++)
        if (origin_is(config->origins[i], origin))
            return true;
    return config->origin_count == 0;
}

/* One of those that are offered is among those that are allowed. */
static bool protocol_is_allowed(const struct gw_tunnel *config, struct str offered)
{
    if (config->protocol_count == 0)
        return true;
    while (offered.at) {
        struct str one = list_next(&offered);
        for (uint32_t i = 0; i < config->protocol_count; i++)
            if (str_eq(one, config->protocols[i]))
                return true;
    }
    return false;
}

/* RFC 6455 section 4.2.1 */
static enum gw_next check_websocket(struct gw_req *rq, const struct gw_tunnel *config)
{
    struct str origin = field_of(rq, STR("Origin"));

    if (rq->head.method != METHOD_GET || rq->head.framing != FRAMING_NONE)
        return reply_error(rq, 400, "a WebSocket begins with GET and without content", STR(""));
    if (!str_eq(field_of(rq, STR("Sec-WebSocket-Version")), STR("13")))
        return reply_error(rq, 426, "WebSocket of version 13 is spoken here",
                           STR("Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"));
    if (field_of(rq, STR("Sec-WebSocket-Key")).len != KEY_LEN)
        return reply_error(rq, 400, "no Sec-WebSocket-Key, or a malformed one", STR(""));
    if (!origin_is_allowed(config, origin))
        return reply_error(rq, 403, "this origin may not open a WebSocket here", STR(""));
    if (!protocol_is_allowed(config, field_of(rq, STR("Sec-WebSocket-Protocol"))))
        return reply_error(rq, 400, "none of the subprotocols is spoken here", STR(""));
    return GW_GO;
}

enum gw_next tunnel_check(struct gw_req *rq, const struct gw_tunnel *config)
{
    const struct field *field = fields_find(&rq->head.fields, FIELD_UPGRADE);
    struct str name = field ? field_value(field) : (struct str){0};
    enum gw_next next = GW_GO;

    if (!rq->head.upgrade || rq->upgrade ||
        !is_among(config->upgrades, config->upgrade_count, name))
        return GW_GO;
    if (str_eq_nocase(name, STR("websocket")))
        next = check_websocket(rq, config);
    if (next != GW_GO)
        return next;
    rq->upgrade = config;
    rq->upgrade_to = pool_copy(&rq->pool, name);
    return GW_GO;
}

struct str tunnel_line(const struct gw_req *rq)
{
    if (!rq->upgrade)
        return STR("");
    return pool_printf((struct pool *)&rq->pool, "Upgrade: %.*s\r\nConnection: Upgrade\r\n",
                       STR_ARG(rq->upgrade_to));
}

/* ---- bytes ---- */

static enum body_state side_peek(struct body_in *in, struct str *data)
{
    struct side *side = OWNER(struct side, in, in);
    enum body_state state;

    side->source->pump = in->pump;
    if (side->close_len > 0 && ws_frames_between(&side->frames)) {
        *data = (struct str){side->close + side->close_at, side->close_len - side->close_at};
        return data->len > 0 ? BODY_DATA : BODY_END;
    }
    state = side->source->ops->peek(side->source, data);
    if (state == BODY_DATA && side->close_len > 0)
        *data = str_head(*data, (size_t)(ws_frames_left(&side->frames) < SIZE_MAX
                                             ? ws_frames_left(&side->frames)
                                             : SIZE_MAX));
    in->failure = side->source->failure;
    return state;
}

static void side_consume(struct body_in *in, size_t len)
{
    struct side *side = OWNER(struct side, in, in);
    struct str data;

    if (side->close_len > 0 && ws_frames_between(&side->frames)) {
        side->close_at += (uint8_t)len;
        return;
    }
    if (side->watches && side->source->ops->peek(side->source, &data) == BODY_DATA)
        ws_frames_pass(&side->frames, str_head(data, len));
    side->source->ops->consume(side->source, len);
}

static void side_stop(struct body_in *in)
{
    struct side *side = OWNER(struct side, in, in);

    side->source->pump = NULL;
    if (side->source->ops->stop)
        side->source->ops->stop(side->source);
}

static void side_open(struct side *side, struct body_in *source, bool watches, bool masked)
{
    static const struct body_in_ops ops = {
        .peek = side_peek, .consume = side_consume, .stop = side_stop};

    *side = (struct side){.in.ops = &ops, .source = source, .watches = watches, .masked = masked};
    source->lazy = true;
}

/* ---- the end ---- */

static void end(struct tunnel *tunnel)
{
    if (!tunnel->rq->ended)
        req_end(tunnel->rq);
}

static void say_goodbye(struct side *side)
{
    if (side->watches && side->close_len == 0 && !side->frames.closed)
        side->close_len = (uint8_t)ws_close_frame(side->close, GOING_AWAY, side->masked);
}

static void drain(struct tunnel *tunnel)
{
    struct worker *worker = tunnel->rq->worker;

    if (tunnel->draining)
        return;
    tunnel->draining = true;
    if (!tunnel->up.watches)
        return; /* nothing is known of what it speaks: it has until the grace is over */
    say_goodbye(&tunnel->up);
    say_goodbye(&tunnel->down);
    timer_set(&worker->loop, &tunnel->tick, FAREWELL_MS);
    pump_turn(&tunnel->upload);
    pump_turn(&tunnel->rq->download);
}

void tunnels_drain(struct worker *worker)
{
    worker->tunnels_drain = true;
    for (struct tunnel *tunnel = worker->tunnels; tunnel; tunnel = tunnel->next)
        drain(tunnel);
}

/* What the client says has ended: the upstream hears of it, and may still speak. */
static void upload_done(struct pump *pump, bool complete)
{
    struct tunnel *tunnel = OWNER(struct tunnel, upload, pump);

    if (complete)
        call_end_sending(tunnel->rq->upstream);
    else if (pump->in_failed)
        end(tunnel);
}

static void download_done(struct pump *pump, bool complete)
{
    struct gw_req *rq = OWNER(struct gw_req, download, pump);

    if (!complete && !pump->in_failed)
        rq->reason = "the client left";
    end(rq->tunnel);
}

static void set_tick(struct tunnel *tunnel)
{
    uint32_t idle = tunnel->rq->upgrade->idle_timeout;

    timer_set(&tunnel->rq->worker->loop, &tunnel->tick,
              idle > 0 ? idle / TICKS + TICK_MIN_MS : LOOK_MS);
}

/* A reset that came together with bytes shows now. */
static void look(struct body_in *source, struct pump *pump)
{
    source->lazy = false;
    pump_turn(pump);
    source->lazy = true;
}

static void on_tick(struct timer *timer)
{
    struct tunnel *tunnel = OWNER(struct tunnel, tick, timer);
    struct gw_req *rq = tunnel->rq;
    uint64_t moved = tunnel->upload.moved + rq->download.moved;

    if (tunnel->draining && tunnel->up.watches) {
        end(tunnel);
        return;
    }
    tunnel->still = moved == tunnel->moved ? tunnel->still + 1 : 0;
    tunnel->moved = moved;
    if (tunnel->still == 1) {
        look(tunnel->up.source, &tunnel->upload);
        look(tunnel->down.source, &rq->download);
    }
    if (tunnel->still < TICKS || rq->upgrade->idle_timeout == 0) {
        set_tick(tunnel);
        return;
    }
    rq->reason = "the tunnel was idle for too long";
    if (tunnel->up.watches && !tunnel->draining)
        drain(tunnel);
    else
        end(tunnel);
}

void tunnel_close(struct gw_req *rq)
{
    struct tunnel *tunnel = rq->tunnel;

    if (!tunnel)
        return;
    rq->bytes_in = tunnel->upload.moved;
    timer_clear(&rq->worker->loop, &tunnel->tick);
    pump_stop(&tunnel->upload);
    pump_stop(&rq->download);
    *tunnel->link = tunnel->next;
    if (tunnel->next)
        tunnel->next->link = tunnel->link;
    worker_count_tunnel(rq->worker, -1);
    rq->tunnel = NULL;
}

/* ---- the beginning ---- */

static struct tunnel *open_tunnel(struct gw_req *rq)
{
    struct worker *worker = rq->worker;
    struct tunnel *tunnel = pool_new(&rq->pool, struct tunnel);
    bool is_websocket = str_eq_nocase(rq->upgrade_to, STR("websocket"));

    tunnel->rq = rq;
    tunnel->next = worker->tunnels;
    tunnel->link = &worker->tunnels;
    if (tunnel->next)
        tunnel->next->link = &tunnel->next;
    worker->tunnels = tunnel;
    side_open(&tunnel->up, &rq->x->in, is_websocket, true);
    side_open(&tunnel->down, &rq->upstream->in, is_websocket, false);
    tunnel->upload = (struct pump){.loop = &worker->loop, .done = upload_done};
    tunnel->tick.fire = on_tick;
    worker_count_tunnel(worker, 1);
    return tunnel;
}

enum gw_next tunnel_start(struct gw_req *rq)
{
    struct exchange *x = rq->x;
    struct head *answer = rq->answer;
    struct tunnel *tunnel = rq->tunnel = open_tunnel(rq);
    struct body_out *upstream = call_tunnel(rq->upstream);
    struct str lines =
        pool_printf(&rq->pool, "%.*s%.*s", STR_ARG(tunnel_line(rq)), STR_ARG(rq->added_reply));

    fields_drop_hop_by_hop(&answer->fields);
    x->body_limit = 0;
    x->idle_timeout = 0; /* the tunnel's own time counts */
    rq->replied = true;
    rq->status = 101;
    x->ops->reply(x, &(struct head_out){.status = 101,
                                        .reason = answer->reason,
                                        .fields = &answer->fields,
                                        .added = lines,
                                        .framing = FRAMING_CLOSE});
    rq->download.loop = &rq->worker->loop;
    rq->download.done = download_done;
    set_tick(tunnel);
    pump_start(&rq->download, &tunnel->down.in, &x->out);
    pump_start(&tunnel->upload, &tunnel->up.in, upstream);
    if (rq->worker->tunnels_drain)
        drain(tunnel);
    return GW_DONE;
}
