"""Fewer descriptors than connections: what can be served is served, and all is well when there are enough again.

The last sixteenth of the descriptors is not for clients' connections: requests of those that are connected need some
for upstreams, and probes a way in.
"""
import os
import re
import socket
import threading

import pytest
from http_peer import OK, RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: descriptors, version: "1"}
security: []
x-gateway:
  version: 1
  status: {address: "127.0.0.1:0"}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
paths:
  /x: {get: {responses: {default: {description: any}}}}
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
HERE = b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"
LIMIT = 96
FOR_CLIENTS = LIMIT - LIMIT // 16


@pytest.fixture
def start(gateway, origin):
    """With a hard limit of descriptors; the gateway raises a soft one."""
    return lambda workers=1: gateway(DOCUMENT, "--workers", str(workers), "--upstream", f"origin={origin.url}",
                                     under=("prlimit", f"--nofile={LIMIT}:{LIMIT}"))


@pytest.fixture
def running(start):
    return start()


def descriptors(running):
    return len(os.listdir(f"/proc/{running.pid}/fd"))


def cpu(running):
    with open(f"/proc/{running.pid}/stat") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def come(running, count=LIMIT * 3):
    """A crowd that takes all that there are for it, and more that wait at the door."""
    crowd = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(count)]
    wait_until(lambda: descriptors(running) >= FOR_CLIENTS, "the last descriptor to be taken")
    return crowd


def go(running, crowd, at_rest):
    for sock in crowd:
        sock.close()
    wait_until(lambda: descriptors(running) <= at_rest, "the descriptors")


def probe(running):
    with RawClient(int(re.search(r"status on \S*:(\d+)", running.log).group(1))) as client:
        return client.ask(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status


class Occupied:
    """Requests that wait for their upstream until every descriptor is taken, the spare ones too."""

    def __init__(self, running, origin, clients):
        self.release = threading.Event()

        def wait(connection, _):
            self.release.wait()
            connection.send(OK)

        self.origin, self.usual, origin.answer = origin, origin.answer, wait
        self.clients = []
        for client in clients:
            if descriptors(running) == LIMIT:
                break
            before = len(origin.requests)
            client.send(GET)
            self.clients.append(client)
            wait_until(lambda: len(origin.requests) > before, "the request")
        assert descriptors(running) == LIMIT

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()
        for client in self.clients:
            assert client.answer().status == 200
        self.origin.answer = self.usual


@pytest.mark.parametrize("workers", [1, 2])
def test_keeps_serving_and_recovers(start, origin, workers):
    """Who is connected goes on being served, however many wait at the door, and needs no connection in advance."""
    running = start(workers)
    first = running.client()
    assert first.ask(HERE).body == b"here"
    at_rest = descriptors(running)
    crowd = come(running)
    before = cpu(running)
    for _ in range(50):
        assert first.ask(HERE).body == b"here"
        assert first.ask(GET).status == 200
    assert probe(running) == 200
    origin.settle()
    wait_until(lambda: "cannot accept" in running.log, "a line of the log")
    assert cpu(running) - before < 1, "it spins"
    assert FOR_CLIENTS <= descriptors(running) <= FOR_CLIENTS + workers + 2
    go(running, crowd, at_rest + 2 * workers)
    for _ in range(3):
        assert running.ask(GET).status == 200
    crowd = come(running)
    assert first.ask(GET).status == 200
    go(running, crowd, at_rest + 2 * workers)
    assert running.log.count("cannot accept") == 1
    first.close()


def test_who_waits_at_the_door_gets_in(running):
    """As others leave, in the order of arrival, and nobody was turned away."""
    crowd = [RawClient(running.port).send(HERE) for _ in range(LIMIT * 3)]
    for client in crowd:
        assert client.answer().body == b"here"
        client.close()


def test_no_descriptor_for_the_upstream(running, origin):
    """503 with a reason, at once, and the connection lives on."""
    crowd = [running.client() for _ in range(30)]
    for client in crowd:
        assert client.ask(HERE).status == 200
    client, *others = crowd
    more = come(running)
    with Occupied(running, origin, others):
        answer = client.ask(GET)
        assert answer.status == 503 and b"descriptors" in answer.body
        assert client.ask(HERE).status == 200
    for one in others:
        one.close()
    for sock in more:
        sock.close()
    wait_until(lambda: client.ask(GET).status == 200, "a descriptor")
    client.close()


def test_large_bodies_without_a_pipe(running, origin):
    """Splicing needs two descriptors; without them bodies are copied."""
    body = bytes(range(256)) * 4096
    client, *others = [running.client() for _ in range(30)]
    for one in (client, *others):
        assert one.ask(HERE).status == 200
    assert client.ask(GET).status == 200  # its connection to the upstream stays
    crowd = come(running)
    with Occupied(running, origin, others):
        origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        others[-1].close()  # room for one connection, not for a pipe
        wait_until(lambda: descriptors(running) < LIMIT, "the gateway to notice")
        for _ in range(3):
            assert client.ask(GET).body == body
    for sock in crowd:
        sock.close()
    for one in (client, *others):
        one.close()
