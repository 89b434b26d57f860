"""mirror: copies of requests go elsewhere, and the requests themselves notice nothing of it."""
import re
import threading
import time

import pytest
from http_peer import OK, Origin, RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: mirror, version: "1"}}
security: []
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    pets: {{targets: [{{url: "{real}/base"}}], mirror: {{upstream: "{name}", {mirror}}} {more}}}
    shadow: {{targets: [{{url: "{shadow}/shadow", labels: {{v: "1"}}}}, {{url: "http://127.0.0.1:1", labels: {{v: "2"}}}}], subsets: {{one: {{labels: {{v: "1"}}}}}}}}
  upstream: pets
  access_log: false
paths:
  /x/{{id}}:
    parameters: [{{name: id, in: path, required: true, schema: {{type: string}}}}]
    get: &any {{responses: {{default: {{description: any}}}}}}
    post: *any
  /rewritten: {{x-gateway: {{rewrite: {{path: /new}}}}, get: *any}}
  /gone: {{x-gateway: {{rewrite: {{strip: match}}}}, get: *any}}
  /chat: {{x-gateway: {{websocket: true}}, get: *any}}
"""


@pytest.fixture
def real():
    with Origin() as origin:
        yield origin


@pytest.fixture
def shadow():
    with Origin() as origin:
        yield origin


def start(gateway, real, shadow, mirror="", name="shadow:one", more="", workers="1"):
    return gateway(DOCUMENT.format(real=real.url, shadow=shadow if isinstance(shadow, str) else shadow.url,
                                   mirror=mirror, name=name, more=more), "--workers", workers)


def ask(running, text):
    with running.client() as client:
        return client.ask(text)


def get(running, path="/x/1", fields=""):
    return ask(running, f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")


def post(running, body, fields=""):
    return ask(running, b"POST /x/1 HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s" % (fields.encode(), len(body), body))


def copies(shadow, count=1):
    wait_until(lambda: len(shadow.requests) >= count and all(one.complete for one in shadow.requests), "the copies")
    return shadow.requests


def metric(running, name):
    """Of the upstream `shadow`; 0 when it is not there."""
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    found = re.search(rf'^apigw_upstream_{name}\{{upstream="shadow"\}} (\d+)$', text, re.M)
    return int(found.group(1)) if found else 0


def test_a_copy_says_the_same(gateway, real, shadow):
    running = start(gateway, real, shadow)
    assert get(running, "/x/a%20b?q=1&r", "X-One: 1\r\nCookie: a=b\r\nConnection: X-Hop\r\nX-Hop: no\r\n").status == 200
    (copy,) = copies(shadow)
    (original,) = real.requests
    assert (original.target, copy.target) == ("/base/x/a%20b?q=1&r", "/shadow/x/a%20b?q=1&r")
    assert copy["host"] == shadow.url.split("/")[2]
    assert [f for f in copy.fields if f[0].lower() != "host"] == [f for f in original.fields if f[0].lower() != "host"]
    assert copy["x-request-id"] == original["x-request-id"] and copy["x-hop"] is None
    assert metric(running, "mirrored_total") == 1 and metric(running, "mirror_failures_total") == 0


@pytest.mark.parametrize("path, goes", [("/rewritten", "/shadow/new"), ("/gone", "/shadow/")])
def test_a_rewritten_path(gateway, real, shadow, path, goes):
    running = start(gateway, real, shadow)
    get(running, path)
    assert copies(shadow)[0].target == goes


@pytest.mark.parametrize("size", [0, 1, 1000, 65536])
def test_content(gateway, real, shadow, size):
    running = start(gateway, real, shadow)
    body = bytes(range(256)) * 256
    assert post(running, body[:size]).status == 200
    assert copies(shadow)[0].body == body[:size] == real.requests[0].body


def test_content_in_chunks_and_trailers(gateway, real, shadow):
    running = start(gateway, real, shadow)
    answer = ask(running, b"POST /x/1 HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n")
    assert answer.status == 200
    (copy,) = copies(shadow)
    assert copy.body == b"abcdefg" and copy.trailers.one("x-sum") == "7"


@pytest.mark.parametrize("chunked", [False, True])
def test_content_that_is_too_long_is_not_copied(gateway, real, shadow, chunked):
    running = start(gateway, real, shadow, "buffer: 1k")
    body = b"x" * 1025
    if chunked:
        answer = ask(running, b"POST /x/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n%s\r\n0\r\n\r\n" % body)
    else:
        answer = post(running, body)
    assert answer.status == 200 and real.requests[0].body == body
    assert post(running, body[:1024]).status == 200
    assert copies(shadow)[0].body == body[:1024] and len(shadow.requests) == 1
    assert metric(running, "mirror_left_out_total") == 1


def test_a_request_that_is_not_completed_is_not_copied(gateway, real, shadow):
    running = start(gateway, real, shadow)
    real.may_break = True
    with running.client() as client:
        client.send(b"POST /x/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        wait_until(lambda: real.connections, "the request")
    wait_until(lambda: metric(running, "mirror_left_out_total") == 1, "the end of it")
    assert get(running).status == 200
    copies(shadow)
    assert [one.method for one in shadow.requests] == ["GET"]


@pytest.mark.parametrize("how", ["closed", "reset", "garbage", "500", "cut"])
def test_a_shadow_that_fails_fails_nobody_else(gateway, real, shadow, how):
    running = start(gateway, real, shadow)
    if how == "closed":
        shadow.close()
    elif how == "reset":
        shadow.answer = lambda connection, request: connection.reset()
    else:
        shadow.answer = {"garbage": b"\0\1\2\r\n\r\n", "500": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
                         "cut": lambda connection, request: (connection.send(OK[:-2]), connection.close())}[how]
    for _ in range(20):
        assert get(running).status == 200
    assert len(real.requests) == 20
    failures = 0 if how == "500" else 20
    wait_until(lambda: metric(running, "mirror_failures_total") == failures and metric(running, "mirrored_total") == 20, "the ends")


def test_a_shadow_that_hangs_delays_nobody(gateway, real, shadow):
    """No more than max_requests hang there at once; the others are left out; and behind `timeout` there is room again."""
    gone = threading.Event()
    shadow.answer = lambda connection, request: gone.wait(30)
    shadow.may_break = True
    running = start(gateway, real, shadow, "max_requests: 3, timeout: 1s")
    began = time.monotonic()
    for _ in range(50):
        assert get(running).status == 200
    assert time.monotonic() - began < 30
    assert len(real.requests) == 50
    wait_until(lambda: metric(running, "mirror_failures_total") >= 3, "the end of those that hang")
    sent, left_out = metric(running, "mirrored_total"), metric(running, "mirror_left_out_total")
    assert sent + left_out == 50 and left_out >= 40
    assert get(running).status == 200
    wait_until(lambda: metric(running, "mirrored_total") == sent + 1, "another copy")
    gone.set()


def test_a_slow_shadow_that_answers_without_end(gateway, real, shadow):
    def drip(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            connection.dribble(b"x" * 1000, pause=0.01)
        except OSError:
            pass
    shadow.answer, shadow.may_break = drip, True
    running = start(gateway, real, shadow, "timeout: 500ms")
    assert get(running).status == 200
    wait_until(lambda: metric(running, "mirror_failures_total") == 1, "the time limit")


def test_a_part_of_all(gateway, real, shadow):
    running = start(gateway, real, shadow, "percent: 20")
    with running.client() as client:
        for _ in range(500):
            assert client.ask(b"GET /x/1 HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    wait_until(lambda: len(shadow.requests) == metric(running, "mirrored_total"), "the copies")
    assert 50 < len(shadow.requests) < 170


def test_a_gateway_that_is_told_to_end_does_not_wait_for_copies(gateway, real, shadow):
    gone = threading.Event()
    shadow.answer, shadow.may_break = lambda connection, request: gone.wait(90), True
    running = start(gateway, real, shadow)
    for _ in range(5):
        assert get(running).status == 200
    running.stop()
    gone.set()


def test_retries_are_copied_once(gateway, real, shadow):
    running = start(gateway, real, shadow, more=", retry: {attempts: 3, on: [\"503\"], methods: [GET, POST], backoff: {base: 1ms, max: 1ms}}")
    real.answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    assert post(running, b"abc").status == 503
    assert len(real.requests) == 3 and [one.body for one in copies(shadow)] == [b"abc"]
    assert metric(running, "mirrored_total") == 1


def test_upgrades_are_not_copied(gateway, real, shadow):
    running = start(gateway, real, shadow)
    get(running, "/chat", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
    get(running)
    assert copies(shadow)[0].target == "/shadow/x/1" and len(shadow.requests) == 1


def test_many_at_once(gateway, real, shadow):
    running = start(gateway, real, shadow, "max_requests: 1000", workers="2")

    def work():
        with running.client() as client:
            for i in range(100):
                body = b"%d" % i * 100
                assert client.ask(b"POST /x/1 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)).status == 200
    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    copies(shadow, 800)
    assert sorted(one.body for one in shadow.requests) == sorted(one.body for one in real.requests)
    wait_until(lambda: metric(running, "mirrored_total") == 800, "the count")
    assert metric(running, "mirror_failures_total") == 0 and metric(running, "mirror_left_out_total") == 0
