"""Several requests on one connection before the first answer: in order, one at a time, nothing lost."""
import threading

import pytest
from http_peer import OK

DOCUMENT = """
openapi: 3.1.0
info: {title: pipelining, version: "1"}
x-gateway:
  version: 1
  listeners: [{address: "127.0.0.1:0", keep_alive: {requests: 50}}]
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
paths:
  /{name}:
    parameters: [{name: name, in: path, required: true, schema: {type: string}}]
    get: &any {responses: {default: {description: any}}}
    post: *any
  /fixed:
    x-gateway: {respond: {status: 200, headers: {Content-Type: text/plain}, body: fixed}}
    get: *any
    post: *any
"""


@pytest.fixture
def running(gateway, origin):
    origin.answer = lambda connection, request: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(request.target), request.target.encode()))
    return gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={origin.url}")


def get(name):
    return b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % name.encode()


def test_mixed_with_bodies_and_constants(running):
    post = b"POST /p%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
    chunked = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    unread = b"POST /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
    with running.client() as client:
        client.send(get("a") + post % 1 + get("fixed") + chunked + unread + get("b") + unread + get("c"))
        assert [client.answer().body for _ in range(8)] == [
            b"/a", b"/p1", b"fixed", b"/c", b"fixed", b"/b", b"fixed", b"/c"]


def test_one_at_a_time(running, origin):
    """The second request is not even looked at before the first was answered."""
    gate = threading.Event()

    def wait(connection, request):
        gate.wait(10)
        connection.send(OK)

    origin.answer = wait
    with running.client() as client:
        client.send(get("a") + get("b") + get("c"))
        assert origin.request().target == "/a"
        assert client.is_quiet(0.3)
        assert len(origin.requests) == 1
        gate.set()
        assert [client.answer().status for _ in range(3)] == [200] * 3


def test_split_anywhere(running):
    data = get("a") + b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz" + get("c")
    for cut in range(1, len(data), 3):
        with running.client() as client:
            client.send(data[:cut])
            client.is_quiet(0.002)
            client.send(data[cut:])
            assert [client.answer().body for _ in range(3)] == [b"/a", b"/b", b"/c"]


def test_more_than_a_buffer(running):
    """200 KiB of requests in one go: they wait in the socket."""
    with running.client() as client:
        line = b"GET /n%d HTTP/1.1\r\nHost: a\r\nX-Fill: " + b"f" * 5000 + b"\r\n\r\n"
        sender = threading.Thread(target=client.send, args=(b"".join(line % n for n in range(40)),))
        sender.start()
        assert [client.answer().body for n in range(40)] == [b"/n%d" % n for n in range(40)]
        sender.join()


def test_the_last_answer_says_so(running):
    """keep_alive.requests: what was pipelined behind is not served, and the close is an orderly one."""
    with running.client() as client:
        client.send(b"".join(get(str(n)) for n in range(60)))
        answers = [client.answer() for _ in range(50)]
        assert [a["Connection"] for a in answers] == [None] * 49 + ["close"]
        assert answers[-1].body == b"/49"
        assert client.is_closed()


def test_nothing_behind_an_error_of_framing(running, origin):
    with running.client() as client:
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n" + get("b"))
        assert client.answer().status == 400
        assert client.is_closed()
    assert origin.got_nothing()
