"""HTTP/2 towards upstreams, and gRPC through the gateway: against nghttpd, servers made of frames, and grpcio."""
import os
import socket
import struct
import subprocess
import threading
import time
from concurrent import futures

import grpc
import h2.config
import h2.connection
import h2.events
import pytest
from certificates import Authority, secure_listener
from fixtures import IS_SANITIZED
from h2_peer import H2Client, WINDOW_UPDATE, request
from http_peer import WAIT, free_ports, wait_until

SPEC = """
openapi: 3.1.0
info: {{title: two, version: 1.0.0}}
security: []
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  upstreams: {{origin: {{targets: [{{url: "{url}"}}], protocol: {protocol}, {more}}}}}
  upstream: origin
  limits: {{body: 60m}}
  timeouts: {{connect: 1s, read: {read}}}
paths:
  /{{rest}}:
    x-gateway: {{match: {{prefix: true}}}}
    get: {{operationId: get, responses: {{"200": {{description: fine}}}}}}
    head: {{operationId: head, responses: {{"200": {{description: fine}}}}}}
    post: {{operationId: post, responses: {{"200": {{description: fine}}}}}}
"""


def spec(url, protocol="h2", more="", read="5s"):
    return SPEC.format(url=url, protocol=protocol, more=more, read=read)


class H2Server:
    """An upstream by python3-h2. `answer(server, connection, stream, request)` acts on the h2 connection."""

    def __init__(self, answer, listener=None, settings=None):
        self.answer, self.settings = answer, settings or {}
        self.listener = listener or socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections, self.requests, self.resets, self.lock = 0, [], [], threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        link = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        link.initiate_connection()
        if self.settings:
            link.update_settings(self.settings)
        bodies, heads, trailers = {}, {}, {}
        try:
            sock.sendall(link.data_to_send())
            while True:
                data = sock.recv(65536)
                if not data:
                    return
                for event in link.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        heads[event.stream_id], bodies[event.stream_id] = dict(event.headers), b""
                    elif isinstance(event, h2.events.TrailersReceived):
                        trailers[event.stream_id] = dict(event.headers)
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] += event.data
                        link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamReset):
                        self.resets.append(event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        head = heads[event.stream_id]
                        head["body"], head["trailers"] = bodies[event.stream_id], trailers.get(event.stream_id)
                        with self.lock:
                            self.requests.append(head)
                        how = self.answer(self, link, event.stream_id, head)
                        if how in ("close", "finish"):
                            sock.sendall(link.data_to_send())
                            if how == "finish":  # in order: what is unread at a close makes it a reset
                                sock.shutdown(socket.SHUT_WR)
                                while sock.recv(65536):
                                    pass
                            sock.close()
                            return
                sock.sendall(link.data_to_send())
        except OSError:
            return


def fine(server, link, stream, asked):
    link.send_headers(stream, [(":status", "200"), ("x-path", asked[":path"]), ("content-length", "2")])
    link.send_data(stream, b"ok", end_stream=True)


# ---- requests ----

def test_a_request_of_http_1_1_becomes_a_stream(gateway):
    with H2Server(fine) as server:
        gw = gateway(spec(server.url))
        with gw.client() as client:
            for n in range(5):
                answer = client.ask(f"GET /a{n}?x=1 HTTP/1.1\r\nHost: api\r\nX-One: 1\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n")
                assert (answer.status, answer.body, answer.fields.one("x-path")) == (200, b"ok", f"/a{n}?x=1")
    assert server.connections == 1
    asked = server.requests[0]
    assert (asked[":method"], asked[":scheme"], asked[":authority"]) == ("GET", "http", f"127.0.0.1:{server.port}")
    assert asked["x-one"] == "1" and asked["x-forwarded-host"] == "api"
    assert not {"connection", "x-hop", "host", "transfer-encoding"} & set(asked)


def test_content_and_trailers_go_both_ways(gateway):
    def answer(server, link, stream, asked):
        link.send_headers(stream, [(":status", "200")])
        link.send_data(stream, asked["body"])
        link.send_headers(stream, [("x-sum", str(len(asked["body"])))], end_stream=True)

    with H2Server(answer) as server:
        gw = gateway(spec(server.url))
        with gw.client() as client:
            got = client.ask("POST /a HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n"
                             "\r\n5\r\nhello\r\n0\r\nX-Check: 5\r\n\r\n")
            assert got.body == b"hello" and got.trailers.one("x-sum") == "5"
            got = client.ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            assert got.body == b"abc"
    assert server.requests[0]["trailers"] == {"x-check": "5"}
    assert server.requests[1]["content-length"] == "3"


@pytest.mark.parametrize("status, method, length", [("204", "GET", None), ("304", "GET", None), ("200", "HEAD", None),
                                                    ("200", "GET", "0"), ("500", "POST", "0"), ("404", "GET", "0")])
@pytest.mark.parametrize("says", [[], [("content-length", "0")]])
def test_answers_without_content(gateway, status, method, length, says):
    """The head ends the stream, whether or not it says that nothing comes: a client of HTTP/1.1 has to be told."""
    says = says if length else []

    def answer(server, link, stream, asked):
        link.send_headers(stream, [(":status", status), *says], end_stream=True)

    with H2Server(answer) as server:
        gw = gateway(spec(server.url))
        with gw.client() as client:
            for _ in range(2):
                got = client.ask(f"{method} /a HTTP/1.1\r\nHost: x\r\n\r\n")
                assert got.status == int(status) and got["content-length"] == length and got.body == b""


def test_interim_answers_are_passed_on(gateway):
    def answer(server, link, stream, asked):
        link.send_headers(stream, [(":status", "103"), ("link", "</x>")])
        fine(server, link, stream, asked)

    with H2Server(answer) as server:
        got = gateway(spec(server.url)).ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert got.status == 200 and [i.status for i in got.interim] == [103]


@pytest.fixture
def nghttpd(tmp_path):
    """fn(*options): its port; it serves tmp_path."""
    started = []

    def start(*options):
        port, = free_ports(1)
        started.append(subprocess.Popen(["nghttpd", "--no-tls", "-d", tmp_path, *options, str(port)], stdout=subprocess.DEVNULL))
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "nghttpd")
        return port

    yield start
    for server in started:
        server.terminate()
        server.wait(WAIT)


def h2load(port, count, path):
    done = subprocess.run(["h2load", "-n", str(count), "-c", "4", "-m", "40", f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, timeout=60)
    assert f"{count} succeeded, 0 failed" in done.stdout and f"status codes: {count} 2xx" in done.stdout, done.stdout


def test_long_bodies_and_many_streams(gateway, tmp_path, nghttpd):
    body = os.urandom(5 << 20)
    (tmp_path / "big").write_bytes(body)
    (tmp_path / "small").write_bytes(b"small")
    gw = gateway(spec(f"http://127.0.0.1:{nghttpd()}"), "--workers", "1")
    assert gw.ask("GET /big HTTP/1.1\r\nHost: x\r\n\r\n").body == body
    with H2Client(gw.port) as client:
        streams = [client.begin(request(path="/big" if n % 10 == 0 else "/small")) for n in range(50)]
        for n, stream in enumerate(streams):
            assert client.answer(stream).body == (body if n % 10 == 0 else b"small")
    h2load(gw.port, 3000, "/small")


@pytest.mark.parametrize("ours, theirs", [("max_streams: 3", "100"), ("max_streams: 100", "2")])
def test_no_more_streams_than_both_allow(gateway, tmp_path, nghttpd, ours, theirs):
    (tmp_path / "small").write_bytes(b"small")
    port = nghttpd("-m", theirs)
    gw = gateway(spec(f"http://127.0.0.1:{port}", more=f"pool: {{{ours}}}"), "--workers", "1")
    h2load(gw.port, 500, "/small")


def test_a_client_that_reads_nothing_holds_up_nobody(gateway):
    def answer(server, link, stream, asked):
        if asked[":path"] == "/small":
            fine(server, link, stream, asked)
            return
        link.send_headers(stream, [(":status", "200")])
        size = link.local_flow_control_window(stream)
        while size > 0:
            part = min(size, 16384)
            link.send_data(stream, bytes(part))
            size -= part

    with H2Server(answer) as server:
        gw = gateway(spec(server.url), "--workers", "1")
        with H2Client(gw.port) as stuck, gw.client() as quick:
            stuck.gives_back = False
            stuck.begin(request(path="/big"))
            wait_until(lambda: server.requests, "the request")
            for _ in range(20):
                assert quick.ask("GET /small HTTP/1.1\r\nHost: x\r\n\r\n").body == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize("ends", [True, False])
def test_what_came_before_the_connection_ended_is_delivered(gateway, ends):
    gone = threading.Event()

    def answer(server, link, stream, asked):
        link.send_headers(stream, [(":status", "200")])
        for _ in range(12):
            link.send_data(stream, bytes(16384))
        if ends:
            link.end_stream(stream)
        gone.set()
        return "finish"

    with H2Server(answer) as server:
        gw = gateway(spec(server.url), "--workers", "1")
        with H2Client(gw.port, window=1 << 24) as client:
            client.gives_back = False
            assert client.ping()
            before = len(os.listdir(f"/proc/{gw.process.pid}/fd"))
            stream = client.begin(request())
            assert gone.wait(WAIT)
            wait_until(lambda: len(os.listdir(f"/proc/{gw.process.pid}/fd")) <= before, "the end of the connection")
            client.frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 1 << 24))
            got = client.answer(stream)
            assert len(got.body) == 12 * 16384 and got.ended == ends


# ---- over TLS ----

@pytest.mark.parametrize("offered, status", [(["h2"], 200), (["h2", "http/1.1"], 200), (["http/1.1"], 502), (None, 502)])
def test_over_tls_it_has_to_be_agreed_on(gateway, tmp_path, offered, status):
    authority = Authority(str(tmp_path))

    def tune(context):
        if offered:
            context.set_alpn_protocols(offered)

    listener = secure_listener(authority.issue("localhost"), tune=tune)
    with H2Server(fine, listener) as server:
        gw = gateway(spec(f"https://localhost:{server.port}", more=f"tls: {{ca: {{file: {authority.cert}}}}}"))
        answer = gw.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.status == status
        if status == 200:
            assert server.requests[0][":scheme"] == "https"


# ---- what goes wrong ----

def test_a_refused_stream_is_asked_again(gateway):
    refused = []

    def answer(server, link, stream, asked):
        if not refused:
            refused.append(stream)
            link.reset_stream(stream, 7)
            return
        fine(server, link, stream, asked)

    with H2Server(answer) as server:
        assert gateway(spec(server.url)).ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status == 200
    assert len(server.requests) == 2


def test_a_goaway_moves_what_was_not_processed(gateway):
    seen = []

    def answer(server, link, stream, asked):
        seen.append(stream)
        if len(seen) == 2:  # the second request of the first connection is not served any more
            link.close_connection(last_stream_id=1)
            return "close"
        fine(server, link, stream, asked)

    with H2Server(answer) as server:
        gw = gateway(spec(server.url), "--workers", "1")
        with gw.client() as client:
            assert client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
            assert client.ask("GET /b HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
            assert client.ask("GET /c HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        assert server.connections == 2


@pytest.mark.parametrize("how", ["reset", "close", "garbage", "bad list", "101"])
def test_what_an_upstream_breaks_is_a_bad_gateway(gateway, how):
    def answer(server, link, stream, asked):
        if how == "reset":
            link.reset_stream(stream, 2)
        elif how == "close":
            return "close"
        elif how == "garbage":
            link._data_to_send += b"HTTP/1.1 400 Bad Request\r\n\r\n"
        elif how == "bad list":
            link.config.validate_outbound_headers = link.config.normalize_outbound_headers = False
            link.send_headers(stream, [(":status", "200"), ("Bad Name", "x")], end_stream=True)
        else:
            link.config.validate_outbound_headers = False
            link.send_headers(stream, [(":status", "101")])
        return None

    with H2Server(answer) as server:
        gw = gateway(spec(server.url))
        assert gw.ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx").status == 502
    with H2Server(fine) as server:
        assert gateway(spec(server.url)).ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 200


def test_an_answer_that_breaks_off_is_cut_off(gateway):
    def answer(server, link, stream, asked):
        link.send_headers(stream, [(":status", "200"), ("content-length", "10")])
        link.send_data(stream, b"half")
        link.reset_stream(stream, 2)

    with H2Server(answer) as server:
        gw = gateway(spec(server.url))
        with gw.client() as client:
            client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            rest = client.rest()
            assert b"200 OK" in rest and not rest.endswith(b"0\r\n\r\n")
            assert len(rest.split(b"\r\n\r\n", 1)[1]) < 10


def test_an_upstream_that_does_not_answer_is_not_waited_for(gateway):
    with H2Server(lambda server, link, stream, asked: None) as server:
        gw = gateway(spec(server.url, read="300ms"))
        assert gw.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 504
        wait_until(lambda: server.resets, "the reset of the stream")


@pytest.mark.skipif(IS_SANITIZED, reason="as long as the silence it is about, and no other code than elsewhere")
def test_a_silent_upstream_is_given_up_when_it_answers_no_ping_and_kept_when_it_does(gateway):
    over, said = threading.Event(), {}

    def ask(name, url):
        with gateway(spec(url, read="80s")).client() as client:
            client.sock.settimeout(100)
            said[name] = client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status

    with H2Server(lambda *_: over.wait(100)) as dead, H2Server(lambda *_: None) as silent:
        asking = [threading.Thread(target=ask, args=one) for one in (("dead", dead.url), ("silent", silent.url))]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        over.set()
    assert said == {"dead": 502, "silent": 504}
    assert (dead.connections, silent.connections) == (1, 1)


def test_a_client_that_leaves_resets_the_stream(gateway):
    with H2Server(lambda server, link, stream, asked: None) as server:
        gw = gateway(spec(server.url))
        with gw.client() as client:
            client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.requests, "the request")
        wait_until(lambda: server.resets, "the reset of the stream")


@pytest.mark.parametrize("listens", [True, False])
def test_who_speaks_no_http2_is_a_bad_gateway(gateway, origin, listens):
    origin.may_break = True
    url = origin.url if listens else "http://127.0.0.1:1"
    gw = gateway(spec(url, read="500ms"))
    started = time.monotonic()
    with H2Client(gw.port) as client:
        streams = [client.begin(request()) for _ in range(10)]
        assert {client.answer(s).status for s in streams} <= {502, 504}
    assert time.monotonic() - started < WAIT
    origin.failures.clear()


# ---- gRPC ----

def pack(text):
    return text.encode()


class Service(grpc.GenericRpcHandler):
    """echo.Echo: all four kinds of calls, on texts."""

    def service(self, details):
        def unary(asked, context):
            context.set_trailing_metadata((("x-trailer", "yes"),))
            if asked == "fail":
                context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: é")
            if asked == "slow":
                time.sleep(2)
            return f"{asked} {dict(context.invocation_metadata()).get('x-meta')}"

        def server_stream(asked, context):
            yield from (f"{asked} {n}" for n in range(100))

        def client_stream(asked, context):
            return " ".join(asked)

        def both(asked, context):
            for one in asked:
                yield one.upper()

        coding = {"request_deserializer": bytes.decode, "response_serializer": pack}
        return {
            "/echo.Echo/Unary": grpc.unary_unary_rpc_method_handler(unary, **coding),
            "/echo.Echo/Server": grpc.unary_stream_rpc_method_handler(server_stream, **coding),
            "/echo.Echo/Client": grpc.stream_unary_rpc_method_handler(client_stream, **coding),
            "/echo.Echo/Both": grpc.stream_stream_rpc_method_handler(both, **coding),
        }.get(details.method)


@pytest.fixture(scope="module")
def service():
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Service(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


@pytest.fixture
def channel(gateway, service):
    gw = gateway(spec(f"http://127.0.0.1:{service}", protocol="grpc"))
    with grpc.insecure_channel(f"127.0.0.1:{gw.port}", options=[("grpc.max_receive_message_length", -1)]) as channel:
        yield channel


CODING = {"request_serializer": pack, "response_deserializer": bytes.decode}


def test_all_four_kinds_of_calls(channel):
    unary = channel.unary_unary("/echo.Echo/Unary", **CODING)
    answer, call = unary.with_call("hello", metadata=(("x-meta", "there"),), timeout=WAIT)
    assert answer == "hello there" and ("x-trailer", "yes") in call.trailing_metadata()
    assert list(channel.unary_stream("/echo.Echo/Server", **CODING)("n", timeout=WAIT)) == [f"n {n}" for n in range(100)]
    assert channel.stream_unary("/echo.Echo/Client", **CODING)(iter(["a", "b", "c"]), timeout=WAIT) == "a b c"
    assert list(channel.stream_stream("/echo.Echo/Both", **CODING)(iter(["a", "b"]), timeout=WAIT)) == ["A", "B"]
    assert unary("x" * (3 << 20), timeout=WAIT).startswith("xxx")


def test_both_sides_of_a_stream_speak_in_turn(channel):
    asks, got = [], []
    turn = threading.Condition()

    def say():
        for n in range(20):
            with turn:
                turn.wait_for(lambda: len(got) == n, WAIT)
            asks.append(n)
            yield f"m{n}"

    for answer in channel.stream_stream("/echo.Echo/Both", **CODING)(say(), timeout=WAIT * 2):
        with turn:
            got.append(answer)
            turn.notify_all()
    assert got == [f"M{n}" for n in range(20)]


def test_errors_of_the_service_pass(channel):
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/echo.Echo/Unary", **CODING)("fail", timeout=WAIT)
    assert (failed.value.code(), failed.value.details()) == (grpc.StatusCode.NOT_FOUND, "no such thing: é")
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/echo.Echo/None", **CODING)("x", timeout=WAIT)
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_deadlines_hold(channel):
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/echo.Echo/Unary", **CODING)("slow", timeout=0.3)
    assert failed.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_errors_of_the_gateway_are_statuses_of_grpc(gateway):
    gw = gateway(spec("http://127.0.0.1:1", protocol="grpc"))
    with grpc.insecure_channel(f"127.0.0.1:{gw.port}") as channel:
        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary("/echo.Echo/Unary", **CODING)("x", timeout=WAIT)
        assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
        assert failed.value.details() == "the upstream refuses connections"


def test_the_gateway_ends_a_call_whose_deadline_is_over(gateway):
    with H2Server(lambda server, link, stream, asked: None) as server:
        gw = gateway(spec(server.url, protocol="grpc", read="60s"))
        with H2Client(gw.port) as client:
            answer = client.ask(request("POST", "/x.Y/Z", more=[("content-type", "application/grpc"), ("te", "trailers"),
                                                               ("grpc-timeout", "200m")]), b"\0\0\0\0\0")
        assert (answer.status, answer.fields["grpc-status"]) == (200, "4")
        told = server.requests[0]["grpc-timeout"]
        assert told[-1] == "m" and 0 < int(told[:-1]) <= 200
        wait_until(lambda: server.resets, "the reset of the stream")
