"""circuit_breaker: what an upstream is spared, and when it is trusted again."""
import json
import re
import threading

import pytest
from h2_peer import H2Client, request
from http_peer import Broken, OK, Origin, RawClient, WAIT, wait_until
from test_http2_upstream import H2Server

DOCUMENT = """
openapi: 3.1.0
info: {{title: breaker, version: "1"}}
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{origin: {{targets: [{{url: "{url}"}}], {more}}}}}
  upstream: origin
  access_log: false
  timeouts: {{connect: 1s, read: 20s}}
paths:
  /x:
    get: &any {{responses: {{default: {{description: any}}}}}}
    post: *any
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
BAD = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
CIRCUIT = "circuit_breaker: {threshold: 3, window_size: 30s, timeout: 3s, half_open_requests: 2}"


def start(gateway, origin, more, workers="1"):
    return gateway(DOCUMENT.format(url=origin.url, more=more), "--workers", workers)


def ask(running):
    with running.client() as client:
        return client.ask(GET)


def page(running):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        return json.loads(client.ask(b"GET /upstreams HTTP/1.1\r\nHost: a\r\n\r\n").body)[0]


def metric(running, line):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    return int(re.search(rf"^{re.escape(line)} (\d+)$", text, re.M).group(1))


class Gate:
    """An origin whose requests wait until they are let go."""

    def __init__(self, origin):
        self.origin, self.open = origin, threading.Semaphore(0)
        origin.answer = self.answer

    def answer(self, connection, asked):
        connection.may_break = True
        assert self.open.acquire(timeout=WAIT * 2)
        connection.send(OK)

    def let(self, count=1):
        for _ in range(count):
            self.open.release()


# ---- the circuit ----

def test_it_opens_refuses_and_closes(gateway, origin):
    running = start(gateway, origin, CIRCUIT)
    origin.answer = BAD
    assert [ask(running).status for _ in range(3)] == [500] * 3
    answer = ask(running)
    assert answer.status == 503 and answer["Retry-After"] in "123" and b"circuit" in answer.body
    assert len(origin.requests) == 3 and page(running)["circuit"] == "open"
    origin.answer = OK
    wait_until(lambda: ask(running).status == 200, "the circuit to open halfway")
    assert ask(running).status == 200
    assert page(running)["circuit"] == "closed"
    assert [ask(running).status for _ in range(5)] == [200] * 5
    assert metric(running, 'apigw_upstream_circuit_opened_total{upstream="origin"}') == 1
    assert metric(running, 'apigw_upstream_circuit_refused_total{upstream="origin"}') >= 1
    assert metric(running, 'apigw_upstream_circuit{upstream="origin",state="closed"}') == 1
    for word in ("open", "half open", "closed"):
        assert running.log.count(f"upstream origin: the circuit is {word}\n") == 1


def test_a_failed_trial_opens_it_again(gateway, origin):
    running = start(gateway, origin, CIRCUIT)
    origin.answer = BAD
    for _ in range(3):
        ask(running)
    wait_until(lambda: ask(running).status == 500, "a trial")
    assert ask(running).status == 503 and len(origin.requests) == 4


def test_no_more_trials_than_are_asked_for(gateway, origin):
    running = start(gateway, origin, CIRCUIT)
    origin.answer = BAD
    for _ in range(3):
        ask(running)
    gate = Gate(origin)
    trials = []

    def is_tried():
        before = len(origin.requests)
        client = running.client().send(GET)
        try:
            client.sock.settimeout(0.3)
            assert client.answer().status == 503
            client.close()
        except Broken:  # no answer yet
            assert len(origin.requests) == before + 1
            trials.append(client)
        return len(trials) == 2
    wait_until(is_tried, "two trials")
    assert [ask(running).status for _ in range(5)] == [503] * 5
    gate.let(2)
    for client in trials:
        client.sock.settimeout(WAIT)
        assert client.answer().status == 200
    gate.let(1)
    assert ask(running).status == 200


def test_a_client_that_leaves_gives_its_trial_back(gateway, origin):
    running = start(gateway, origin, CIRCUIT.replace("half_open_requests: 2", "half_open_requests: 1"))
    origin.answer = BAD
    for _ in range(3):
        ask(running)
    gate = Gate(origin)
    client = None

    def tried():
        nonlocal client
        client = running.client().send(GET)
        try:
            wait_until(lambda: len(origin.requests) > 3, "a trial", 0.3)
            return True
        except AssertionError:
            client.close()
            return False
    wait_until(tried, "a trial")
    client.reset()
    origin.answer = OK
    wait_until(lambda: ask(running).status == 200, "another trial")
    gate.let(1)


def test_answers_that_are_no_failures_do_not_open_it(gateway, origin):
    running = start(gateway, origin, CIRCUIT)
    origin.answer = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    assert [ask(running).status for _ in range(10)] == [404] * 10


def test_an_upstream_that_is_gone_opens_it(gateway, origin):
    running = gateway(DOCUMENT.format(url="http://127.0.0.1:1", more=CIRCUIT), "--workers", "1")
    assert [ask(running).status for _ in range(4)] == [502, 502, 502, 503]


def test_all_workers_share_it(gateway, origin):
    running = start(gateway, origin, CIRCUIT.replace("timeout: 3s", "timeout: 60s"), workers="4")
    origin.answer = BAD
    statuses = [ask(running).status for _ in range(12)]
    assert statuses == [500] * 3 + [503] * 9


# ---- limits ----

def crowd(running, count):
    return [running.client().send(GET) for _ in range(count)]


def statuses(clients):
    return sorted(client.answer().status for client in clients)


@pytest.mark.parametrize("workers", ["1", "3"])
def test_max_requests(gateway, origin, workers):
    running = start(gateway, origin, "circuit_breaker: {max_requests: 2}", workers)
    gate = Gate(origin)
    served = crowd(running, 2)
    wait_until(lambda: len(origin.requests) == 2, "two requests")
    for client in crowd(running, 4):
        answer = client.answer()
        assert answer.status == 503 and answer["Retry-After"] == "1" and b"busy" in answer.body
    assert page(running)["requests_active"] == 2
    gate.let(2)
    assert statuses(served) == [200, 200]
    wait_until(lambda: page(running)["requests_active"] == 0, "their places")
    gate.let(1)
    assert ask(running).status == 200
    assert metric(running, 'apigw_upstream_overflows_total{upstream="origin"}') == 4


@pytest.mark.parametrize("workers", ["1", "3"])
def test_some_wait_for_a_place(gateway, origin, workers):
    running = start(gateway, origin, "circuit_breaker: {max_requests: 1, max_pending_requests: 3, pending_timeout: 20s}",
                    workers)
    gate = Gate(origin)
    clients = crowd(running, 4)
    wait_until(lambda: page(running)["requests_pending"] == 3 and len(origin.requests) == 1, "the queue")
    assert ask(running).status == 503
    for n in range(1, 5):
        wait_until(lambda: len(origin.requests) == n, "the next one")
        gate.let(1)
    assert statuses(clients) == [200] * 4
    assert page(running)["requests_pending"] == 0


def test_waiting_ends(gateway, origin):
    running = start(gateway, origin, "circuit_breaker: {max_requests: 1, max_pending_requests: 3, pending_timeout: 200ms}")
    gate = Gate(origin)
    first = running.client().send(GET)
    wait_until(lambda: origin.requests, "the first")
    answer = ask(running)
    assert answer.status == 503 and b"busy for too long" in answer.body
    gate.let(1)
    assert first.answer().status == 200 and len(origin.requests) == 1


def test_who_leaves_the_queue_is_not_sent(gateway, origin):
    running = start(gateway, origin, "circuit_breaker: {max_requests: 1, max_pending_requests: 3, pending_timeout: 20s}")
    gate = Gate(origin)
    first, second, third = crowd(running, 3)
    wait_until(lambda: page(running)["requests_pending"] == 2, "the queue")
    waiting = [c for c in (first, second, third)]
    waiting[1].reset()
    wait_until(lambda: page(running)["requests_pending"] <= 1, "one to leave")
    gate.let(3)
    answered = 0
    for client in (waiting[0], waiting[2]):
        assert client.answer().status == 200
        answered += 1
    wait_until(lambda: page(running)["requests_active"] == 0 and page(running)["requests_pending"] == 0, "the end")
    assert answered == 2


def test_max_connections(gateway, origin):
    running = start(gateway, origin,
                    "circuit_breaker: {max_connections: 2, max_pending_requests: 10, pending_timeout: 20s}")
    gate = Gate(origin)
    clients = crowd(running, 6)
    wait_until(lambda: page(running)["requests_pending"] == 4 and len(origin.requests) == 2, "the queue")
    assert page(running)["connections"] == 2
    gate.let(6)
    assert statuses(clients) == [200] * 6
    assert page(running)["connections"] <= 2
    assert len([c for c in origin.open_ones if c.sock.fileno() >= 0]) <= 2


def test_a_pooled_connection_of_another_target_makes_room(gateway, origin):
    with Origin() as other:
        document = DOCUMENT.replace('targets: [{{url: "{url}"}}]', 'targets: [{{url: "{url}"}}, {{url: "%s"}}]' % other.url)
        running = gateway(document.format(url=origin.url, more="circuit_breaker: {max_connections: 1}"), "--workers", "1")
        assert [ask(running).status for _ in range(6)] == [200] * 6
        assert (len(origin.requests), len(other.requests)) == (3, 3)


def test_streams_of_http2_count(gateway, origin):
    running = start(gateway, origin, "circuit_breaker: {max_requests: 2}")
    gate = Gate(origin)
    with H2Client(running.port) as client:
        first = [client.begin(request(path="/x")) for _ in range(2)]
        wait_until(lambda: len(origin.requests) == 2, "two streams")
        assert client.ask(request(path="/x")).status == 503
        gate.let(2)
        assert [client.answer(stream).status for stream in first] == [200, 200]


def test_an_upstream_of_http2(gateway):
    release = threading.Event()

    def answer(server, link, stream, asked):
        release.wait(WAIT)
        link.send_headers(stream, [(":status", "200"), ("content-length", "0")], end_stream=True)

    with H2Server(answer) as server:
        running = gateway(DOCUMENT.format(url=server.url, more="protocol: h2, circuit_breaker: {max_requests: 1}"),
                          "--workers", "1")
        first = running.client().send(GET)
        wait_until(lambda: page(running)["requests_active"] == 1, "the first")
        assert ask(running).status == 503
        release.set()
        assert first.answer().status == 200
        wait_until(lambda: page(running)["requests_active"] == 0, "its place")
        assert ask(running).status == 200


@pytest.mark.parametrize("limits", ["max_connections: 2", "max_requests: 2", "max_connections: 2, max_requests: 3"])
def test_nobody_waits_for_ever(gateway, origin, limits):
    """More clients than places, on several workers: whoever gives a place away wakes somebody."""
    with Origin() as other:
        document = DOCUMENT.replace('targets: [{{url: "{url}"}}]', 'targets: [{{url: "{url}"}}, {{url: "%s"}}]' % other.url)
        more = "circuit_breaker: {%s, max_pending_requests: 100, pending_timeout: 20s}" % limits
        running = gateway(document.format(url=origin.url, more=more), "--workers", "3")
        got = []

        def work():
            with running.client() as client:
                got.extend(client.ask(GET).status for _ in range(100))
        threads = [threading.Thread(target=work) for _ in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [200] * 900
        wait_until(lambda: page(running)["requests_active"] == 0, "the end")
        assert page(running)["requests_pending"] == 0
        if "max_connections" in limits:  # each of the others may have been one over
            assert page(running)["connections"] <= 2 + 2
