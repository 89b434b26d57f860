"""What one client may take: connections, body bytes, memory."""
import socket

import pytest
from crowd import memory
from http_peer import Broken, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: limits, version: "1"}
x-gateway:
  version: 1
  listeners:
    - {address: "127.0.0.1:0", limits: {connections: 12, connections_per_ip: 8}}
    - {address: "[::]:0", limits: {header_timeout: 60s}}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  limits: {body: 1000}
paths:
  /x:
    get: &any {responses: {default: {description: any}}}
    post: *any
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def running(gateway, origin):
    return gateway(DOCUMENT, "--workers", "2", "--upstream", f"origin={origin.url}")


def ask(sock):
    """The first bytes of an answer, or none when the gateway hung up."""
    try:
        sock.sendall(GET)
        return sock.recv(1000)
    except OSError:
        return b""


def connect(running, count, source="127.0.0.1"):
    socks = [socket.create_connection(("127.0.0.1", running.port), 10, (source, 0)) for _ in range(count)]
    return socks, [sock for sock in socks if ask(sock)]


def test_connections(running):
    """Per address and in all, over both workers; a closed one makes room."""
    first, served = connect(running, 10)
    assert len(served) == 8
    others, also_served = connect(running, 6, "127.0.0.2")
    assert len(also_served) == 4
    for sock in first + others:
        sock.close()

    def is_open_again():
        socks, some = connect(running, 8)
        for sock in socks:
            sock.close()
        return len(some) == 8

    wait_until(is_open_again, "room")


def test_body_of_the_largest_size(running, origin):
    body = b"b" * 1000
    assert running.ask(POST + b"Content-Length: 1000\r\n\r\n" + body).status == 200
    assert running.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + b"\r\n0\r\n\r\n").status == 200
    assert [r.body for r in origin.requests] == [body] * 2


def test_announced_body_that_is_too_large(running, origin):
    with running.client() as client:
        assert client.ask(POST + b"Content-Length: 1001\r\n\r\n").status == 413
        client.send(b"x" * 1001)  # short enough to be read away
        assert client.ask(GET).status == 200
    with running.client() as client:
        answer = client.ask(POST + b"Content-Length: 99999999\r\n\r\n")
        assert (answer.status, answer["Connection"]) == (413, "close")
        client.send(b"x" * 1_000_000)  # heard, so that the answer is not lost in a reset
        assert client.half_close().is_closed()
    assert [r.method for r in origin.requests] == ["GET"]


def test_body_that_grows_too_large(running, origin):
    origin.may_break = True
    with running.client() as client:
        client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n300\r\n" + b"x" * 0x300 + b"\r\n")
        assert client.is_quiet()
        client.send(b"300\r\n" + b"x" * 0x300 + b"\r\n")
        answer = client.answer()
        assert (answer.status, answer["Connection"]) == (413, "close")


def test_expectation_of_too_large_a_body(running, origin):
    """No 100 (Continue) before a refusal, nor behind it."""
    with running.client() as client:
        answer = client.ask(POST + b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
        assert (answer.status, answer.interim, answer["Connection"]) == (413, [], "close")
        assert client.is_closed()
    assert origin.got_nothing()


def has_sanitizer(pid):
    with open(f"/proc/{pid}/maps") as file:
        return "libasan" in file.read()


def test_memory_of_idle_connections(running):
    """An idle keep-alive connection holds no buffer: less than 512 bytes, libevent's share included."""
    if has_sanitizer(running.pid):
        pytest.skip("sanitizers need memory of their own")
    count, socks = 3000, []
    try:
        for _ in range(100):
            socks.append(socket.create_connection(("127.0.0.1", running.ports[1])))
            ask(socks[-1])
        before = memory(running.pid)
        for _ in range(count):
            socks.append(socket.create_connection(("127.0.0.1", running.ports[1])))
            ask(socks[-1])
        assert (memory(running.pid) - before) / count < 512
    finally:
        for sock in socks:
            sock.close()


def test_memory_of_waiting_heads(running):
    """A head that is not complete holds one buffer and one small pool, of which only what was sent is touched."""
    count, socks = 500, []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", running.ports[1]))
        sock.sendall(b"GET /x HTTP/1.1\r\n")
        socks.append(sock)
    assert memory(running.pid) < 64 * 1024 * 1024
    with pytest.raises((Broken, OSError)):
        socks[0].settimeout(0.2)
        socks[0].recv(1)
    for sock in socks:
        sock.close()
