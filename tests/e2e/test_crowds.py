"""Thousands at once: idle, storming, dripping, never reading; and upstreams of that sort.

Bytes of the process are counted, and that all others are served meanwhile; not time (tests/bench/crowds.py prints
that). Clients are processes of their own, since each has the limit of descriptors that the gateway has.
"""
import os
import socket
import threading

import pytest
from crowd import BUSY, HEAD, IDLE, Rude, Server, descriptor_limit, settled_memory
from fixtures import IS_SANITIZED
from http_peer import OK, Origin, wait_until

counts_memory = pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer needs memory of its own")

DOCUMENT = """
openapi: 3.1.0
info: {title: crowds, version: "1"}
security: []
x-gateway:
  version: 1
  listeners: [{address: "127.0.0.1:0", limits: {header_timeout: %s}}]
  upstreams:
    origin: {targets: [{url: "http://127.0.0.1:1"}], pool: {max_idle: 64}}
    slow: {targets: [{url: "http://127.0.0.1:1"}], pool: {max_idle: 4}, timeouts: {connect: 60s}}
  upstream: origin
  access_log: false
  timeouts: {send: %s}
  limits: {body: 8g}
paths:
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
  /slow: {get: {x-gateway: {upstream: slow}, responses: {default: {description: any}}}}
  /r/{size}:
    parameters: [{name: size, in: path, required: true, schema: {type: string}}]
    get: &any {responses: {default: {description: any}}}
    post: *any
"""
KIB = 1024
HERE = b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"
GET = b"GET /r/1k HTTP/1.1\r\nHost: a\r\n\r\n"
MANY = 50000
BURST = 1024 * KIB  # more requests of a crowd may be answered at once than of the one before


def start(gateway, *args, header_timeout="120s", send_timeout="8s", workers="1"):
    running = gateway(DOCUMENT % (header_timeout, send_timeout), "--workers", workers, *args)
    assert running.ask(HERE).status == 200
    return running


def descriptors(running):
    return len(os.listdir(f"/proc/{running.pid}/fd"))


def is_at_rest(running, at_rest):
    wait_until(lambda: descriptors(running) <= at_rest, "the connections to be closed", 60)


@counts_memory
@pytest.mark.parametrize("mode", ["idle", "silent"])
def test_idle_connections(gateway, mode):
    """50,000, or what the limit of descriptors leaves; and the second crowd needs no memory of its own."""
    with Server() as origin:
        running = start(gateway, "--upstream", f"origin={origin.url}")
        client = running.client()
        assert client.ask(GET).status == 200
        limit = descriptor_limit()
        count = min(MANY, limit - limit // 16 - 100)
        at_rest, before = descriptors(running), settled_memory(running.pid)
        with Rude(running.port, mode, count) as crowd:
            assert crowd.ready == count
            each = (settled_memory(running.pid) - before) / count
            print(f"{count} {mode} connections of {each:.0f} bytes")
            assert each <= IDLE
            for _ in range(20):
                assert client.ask(GET).status == 200
                assert running.ask(GET).status == 200
        assert crowd.seen == {"connected": count, "answered": count if mode == "idle" else 0, "closed": 0}
        is_at_rest(running, at_rest)
        after = settled_memory(running.pid)
        with Rude(running.port, mode, count) as crowd:
            assert crowd.ready == count
            assert settled_memory(running.pid) - max(after, before + each * count) < BURST
        is_at_rest(running, at_rest)
        client.close()


def test_accept_storm(gateway):
    """Connections for one request each, 200 at once: all of them are answered, and so is everybody else."""
    with Server() as origin:
        running = start(gateway, "--upstream", f"origin={origin.url}", workers="2")
        at_rest = descriptors(running)
        with Rude(running.port, "storm", 200, "/r/1k") as crowd:
            with running.client() as client:
                for _ in range(300):
                    assert client.ask(GET).status == 200
                    assert running.ask(HERE).status == 200
        assert 200 < crowd.seen["connected"] <= crowd.seen["answered"] + 200, crowd.seen
        assert crowd.seen["answered"] - crowd.seen["closed"] <= 200, crowd.seen
        wait_until(lambda: descriptors(running) <= at_rest + 2 * 64 + 4, "all but pools and pipes to be closed")


@counts_memory
def test_a_byte_a_second(gateway):
    """1,000 heads that never end cost what is stated for one; behind the time for heads they are gone."""
    with Server() as origin:
        running = start(gateway, "--upstream", f"origin={origin.url}", header_timeout="5s")
        client = running.client()
        assert client.ask(GET).status == 200
        at_rest, before = descriptors(running), settled_memory(running.pid)
        with Rude(running.port, "drip", 1000) as crowd:
            assert crowd.ready == 1000
            assert settled_memory(running.pid) - before < 1000 * HEAD
            for _ in range(20):
                assert client.ask(GET).status == 200
                assert running.ask(GET).status == 200
            is_at_rest(running, at_rest)
        assert crowd.seen == {"connected": 1000, "answered": 0, "closed": 1000}
        client.close()


@counts_memory
@pytest.mark.parametrize("mode, path", [("idle", "/r/drip"), ("deaf", "/r/1g"), ("upload", "/r/deaf")])
def test_bodies_that_do_not_end(gateway, mode, path):
    """Upstreams that answer a byte a second, clients that do not read 1 GiB, upstreams that do not read 1 GiB."""
    with Server() as origin:
        running = start(gateway, "--upstream", f"origin={origin.url}")
        client = running.client()
        assert client.ask(GET).status == 200
        at_rest, before = descriptors(running), settled_memory(running.pid)
        with Rude(running.port, mode, 200, path) as crowd:
            assert crowd.ready == 200
            each = (settled_memory(running.pid) - before) / 200
            print(f"{mode}: {each / KIB:.0f} KiB each")
            assert each < BUSY
            for _ in range(20):
                assert client.ask(GET).status == 200
                assert running.ask(GET).status == 200
        is_at_rest(running, at_rest + 64 + 2)  # some stay in the pool
        client.close()


def test_an_upload_that_is_given_up_is_reset(gateway, origin):
    """Closed in order, megabytes would stay with the kernel until the upstream reads them or minutes have passed."""
    release, ended = threading.Event(), []

    def hold(connection, _):
        connection.may_break = True
        release.wait()
        try:
            while connection.sock.recv(65536):
                pass
            ended.append("in order")
        except ConnectionResetError:
            ended.append("reset")
        connection.close()
        return True

    origin.on_head = hold
    running = start(gateway, "--upstream", f"origin={origin.url}")
    at_rest = descriptors(running)
    client = running.client()
    client.send(b"POST /r/1k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.sendall(bytes(65536))
    client.reset()
    is_at_rest(running, at_rest + 2)  # a pipe
    release.set()
    wait_until(lambda: ended, "the end")
    assert ended == ["reset"]


def test_a_client_that_resets_while_nobody_reads_it(gateway, origin):
    """The upstream has blocked the body, so that the gateway reads no further; and yet it learns at once."""
    release = threading.Event()

    def hold(connection, _):
        connection.may_break = True
        release.wait()
        connection.close()
        return True

    origin.on_head = hold
    running = start(gateway, "--upstream", f"origin={origin.url}", send_timeout="10m")
    at_rest = descriptors(running)
    client = running.client()
    client.send(b"POST /r/1k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.sendall(bytes(65536))
    client.reset()
    wait_until(lambda: descriptors(running) <= at_rest + 2, "both connections to be closed")  # + a pipe
    release.set()


def ask_all(running, count):
    """Requests of another route, on many connections at once, each a few times."""
    clients = [running.client() for _ in range(count)]
    for _ in range(3):
        for client in clients:
            client.send(GET)
        for client in clients:
            assert client.answer().status == 200
    for client in clients:
        client.close()


def test_an_upstream_that_answers_late(gateway, origin):
    """While 150 requests wait for it, more than its pool has connections, all of another route's are answered."""
    release = threading.Event()

    def wait(connection, _):
        release.wait()
        connection.send(OK)

    with Origin(wait) as slow:
        running = start(gateway, "--upstream", f"origin={origin.url}", "--upstream", f"slow={slow.url}")
        waiting = [running.client().send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(150)]
        wait_until(lambda: len(slow.requests) == 150, "the slow upstream's requests")
        ask_all(running, 100)
        assert all(client.is_quiet(0) for client in waiting)
        release.set()
        for client in waiting:
            assert client.answer().status == 200
            client.close()


def test_an_upstream_that_takes_no_connection(gateway, origin):
    """Its queue is full, so that connecting takes for ever; nobody else has to wait for that."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        full = [socket.socket() for _ in range(4)]
        for sock in full:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        running = start(gateway, "--upstream", f"origin={origin.url}",
                        "--upstream", f"slow=http://127.0.0.1:{listener.getsockname()[1]}")
        waiting = [running.client().send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(100)]
        ask_all(running, 100)
        assert all(client.is_quiet(0) for client in waiting)
        for sock in [client.sock for client in waiting] + full:
            sock.close()
