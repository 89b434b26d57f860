"""Targets and pooled connections: who is asked, who is asked again, and who must not be."""
import socket
import threading
import time

import pytest
from http_peer import OK, Origin, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: retry, version: "1"}
x-gateway:
  version: 1
  upstreams:
    origin: {targets: [{url: "http://127.0.0.1:1"}], pool: {max_idle: 2, idle_timeout: 700ms}}
  upstream: origin
  access_log: {fields: [path, status, tries, reason, upstream_addr]}
  timeouts: {connect: 500ms}
paths:
  /x:
    get: &any {responses: {default: {description: any}}}
    post: *any
    put: *any
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def running(gateway, origin):
    return gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={origin.url}")


def hang_up_on_second(answered):
    """Reads the second request of each connection and closes without a word."""
    def on_head(connection, request):
        if connection.number in answered:
            connection.read_body(request)
            connection.close()
            return True
        answered.add(connection.number)
        return False
    return on_head


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_stale_connection_is_replaced(running, origin, how):
    with running.client() as client:
        client.ask(GET)
        answered = set()

        def on_head(connection, request):
            if connection.number == 1:
                getattr(connection, how)()
                return True
            answered.add(connection.number)
            return False

        origin.on_head = on_head
        assert client.ask(GET).body == b"ok\n"
        assert answered == {2}


def test_once(running, origin):
    """A server that never answers a second request is told so after one more try."""
    origin.on_head = hang_up_on_second(set())
    with running.client() as client:
        for _ in range(5):
            assert client.ask(GET).status == 200
    origin.on_head = lambda connection, request: connection.close() or True
    with running.client() as client:
        assert client.ask(GET).status == 502


def test_a_post_is_not_repeated(running, origin):
    origin.on_head = hang_up_on_second(set())
    with running.client() as client:
        assert client.ask(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").status == 200
        assert client.ask(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").status == 502
    assert [r.method for r in origin.requests] == ["POST", "POST"]


def test_a_body_that_was_sent_is_not_repeated(running, origin):
    origin.on_head = hang_up_on_second(set())
    with running.client() as client:
        put = b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
        assert [client.ask(put).status for _ in range(2)] == [200, 502]


def test_a_new_connection_is_not_retried(running, origin):
    origin.on_head = lambda connection, request: connection.close() or True
    assert running.ask(GET).status == 502
    assert origin.connections == 1


def test_connections_are_pooled_and_let_go(running, origin):
    """No more than max_idle stay, and none longer than idle_timeout."""
    gate = threading.Barrier(5)

    def together(connection, request):
        gate.wait(10)
        connection.send(OK)

    origin.answer = together
    clients = [running.client().send(GET) for _ in range(4)]
    gate.wait(10)
    for client in clients:
        assert client.answer().status == 200
    origin.answer = OK
    assert origin.connections == 4
    wait_until(lambda: sum(c.open and not c.idle for c in origin.open_ones) <= 2, "two to be closed")
    for client in clients:
        assert client.ask(GET).status == 200
    assert origin.connections == 4
    time.sleep(1.2)
    assert clients[0].ask(GET).status == 200
    assert origin.connections == 5
    for client in clients:
        client.close()


TARGETS = """
openapi: 3.1.0
info: {{title: targets, version: "1"}}
x-gateway:
  version: 1
  upstreams:
    pair: {{targets: [{{url: "{0}", weight: 3}}, {{url: "{1}", weight: 1}}]}}
    lame: {{targets: [{{url: "http://127.0.0.1:{2}"}}, {{url: "{1}"}}]}}
  upstream: pair
  access_log: false
paths:
  /pair:
    get: &any {{responses: {{default: {{description: any}}}}}}
  /lame:
    x-gateway: {{upstream: lame}}
    get: *any
    post: *any
"""


@pytest.fixture
def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def test_turns_by_weight(gateway, origin, closed_port):
    with Origin() as other:
        running = gateway(TARGETS.format(origin.url, other.url, closed_port), "--workers", "1")
        with running.client() as client:
            order = []
            for _ in range(8):
                before = len(other.requests)
                client.ask(b"GET /pair HTTP/1.1\r\nHost: a\r\n\r\n")
                order.append(len(other.requests) - before)
        assert sum(order) == 2 and order[:4].count(1) == 1


def test_a_target_that_is_down(gateway, origin, closed_port):
    """Nothing was sent to it, so any request may go to another one, once to each."""
    with Origin() as other:
        running = gateway(TARGETS.format(origin.url, other.url, closed_port), "--workers", "1")
        with running.client() as client:
            for _ in range(4):
                assert client.ask(b"POST /lame HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").status == 200
        assert [r.body for r in other.requests] == [b"abc"] * 4


RESTS = DOCUMENT.replace("idle_timeout: 700ms", "idle_timeout: 60s")


@pytest.mark.parametrize("said, stays", [("timeout=1", False), ("max=5, timeout=1", False), ("timeout=0", False),
                                         ("timeout=60", True), ("timeout=x", True), ("max=1", True)])
def test_a_connection_rests_no_longer_than_its_upstream_says(gateway, origin, said, stays):
    running = gateway(RESTS, "--workers", "1", "--upstream", f"origin={origin.url}")
    origin.answer = OK.replace(b"Content-Type", b"Keep-Alive: " + said.encode() + b"\r\nContent-Type")
    with running.client() as client:
        for _ in range(2):
            assert client.ask(GET).status == 200
            if stays:
                assert all(c.sock.fileno() >= 0 for c in origin.open_ones)
            else:
                wait_until(lambda: all(c.sock.fileno() < 0 for c in origin.open_ones), "the connection to be closed")
    assert origin.connections == (1 if stays else 2)
