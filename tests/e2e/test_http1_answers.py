"""Answers over real sockets: what upstreams send, in and out of order, and what the client is told of it."""
import json
import threading
import time

import pytest
from http_peer import OK, Broken, chunked

DOCUMENT = """
openapi: 3.1.0
info: {title: answers, version: "1"}
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  limits: {upstream_headers: 8k, body: 100m}
  timeouts: {connect: 2s, send: 5s, read: 5s}
paths:
  /x: &all
    get: &any {responses: {default: {description: any}}}
    put: *any
    post: *any
    delete: *any
    head: *any
  /slow:
    x-gateway: {timeouts: {read: 300ms}}
    get: *any
    post: *any
"""

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--upstream", f"origin={module_origin.url}")


@pytest.fixture
def upstream(module_origin):
    module_origin.forget()
    yield module_origin
    module_origin.settle()
    assert not module_origin.failures, module_origin.failures


def then_close(data):
    def answer(connection, request):
        connection.send(data)
        connection.close()
    return answer


def assert_bad_gateway(answer, status=502):
    assert answer.status == status
    assert answer["Content-Type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == status and problem["title"]


# ---- bodies

def test_length(running, upstream):
    body = bytes(range(256)) * 1000
    upstream.answer = HEAD + b"Content-Length: %d\r\nX: y\r\n\r\n" % len(body) + body
    with running.client() as client:
        for _ in range(2):
            answer = client.ask(GET + b"\r\n")
            assert (answer.body, answer["X"]) == (body, "y")
    assert upstream.connections >= 1


def test_length_zero(running, upstream):
    upstream.answer = HEAD + b"Content-Length: 0\r\n\r\n"
    with running.client() as client:
        assert client.ask(GET + b"\r\n")["Content-Length"] == "0"
        assert client.ask(GET + b"\r\n").status == 200


@pytest.mark.parametrize("parts", [[], [b"hello"], [b"a", b"bc" * 5000, b"\r\n0\r\n\r\n"], [b"x"] * 300])
def test_chunked(running, upstream, parts):
    upstream.answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*parts)
    with running.client() as client:
        for _ in range(2):
            answer = client.ask(GET + b"\r\n")
            assert answer.body == b"".join(parts)
            assert answer.fields.all("Transfer-Encoding") == ["chunked"]


def test_chunked_byte_by_byte(running, upstream):
    def answer(connection, request):
        connection.dribble(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n", pause=0.0005)

    upstream.answer = answer
    assert running.ask(GET + b"\r\n").body == b"hello"


def test_chunks_are_passed_on_as_they_come(running, upstream):
    more = threading.Event()

    def answer(connection, request):
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert more.wait(10)
        connection.send(b"6\r\nsecond\r\n0\r\n\r\n")

    upstream.answer = answer
    with running.client() as client:
        client.send(GET + b"\r\n")
        message = client.head()
        assert message["Transfer-Encoding"] == "chunked"
        assert client.wire.line() == b"5" and client.wire.exactly(7) == b"first\r\n"
        more.set()
        client.wire.chunked(message)
        assert message.body == b"second"


def test_until_close(running, upstream):
    upstream.answer = then_close(HEAD + b"X: y\r\n\r\n" + b"hello" * 1000)
    with running.client() as client:
        for _ in range(2):
            answer = client.ask(GET + b"\r\n")  # in chunks, so that the connection lives on
            assert (answer.body, answer["X"]) == (b"hello" * 1000, "y")


def test_until_half_close(running, upstream):
    def answer(connection, request):
        connection.send(HEAD + b"\r\nhello")
        connection.half_close()
        connection.until_closed()
        connection.close()

    upstream.answer = answer
    assert running.ask(GET + b"\r\n").body == b"hello"


def test_until_close_for_http_1_0(running, upstream):
    upstream.answer = then_close(HEAD + b"\r\nhello")
    with running.client() as client:
        assert client.ask(b"GET /x HTTP/1.0\r\n\r\n").body == b"hello"
        assert client.is_closed()


def test_upstream_of_http_1_0(running, upstream):
    upstream.answer = then_close(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello")
    with running.client() as client:
        assert client.ask(GET + b"\r\n").body == b"hello"
        assert client.ask(GET + b"\r\n").body == b"hello"


def test_big_body_with_a_slow_reader(running, upstream):
    size = 20_000_000
    upstream.answer = HEAD + b"Content-Length: %d\r\n\r\n" % size + b"z" * size
    with running.client() as client:
        client.send(GET + b"\r\n")
        time.sleep(0.2)
        answer = client.answer()
        assert len(answer.body) == size and answer.body.count(b"z") == size


def test_big_body_both_ways(running, upstream):
    size = 5_000_000

    def answer(connection, request):
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(request.body) + request.body)

    upstream.answer = answer
    with running.client() as client:
        body = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000)
        assert client.ask(POST + b"Content-Length: %d\r\n\r\n" % size + body).body == body


# ---- answers without a body

@pytest.mark.parametrize("fields", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_head(running, upstream, fields):
    upstream.answer = HEAD + fields + b"X: y\r\n\r\n"
    with running.client() as client:
        for _ in range(2):
            answer = client.ask(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (answer.status, answer["X"]) == (200, "y")
            assert answer["Content-Length"] == ("5" if b"5" in fields else None)


@pytest.mark.parametrize("line, fields", [
    (b"204 No Content", b""), (b"204 No Content", b"Content-Length: 0\r\n"), (b"304 Not Modified", b"ETag: x\r\n"),
    (b"304 Not Modified", b"Content-Length: 5\r\n"),
])
def test_no_body(running, upstream, line, fields):
    upstream.answer = b"HTTP/1.1 " + line + b"\r\n" + fields + b"\r\n"
    with running.client() as client:
        for _ in range(2):
            assert client.ask(GET + b"\r\n").status == int(line[:3])


def test_bytes_behind_an_answer_without_body_are_nobodys(running, upstream):
    """The upstream says 204 and sends a body all the same: it must not become the next answer."""
    upstream.may_break = True
    upstream.answer = b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"
    with running.client() as client:
        assert client.ask(GET + b"\r\n").status == 204
        upstream.answer = OK
        time.sleep(0.05)
        answer = client.ask(GET + b"\r\n")
        assert answer.body == b"ok\n"


def test_bytes_behind_a_body_are_nobodys(running, upstream):
    upstream.may_break = True
    upstream.answer = HEAD + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"
    with running.client() as client:
        assert client.ask(GET + b"\r\n").body == b"ok"
        upstream.answer = OK
        time.sleep(0.05)
        assert client.ask(GET + b"\r\n").body == b"ok\n"


# ---- 1xx

def test_early_hints(running, upstream):
    upstream.answer = (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                       b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\nConnection: x\r\n\r\n" + OK)
    answer = running.ask(GET + b"\r\n")
    assert [m["Link"] for m in answer.interim if m.status == 103] == ["</a.css>", "</b.css>"]
    assert answer.body == b"ok\n"


def test_no_interim_for_http_1_0(running, upstream):
    upstream.answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK
    assert running.ask(b"GET /x HTTP/1.0\r\n\r\n").interim == []


def test_continue_from_upstream_that_nobody_asked_for(running, upstream):
    upstream.answer = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
    answer = running.ask(GET + b"\r\n")
    assert answer.body == b"ok\n" and answer.interim == []


def test_endless_interim_answers_end(running, upstream):
    def answer(connection, request):
        try:
            for _ in range(100000):
                connection.send(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n")
        except OSError:
            pass
        connection.close()

    upstream.answer = answer
    assert_bad_gateway(running.ask(GET + b"\r\n"))


def test_switching_protocols_that_nobody_asked_for(running, upstream):
    upstream.answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    assert_bad_gateway(running.ask(GET + b"\r\n"))


# ---- what is not an answer

GARBAGE = {
    "garbage": b"\0\1\2\3 garbage",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status 600": b"HTTP/1.1 600 OK\r\n\r\n",
    "LF lines": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "folded": HEAD + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": HEAD + b"Content-Length : 0\r\n\r\n",
    "NUL": HEAD + b"A: \0\r\nContent-Length: 0\r\n\r\n",
    "CR": HEAD + b"A: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n",
    "CL and TE": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "signed length": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\nhello",
    "TE in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "head too big": HEAD + b"A: " + b"b" * 9000 + b"\r\n\r\n",
    "endless status line": b"HTTP/1.1 200 " + b"x" * 20000,
    "endless fields": HEAD + b"A: b\r\n" * 3000,
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a head": HEAD + b"Content-Le",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(running, upstream, name):
    upstream.may_break = True
    upstream.answer = then_close(GARBAGE[name])
    with running.client() as client:
        answer = client.ask(POST + b"Content-Length: 2\r\n\r\nhi")
        assert_bad_gateway(answer)
        upstream.forget()
        assert client.ask(GET + b"\r\n").status == 200  # the client's connection was not at fault


def test_same_length_twice_is_one(running, upstream):
    upstream.answer = HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"
    answer = running.ask(GET + b"\r\n")
    assert answer.body == b"hello" and answer.fields.all("Content-Length") == ["5"]


def test_reset_before_the_answer(running, upstream):
    upstream.answer = lambda connection, request: connection.reset()
    assert_bad_gateway(running.ask(POST + b"Content-Length: 2\r\n\r\nhi"))


def test_silence(running, upstream):
    upstream.answer = lambda connection, request: connection.until_closed()
    answer = running.ask(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    assert_bad_gateway(answer, 504)


@pytest.mark.parametrize("body", [
    b"Content-Length: 10\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld",
], ids=["length", "chunks", "within a chunk", "before the end", "bad size", "too long a chunk"])
def test_body_that_breaks_off(running, upstream, body):
    """The client must not take what it got for the whole."""
    upstream.answer = then_close(HEAD + body)
    with running.client() as client:
        client.send(GET + b"\r\n")
        with pytest.raises((Broken, ConnectionResetError)):
            answer = client.answer()
            assert answer.status == 502, answer  # or it was known before anything was sent
            raise Broken("refused as a whole")


def test_body_that_is_reset(running, upstream):
    def answer(connection, request):
        connection.send(HEAD + b"\r\nhello")
        time.sleep(0.05)
        connection.reset()

    upstream.answer = answer
    with running.client() as client:
        client.send(GET + b"\r\n")
        with pytest.raises((Broken, ConnectionResetError)):
            client.answer()


def test_silence_within_a_body(running, upstream):
    def answer(connection, request):
        connection.send(HEAD + b"Content-Length: 10\r\n\r\nhello")
        connection.until_closed()
        connection.close()

    upstream.answer = answer
    with running.client() as client:
        client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises((Broken, ConnectionResetError)):
            client.answer()


# ---- fields

def test_hop_by_hop_fields_stay_here(running, upstream):
    upstream.answer = (HEAD + b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2\r\n"
                       b"Proxy-Authenticate: x\r\nX-End: 2\r\nContent-Length: 0\r\n\r\n")
    answer = running.ask(GET + b"\r\n")
    names = {name.lower() for name, _ in answer.fields}
    assert "x-end" in names
    assert not names & {"x-hop", "keep-alive", "upgrade", "proxy-authenticate"}


def test_fields_come_as_they_are(running, upstream):
    upstream.answer = (HEAD + b"set-cookie: a=1\r\nSet-Cookie: b=2\r\nX-Empty:\r\nX-Latin: caf\xe9\r\n"
                       b"Server: me\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
    answer = running.ask(GET + b"\r\n")
    assert answer.fields.all("Set-Cookie") == ["a=1", "b=2"]
    assert (answer["X-Empty"], answer["X-Latin"]) == ("", "caf\xe9")
    assert (answer["Server"], answer["Date"]) == ("me", "Thu, 01 Jan 1970 00:00:00 GMT")


@pytest.mark.parametrize("line, seen", [
    (b"HTTP/1.1 200\r\n", 200), (b"HTTP/1.1 418 I'm a teapot\r\n", 418), (b"HTTP/1.1 599 \r\n", 599),
    (b"HTTP/1.1 500 Internal Server Error\r\n", 500),
])
def test_statuses(running, upstream, line, seen):
    upstream.answer = line + b"Content-Length: 2\r\n\r\nhi"
    answer = running.ask(GET + b"\r\n")
    assert (answer.status, answer.body) == (seen, b"hi")


def test_big_head(running, upstream):
    upstream.answer = HEAD + b"A: " + b"b" * 7000 + b"\r\nContent-Length: 2\r\n\r\nhi"
    answer = running.ask(GET + b"\r\n")
    assert (answer.body, len(answer["A"])) == (b"hi", 7000)


def test_trailers(running, upstream):
    trailers = b"grpc-status: 0\r\nContent-Length: 99\r\nSet-Cookie: x\r\n"
    upstream.answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", trailers=trailers)
    with running.client() as client:
        answer = client.ask(GET + b"TE: trailers\r\n\r\n")
        assert answer.body == b"hello"
        assert set(name for name, _ in answer.trailers) <= {"grpc-status"}
        assert client.ask(GET + b"\r\n").status == 200


# ---- the order of things

def test_answer_before_the_body_was_sent(running, upstream):
    """413 while the request's body is on its way: the client hears of it at once."""
    upstream.may_break = True
    def on_head(connection, request):
        connection.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.until_closed()
        connection.close()
        return True

    upstream.on_head = on_head
    with running.client() as client:
        client.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
        assert client.answer().status == 413


def test_answer_while_the_body_is_sent(running, upstream):
    """A conversation: the answer streams while the request does."""
    def on_head(connection, request):
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            part = connection.wire.exactly(8)  # "3\r\nabc\r\n"
            connection.send(part)
        assert connection.wire.exactly(5) == b"0\r\n\r\n"
        connection.send(b"0\r\n\r\n")
        return True

    upstream.on_head = on_head
    with running.client() as client:
        client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        client.send(b"3\r\nabc\r\n")
        assert client.head().status == 200
        assert client.wire.exactly(8) == b"3\r\nabc\r\n"
        for _ in range(2):
            client.send(b"3\r\nabc\r\n")
            assert client.wire.exactly(8) == b"3\r\nabc\r\n"
        client.send(b"0\r\n\r\n")
        assert client.wire.exactly(5) == b"0\r\n\r\n"


def test_upstream_that_closes_while_the_body_is_sent(running, upstream):
    def on_head(connection, request):
        connection.reset()
        return True

    upstream.on_head = on_head
    with running.client() as client:
        client.send(POST + b"Content-Length: 1000\r\n\r\nx")
        assert_bad_gateway(client.answer())


def test_upstream_connection_is_used_again(running, upstream):
    before = upstream.connections
    with running.client() as client:
        for _ in range(10):
            assert client.ask(GET + b"\r\n").status == 200
    assert upstream.connections - before <= 1


def test_upstream_connection_that_says_close_is_not_used_again(running, upstream):
    upstream.answer = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"
    before = upstream.connections
    with running.client() as client:
        for _ in range(3):
            answer = client.ask(GET + b"\r\n")
            assert answer.body == b"hi" and answer["Connection"] in (None, "keep-alive")
    assert upstream.connections - before >= 2


def test_idle_connection_that_was_closed_is_not_noticed(running, upstream):
    """The upstream closes after each answer without saying so: a stale connection is tried again elsewhere."""
    upstream.answer = then_close(OK)
    with running.client() as client:
        for _ in range(20):
            assert client.ask(GET + b"\r\n").status == 200


def test_post_is_not_sent_twice(running, upstream):
    def answer(connection, request):
        if request.method == "POST":
            connection.reset()
        else:
            connection.send(OK)

    upstream.answer = answer
    with running.client() as client:
        assert client.ask(GET + b"\r\n").status == 200
        assert client.ask(POST + b"Content-Length: 2\r\n\r\nhi").status == 502
    assert len([r for r in upstream.requests if r.method == "POST"]) == 1


def test_client_that_leaves_cancels(running, upstream):
    gone = threading.Event()

    def answer(connection, request):
        connection.until_closed()
        connection.close()
        gone.set()

    upstream.answer = answer
    client = running.client()
    client.send(GET + b"\r\n")
    upstream.request()
    client.reset()
    assert gone.wait(10), "the upstream was not told"


def test_unreachable_upstream(gateway):
    running = gateway(DOCUMENT, "--upstream", "origin=http://127.0.0.1:9")
    with running.client() as client:
        for _ in range(2):
            assert_bad_gateway(client.ask(GET + b"\r\n"))
