"""Requests over real sockets: what the client is told and, above all, what the upstream received.

Every refused request is followed by another one in the same bytes. A gateway that misreads where the first
ends passes the second on: then `origin.got_nothing()` is false, and that is request smuggling.
"""
import json
import time

import pytest
from http_peer import chunked

DOCUMENT = """
openapi: 3.1.0
info: {title: framing, version: "1"}
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  limits: {headers: 4k, header_count: 20, uri: 256, body: 100k}
paths:
  /x: &all
    get: &any {responses: {default: {description: any}}}
    put: *any
    post: *any
    delete: *any
    options: *any
    head: *any
  /y: *all
"""

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
NEXT = b"GET /y HTTP/1.1\r\nHost: smuggled\r\n\r\n"


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--upstream", f"origin={module_origin.url}")


@pytest.fixture
def upstream(module_origin):
    module_origin.forget()
    yield module_origin
    module_origin.settle()
    assert not module_origin.failures, module_origin.failures


REFUSED = {
    # request line: RFC 9112 section 3
    "no version": (400, b"GET /x\r\n\r\n"),
    "two spaces": (400, b"GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "tab": (400, b"GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "space in the target": (400, b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n"),
    "space behind the version": (400, b"GET /x HTTP/1.1 \r\nHost: a\r\n\r\n"),
    "fragment": (400, b"GET /x#f HTTP/1.1\r\nHost: a\r\n\r\n"),
    "NUL in the target": (400, b"GET /x\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "UTF-8 in the target": (400, b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "relative target": (400, b"GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "GET *": (400, b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "bad method": (400, b"G@T /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "long method": (501, b"M" * 40 + b" /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "HTTP/1.2": (505, b"GET /x HTTP/1.2\r\nHost: a\r\n\r\n"),
    "HTTP/2.0": (505, b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n"),
    "http/1.1": (400, b"GET /x http/1.1\r\nHost: a\r\n\r\n"),
    "three empty lines": (400, b"\r\n\r\n\r\n" + GET + b"\r\n"),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    # lines: sections 2.2, 5
    "LF lines": (400, b"GET /x HTTP/1.1\nHost: a\n\n"),
    "LF field": (400, GET + b"A: b\n\r\n"),
    "LF for the end": (400, GET + b"\n"),
    "CR in a value": (400, GET + b"A: b\rC: d\r\n\r\n"),
    "CR CR LF": (400, GET + b"A: b\r\r\n\r\n"),
    "NUL in a value": (400, GET + b"A: b\0c\r\n\r\n"),
    "NUL in a name": (400, GET + b"A\0: b\r\n\r\n"),
    "control in a value": (400, GET + b"A: b\x08c\r\n\r\n"),
    "folded": (400, GET + b"A: b\r\n c\r\n\r\n"),
    "folded first": (400, b"GET /x HTTP/1.1\r\n Host: a\r\n\r\n"),
    "space before the colon": (400, GET + b"A : b\r\n\r\n"),
    "no colon": (400, GET + b"A\r\n\r\n"),
    "no name": (400, GET + b": b\r\n\r\n"),
    # Host: sections 3.2, 3.2.2
    "no Host": (400, b"GET /x HTTP/1.1\r\n\r\n"),
    "empty Host": (400, b"GET /x HTTP/1.1\r\nHost:\r\n\r\n"),
    "two Hosts": (400, GET + b"Host: b\r\n\r\n"),
    "same Host twice": (400, GET + b"Host: a\r\n\r\n"),
    "Host list": (400, b"GET /x HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    "Host with userinfo": (400, b"GET /x HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    "Host with path": (400, b"GET /x HTTP/1.1\r\nHost: a/x\r\n\r\n"),
    "Host with bad port": (400, b"GET /x HTTP/1.1\r\nHost: a:99999\r\n\r\n"),
    "absolute-form against Host": (400, b"GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n"),
    "absolute-form with userinfo": (400, b"GET http://u:p@a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "absolute-form, other scheme": (400, b"GET file:///x HTTP/1.1\r\nHost: a\r\n\r\n"),
    # Content-Length: RFC 9110 section 8.6, RFC 9112 section 6.3
    "CL twice": (400, POST + b"Content-Length: 0\r\nContent-Length: 35\r\n\r\n"),
    "same CL twice": (400, POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    "CL list": (400, POST + b"Content-Length: 0, 0\r\n\r\n"),
    "CL +0": (400, POST + b"Content-Length: +0\r\n\r\n"),
    "CL -1": (400, POST + b"Content-Length: -1\r\n\r\n"),
    "CL 0x0": (400, POST + b"Content-Length: 0x0\r\n\r\n"),
    "CL 0 0": (400, POST + b"Content-Length: 0 0\r\n\r\n"),
    "CL 0_0": (400, POST + b"Content-Length: 0_0\r\n\r\n"),
    "CL VT": (400, POST + b"Content-Length: \x0b0\r\n\r\n"),
    "CL empty": (400, POST + b"Content-Length:\r\n\r\n"),
    "CL 2^64": (400, POST + b"Content-Length: 18446744073709551616\r\n\r\n"),
    "CL before colon": (400, POST + b"Content-Length : 35\r\n\r\n"),
    # Transfer-Encoding: sections 6.1, 7
    "CL.TE": (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "TE.CL": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    "TE before colon": (400, POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "TE folded": (400, POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "TE xchunked": (400, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "TE identity": (400, POST + b"Transfer-Encoding: identity\r\n\r\n"),
    "TE gzip, chunked": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "TE chunked, identity": (400, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "TE chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "TE chunked; then x": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    "TE VT": (400, POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "TE quoted": (400, POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "TE empty": (400, POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
    "TE in HTTP/1.0": (400, b"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    # limits
    "long target": (414, b"GET /x?" + b"a" * 300 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "many fields": (431, GET + b"A: b\r\n" * 20 + b"\r\n"),
    "long field": (431, GET + b"A: " + b"b" * 4200 + b"\r\n\r\n"),
    "long name": (431, GET + b"A" * 4200 + b": b\r\n\r\n"),
    "unknown expectation": (417, POST + b"Expect: money\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(running, upstream, name):
    status, request = REFUSED[name]
    with running.client() as client:
        client.send(request + NEXT)
        answer = client.answer()
        assert answer.status == status
        assert answer["Connection"] == "close"
        assert answer["Content-Type"] == "application/problem+json"
        problem = json.loads(answer.body)
        assert problem["status"] == status
        assert client.is_closed()
    assert upstream.got_nothing()


@pytest.mark.parametrize("name", ["CL.TE", "NUL in a value", "two Hosts", "TE xchunked", "long target"])
def test_refused_when_it_arrives_byte_by_byte(running, upstream, name):
    status, request = REFUSED[name]
    with running.client() as client:
        try:
            client.dribble(request, step=1, pause=0)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the end, as it should be
        assert client.answer().status == status
    assert upstream.got_nothing()


BAD_CHUNKS = {
    "LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "space behind the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "2^63": b"8000000000000000\r\nhello\r\n0\r\n\r\n",
    "longer than its size": b"4\r\nhello\r\n0\r\n\r\n",
    "shorter than its size": b"6\r\nhello\r\n0\r\n\r\n",
    "LF behind the data": b"5\r\nhello\n0\r\n\r\n",
    "nothing behind the data": b"5\r\nhello0\r\n\r\n",
    "LF in an extension": b"5;a\n\r\nhello\r\n0\r\n\r\n",
    "bad extension": b"5;a=b c\r\nhello\r\n0\r\n\r\n",
    "endless extension": b"5;a=" + b"b" * 20000 + b"\r\nhello\r\n0\r\n\r\n",
    "bad trailer": b"5\r\nhello\r\n0\r\nA : b\r\n\r\n",
    "endless trailers": b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 4000 + b"\r\n",
    "LF for the end": b"5\r\nhello\r\n0\r\n\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks(running, upstream, name):
    """The request may be on its way upstream already, but never as a whole, and nothing follows it."""
    upstream.may_break = True
    with running.client() as client:
        client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + BAD_CHUNKS[name] + NEXT)
        answer = client.answer()
        assert answer.status == 400
        assert answer["Connection"] == "close"
        assert client.is_closed()
    assert all(b"smuggled" not in request.raw and not request.complete for request in upstream.requests)


def test_plain(running, upstream):
    answer = running.ask(GET + b"Accept: */*\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"ok\n")
    request = upstream.request()
    assert request.line == "GET /x HTTP/1.1"
    assert request["Accept"] == "*/*"
    assert not request.fields.all("Content-Length") and not request.fields.all("Transfer-Encoding")


@pytest.mark.parametrize("target, sent", [
    (b"/x?a=b?c&%20", "/x?a=b?c&%20"), (b"/x?", "/x?"), (b"http://a/x?q", "/x?q"), (b"HTTP://A/x", "/x"),
    (b"/x?{|}^`[]", "/x?{|}^`[]"),
])
def test_targets(running, upstream, target, sent):
    assert running.ask(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert upstream.request().target == sent


def test_host_is_that_of_the_target(running, upstream):
    assert running.ask(GET + b"\r\n").status == 200
    assert upstream.request()["Host"] == f"127.0.0.1:{upstream.port}"


def test_byte_by_byte(running, upstream):
    with running.client() as client:
        client.dribble(b"\r\n" + POST + b"A: b \t c\r\nContent-Length: 5\r\n\r\nhello", pause=0.0005)
        assert client.answer().status == 200
    request = upstream.request()
    assert (request["A"], request.body) == ("b \t c", b"hello")


def test_body_with_length(running, upstream):
    body = bytes(range(256)) * 300
    answer = running.ask(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.status == 200
    request = upstream.request()
    assert request.fields.all("Content-Length") == [str(len(body))]
    assert request.body == body


def test_length_zero_stays(running, upstream):
    assert running.ask(POST + b"Content-Length: 0\r\n\r\n").status == 200
    assert upstream.request()["Content-Length"] == "0"


@pytest.mark.parametrize("parts", [[], [b"hello"], [b"a", b"b" * 1000, b"\r\n0\r\n\r\n"], [b"x"] * 500])
def test_chunked_body(running, upstream, parts):
    answer = running.ask(POST + b"transfer-encoding: Chunked\r\n\r\n" + chunked(*parts))
    assert answer.status == 200
    request = upstream.request()
    assert request.body == b"".join(parts)
    assert request.fields.all("Transfer-Encoding") == ["chunked"] and not request.fields.all("Content-Length")


def test_chunk_extensions_stay_here(running, upstream):
    body = b'5;a=b;c="d;\\""\r\nhello\r\n0;x\r\n\r\n'
    assert running.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body).status == 200
    request = upstream.request()
    assert request.body == b"hello" and b";" not in request.raw.split(b"\r\n\r\n", 1)[1]


def test_forbidden_trailers_stay_here(running, upstream):
    trailers = b"A: b\r\nContent-Length: 99\r\nHost: evil\r\nAuthorization: x\r\nX_User: root\r\n"
    body = chunked(b"hello", trailers=trailers)
    assert running.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body).status == 200
    request = upstream.request()
    assert request.body == b"hello"
    assert set(name for name, _ in request.trailers) <= {"A"}


@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue"])
def test_expect_continue(running, upstream, expect):
    with running.client() as client:
        client.send(POST + b"Expect: " + expect + b"\r\nContent-Length: 5\r\n\r\n")
        assert client.head().status == 100
        client.send(b"hello")
        assert client.answer().status == 200
    assert upstream.request().body == b"hello"


def test_expect_with_the_body_at_once(running, upstream):
    with running.client() as client:
        assert client.ask(POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello").status == 200
        assert client.ask(GET + b"\r\n").status == 200
    assert upstream.request().body == b"hello"


def test_pipelined_in_order(running, upstream):
    def answer(connection, request):
        if request.target == "/x?1":
            time.sleep(0.1)
        body = request.target.encode() + request.body
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    upstream.answer = answer
    with running.client() as client:
        client.send(b"GET /x?1 HTTP/1.1\r\nHost: a\r\n\r\n"
                    b"POST /x?2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                    b"POST /x?3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"de", b"f") +
                    b"\r\nGET /x?4 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert [client.answer().body for _ in range(4)] == [b"/x?1", b"/x?2abc", b"/x?3def", b"/x?4"]


def test_many_pipelined(running, upstream):
    with running.client() as client:
        client.send((GET + b"\r\n") * 100)
        assert all(client.answer().status == 200 for _ in range(100))
    assert len(upstream.requests) == 100


def test_pipelined_behind_a_good_one(running, upstream):
    with running.client() as client:
        client.send(GET + b"\r\n" + GET + b"Host: b\r\n\r\n" + NEXT)
        assert client.answer().status == 200
        assert client.answer().status == 400
        assert client.is_closed()
    assert [r.target for r in upstream.requests] == ["/x"]


def test_keep_alive(running, upstream):
    with running.client() as client:
        for _ in range(3):
            answer = client.ask(GET + b"\r\n")
            assert answer.status == 200 and answer["Connection"] in (None, "keep-alive")


def test_close(running, upstream):
    with running.client() as client:
        answer = client.ask(GET + b"Connection: close\r\n\r\n" + NEXT)
        assert (answer.status, answer["Connection"]) == (200, "close")
        assert client.is_closed()
    assert [r.target for r in upstream.requests] == ["/x"]


def test_http_1_0(running, upstream):
    with running.client() as client:
        answer = client.ask(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
        assert (answer.status, answer.body) == (200, b"ok\n")
        assert client.is_closed()
    assert upstream.request().version == "HTTP/1.1"


def test_http_1_0_without_host(running, upstream):
    assert running.ask(b"GET /x HTTP/1.0\r\n\r\n").status == 200
    assert upstream.request()["Host"] == f"127.0.0.1:{upstream.port}"


def test_http_1_0_keep_alive(running, upstream):
    with running.client() as client:
        for _ in range(2):
            answer = client.ask(b"GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            assert (answer.status, answer["Connection"]) == (200, "keep-alive")


def test_http_1_0_gets_no_chunks(running, upstream):
    upstream.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hel", b"lo")
    with running.client() as client:
        answer = client.ask(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert answer.body == b"hello" and not answer.fields.all("Transfer-Encoding")
        assert client.is_closed()


def test_head(running, upstream):
    upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    with running.client() as client:
        answer = client.ask(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, answer["Content-Length"], answer.body) == (200, "5", b"")
        assert client.ask(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert upstream.request().method == "HEAD"


def test_hop_by_hop_fields_stay_here(running, upstream):
    answer = running.ask(GET + b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\n"
                         b"Proxy-Connection: x\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
                         b"X-End: 2\r\n\r\n")
    assert answer.status == 200
    names = {name.lower() for name, _ in upstream.request().fields}
    assert "x-end" in names
    assert not names & {"x-hop", "keep-alive", "te", "proxy-connection", "proxy-authorization", "upgrade",
                        "http2-settings"}


def test_connection_cannot_name_what_others_rely_on(running, upstream):
    answer = running.ask(POST + b"Connection: host, content-length, authorization, x-forwarded-for\r\n"
                         b"Authorization: b\r\nContent-Length: 5\r\n\r\nhello")
    assert answer.status == 200
    request = upstream.request()
    assert request.body == b"hello" and request["Authorization"] == "b"
    assert request["X-Forwarded-For"] == "127.0.0.1"


def test_names_with_underscores_stay_here(running, upstream):
    assert running.ask(GET + b"X_Forwarded_For: 1.2.3.4\r\nX-End: 2\r\n\r\n").status == 200
    names = {name for name, _ in upstream.request().fields}
    assert "X-End" in names and "X_Forwarded_For" not in names


def test_forwarded_fields_of_strangers_are_replaced(running, upstream):
    answer = running.ask(GET + b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
                         b"X-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n\r\n")
    assert answer.status == 200
    request = upstream.request()
    assert request["X-Forwarded-For"] == "127.0.0.1"
    assert request["X-Forwarded-Proto"] == "http"
    assert request["X-Forwarded-Host"] == "a"
    assert b"1.2.3.4" not in request.raw and b"evil" not in request.raw


@pytest.mark.parametrize("head, body", [
    (b"Content-Length: 200000\r\n\r\n", b""),
    (b"Transfer-Encoding: chunked\r\n\r\n", chunked(b"x" * 60000, b"x" * 60000)),
    (b"Expect: 100-continue\r\nContent-Length: 200000\r\n\r\n", b""),
])
def test_too_big_a_body(running, upstream, head, body):
    upstream.may_break = True
    with running.client() as client:
        client.send(POST + head)
        try:
            client.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = client.answer()
        assert answer.status == 413 and answer.interim == []
    assert not any(len(request.body) > 102400 for request in upstream.requests)


def test_limits_are_reached_but_not_passed(running, upstream):
    target = b"/x?" + b"a" * 253
    assert running.ask(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert running.ask(GET + b"A: b\r\n" * 19 + b"\r\n").status == 200
    assert running.ask(GET + b"A: " + b"b" * 4000 + b"\r\n\r\n").status == 200
    body = b"x" * 102400
    assert running.ask(POST + b"Content-Length: 102400\r\n\r\n" + body).status == 200


def test_connect_is_refused(running, upstream):
    assert running.ask(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").status in (400, 404, 405, 501)
    assert upstream.got_nothing()


def test_half_closed_client_gets_its_answer(running, upstream):
    with running.client() as client:
        client.send(POST + b"Content-Length: 5\r\n\r\nhello").half_close()
        assert client.answer("POST").status == 200


def test_client_that_leaves_within_its_body(running, upstream):
    upstream.may_break = True
    with running.client() as client:
        client.send(POST + b"Content-Length: 5\r\n\r\nhel")
    assert running.ask(GET + b"\r\n").status == 200
    assert not any(request.complete for request in upstream.requests if request.method == "POST")
