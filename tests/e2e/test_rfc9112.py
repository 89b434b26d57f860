"""RFC 9112, clause by clause: what no other test proved yet. rfc9110_9112.md says which test stands for which clause."""
import pytest
from http_peer import OK, Broken, chunked, wait_until
from told import DOCUMENT, GET, HEAD, NEXT, POST, assert_in_sync, assert_left, then_close, told


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={module_origin.url}")


@pytest.fixture
def upstream(module_upstream):
    return module_upstream


# ---- 2.2: empty lines

@pytest.mark.parametrize("count", [1, 2])
def test_empty_lines_before_a_request_line(running, upstream, count):
    with running.client() as client:
        assert client.ask(b"\r\n" * count + GET + b"\r\n", "GET").status == 200
        client.send(b"\r\n" * count)
        assert_in_sync(client, upstream, 1)


def test_nothing_stands_around_requests(running, upstream):
    """Towards the upstream: not a byte before or behind, whatever the client wrote there."""
    seen = []

    def on_head(connection, request):
        connection.read_body(request)
        seen.append(request.raw)
        connection.send(OK)
        return True

    upstream.on_head = on_head
    with running.client() as client:
        client.send(b"\r\n\r\n" + POST + b"Content-Length: 5\r\n\r\nhello\r\n" + GET + b"\r\n\r\n")
        assert [client.answer().status for _ in range(2)] == [200, 200]
    assert [raw[:6] for raw in seen] == [b"POST /", b"GET /x"]
    assert seen[0].endswith(b"\r\n\r\nhello") and seen[1].endswith(b"\r\n\r\n")


# ---- 3.2: Host, in HTTP/1.0 too

@pytest.mark.parametrize("lines", [b"Host: a\r\nHost: b\r\n", b"Host: a\r\nHost: a\r\n", b"Host: a/b\r\n", b"Host:\r\n"],
                         ids=["two", "the same twice", "malformed", "empty"])
def test_host_of_http_1_0(running, upstream, lines):
    with running.client() as client:
        answer = client.ask(b"GET /x HTTP/1.0\r\n" + lines + b"Connection: keep-alive\r\n\r\n")
        assert (answer.status, answer["Connection"]) == (400, "close")
        assert client.is_closed()
    assert upstream.got_nothing()


@pytest.mark.parametrize("value", [
    b"a", b"A.b", b"a:", b"a:0080", b"127.0.0.1:80", b"[::1]", b"[::1]:80", b"a%20b", b"a_b", b"~a!$&'()*+;=",
], ids=["name", "upper case", "empty port", "zeros", "IPv4", "IPv6", "IPv6 with port", "escape", "underscore", "sub-delims"])
def test_legal_hosts(running, upstream, value):
    """What the client asked for is told in a field of its own; Host names the target."""
    with running.client() as client:
        assert client.ask(b"GET /x HTTP/1.1\r\nHost: " + value + b"\r\n\r\n").status == 200
        assert upstream.requests[0]["X-Forwarded-Host"] == value.decode()
        assert upstream.requests[0].fields.all("Host") == [f"127.0.0.1:{upstream.port}"]
        assert_in_sync(client, upstream, 1)


# ---- 3.2.1: origin-form

@pytest.mark.parametrize("target, sent", [(b"http://a", "/"), (b"http://a?x", "/?x"), (b"http://a/", "/"), (b"http://a/x?", "/x?")],
                         ids=["no path", "query alone", "root", "empty query"])
def test_origin_form_is_sent(running, upstream, target, sent):
    assert running.ask(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert upstream.requests[0].target == sent


# ---- 4: the status line

@pytest.mark.parametrize("line, sent", [
    (b"HTTP/1.1 200", "HTTP/1.1 200 "), (b"HTTP/1.1 200 ", "HTTP/1.1 200 "), (b"HTTP/1.0 200 OK", "HTTP/1.1 200 OK"),
    (b"HTTP/1.1 200 \tO K\xff", "HTTP/1.1 200 \tO K\xff"),
], ids=["no space", "no reason", "HTTP/1.0", "odd reason"])
def test_status_lines(running, upstream, line, sent):
    """The version is the gateway's own; the space is there without a reason."""
    upstream.answer = line + b"\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert (answer.line, answer.body) == (sent, b"hi")
        assert_in_sync(client, upstream, 1)


# ---- 6.1: chunked is always understood, and never sent to HTTP/1.0

@pytest.mark.parametrize("size", [1, 15, 16, 4095, 65536, 99999])
def test_chunk_sizes(running, upstream, size):
    body = b"c" * size
    upstream.answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%X\r\n%s\r\n0\r\n\r\n" % (size, body)
    with running.client() as client:
        assert client.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n%X\r\n%s\r\n0\r\n\r\n" % (size, body)).body == body
        assert upstream.requests[0].body == body
        assert_in_sync(client, upstream, 1)


# ---- 6.3: where bodies end

@pytest.mark.parametrize("head", [b"", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"],
                         ids=["nothing", "no length", "chunked"])
@pytest.mark.parametrize("status", [b"103 Early Hints", b"204 No Content", b"304 Not Modified"], ids=["103", "204", "304"])
def test_heads_that_end_a_message(running, upstream, status, head):
    """Whatever they say about a body."""
    upstream.answer = b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n" + (OK if status.startswith(b"1") else b"")
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert answer.status == (200 if status.startswith(b"1") else int(status[:3]))
        assert_in_sync(client, upstream, 1)


@pytest.mark.parametrize("sent", [1, 4])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_requests_that_break_off(running, upstream, framing, sent):
    """Never whole to the upstream; the connection is not used again, on neither side."""
    upstream.may_break = True
    data = b"Content-Length: 5\r\n\r\nhello" if framing == "length" else b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with running.client() as client:
        client.send(POST + data[:-sent]).half_close()
        assert client.answer().status == 400
        assert client.is_closed()
    upstream.settle()
    assert all(not request.complete for request in upstream.requests)
    for request in upstream.requests:
        assert_left(request)
    before = len(upstream.requests)
    with running.client() as client:
        assert_in_sync(client, upstream, before)


@pytest.mark.parametrize("data", [b"Content-Length: 5\r\n\r\nhell", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n",
                                  b"Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n"], ids=["length", "chunked", "last line"])
def test_answers_that_break_off(running, upstream, data):
    upstream.answer = then_close(HEAD + data)
    with running.client() as client:
        client.send(GET + b"\r\n")
        with pytest.raises((Broken, ConnectionResetError)):
            answer = client.answer()
            raise Broken("refused as a whole" if answer.status == 502 else answer)
    assert_left(upstream.requests[0])
    with running.client() as client:
        assert_in_sync(client, upstream, 1)


# ---- 9.2, 9.3: order, and one at a time on each connection

def test_answers_go_to_who_asked(running, upstream):
    """Many clients, many connections, each answer says whose it is."""
    def answer(connection, request):
        body = request.target.encode()
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    upstream.answer = answer
    clients = [running.client() for _ in range(10)]
    for turn in range(5):
        for number, client in enumerate(clients):
            client.send(b"GET /below/%d/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (number, turn))
        for number, client in enumerate(clients):
            assert client.answer().body == b"/below/%d/%d" % (number, turn)
    for client in clients:
        client.close()


def test_a_body_that_is_not_read_to_its_end(running, upstream):
    """The client leaves in the middle of an answer: the upstream's connection is not used again."""
    size, left = 200_000, []

    def answer(connection, request):
        connection.may_break = True
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % (size * 2) + b"x" * size)
        connection.until_closed()
        left.append(connection.number)
        connection.close()

    upstream.answer = answer
    client = running.client()
    client.send(GET + b"\r\n").head()
    client.reset()
    wait_until(lambda: left, "the upstream to be left")
    with running.client() as client:
        assert_in_sync(client, upstream, 1)


# ---- 9.6: close

@pytest.mark.parametrize("connection", [b"close", b"Close", b"keep-alive, close", b"close, keep-alive", b"x,close"],
                         ids=["alone", "upper case", "behind", "in front", "in a list"])
def test_close_is_heard(running, upstream, connection):
    with running.client() as client:
        answer = client.ask(GET + b"Connection: " + connection + b"\r\n\r\n" + NEXT)
        assert (answer.status, answer["Connection"]) == (200, "close")
        assert client.is_closed()
    assert [told(r) for r in upstream.requests] == [("GET /x HTTP/1.1", [], b"")]


@pytest.mark.parametrize("connection", [b"close", b"CLOSE", b"keep-alive, close", b"x, close"],
                         ids=["alone", "upper case", "behind", "in a list"])
def test_close_of_the_upstream_is_heard(running, upstream, connection):
    """Its connection is left, though it stays open on its side; the client's lives on."""
    upstream.answer = HEAD + b"Connection: " + connection + b"\r\nContent-Length: 2\r\n\r\nhi"
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert (answer.body, answer["Connection"]) == (b"hi", None)
        assert_left(upstream.requests[0])
        assert_in_sync(client, upstream, 1)


def test_an_http_1_0_upstream_closes_unless_it_says_otherwise(running, upstream):
    upstream.answer = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    with running.client() as client:
        assert client.ask(GET + b"\r\n").body == b"hi"
        assert_left(upstream.requests[0])
        upstream.answer = b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi"
        assert client.ask(GET + b"\r\n").body == b"hi"
        assert_in_sync(client, upstream, 2)
    assert upstream.requests[1].connection is upstream.requests[2].connection


# ---- C.2.2

def test_proxy_connection_means_nothing(running, upstream):
    with running.client() as client:
        assert client.ask(GET + b"Proxy-Connection: close\r\n\r\n")["Connection"] is None
        assert told(upstream.requests[0])[1] == []
        assert_in_sync(client, upstream, 1)
    with running.client() as client:
        assert client.ask(b"GET /x HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n")["Connection"] == "close"
        assert client.is_closed()
