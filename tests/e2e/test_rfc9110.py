"""RFC 9110, clause by clause: what no other test proved yet. rfc9110_9112.md says which test stands for which clause."""
import pytest
from http_peer import OK, chunked
from told import DOCUMENT, GET, HEAD, POST, assert_in_sync, told


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={module_origin.url}")


@pytest.fixture
def upstream(module_upstream):
    return module_upstream


# ---- 8.6 Content-Length

@pytest.mark.parametrize("value", [b"005", b"0" * 30 + b"5"], ids=["octal to some", "many zeros"])
def test_leading_zeros_of_a_length_end_here(running, upstream, value):
    """They are legal, and what strtol makes of them is not what we counted."""
    upstream.answer = HEAD + b"Content-Length: " + value + b"\r\n\r\nhello"
    with running.client() as client:
        answer = client.ask(POST + b"Content-Length: " + value + b"\r\n\r\nhello")
        assert answer.body == b"hello" and answer.fields.all("Content-Length") == ["5"]
        assert told(upstream.requests[0]) == ("POST /x HTTP/1.1", [("Content-Length", "5")], b"hello")
        assert_in_sync(client, upstream, 1)


# ---- 10.1.1 Expect

@pytest.mark.parametrize("request_head", [
    b"GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    b"POST /x HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
], ids=["no content", "empty content", "HTTP/1.0"])
def test_void_expectations_are_not_passed_on(running, upstream, request_head):
    with running.client() as client:
        answer = client.ask(request_head)
        assert (answer.status, answer.interim) == (200, [])
        assert upstream.requests[0]["Expect"] is None
        assert_in_sync(client, upstream, 1)


# ---- 8.6, 15.2: interim answers

@pytest.mark.parametrize("lines", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"], ids=["length", "coding"])
def test_interim_answers_have_no_framing(running, upstream, lines):
    upstream.answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n" + lines + b"\r\n" + OK
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert [sorted(m.fields) for m in answer.interim] == [[("Link", "</a>")]]
        assert answer.body == b"ok\n"
        assert_in_sync(client, upstream, 1)


# ---- 9.3.8 TRACE

@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"hello")],
                         ids=["length", "chunked"])
def test_trace_with_content_is_refused(running, upstream, body):
    with running.client() as client:
        assert client.ask(b"TRACE /x HTTP/1.1\r\nHost: a\r\n" + body).status == 400
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


def test_trace_is_passed_on(running, upstream):
    with running.client() as client:
        assert client.ask(b"TRACE /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n").status == 200
        assert told(upstream.requests[0]) == ("TRACE /x HTTP/1.1", [("X", "y")], b"")
        assert_in_sync(client, upstream, 1)


# ---- 7.6.2 Max-Forwards

def bounded(method, *values):
    return method + b" /x HTTP/1.1\r\nHost: a\r\n" + b"".join(b"Max-Forwards: %s\r\n" % v for v in values) + b"\r\n"


@pytest.mark.parametrize("method", [b"OPTIONS", b"TRACE"], ids=["OPTIONS", "TRACE"])
@pytest.mark.parametrize("value, sent", [(b"1", "0"), (b"10", "9"), (b"007", "6"), (b"9" * 30, "4294967294")],
                         ids=["one", "ten", "zeros in front", "beyond counting"])
def test_max_forwards_counts_down(running, upstream, method, value, sent):
    with running.client() as client:
        assert client.ask(bounded(method, value)).status == 200
        assert told(upstream.requests[0])[1] == [("Max-Forwards", sent)]
        assert_in_sync(client, upstream, 1)


def test_options_that_end_here(running, upstream):
    with running.client() as client:
        answer = client.ask(bounded(b"OPTIONS", b"0"))
        assert (answer.status, answer["Allow"]) == (204, "GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE")
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


def test_trace_that_ends_here(running, upstream):
    with running.client() as client:
        assert client.ask(bounded(b"TRACE", b"0")).status == 501
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


@pytest.mark.parametrize("values", [[b""], [b"-1"], [b"1x"], [b"0x1"], [b"1, 2"], [b"1", b"1"]],
                         ids=["empty", "negative", "letter", "hexadecimal", "list", "two"])
def test_max_forwards_that_is_no_number(running, upstream, values):
    with running.client() as client:
        assert client.ask(bounded(b"OPTIONS", *values)).status == 400
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


def test_max_forwards_of_other_methods_means_nothing(running, upstream):
    with running.client() as client:
        assert client.ask(bounded(b"GET", b"0")).status == 200
        assert told(upstream.requests[0])[1] == [("Max-Forwards", "0")]
        assert_in_sync(client, upstream, 1)


# ---- 7.6 and 7.6.3: Via, loops

@pytest.mark.parametrize("version, said", [(b"1.1", "1.1 letter"), (b"1.0", "1.0 letter")], ids=["1.1", "1.0"])
def test_via_names_the_gateway(running, upstream, version, said):
    assert running.ask(b"GET /x HTTP/%s\r\nHost: a\r\n\r\n" % version).status == 200
    assert upstream.requests[0].fields.all("Via") == [said]


def test_via_goes_behind_the_others(running, upstream):
    assert running.ask(GET + b"Via: 1.0 fred, 1.1 p.example.net (x, y)\r\nX: y\r\nVia: HTTP/2 lucy:80\r\n\r\n").status == 200
    assert upstream.requests[0].fields.all("Via") == ["1.0 fred, 1.1 p.example.net (x, y)", "HTTP/2 lucy:80", "1.1 letter"]


def test_answers_say_no_via_of_ours(running, upstream):
    """A gateway may; the upstream's own is passed on."""
    upstream.answer = HEAD + b"Via: 1.1 inner\r\nContent-Length: 0\r\n\r\n"
    assert running.ask(GET + b"\r\n").fields.all("Via") == ["1.1 inner"]


@pytest.mark.parametrize("via", [b"Via: 1.1 letter\r\n" * 8, b"Via: " + b", ".join([b"1.1 Letter"] * 8) + b"\r\n"],
                         ids=["lines", "a list"])
def test_a_loop_ends(running, upstream, via):
    with running.client() as client:
        assert client.ask(GET + via + b"\r\n").status == 508
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


def test_a_real_loop_ends(module_gateway):
    """A gateway whose upstream is itself."""
    first = module_gateway(DOCUMENT, "--workers", "1", "--upstream", "origin=http://127.0.0.1:9")
    port = first.port
    first.stop()
    again = module_gateway(DOCUMENT, "--listen", f"127.0.0.1:{port}", "--upstream", f"origin=http://127.0.0.1:{port}")
    assert again.ask(GET + b"\r\n").status == 508


@pytest.mark.parametrize("via", [b"1.1 letters", b"1.1 a.letter", b"1.1 x (letter)", b"letter"],
                         ids=["longer", "below", "comment", "no version"])
def test_other_names_are_no_loop(running, upstream, via):
    with running.client() as client:
        assert client.ask(GET + b"Via: " + b", ".join([via] * 9) + b"\r\n\r\n").status == 200
        assert_in_sync(client, upstream, 1)


# ---- 7.4 Rejecting Misdirected Requests

@pytest.mark.parametrize("scheme", [b"https", b"HTTPS"], ids=["lower case", "upper case"])
def test_https_over_plain_text_is_misdirected(running, upstream, scheme):
    with running.client() as client:
        assert client.ask(b"GET " + scheme + b"://a/x HTTP/1.1\r\nHost: a\r\n\r\n").status == 421
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


def test_https_from_a_trusted_gateway(module_gateway, module_origin, upstream):
    """It may have had the request over TLS."""
    trust = "  version: 1\n  forwarded: {trusted_proxies: [127.0.0.0/8]}\n"
    trusting = module_gateway(DOCUMENT.replace("  version: 1\n", trust), "--upstream", f"origin={module_origin.url}")
    assert trusting.ask(b"GET https://a/x HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert upstream.requests[0].target == "/x"


# ---- 7.6.1 Connection: what it names goes, trailers too

@pytest.mark.parametrize("connection, left", [
    (b"", b"X-Hop: 1\r\nX-T: 2\r\n"), (b"Connection: keep-alive\r\n", b"X-Hop: 1\r\nX-T: 2\r\n"), (b"Connection: x-hop\r\n", b""),
    (b"Connection: keep-alive, X-HOP, TE\r\n", b""),
], ids=["nothing named", "an option", "named", "named in a list"])
def test_trailers_that_connection_names(running, upstream, connection, left):
    """When some are named, all go: whoever forwards may discard trailers."""
    body = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", trailers=b"X-Hop: 1\r\nX-T: 2\r\n")
    upstream.answer = HEAD + connection + body
    with running.client() as client:
        answer = client.ask(POST + connection + body)
        assert answer.body == b"hello"
        assert [f"{n}: {v}" for n, v in answer.trailers] == left.decode().splitlines()
        assert told(upstream.requests[0])[2] == b"5\r\nhello\r\n0\r\n" + left + b"\r\n"
        assert_in_sync(client, upstream, 1)


# ---- 10.1.1: a list, as others

@pytest.mark.parametrize("lines, sent", [
    (b"Expect:\r\n", None), (b"Expect: ,\r\n", None), (b"Expect: , 100-continue\r\n", ", 100-continue"),
], ids=["empty", "nothing twice", "nothing in front"])
def test_empty_elements_of_expect(running, upstream, lines, sent):
    with running.client() as client:
        assert client.ask(POST + lines + b"Content-Length: 5\r\n\r\nhello").status == 200
        assert upstream.requests[0]["Expect"] == sent
        assert_in_sync(client, upstream, 1)
