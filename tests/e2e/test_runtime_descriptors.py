"""Fewer descriptors than connections: what can be served is served, and all is well when there are enough again."""
import os
import socket

import pytest
from http_peer import RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: descriptors, version: "1"}
security: []
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
paths:
  /x: {get: {responses: {default: {description: any}}}}
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
HERE = b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"
LIMIT = 64


@pytest.fixture
def running(gateway, origin, tmp_path):
    """With a hard limit of descriptors; the shell sets it, since the gateway raises a soft one."""
    one = gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={origin.url}")
    os.system(f"prlimit --pid {one.pid} --nofile={LIMIT}:{LIMIT}")
    return one


def descriptors(running):
    return len(os.listdir(f"/proc/{running.pid}/fd"))


def cpu(running):
    with open(f"/proc/{running.pid}/stat") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_keeps_serving_and_recovers(running, origin):
    """Who is connected goes on being served, however many wait at the door."""
    first = running.client()
    assert first.ask(GET).status == 200
    at_rest = descriptors(running)
    crowd = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(LIMIT * 3)]
    wait_until(lambda: descriptors(running) == LIMIT, "the last descriptor to be taken")
    before = cpu(running)
    for _ in range(50):
        assert first.ask(HERE).body == b"here"
        assert first.ask(GET).status == 200  # by its pooled connection
    origin.settle()
    wait_until(lambda: "cannot accept" in running.log, "a line of the log")
    assert cpu(running) - before < 1, "it spins"
    assert running.log.count("cannot accept") == 1
    for sock in crowd:
        sock.close()
    wait_until(lambda: descriptors(running) <= at_rest + 1, "the descriptors")
    for _ in range(3):
        assert running.ask(GET).status == 200
    first.close()


def test_no_descriptor_for_the_upstream(running, origin):
    """503 with a reason, at once, and the connection lives on."""
    crowd = []
    while descriptors(running) < LIMIT:
        crowd.append(RawClient(running.port))
        crowd[-1].send(HERE)
        if len(crowd) > LIMIT * 2:
            break
        if len(crowd) <= LIMIT - 30:
            crowd[-1].answer()
    client = crowd[0]
    answer = client.ask(GET)
    assert answer.status == 503 and b"descriptors" in answer.body
    assert client.ask(HERE).status == 200
    for one in crowd[1:]:
        one.close()
    wait_until(lambda: client.ask(GET).status == 200, "a descriptor")
    client.close()


def test_large_bodies_without_a_pipe(running, origin):
    """Splicing needs two descriptors; without them bodies are copied."""
    body = bytes(range(256)) * 4096
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    client = running.client()
    small, origin.answer = origin.answer, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    client.ask(GET)
    origin.answer = small
    crowd = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(LIMIT * 2)]
    wait_until(lambda: descriptors(running) == LIMIT, "the last descriptor to be taken")
    for _ in range(3):
        assert client.ask(GET).body == body
    for sock in crowd:
        sock.close()
    client.close()
