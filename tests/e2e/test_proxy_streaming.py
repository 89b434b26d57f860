"""Bodies on their way through: whole, in order, in bounded memory, with back-pressure both ways."""
import hashlib
import os
import random
import socket
import threading
import time

import pytest
from http_peer import chunked, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: streaming, version: "1"}
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  limits: {body: 8g}
paths:
  /x:
    get: &any {responses: {default: {description: any}}}
    post: *any
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
MIB = 1024 * 1024


@pytest.fixture
def running(gateway, origin):
    return gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={origin.url}")


def memory(running, what="VmRSS"):
    with open(f"/proc/{running.pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(what))


def stands_still(running):
    """It has used no CPU time for 0.2 s."""
    def used():
        with open(f"/proc/{running.pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[11:13]

    before = used()
    time.sleep(0.2)
    return used() == before


def send_blocks(connection, blocks):
    for block in blocks:
        connection.send(block)


@pytest.mark.parametrize("size", [32 * 1024 - 1, 64 * 1024, 100_000, 1_000_000, 20_000_000])
def test_every_byte_in_order(running, origin, size):
    body = random.Random(size).randbytes(size)
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, body)
    with running.client() as client:
        for _ in range(3):
            assert client.ask(GET).body == body


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_echo_in_odd_pieces(running, origin, framing):
    """Pieces of every size down and up at once, on many connections."""
    def echo(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
        at, pick = 0, random.Random(len(request.body))
        while at < len(request.body):
            step = pick.choice([1, 10, 1000, 40_000, 300_000])
            connection.send(request.body[at:at + step])
            at += step

    def talk(seed):
        pick = random.Random(seed)
        body = pick.randbytes(pick.choice([1, 5000, 70_000, 1_500_000]))
        head = b"POST /x HTTP/1.1\r\nHost: a\r\n"
        if framing == "length":
            data = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        else:
            cuts = [body[i:i + 7777] for i in range(0, len(body), 7777)]
            data = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*cuts)
        with running.client() as client:
            sender = threading.Thread(target=send_blocks, args=(client, cut(data, pick)))
            sender.start()
            results.append(client.answer().body == body)
            sender.join()

    def cut(data, pick):
        at = 0
        while at < len(data):
            step = pick.choice([1, 100, 5000, 200_000])
            yield data[at:at + step]
            at += step

    origin.answer, results = echo, []
    threads = [threading.Thread(target=talk, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12


def test_gigabytes_in_constant_memory(running, origin):
    blocks, block = 1024, os.urandom(MIB)
    with running.client() as client:
        client.ask(GET)
        before = memory(running)

        def big(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (blocks * MIB))
            for _ in range(blocks):
                connection.send(block)

        origin.answer = big
        expected, seen = hashlib.sha256(), hashlib.sha256()
        client.send(GET).head()
        for _ in range(blocks):
            expected.update(block)
            seen.update(client.wire.exactly(MIB))
            client.wire.taken = b""
    assert seen.digest() == expected.digest()
    assert memory(running, "VmHWM") - before < 4 * MIB


def test_a_slow_client_holds_the_upstream_back(running, origin):
    """The gateway keeps what `buffering.response` says and no more: the rest waits at the upstream."""
    sent = []

    def endless(connection, request):
        connection.may_break = True
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent.append(0x10000)

    origin.answer = endless
    origin.may_break = True
    with running.client() as client:
        client.send(GET).head()
        before = memory(running)
        count = -1
        while count != len(sent):
            count = len(sent)
            time.sleep(0.3)
        assert memory(running) - before < MIB
        assert sum(sent) < 64 * MIB  # what sockets hold
        client.reset()


def test_a_slow_upstream_holds_the_client_back(running, origin):
    release, size, sent, got = threading.Event(), 64 * MIB, [], []

    def lazy(connection, request):
        release.wait(20)
        got.append(len(connection.wire.take(len(connection.wire.ahead))))
        while sum(got) < size:
            got.append(len(connection.sock.recv(MIB)))
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True

    def push(client):
        for _ in range(64):
            client.sock.sendall(b"y" * MIB)
            sent.append(MIB)

    origin.on_head = lazy
    with running.client() as client:
        client.sock.settimeout(60)
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        origin.request()
        before = memory(running)
        pusher = threading.Thread(target=push, args=(client,))
        pusher.start()
        count = -1
        while count != len(sent):
            count = len(sent)
            time.sleep(0.3)
        assert len(sent) < 64
        assert memory(running) - before < MIB
        release.set()
        assert client.answer().body == b"ok"
        pusher.join()
    assert sum(got) == size


def test_a_short_answer_frees_the_upstream_at_once(running, origin):
    """buffering.response: however slow the client is, up to 64k its upstream connection serves others."""
    body = b"z" * 60_000
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    slow = [socket.socket() for _ in range(8)]
    for sock in slow:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", running.port))
        sock.sendall(GET * 40)  # nobody reads: the gateway's side fills up
    wait_until(lambda: len(origin.requests) >= 8, "the slow ones to be asked for")
    count = -1
    while count != len(origin.requests):
        count = len(origin.requests)
        time.sleep(0.2)
    connections = origin.connections
    with running.client() as client:
        for _ in range(5):
            assert client.ask(GET).body == body
    assert origin.connections == connections
    for sock in slow:
        sock.close()


def test_bytes_are_passed_on_as_they_come(running, origin):
    """Server-sent events: no byte waits for the next one."""
    steps = [threading.Event() for _ in range(3)]

    def events(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for step in steps:
            step.wait(10)
            connection.send(b"7\r\ndata: 1\r\n")
        connection.send(b"0\r\n\r\n")

    origin.answer = events
    with running.client() as client:
        assert client.send(GET).head().status == 200
        for step in steps:
            step.set()
            assert client.wire.line() == b"7"
            assert client.wire.line() == b"data: 1"
        assert client.wire.line() == b"0"


def test_both_directions_at_once(running, origin):
    """An answer that begins before the request has ended does not stop it (2xx): an echo by and by."""
    def echo(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            assert connection.wire.line() == b"4"
            connection.send(b"4\r\n" + connection.wire.line() + b"\r\n")
        assert connection.wire.line() == b"0" and connection.wire.line() == b""
        connection.send(b"0\r\n\r\n")
        return True

    origin.on_head = echo
    with running.client() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.head().status == 200
        for number in range(5):
            client.send(b"4\r\nab%02d\r\n" % number)
            assert client.wire.line() == b"4"
            assert client.wire.line() == b"ab%02d" % number
        client.send(b"0\r\n\r\n")
        assert client.wire.line() == b"0" and client.wire.line() == b""
        origin.on_head = None
        assert client.ask(GET).status == 200


HELD = """
openapi: 3.1.0
info: {title: held, version: "1"}
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  limits: {body: 100k}
  buffering: {request: 16k, response: false}
paths:
  /x:
    post: &any {responses: {default: {description: any}}}
    get: *any
  /paced:
    x-gateway: {limits: {upload_rate: 100k}, buffering: false}
    post: *any
"""


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size", [10_000, 16 * 1024, 90_000])
def test_request_is_held(gateway, origin, framing, size):
    """buffering.request: a slow client does not occupy the upstream before so much of its body is there."""
    running = gateway(HELD, "--upstream", f"origin={origin.url}")
    body, early = os.urandom(size), min(size - 1, 15_000)
    origin.answer = lambda connection, request: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(request.body), request.body))
    with running.client() as client:
        for _ in range(2):
            if framing == "length":
                data = b"Content-Length: %d\r\n\r\n%s" % (size, body)
            else:
                data = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body[:700], body[700:], trailers=b"X-T: 1\r\n")
            cut = data.index(b"\r\n\r\n") + 4 + early
            client.send(b"POST /x HTTP/1.1\r\nHost: a\r\n" + data[:cut])
            assert client.is_quiet(0.1)
            assert origin.arrived.empty()
            client.send(data[cut:])
            assert client.answer().body == body
            assert origin.request().trailers == ([("X-T", "1")] if framing == "chunked" else [])


def test_held_request_that_fails(gateway, origin):
    running = gateway(HELD, "--upstream", f"origin={origin.url}")
    with running.client() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
        client.reset()
    with running.client() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        assert client.answer().status == 400
    with running.client() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
        assert client.head().status == 100
        client.half_close()
        assert client.answer().status == 400
    assert origin.got_nothing()


def test_upload_rate(gateway, origin):
    running = gateway(HELD, "--upstream", f"origin={origin.url}")
    start = time.monotonic()
    answer = running.ask(b"POST /paced HTTP/1.1\r\nHost: a\r\nContent-Length: 80000\r\n\r\n" + b"p" * 80_000)
    assert answer.status == 200
    assert 0.5 < time.monotonic() - start < 3
    assert origin.requests[0].body == b"p" * 80_000


@pytest.mark.parametrize("send", ["20s", "false"])
def test_an_upload_goes_on_where_an_upstream_stopped_reading(gateway, origin, send):
    """With a time limit for sending and without one."""
    document = DOCUMENT.replace("  limits:", f"  timeouts: {{send: {send}}}\n  limits:")
    running = gateway(document, "--workers", "1", "--upstream", f"origin={origin.url}")
    release, body = threading.Event(), os.urandom(20 * MIB)

    def on_head(connection, request):
        release.wait(10)
        return False

    origin.on_head = on_head
    with running.client() as client:
        sender = threading.Thread(target=client.send, args=(
            b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body,))
        sender.start()
        wait_until(lambda: origin.connections and stands_still(running), "the upload to be blocked")
        release.set()
        assert client.answer().status == 200
        sender.join()
    assert origin.requests[-1].body == body


def test_nothing_is_kept_of_an_answer(gateway, origin):
    """buffering.response: false. The upstream waits for the client."""
    running = gateway(HELD, "--upstream", f"origin={origin.url}")
    body = os.urandom(10 * MIB)
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with running.client() as client:
        client.send(GET)
        time.sleep(0.3)
        assert client.answer().body == body
