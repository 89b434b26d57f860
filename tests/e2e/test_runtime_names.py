"""Names of upstreams: TTLs, changes under traffic, families, servers that are silent or wrong, unix sockets."""
import socket
import time

import pytest
from http_peer import OK, Origin, wait_until
from name_server import A, AAAA, NameServer

DOCUMENT = """
openapi: 3.1.0
info: {title: names, version: "1"}
security: []
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}], pool: {idle_timeout: 200ms}}}
  upstream: origin
  access_log: false
  timeouts: {connect: 2s}
paths:
  /x: {get: {responses: {default: {description: any}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def host(address, port=0):
    """An origin on an address of its own, which it tells."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(address), address.encode())
    return Origin(answer, socket.create_server((address, port), family=family, backlog=128))


@pytest.fixture
def names():
    with NameServer({}) as server:
        yield server


def start(gateway, names, port, *more):
    return gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin=http://backend.test:{port}", *more,
                   env={"GW_RESOLVER": names.address})


def test_moves_with_its_name_under_traffic(gateway, names):
    """The TTL is honoured: asked again when it is over, not before, and no request fails meanwhile."""
    with host("127.0.0.1") as old, host("127.0.0.2", old.port):
        names.zone["backend.test"] = {A: ["127.0.0.1"]}
        names.ttl = 3
        running = start(gateway, names, old.port)
        bodies = [running.ask(GET).body]
        names.zone["backend.test"] = {A: ["127.0.0.2"]}
        end = time.monotonic() + 2
        while time.monotonic() < end:
            bodies.append(running.ask(CLOSE).body)
        assert set(bodies) == {b"127.0.0.1"} and len(names.asked) == 2

        def is_new():
            bodies.append(running.ask(CLOSE).body)
            return bodies[-1] == b"127.0.0.2"

        wait_until(is_new, "the new address")
        assert set(bodies) == {b"127.0.0.1", b"127.0.0.2"}


def test_keeps_an_old_answer_when_the_server_is_gone(gateway, names):
    with host("127.0.0.1") as origin:
        names.zone["backend.test"] = {A: ["127.0.0.1"]}
        running = start(gateway, names, origin.port)
        assert running.ask(GET).status == 200
        names.silent = True
        time.sleep(2.5)  # behind the TTL
        assert running.ask(GET).status == 200


def test_a_name_that_comes_later(gateway, names):
    """An unresolvable name never stops the start; it is asked for again, but not by every request."""
    with host("127.0.0.1") as origin:
        running = start(gateway, names, origin.port)
        for _ in range(5):
            assert running.ask(GET).status in (502, 503)
        assert len(names.asked) <= 4
        names.zone["backend.test"] = {A: ["127.0.0.1"]}
        wait_until(lambda: running.ask(GET).status == 200, "the name")


def test_a_silent_server(gateway, names):
    names.silent = True
    running = start(gateway, names, 1)
    began = time.monotonic()
    answer = running.ask(GET)
    assert answer.status == 504 and b"not resolved in time" in answer.body
    assert time.monotonic() - began < 4


def test_an_answer_out_of_thin_air(gateway, names):
    """NOERROR without an address."""
    names.zone["backend.test"] = {}
    answer = start(gateway, names, 1).ask(GET)
    assert answer.status in (502, 503)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_family_that_works(gateway, names, address):
    """Both families are named, one refuses."""
    with host(address) as origin:
        names.zone["backend.test"] = {A: ["127.0.0.1"], AAAA: ["::1"]}
        running = start(gateway, names, origin.port)
        for _ in range(4):
            assert running.ask(GET).body == address.encode()


def free_in_both_families():
    """A socket on a port of ::1 that nobody has on 127.0.0.1."""
    while True:
        sock = socket.socket(socket.AF_INET6)
        sock.bind(("::1", 0))
        try:
            socket.create_server(("127.0.0.1", sock.getsockname()[1])).close()
            return sock
        except OSError:
            sock.close()


def test_a_family_that_leads_nowhere(gateway, names):
    """Happy eyeballs: a full queue answers no SYN; the other family is tried a quarter of a second later."""
    with free_in_both_families() as full:
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):
            sock = socket.socket(socket.AF_INET6)
            sock.setblocking(False)
            sock.connect_ex(("::1", port))
            waiting.append(sock)
        with host("127.0.0.1", port):
            names.zone["backend.test"] = {A: ["127.0.0.1"], AAAA: ["::1"]}
            running = start(gateway, names, port)
            began = time.monotonic()
            assert running.ask(GET).body == b"127.0.0.1"
            assert 0.2 < time.monotonic() - began < 1.5
        for sock in waiting:
            sock.close()


def test_unix_sockets_on_both_sides(gateway, tmp_path):
    path, front = str(tmp_path / "origin.sock"), str(tmp_path / "front.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    with Origin(OK, listener) as origin:
        running = gateway(DOCUMENT, "--upstream", f"origin={origin.url}", "--listen", f"unix:{front}")
        for _ in range(2):
            assert running.ask(GET).body == b"ok\n"
        assert origin.request()["Host"] == "localhost"
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(front)
            sock.sendall(GET)
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert running.ask(GET).status == 502
