"""Pooled connections stay pooled, and are let go when there is a reason."""
import socket

import pytest
from http_peer import OK, Origin, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: pool, version: "1"}
security: []
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
paths:
  /x: {get: &any {responses: {default: {description: any}}}, post: *any}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
MIB = 1024 * 1024


@pytest.fixture
def running(gateway, origin):
    return gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={origin.url}")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_long_answers_keep_their_connection(running, origin, framing):
    """The socket's being writable again behind a long body is no reason to close it."""
    body = b"z" * MIB
    if framing == "length":
        origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (MIB, body)
    else:
        origin.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (MIB, body)
    with running.client() as client:
        for _ in range(20):
            assert client.ask(GET).body == body
    assert origin.connections == 1


def test_long_requests_keep_their_connection(running, origin):
    request = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (4 * MIB, b"y" * 4 * MIB)
    with running.client() as client:
        for _ in range(10):
            assert client.ask(request).status == 200
    assert origin.connections == 1


def test_down_and_up_again(gateway):
    """502 while nobody listens, and served again with the first request behind that."""
    with Origin() as first:
        running = gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={first.url}")
        assert running.ask(GET).status == 200
    with running.client() as client:
        wait_until(lambda: client.ask(GET).status == 502, "the upstream to be down")
        with Origin(OK, socket.create_server(("127.0.0.1", first.port), backlog=16)):
            assert client.ask(GET).status == 200
