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
