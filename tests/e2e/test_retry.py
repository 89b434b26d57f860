"""retry: what is tried again, how often, where, and what is never sent twice."""
import json
import socket
import struct
import threading
import time

import pytest
from h2_peer import H2Client, request
from http_peer import OK, Origin, WAIT, chunked, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: retry, version: "1"}}
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    one: {{targets: [{{url: "{0}"}}]}}
    gone: {{targets: [{{url: "http://127.0.0.1:1"}}]}}
    two: {{targets: [{{url: "{0}"}}, {{url: "{1}"}}]}}
  upstream: one
  access_log: {{fields: [path, status, tries, reason, upstream_addr]}}
  timeouts: {{connect: 1s, read: 1s}}
  limits: {{buffer: 32k}}
  retry: {{attempts: 3, on: [connect_failure, reset, timeout, 503, "502-504"], backoff: {{base: 1ms, max: 5ms}}}}
paths:
  /all:
    get: &any {{responses: {{default: {{description: any}}}}}}
    put: *any
    post: *any
    head: *any
    patch: *any
  /two: {{x-gateway: {{upstream: two}}, get: *any, put: *any}}
  /off: {{x-gateway: {{retry: false}}, get: *any}}
  /key: {{x-gateway: {{retry: {{on: [reset, "503"], idempotency_key: true}}}}, post: *any}}
  /posts: {{x-gateway: {{retry: {{on: [reset, "503"], methods: [POST]}}}}, post: *any, get: *any}}
  /gone: {{x-gateway: {{upstream: gone, retry: {{}}}}, get: *any}}
  /connect: {{x-gateway: {{retry: {{}}}}, get: *any}}
  /per-try: {{x-gateway: {{timeouts: {{read: 5s}}, retry: {{on: timeout, per_try_timeout: 700ms}}}}, get: *any}}
  /budget: {{x-gateway: {{retry: {{on: "503", attempts: 10, budget: {{percent: 1, min: 1}}, backoff: {{base: 500ms, max: 500ms, jitter: false}}}}}}, get: *any}}
  /patient: {{x-gateway: {{retry: {{on: "503", backoff: {{base: 1ms, max: 1500ms}}}}}}, get: *any}}
  /slow: {{x-gateway: {{timeouts: {{request: 1500ms}}, retry: {{on: "503", attempts: 10, backoff: {{base: 10s, max: 10s, jitter: false}}}}}}, get: *any}}
"""
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"


@pytest.fixture
def other():
    with Origin() as one:
        yield one


@pytest.fixture
def running(gateway, origin, other):
    return gateway(DOCUMENT.format(origin.url, other.url), "--workers", "1")


def turns(*answers):
    """One answer after the other, the last one for ever."""
    left = list(answers)

    def answer(connection, request):
        one = left.pop(0) if len(left) > 1 else left[0]
        if callable(one):
            one(connection)
        else:
            connection.send(one)
    return answer


def closes(connection):
    connection.may_break = True
    connection.close()


def resets(connection):
    connection.may_break = True
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def garbage(connection):
    connection.may_break = True
    connection.send(b"no answer at all\r\n\r\n")


def sleeps(connection):
    connection.may_break = True
    connection.until_closed()
    connection.close()


def ask(running, line, content=b"", fields=""):
    with running.client() as client:
        head = f"{line} HTTP/1.1\r\nHost: a\r\n{fields}"
        if content:
            head += f"Content-Length: {len(content)}\r\n"
        client.send(head.encode() + b"\r\n" + content)
        return client.answer(line.split()[0])


def last_line(running):
    wait_until(lambda: running.out.count("\n") > 0, "the log's line")
    return json.loads(running.out.splitlines()[-1])


@pytest.mark.parametrize("fails", [BUSY, closes, resets, garbage, sleeps, BUSY.replace(b"503", b"504")],
                         ids=["503", "closed", "reset", "garbage", "silent", "504"])
def test_what_is_tried_again(running, origin, fails):
    origin.answer = turns(fails, OK)
    assert ask(running, "GET /all").body == b"ok\n"
    assert len(origin.requests) == 2
    assert last_line(running)["tries"] == 2


@pytest.mark.parametrize("fails, status", [(BUSY, 503), (closes, 502), (sleeps, 504)], ids=["503", "closed", "silent"])
def test_no_more_often_than_attempts_say(running, origin, fails, status):
    origin.answer = turns(fails)
    assert ask(running, "GET /all").status == status
    assert len(origin.requests) == 3


@pytest.mark.parametrize("answer", [b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
                                    b"HTTP/1.1 501 No\r\nContent-Length: 2\r\n\r\nno"])
def test_what_nobody_asked_for_is_not_tried_again(running, origin, answer):
    origin.answer = answer
    assert ask(running, "GET /all").body == b"no"
    assert len(origin.requests) == 1


@pytest.mark.parametrize("method, tries", [("GET", 3), ("HEAD", 3), ("PUT", 3), ("POST", 1), ("PATCH", 1)])
def test_methods(running, origin, method, tries):
    origin.answer = BUSY if method != "HEAD" else BUSY[:-4]
    assert ask(running, f"{method} /all").status == 503
    assert len(origin.requests) == tries


def test_methods_that_are_named_are_the_only_ones(running, origin):
    origin.answer = turns(BUSY, OK)
    assert ask(running, "POST /posts", b"x").status == 200
    origin.answer = BUSY
    assert ask(running, "GET /posts").status == 503
    assert [r.line.split()[0] for r in origin.requests] == ["POST", "POST", "GET"]


def test_an_idempotency_key_admits_a_post(running, origin):
    origin.answer = turns(BUSY, OK)
    assert ask(running, "POST /key", b"x", "Idempotency-Key: 7\r\n").status == 200
    assert [r.body for r in origin.requests] == [b"x", b"x"]
    assert all(r["Idempotency-Key"] == "7" for r in origin.requests)
    origin.answer = BUSY
    assert ask(running, "POST /key", b"x").status == 503
    assert ask(running, "POST /all", b"x", "Idempotency-Key: 7\r\n").status == 503
    assert len(origin.requests) == 4


def test_off_is_off(running, origin):
    origin.answer = turns(closes)
    assert ask(running, "GET /off").status == 502
    assert len(origin.requests) == 1


def test_by_default_only_what_was_never_sent(running, origin):
    origin.answer = turns(closes)
    assert ask(running, "GET /connect").status == 502
    assert len(origin.requests) == 1
    assert ask(running, "GET /gone").status == 502
    wait_until(lambda: running.out.count("\n") == 2, "the log's lines")
    assert last_line(running)["tries"] == 3


def test_another_target_comes_first(running, origin, other):
    origin.answer = other.answer = BUSY
    assert ask(running, "GET /two").status == 503
    assert sorted((len(origin.requests), len(other.requests))) == [1, 2]


@pytest.mark.parametrize("fails", [BUSY, closes], ids=["503", "closed"])
def test_content_is_sent_again_byte_for_byte(running, origin, fails):
    content = bytes(range(256)) * 127
    origin.answer = turns(fails, fails, OK)
    assert ask(running, "PUT /all", content).status == 200
    assert [r.body for r in origin.requests] == [content] * 3


def test_chunked_content_with_trailers_in_pieces(running, origin):
    origin.answer = turns(BUSY, OK)
    with running.client() as client:
        client.send(b"PUT /all HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.dribble(chunked(b"abc", b"d" * 300, b"e", trailers=b"X-Sum: 7\r\n"), step=50)
        assert client.answer().status == 200
    assert [r.body for r in origin.requests] == [b"abc" + b"d" * 300 + b"e"] * 2
    assert [[tuple(t) for t in r.trailers] for r in origin.requests] == [[("X-Sum", "7")]] * 2


def test_content_beyond_the_buffer_is_not_tried_again(running, origin):
    origin.answer = BUSY
    assert ask(running, "PUT /all", bytes(32769)).status == 503
    assert len(origin.requests) == 1
    assert ask(running, "PUT /all", bytes(32768)).status == 503
    assert len(origin.requests) == 4


def test_an_answer_that_has_begun_is_never_tried_again(running, origin):
    def breaks(connection):
        connection.may_break = True
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        connection.close()

    origin.answer = turns(breaks, OK)
    with running.client() as client:
        client.send(b"GET /all HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.head().status == 200
        assert client.rest() == b"half"
    assert len(origin.requests) == 1


def test_a_connection_survives_an_answer_that_is_dropped(running, origin):
    origin.answer = turns(BUSY, BUSY, OK)
    assert ask(running, "GET /all").status == 200
    assert origin.connections == 1


def test_each_try_has_its_time(running, origin):
    origin.answer = turns(sleeps, sleeps, OK)
    assert ask(running, "GET /per-try").status == 200
    assert len(origin.requests) == 3


def test_the_whole_has_its_time(running, origin):
    origin.answer = BUSY
    assert ask(running, "GET /slow").status == 504
    assert len(origin.requests) == 1


def test_retry_after_is_waited_for_or_passed_on(running, origin):
    wants = lambda seconds: BUSY.replace(b"\r\n\r\n", b"\r\nRetry-After: %d\r\n\r\n" % seconds)
    came = []
    origin.on_head = lambda connection, asked: came.append(time.monotonic())
    origin.answer = turns(wants(1), OK)
    assert ask(running, "GET /patient").status == 200
    assert came[1] - came[0] >= 1
    origin.answer = wants(2)
    answer = ask(running, "GET /patient")
    assert (answer.status, answer["Retry-After"]) == (503, "2")
    assert len(origin.requests) == 3


def test_a_budget_bounds_what_is_tried_again(running, origin):
    origin.answer = BUSY
    clients = [running.client().send(b"GET /budget HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(20)]
    wait_until(lambda: len(origin.requests) >= 21, "the first of the retries")
    clients[0].sock.settimeout(WAIT * 3)
    waiting = 0
    for client in clients[1:]:
        client.sock.settimeout(0.2)
        try:
            assert client.answer().status == 503
        except Exception:
            waiting += 1
    assert waiting <= 1
    for client in clients:
        client.close()


def test_a_client_that_leaves_in_the_pause_ends_it(running, origin):
    origin.answer = BUSY
    client = running.client().send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: origin.requests, "the first try")
    client.reset()
    assert ask(running, "GET /off").status == 503


def test_streams_of_http2_are_tried_again(running, origin):
    origin.answer = turns(BUSY, closes, OK)
    with H2Client(running.port) as client:
        answer = client.ask(request("PUT", "/all"), b"content")
        assert (answer.status, answer.body) == (200, b"ok\n")
    assert [r.body for r in origin.requests] == [b"content"] * 3


def test_many_at_a_time_lose_nothing(running, origin, other):
    """Every second answer fails; every request is answered well, with its own content."""
    count = [0]
    lock = threading.Lock()

    def answer(connection, asked):
        with lock:
            count[0] += 1
            fails = count[0] % 2
        connection.send(BUSY if fails else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked.body) + asked.body)

    origin.answer = other.answer = answer
    wrong = []

    def work(n):
        with running.client() as client:
            for i in range(30):
                content = b"%d-%d" % (n, i)
                got = client.ask(b"PUT /two HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
                if got.status == 200 and got.body != content:
                    wrong.append(got.body)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_another_target_is_no_matter_of_the_budget(gateway, origin):
    """Nothing was sent to the one that is down: however many meet it at once, all are served by the other."""
    document = DOCUMENT.format("http://127.0.0.1:1", origin.url).replace("{base: 1ms, max: 5ms}}", "{base: 1ms}, budget: {percent: 1, min: 0}}")
    running = gateway(document, "--workers", "1")
    clients = [running.client().send(b"GET /two HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(40)]
    assert [client.answer().status for client in clients] == [200] * 40
    for client in clients:
        client.close()
