"""Every wait ends: with a status and a reason while there is still somebody to tell, else with a close."""
import json
import socket
import time

import pytest
from http_peer import Broken

DOCUMENT = """
openapi: 3.1.0
info: {title: timeouts, version: "1"}
x-gateway:
  version: 1
  listeners: [{address: "127.0.0.1:0", keep_alive: {idle: 600ms}, limits: {header_timeout: 500ms}}]
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  timeouts: {connect: 300ms, send: 400ms, read: 400ms, idle: 500ms}
  limits: {body: 100m}
paths:
  /x:
    get: &any {responses: {default: {description: any}}}
    post: *any
  /whole:
    x-gateway: {timeouts: {request: 400ms, read: 5s}}
    get: *any
  /patient:
    x-gateway: {timeouts: false}
    get: *any
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def running(gateway, origin):
    return gateway(DOCUMENT, "--upstream", f"origin={origin.url}")


class Clock:
    def __init__(self, least, most):
        self.least, self.most = least, most

    def __enter__(self):
        self.start = time.monotonic()

    def __exit__(self, kind, *_):
        took = time.monotonic() - self.start
        assert kind or self.least <= took <= self.most, f"took {took:.3f} s"


def assert_problem(answer, status, word):
    assert answer.status == status
    assert answer["Content-Type"] == "application/problem+json"
    assert word in json.loads(answer.body)["detail"]


def sleeper(seconds):
    def answer(connection, request):
        connection.may_break = True
        time.sleep(seconds)
    return answer


def test_head_that_takes_too_long(running, origin):
    with running.client() as client, Clock(0.45, 2):
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\nX: y")
        assert_problem(client.answer(), 408, "head")
        assert client.is_closed()
    assert origin.got_nothing()


def test_head_that_trickles(running, origin):
    """A byte now and then buys no time: the limit is for the whole head."""
    with running.client() as client, Clock(0.4, 2):
        try:
            for byte in b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"X-Slow: 1\r\n" * 100:
                client.send(bytes([byte]))
                time.sleep(0.02)
            pytest.fail("a slow head was read to its end")
        except (BrokenPipeError, ConnectionResetError):
            pass


def test_connection_that_says_nothing(running):
    with running.client() as client, Clock(0.45, 2):
        assert client.is_closed()


def test_idle_connection(running):
    with running.client() as client:
        client.ask(GET)
        with Clock(0.5, 2):
            assert client.is_closed()


def test_body_that_stalls(running, origin):
    origin.may_break = True
    with running.client() as client, Clock(0.45, 2):
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert_problem(client.answer(), 408, "stalled")
        assert client.is_closed()


def test_upstream_that_does_not_answer(running, origin):
    origin.answer = sleeper(1.5)
    with running.client() as client, Clock(0.35, 1.4):
        assert_problem(client.ask(GET), 504, "did not answer in time")
    with running.client() as client:  # the connection lives on, as does the gateway
        origin.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        assert client.ask(GET).status == 204


def test_upstream_that_stalls_within_its_body(running, origin):
    def answer(connection, request):
        connection.may_break = True
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        time.sleep(1.5)

    origin.answer = answer
    with running.client() as client, Clock(0.35, 1.4):
        with pytest.raises(Broken):
            client.ask(GET)


def test_upstream_that_does_not_read(running, origin):
    def answer(connection, request):
        connection.may_break = True
        time.sleep(2)
        return True

    origin.on_head = answer
    origin.may_break = True
    with running.client() as client, Clock(0.35, 1.9):
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
        client.sock.settimeout(10)
        try:
            client.send(b"x" * 50_000_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            assert_problem(client.answer(), 504, "take the request")
        except (Broken, ConnectionResetError):
            pass  # more bytes were on their way than are read away


def test_client_that_does_not_read(running, origin):
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 30_000_000
    origin.may_break = True
    with running.client() as client:
        client.send(GET).head()
        time.sleep(1.2)
        with pytest.raises((Broken, ConnectionResetError)):
            client.wire.exactly(30_000_000)


def test_whole_request(running, origin):
    origin.answer = sleeper(1.5)
    with running.client() as client, Clock(0.35, 1.4):
        assert_problem(client.ask(b"GET /whole HTTP/1.1\r\nHost: a\r\n\r\n"), 504, "too long")


def test_without_limits(running, origin):
    def answer(connection, request):
        time.sleep(1)
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    origin.answer = answer
    assert running.ask(b"GET /patient HTTP/1.1\r\nHost: a\r\n\r\n").status == 204


def test_upstream_that_accepts_no_connection(gateway):
    """A full accept queue answers no SYN."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            waiting.append(sock)
        running = gateway(DOCUMENT, "--upstream", f"origin=http://127.0.0.1:{address[1]}")
        with Clock(0.25, 2):
            assert_problem(running.ask(GET), 504, "accept the connection in time")
        for sock in waiting:
            sock.close()


def test_upstream_that_refuses_connections(gateway):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        running = gateway(DOCUMENT, "--upstream", f"origin=http://127.0.0.1:{unused.getsockname()[1]}")
        assert_problem(running.ask(GET), 502, "refuses")
