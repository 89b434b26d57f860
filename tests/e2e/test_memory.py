"""The stated memory per connection (runtime/README.md), against clients and upstreams that want more of it.

Bytes are counted, not time: what the process holds of its own while a crowd does its worst, per connection. What
the kernel keeps for a socket is not the gateway's, and bounded by net.ipv4.tcp_rmem and tcp_wmem.
"""
import os
import socket
import tempfile
import threading

import pytest
from crowd import Answers, settled_memory
from fixtures import IS_SANITIZED
from http_peer import wait_until

pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer needs memory of its own")

DOCUMENT = """
openapi: 3.1.0
info: {title: memory, version: "1"}
security: []
x-gateway:
  version: 1
  listeners: [{address: "127.0.0.1:0", limits: {header_timeout: 60s}}]
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  limits: {body: 8g}
paths:
  /x: {get: &any {responses: {default: {description: any}}}, post: *any}
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
"""
KIB, MIB = 1024, 1024 * 1024
IDLE = 512  # bytes, libevent's share included
BUFFER = 77 * KIB  # a head of the largest size, and some more
POOL = 24 * KIB  # parsed fields, lines made for the request
BUSY = 2 * BUFFER + 2 * (64 * KIB + BUFFER) + POOL
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
FIELDS = b"".join(b"X-Field-%d: " % i + b"v" * 300 + b"\r\n" for i in range(95))
BIG_HEAD = b"GET /x HTTP/1.1\r\nHost: a\r\n" + FIELDS
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % (64 * MIB)
ANSWER_FIELDS = b"".join(b"X-Field-%d: " % i + b"v" * 600 + b"\r\n" for i in range(95))
HINTS = b"HTTP/1.1 103 Early Hints\r\n" + ANSWER_FIELDS + b"\r\n"


class Crowd:
    def __init__(self, running, count, send, room=None, path=None):
        self.socks = []
        base = settled_memory(running.pid)
        for _ in range(count):
            sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
            if room:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            sock.connect(path or ("127.0.0.1", running.port))
            self.socks.append(sock)
            sock.settimeout(0.05)
            try:
                send(sock)
            except (socket.timeout, BrokenPipeError, ConnectionResetError):
                pass
        self.each = (settled_memory(running.pid) - base) / count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.socks:
            sock.close()


def start(gateway, origin=None, *more):
    running = gateway(DOCUMENT, "--workers", "1", *(["--upstream", f"origin={origin.url}"] if origin else []), *more)
    running.ask(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n")
    return running


def is_well(running):
    return running.ask(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n").body == b"here"


def ask_here(sock):
    sock.sendall(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n")
    sock.recv(1000)


WAITING = {
    "idle": (ask_here, IDLE),
    "silent": (lambda sock: None, IDLE),
    "begun": (lambda sock: sock.sendall(b"GET /x HT"), 12 * KIB),
    "most of a big head": (lambda sock: sock.sendall(BIG_HEAD), BUFFER + POOL),
}


@pytest.mark.parametrize("name", WAITING)
def test_clients_that_keep_the_gateway_waiting(gateway, name):
    send, bound = WAITING[name]
    running = start(gateway)
    with Crowd(running, 1000, send) as crowd:
        assert crowd.each < bound
        assert is_well(running)


GREEDY = {
    "length": (LENGTH + b"\r\n", 64 * MIB, GET),
    "until close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 64 * MIB, GET),
    "big heads": (LENGTH + ANSWER_FIELDS + b"\r\n", 64 * MIB, BIG_HEAD + b"\r\n"),
    "interim answers": (HINTS * 15 + LENGTH + b"\r\n", 64 * MIB, GET),
    "pipelined": (b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n", 65536, GET * 2000),
}


@pytest.mark.parametrize("name", GREEDY)
@pytest.mark.parametrize("room", [None, 4096])
def test_clients_that_do_not_read(gateway, name, room):
    head, size, request = GREEDY[name]
    with Answers(head, size) as origin:
        running = start(gateway, origin)
        with Crowd(running, 1000 if name == "length" else 300, lambda sock: sock.sendall(request), room) as crowd:
            assert origin.count > 0
            assert crowd.each < BUSY
            assert is_well(running)


@pytest.mark.parametrize("name", GREEDY)
def test_clients_whose_sockets_hold_little(gateway, tmp_path, name):
    """A unix socket takes a fraction of what one over loopback does: the rest is for the gateway to keep, or not."""
    head, size, request = GREEDY[name]
    path = str(tmp_path / "front")
    with Answers(head, size) as origin:
        running = start(gateway, origin, "--listen", f"unix:{path}")
        with Crowd(running, 100, lambda sock: sock.sendall(request), path=path) as crowd:
            assert origin.count > 0
            assert crowd.each < BUSY
            assert is_well(running)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upstreams_that_do_not_read(gateway, framing):
    def upload(sock):
        if framing == "length":
            sock.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
            piece = b"x" * 65536
        else:
            sock.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"ff00\r\n" + b"x" * 0xff00 + b"\r\n"
        for _ in range(300):
            sock.sendall(piece)

    with Answers(b"", reads=False) as origin:
        running = start(gateway, origin)
        with Crowd(running, 100, upload) as crowd:
            wait_until(lambda: origin.count == 100, "the upstream's connections")
            assert crowd.each < BUSY
            assert is_well(running)


def test_crowds_that_come_again(gateway):
    """What the first ones took serves the later ones: nothing piles up."""
    with Answers(LENGTH + b"\r\n", 64 * MIB) as origin:
        running = start(gateway, origin)
        at_rest, before = descriptors(running), settled_memory(running.pid)
        for _ in range(8):
            with Crowd(running, 100, lambda sock: sock.sendall(GET)):
                assert settled_memory(running.pid) - before < 100 * BUSY
            wait_until(lambda: descriptors(running) <= at_rest + 2, "the connections to be closed")


def descriptors(running):
    return len(os.listdir(f"/proc/{running.pid}/fd"))


def test_two_gibibytes_up(gateway):
    """Through one connection, and the gateway's memory does not know how much it was."""
    size = 2048 * MIB
    sink = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=swallow, args=(sink, size))
    thread.start()
    running = gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin=http://127.0.0.1:{sink.getsockname()[1]}")
    before = settled_memory(running.pid)
    with tempfile.TemporaryFile() as hole, socket.create_connection(("127.0.0.1", running.port)) as sock:
        hole.truncate(size)
        sock.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        assert sock.sendfile(hole) == size
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert settled_memory(running.pid) - before < BUSY
    thread.join()
    sink.close()


def swallow(listener, size):
    """Takes one request with a body of that size, and says OK."""
    room = memoryview(bytearray(MIB))
    sock, _ = listener.accept()
    with sock:
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        left = size - (len(data) - data.index(b"\r\n\r\n") - 4)
        while left > 0:
            left -= sock.recv_into(room)
        assert left == 0
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
