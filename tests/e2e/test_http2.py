"""HTTP/2 towards clients (RFC 9113): streams, windows, field lists, ends; what reaches the upstream is asserted."""
import os
import struct
import subprocess
import threading
import time

import pytest
from certificates import Authority, client_context
from fixtures import IS_SANITIZED
from h2_peer import (CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR,
                     FRAME_SIZE_ERROR, GOAWAY, Gone, H2Client, HEADERS, NO_ERROR, PING, PRIORITY, PROTOCOL_ERROR,
                     PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, request)
from http_peer import RawClient, WAIT, wait_until

SPEC = """
openapi: 3.1.0
info: {{title: two, version: 1.0.0}}
security: []
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true, {more}}}]
  upstreams: {{origin: {{targets: [{{url: "{origin}"}}]}}}}
  upstream: origin
  limits: {{headers: 4k, body: 60m}}
  drain: {{grace: 3s}}
paths:
  /{{rest}}:
    x-gateway: {{match: {{prefix: true}}}}
    get: {{operationId: get, responses: {{"200": {{description: fine}}}}}}
    post: {{operationId: post, responses: {{"200": {{description: fine}}}}}}
    options: {{operationId: options, responses: {{"200": {{description: fine}}}}}}
"""


def spec(origin, more="limits: {header_timeout: 10s}"):
    return SPEC.format(origin=origin.url, more=more)


@pytest.fixture(scope="module")
def shared(module_gateway, module_origin):
    return module_gateway(spec(module_origin), "--workers", "1")


@pytest.fixture
def gw(shared, module_upstream):
    return shared


@pytest.fixture
def upstream(module_upstream):
    return module_upstream


def echo(connection, asked):
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked.body) + asked.body)


# ---- requests and answers ----

def test_a_request_is_one_of_http_1_1_upstream(gw, upstream):
    with H2Client(gw.port) as client:
        answer = client.ask(request(path="/a?x=1", authority="Api.example:80", more=[("x-one", "1"), ("te", "trailers")]))
    assert answer.status == 200 and answer.ended
    asked = upstream.requests[0]
    assert asked.line == "GET /a?x=1 HTTP/1.1"
    assert asked.fields.one("x-one") == "1"
    assert asked.fields.one("X-Forwarded-Host") == "Api.example:80"
    assert asked.fields.one("TE") == "trailers"
    assert not asked.fields.all("Transfer-Encoding") and not asked.fields.all("Content-Length")


def test_fields_of_the_connection_stay_behind(gw, upstream):
    upstream.answer = (b"HTTP/1.1 200 OK\r\nX-Upper: Case\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    with H2Client(gw.port) as client:
        answer = client.ask(request())
    assert answer.body == b"ok" and answer.fields["x-upper"] == "Case"
    assert not {"connection", "x-hop", "keep-alive", "transfer-encoding"} & set(answer.fields)


def test_content_with_and_without_a_length(gw, upstream):
    upstream.answer = echo
    with H2Client(gw.port) as client:
        assert client.ask(request("POST", more=[("content-length", "5")]), b"hello").body == b"hello"
        assert client.ask(request("POST"), b"world").body == b"world"
    with_length, without = upstream.requests
    assert with_length.fields.one("Content-Length") == "5" and not with_length.fields.all("Transfer-Encoding")
    assert without.fields.one("Transfer-Encoding") == "chunked" and not without.fields.all("Content-Length")


def test_long_content_goes_both_ways(gw, upstream):
    upstream.answer = echo
    body = os.urandom(4 << 20)
    with H2Client(gw.port) as client:
        stream = client.begin(request("POST"), end=False)
        client.data(stream, body)
        assert client.answer(stream).body == body


def test_many_streams_at_a_time(gw, upstream):
    upstream.answer = lambda connection, asked: connection.send(
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(asked.target)}\r\n\r\n{asked.target}")
    with H2Client(gw.port) as client:
        streams = {client.begin(request(path=f"/{n}")): n for n in range(100)}
        for stream, n in streams.items():
            assert client.answer(stream).body == f"/{n}".encode()


def test_more_streams_than_are_allowed_end_the_connection(gw, upstream):
    release = threading.Event()
    upstream.may_break = True

    def answer(connection, asked):
        release.wait(WAIT)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    upstream.answer = answer
    with H2Client(gw.port) as client:
        client.read()
        assert client.settings[3] == 100
        streams = [client.begin(request()) for _ in range(101)]
        with pytest.raises(Gone) as gone:
            client.answer(streams[100])
        assert gone.value.goaway == PROTOCOL_ERROR
        release.set()
    with H2Client(gw.port) as client:
        assert client.ask(request()).status == 200


def test_trailers_go_both_ways(gw, upstream):
    upstream.answer = lambda connection, asked: connection.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n")
    with H2Client(gw.port) as client:
        stream = client.begin(request("POST", more=[("te", "trailers")]), end=False)
        client.frame(DATA, 0, stream, b"hello")
        client.frame(HEADERS, END_HEADERS | END_STREAM, stream, client.encoder.encode([("x-check", "5")]))
        answer = client.answer(stream)
    assert answer.body == b"ok" and answer.trailers == {"x-sum": "7"}
    assert upstream.requests[0].trailers.one("x-check") == "5"


@pytest.mark.parametrize("method, said, body", [
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ("GET", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nrest", b"rest"),
])
def test_answers_with_and_without_content(gw, upstream, method, said, body):
    def answer(connection, asked):
        connection.send(said)
        if b"close" in said:
            connection.close()

    upstream.answer = answer
    with H2Client(gw.port) as client:
        got = client.ask(request(method))
        assert got.ended and got.body == body and got.status == int(said[9:12])


def test_interim_answers_are_passed_on(gw, upstream):
    upstream.answer = (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with H2Client(gw.port) as client:
        answer = client.ask(request())
        assert answer.interim == ["103"] and answer.status == 200


def test_who_waits_for_100_gets_it(gw, upstream):
    upstream.answer = echo
    with H2Client(gw.port) as client:
        stream = client.begin(request("POST", more=[("expect", "100-continue"), ("content-length", "2")]), end=False)
        while not client.streams[stream].interim:
            client.read()
        client.data(stream, b"ok")
        assert client.answer(stream).body == b"ok"


def test_an_answer_may_come_before_the_request_is_complete(gw, upstream):
    def on_head(connection, asked):
        connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        connection.until_closed()
        return True

    upstream.on_head, upstream.may_break = on_head, True
    with H2Client(gw.port) as client:
        stream = client.begin(request("POST"), end=False)
        client.frame(DATA, 0, stream, b"x")
        answer = client.answer(stream)
        assert (answer.status, answer.body) == (403, b"no")
        assert client.ping()
    upstream.on_head = None


def test_a_stream_that_its_client_resets_ends_upstream(gw, upstream):
    seen = threading.Event()

    def on_head(connection, asked):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        connection.until_closed()
        seen.set()
        return True

    upstream.on_head, upstream.may_break = on_head, True
    with H2Client(gw.port) as client:
        stream = client.begin(request())
        while not client.streams[stream].body:
            client.read()
        client.frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))
        assert seen.wait(WAIT)
        upstream.on_head = None
        assert client.ask(request()).status == 200


def test_an_answer_that_breaks_off_is_reset(gw, upstream):
    def answer(connection, asked):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        connection.close()

    upstream.answer, upstream.may_break = answer, True
    with H2Client(gw.port) as client:
        got = client.ask(request())
        assert got.body == b"some" and not got.ended and got.reset is not None
        assert client.ping()


# ---- windows ----

KERNEL_HOLDS = 16 << 20  # more than the kernel keeps between the gateway and an upstream that reads nothing


def test_a_stream_that_is_not_read_holds_up_nobody(gw, upstream):
    upstream.answer = lambda connection, asked: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 20) + bytes(1 << 20)
        if asked.target == "/big" else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    upstream.may_break = True
    with H2Client(gw.port, window=1 << 24) as client:
        client.gives_back = False
        big = client.begin(request(path="/big"))
        for _ in range(20):
            assert client.ask(request(path="/small")).body == b"ok"
        assert len(client.streams[big].body) <= 65535
        client.frame(WINDOW_UPDATE, 0, big, struct.pack(">I", 1 << 24))
        assert len(client.answer(big).body) == 1 << 20


def test_an_upload_that_nobody_takes_holds_up_nobody(gw, upstream):
    release = threading.Event()

    def on_head(connection, asked):
        if asked.target != "/slow":
            return False
        release.wait(WAIT)
        return False

    upstream.on_head, upstream.answer = on_head, echo
    with H2Client(gw.port) as client:
        client.read()
        slow = client.begin(request("POST", path="/slow"), end=False)
        window = client.settings[4]
        sent = 0
        while sent < window:
            part = min(16384, window - sent)
            client.frame(DATA, 0, slow, bytes(part))
            sent += part
        for _ in range(10):
            assert client.ask(request("POST"), b"quick").body == b"quick"
        release.set()
        client.frame(DATA, END_STREAM, slow, b"")
        assert len(client.answer(slow).body) == sent
    upstream.on_head = None


def test_windows_of_one_byte_are_served(gw, upstream):
    upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    with H2Client(gw.port, settings={4: 1}) as client:
        assert client.ask(request()).body == b"hello"


def test_more_data_than_the_window_allows_is_an_error(gw, upstream):
    over = threading.Event()
    upstream.may_break = True
    upstream.on_head = lambda connection, asked: over.wait(WAIT)  # takes nothing, so that no window grows for long
    with H2Client(gw.port) as client:
        client.read()
        stream = client.begin(request("POST"), end=False)
        for _ in range(KERNEL_HOLDS // 16384 + client.settings[4] // 16384 + 2):
            try:
                client.frame(DATA, 0, stream, bytes(16384))
            except OSError:
                break
        try:
            assert client.answer(stream).reset == FLOW_CONTROL_ERROR
        except Gone as gone:
            assert gone.goaway == FLOW_CONTROL_ERROR
    over.set()
    upstream.on_head = None


# ---- field lists that no request may have ----

BAD_LISTS = {
    "no method": [(":scheme", "http"), (":path", "/a"), (":authority", "x")],
    "no path": [(":method", "GET"), (":scheme", "http"), (":authority", "x")],
    "no scheme": [(":method", "GET"), (":path", "/a"), (":authority", "x")],
    "an empty path": request(path=""),
    "a path without a slash": request(path="a"),
    "a path with a space": request(path="/a b"),
    "a path with a line": request(path="/a HTTP/1.1\r\nX: y"),
    "a method with a line": request(method="GET / HTTP/1.1\r\nX: y\r\n\r\n"),
    "an authority with a line": request(authority="x\r\nX: y"),
    "an authority with a user": request(authority="u@x"),
    "no authority": [(":method", "GET"), (":scheme", "http"), (":path", "/a")],
    "host against authority": request(more=[("host", "other")]),
    "two paths": request() + [(":path", "/b")],
    "a pseudo-field behind others": [(":method", "GET"), ("x", "y"), (":scheme", "http"), (":path", "/"), (":authority", "x")],
    "an unknown pseudo-field": [(":method", "GET"), (":what", "x"), (":scheme", "http"), (":path", "/"), (":authority", "x")],
    "a status": [(":status", "200")] + request(),
    "an upper-case name": request(more=[("X-Upper", "y")]),
    "an empty name": request(more=[("", "y")]),
    "a name with a colon": request(more=[("x:y", "z")]),
    "a name with a space": request(more=[("x y", "z")]),
    "a name with a line": request(more=[("x\r\ny", "z")]),
    "a value with a line": request(more=[("x", "y\r\nz: 1")]),
    "a value with LF": request(more=[("x", "y\nz: 1")]),
    "a value with NUL": request(more=[("x", "y\0z")]),
    "connection": request(more=[("connection", "x")]),
    "keep-alive": request(more=[("keep-alive", "x")]),
    "proxy-connection": request(more=[("proxy-connection", "x")]),
    "transfer-encoding": request("POST", more=[("transfer-encoding", "chunked")]),
    "upgrade": request(more=[("upgrade", "websocket")]),
    "te": request(more=[("te", "gzip")]),
    "two lengths": request("POST", more=[("content-length", "1"), ("content-length", "2")]),
    "a bad length": request("POST", more=[("content-length", "1x")]),
}


@pytest.mark.parametrize("what", BAD_LISTS)
def test_a_malformed_list_reaches_nobody(gw, upstream, what):
    with H2Client(gw.port) as client:
        answer = client.ask(BAD_LISTS[what])
        assert answer.reset == PROTOCOL_ERROR or answer.status == 400, (answer.status, answer.reset)
        assert client.ask(request(path="/good")).status == 200
    assert [r.target for r in upstream.requests] == ["/good"]


@pytest.mark.parametrize("sent, said", [(b"hello", "4"), (b"hell", "5")])
def test_content_that_is_not_as_long_as_said_is_malformed(gw, upstream, sent, said):
    upstream.may_break = True
    with H2Client(gw.port) as client:
        stream = client.begin(request("POST", more=[("content-length", said)]), end=False)
        client.frame(DATA, END_STREAM, stream, sent)
        answer = client.answer(stream)
        assert answer.reset == PROTOCOL_ERROR or answer.status == 400
        assert client.ask(request()).status == 200


def test_cookies_are_one_field_again(gw, upstream):
    with H2Client(gw.port) as client:
        assert client.ask(request(more=[("cookie", "a=1"), ("cookie", "b=2"), ("x", "y"), ("cookie", "c=3")])).status == 200
    assert upstream.requests[0].fields.all("Cookie") == ["a=1; b=2; c=3"]


def test_host_may_stand_in_for_authority(gw, upstream):
    with H2Client(gw.port) as client:
        assert client.ask([(":method", "GET"), (":scheme", "http"), (":path", "/a"), ("host", "h.example")]).status == 200
        assert client.ask(request(authority="h.example", more=[("host", "h.example")])).status == 200
    assert [r.fields.one("X-Forwarded-Host") for r in upstream.requests] == ["h.example"] * 2


def test_connect_is_not_for_gateways(gw, upstream):
    with H2Client(gw.port) as client:
        assert client.ask([(":method", "CONNECT"), (":authority", "x:443")]).status == 501
        assert client.ask(request(method="CONNECT")).reset == PROTOCOL_ERROR
    assert upstream.requests == []


def test_https_without_tls_is_misdirected(gw, upstream):
    with H2Client(gw.port) as client:
        assert client.ask(request(scheme="https")).status == 421


def test_heads_that_are_too_large_get_431(gw, upstream):
    with H2Client(gw.port) as client:
        assert client.ask(request(more=[("x", "y" * 5000)])).status == 431
        assert client.ask(request(more=[(f"x-{n}", "y") for n in range(120)])).status == 431
        assert client.ask(request(path="/" + "p" * 9000)).status in (414, 431)
        assert client.ask(request()).status == 200
    assert len(upstream.requests) == 1


def test_paths_are_normalised_as_those_of_http_1_1(gw, upstream):
    with H2Client(gw.port) as client:
        assert client.ask(request(path="/a/../b/./c%41")).status == 200
        assert client.ask(request(path="/../../x")).status in (200, 400)
        assert client.ask(request(path="/a%00")).status == 400
    assert upstream.requests[0].target == "/b/cA"


# ---- frames that no connection may have ----

def frames(*made):
    return lambda client: [client.frame(*one) for one in made]


BAD_FRAMES = {
    "DATA on stream 0": (frames((DATA, 0, 0, b"x")), PROTOCOL_ERROR),
    "HEADERS on stream 0": (frames((HEADERS, END_HEADERS, 0, b"\x82")), PROTOCOL_ERROR),
    "HEADERS on an even stream": (frames((HEADERS, END_HEADERS | END_STREAM, 2, b"\x82\x84\x86\x41\x01x")), PROTOCOL_ERROR),
    "DATA on an idle stream": (frames((DATA, 0, 9, b"x")), PROTOCOL_ERROR),
    "WINDOW_UPDATE of 0": (frames((WINDOW_UPDATE, 0, 0, bytes(4))), PROTOCOL_ERROR),
    "a window too large": (frames((WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")), FLOW_CONTROL_ERROR),
    "WINDOW_UPDATE of 3 bytes": (frames((WINDOW_UPDATE, 0, 0, bytes(3))), FRAME_SIZE_ERROR),
    "PING of 7 bytes": (frames((PING, 0, 0, bytes(7))), FRAME_SIZE_ERROR),
    "PING on a stream": (frames((PING, 0, 1, bytes(8))), PROTOCOL_ERROR),
    "SETTINGS of 5 bytes": (frames((SETTINGS, 0, 0, bytes(5))), FRAME_SIZE_ERROR),
    "SETTINGS on a stream": (frames((SETTINGS, 0, 1, b"")), PROTOCOL_ERROR),
    "SETTINGS ACK with content": (frames((SETTINGS, 1, 0, bytes(6))), FRAME_SIZE_ERROR),
    "a window setting too large": (frames((SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 31))), FLOW_CONTROL_ERROR),
    "a frame size too small": (frames((SETTINGS, 0, 0, struct.pack(">HI", 5, 100))), PROTOCOL_ERROR),
    "push switched to 2": (frames((SETTINGS, 0, 0, struct.pack(">HI", 2, 2))), PROTOCOL_ERROR),
    "a push": (frames((PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + b"\x82")), PROTOCOL_ERROR),
    "CONTINUATION alone": (frames((CONTINUATION, END_HEADERS, 1, b"\x82")), PROTOCOL_ERROR),
    "a frame within a header block": (frames((HEADERS, 0, 1, b"\x82"), (PING, 0, 0, bytes(8))), PROTOCOL_ERROR),
    "RST_STREAM of an idle stream": (frames((RST_STREAM, 0, 9, bytes(4))), PROTOCOL_ERROR),
    "RST_STREAM of 3 bytes": (frames((RST_STREAM, 0, 1, bytes(3))), FRAME_SIZE_ERROR),
    "a frame of 17000 bytes": (lambda client: client.send(b"\x00\x42\x68\x00\x00\x00\x00\x00\x01" + bytes(17000)), FRAME_SIZE_ERROR),
    "HPACK rubbish": (frames((HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff")), 9),
}


@pytest.mark.parametrize("what", BAD_FRAMES)
def test_a_broken_frame_ends_the_connection_with_a_word(gw, upstream, what):
    do, code = BAD_FRAMES[what]
    with H2Client(gw.port) as client:
        assert client.ping()
        do(client)
        assert client.until_gone() == code
    with H2Client(gw.port) as client:
        assert client.ask(request()).status == 200


def test_what_is_unknown_is_passed_over(gw, upstream):
    with H2Client(gw.port, settings={0xff: 1}) as client:
        client.frame(0x77, 0xff, 0, b"what")
        client.frame(0x77, 0, 1, b"ever")
        assert client.ask(request()).status == 200


def test_data_behind_the_end_reaches_nobody(gw, upstream):
    with H2Client(gw.port) as client:
        stream = client.begin(request("POST"), end=False)
        client.data(stream, b"whole")
        assert client.answer(stream).status == 200
        client.frame(DATA, 0, stream, b"x")
        try:
            assert client.ping()
        except Gone as gone:
            assert gone.goaway in (STREAM_CLOSED, PROTOCOL_ERROR)
    assert [r.body for r in upstream.requests] == [b"whole"]


def test_without_the_preface_it_is_http_1_1(gw, upstream):
    with RawClient(gw.port) as client:
        assert client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    with RawClient(gw.port) as client:
        client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        assert client.answer().status in (400, 505)


def test_the_preface_may_come_in_pieces(gw, upstream):
    with H2Client(gw.port, preface=False) as client:
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            client.send(bytes([byte]))
        client.frame(SETTINGS, 0, 0)
        assert client.ask(request()).status == 200


def test_without_h2c_the_preface_is_refused(gateway, origin):
    gw = gateway(spec(origin).replace("h2c: true", "h2c: false"))
    with RawClient(gw.port) as client:
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert client.answer().status in (400, 505)


# ---- floods (as Envoy's http2_flood_integration_test has them) ----

def opened(client, fields=None):
    """A header block for a stream that no answer is waited for."""
    return client.encoder.encode(fields or request())


def rapid_reset(client):
    stream = client.next_stream
    client.next_stream += 2
    client.send(client.bytes(HEADERS, END_HEADERS | END_STREAM, stream, opened(client)) +
                client.bytes(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))


def malformed(client):
    stream = client.next_stream
    client.next_stream += 2
    client.frame(HEADERS, END_HEADERS | END_STREAM, stream, opened(client, request(more=[("connection", "x")])))


def empty_data(client):
    if client.next_stream == 1:
        client.begin(request("POST"), end=False)
    client.frame(DATA, 0, 1)


def priority(client):
    client.frame(PRIORITY, 0, 1, struct.pack(">IB", 3, 1))


FLOODS = {
    "rapid reset": rapid_reset,
    "malformed requests": malformed,
    "PING": frames((PING, 0, 0, bytes(8))),
    "SETTINGS": frames((SETTINGS, 0, 0, b"")),
    "SETTINGS with many entries": frames((SETTINGS, 0, 0, struct.pack(">HI", 4, 65535) * 30)),
    "PRIORITY": priority,
    "empty DATA": empty_data,
    "unknown frames": frames((0x77, 0, 0, b"")),
    "WINDOW_UPDATE": frames((WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))),
}


def memory(gw):
    with open(f"/proc/{gw.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_ends_its_connection_and_costs_little(gateway, origin, what, reads):
    origin.may_break = True
    gw = gateway(spec(origin), "--workers", "1")
    with H2Client(gw.port) as other, H2Client(gw.port) as client:
        assert other.ask(request()).status == 200
        before = memory(gw)
        with pytest.raises((OSError, Gone)):
            client.sock.settimeout(WAIT)
            for n in range(100000):
                FLOODS[what](client)
                if reads and n % 50 == 0:
                    client.sock.setblocking(False)
                    try:
                        client.sock.recv(1 << 20)
                    except BlockingIOError:
                        pass
                    client.sock.settimeout(WAIT)
        assert other.ask(request()).status == 200
        if not IS_SANITIZED:
            assert memory(gw) - before < 8 << 20


def test_a_header_block_without_end_is_cut_off(gw, upstream):
    with H2Client(gw.port) as client:
        client.frame(HEADERS, 0, 1, opened(client))
        with pytest.raises((OSError, Gone)):
            for _ in range(1000):
                client.frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 100)
            client.until_gone()
            raise Gone(None)
    with H2Client(gw.port) as client:
        assert client.ask(request()).status == 200


def test_a_list_that_unpacks_to_much_is_refused_without_the_memory(gateway, origin):
    gw = gateway(spec(origin), "--workers", "1")
    with H2Client(gw.port) as client:
        assert client.ask(request()).status == 200
        before = memory(gw)
        # an entry of 4,000 bytes into the dynamic table, then a byte for each time it is meant
        block = client.encoder.encode(request()) + b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000
        stream = client.next_stream
        client.next_stream += 2
        client.frame(HEADERS, END_STREAM, stream, block)
        for n in range(10):
            client.frame(CONTINUATION, END_HEADERS if n == 9 else 0, stream, b"\xbe" * 16000)
        assert client.answer(stream).status == 431
        assert client.ping()
        if not IS_SANITIZED:
            assert memory(gw) - before < 4 << 20


def test_a_header_block_that_trickles_is_not_waited_for(gateway, origin):
    gw = gateway(spec(origin, "limits: {header_timeout: 300ms}"))
    with H2Client(gw.port) as client:
        client.acks = False
        client.frame(HEADERS, 0, 1, b"\x82")
        assert client.until_gone() == ENHANCE_YOUR_CALM


def test_who_says_nothing_is_not_waited_for(gateway, origin):
    gw = gateway(spec(origin, "keep_alive: {idle: 300ms}, limits: {header_timeout: 300ms}"))
    with H2Client(gw.port) as client:
        client.until_gone()
    with H2Client(gw.port) as client:
        assert client.ask(request()).status == 200
        assert client.until_gone() == NO_ERROR


def test_requests_of_a_connection_are_counted(gateway, origin):
    gw = gateway(spec(origin, "keep_alive: {requests: 3}"))
    with H2Client(gw.port) as client:
        assert [client.ask(request()).status for _ in range(3)] == [200] * 3
        assert client.until_gone() == NO_ERROR


# ---- the end of the gateway ----

def test_a_drain_says_goaway_and_finishes_what_has_begun(gateway, origin):
    release = threading.Event()

    def answer(connection, asked):
        release.wait(WAIT)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    origin.answer = answer
    gw = gateway(spec(origin))
    with H2Client(gw.port) as client, H2Client(gw.port) as idle:
        assert idle.ping()
        stream = client.begin(request())
        assert origin.request()
        gw.process.send_signal(15)
        while not client.goaways:
            client.read()
        release.set()
        assert client.answer(stream).body == b"ok"
        assert client.until_gone() == NO_ERROR
        assert idle.until_gone() == NO_ERROR
    assert gw.process.wait(WAIT) == 0


# ---- over TLS ----

def test_over_tls_it_is_agreed_on(gateway, origin, tmp_path):
    authority = Authority(str(tmp_path))
    pair = authority.issue("localhost")
    gw = gateway(spec(origin, f"protocol: https, tls: {{certificates: [{{cert: {{file: {pair.cert}}}, "
                              f"key: {{file: {pair.key}}}}}]}}").replace("h2c: true, ", ""))
    context = client_context(authority, alpn=["h2"])
    with H2Client(gw.port, context) as client:
        assert client.sock.selected_alpn_protocol() == "h2"
        assert client.ask(request(scheme="https")).status == 200
    with H2Client(gw.port, context, preface=False) as client:
        client.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(Gone):
            while True:
                client.read()
    done = subprocess.run(["h2load", "-n", "2000", "-c", "5", "-m", "20", f"https://127.0.0.1:{gw.port}/a"],
                          capture_output=True, text=True, timeout=60)
    assert "2000 succeeded, 0 failed" in done.stdout


def test_nothing_of_it_is_in_a_gateway_without_http2(build_cache, origin):
    import fixtures
    if IS_SANITIZED:
        pytest.skip("linked dynamically")
    plain = spec(origin).replace("h2c: true, ", "")
    found = [b"nghttp2" in open(fixtures.build(build_cache, text), "rb").read() for text in (plain, spec(origin))]
    assert found == [False, True]
