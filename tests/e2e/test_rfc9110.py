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
