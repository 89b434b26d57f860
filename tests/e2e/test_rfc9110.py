"""RFC 9110, clause by clause: what no other test proved yet. rfc9110_9112.md says which test stands for which clause."""
import email.utils
import re
import time

import pytest
from fixtures import build
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


def test_via_is_off_unless_asked_for(module_gateway, upstream):
    """Without `via` nothing is added, what is there is passed on, and no loop is seen."""
    document = DOCUMENT.replace("  forwarded: {via: true}\n", "")
    silent = module_gateway(document, "--workers", "1", "--upstream", f"origin=http://127.0.0.1:{upstream.port}")
    for lines, said in [(b"", []), (b"Via: 1.1 letter\r\n" * 9, ["1.1 letter"] * 9)]:
        assert silent.ask(GET + lines + b"\r\n").status == 200
        assert upstream.requests[-1].fields.all("Via") == said


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
    document = DOCUMENT.replace("{via: true}", "{via: true, trusted_proxies: [127.0.0.0/8]}")
    trusting = module_gateway(document, "--upstream", f"origin={module_origin.url}")
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


# ---- 3.3: stateless

def test_requests_of_one_connection_share_nothing(running, upstream):
    """They may be of several users: nothing of the first is said about the second."""
    with running.client() as client:
        client.ask(GET + b"Authorization: b\r\nCookie: c\r\nX-User: u\r\n\r\n")
        client.ask(GET + b"\r\n")
    first, second = upstream.requests
    assert told(second)[1] == [] and len(told(first)[1]) == 3
    assert first["X-Request-ID"] != second["X-Request-ID"]


# ---- 5.1, 5.3, 5.5: fields are passed on, in their order

UNKNOWN = [("X-Unknown", "1"), ("X-Other", "a, b"), ("x-unknown", "2"), ("X-Empty", ""), ("X-Unknown", "3"), ("From", "a@b"),
           ("If-None-Match", 'W/"x", "y"'), ("If-Match", "*"), ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
           ("If-Unmodified-Since", "never"), ("If-Range", '"x"'), ("Range", "lines=1-2"), ("Authorization", 'Basic  x=="')]
UNTOUCHED = [("Server", "me/1"), ("Vary", "*"), ("Allow", "GET, X-NEW"), ("WWW-Authenticate", 'Basic realm="a", Digest realm="b"'),
             ("WWW-Authenticate", "New"), ("Authentication-Info", 'x="y"'), ("X-Unknown", "1"), ("ETag", 'W/"x"'), ("x-unknown", "2"),
             ("Content-Location", "/other"), ("Content-Encoding", "gzip"), ("Content-Range", "bytes 0-1/2"), ("X-Unknown", "3"),
             ("Cache-Control", "no-transform"), ("Location", "http://b/"), ("Upgrade-Insecure-Requests", "1")]


def lines(fields):
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def test_fields_of_requests_in_their_order(running, upstream):
    assert running.ask(GET + lines(UNKNOWN) + b"\r\n").status == 200
    assert told(upstream.requests[0])[1] == UNKNOWN


def test_fields_of_answers_in_their_order(running, upstream):
    upstream.answer = HEAD + lines(UNTOUCHED) + b"Content-Length: 2\r\n\r\nhi"
    answer = running.ask(GET + b"\r\n")
    assert [(n, v) for n, v in answer.fields if n not in ("Content-Length", "Date", "X-Request-ID")] == UNTOUCHED
    assert answer.body == b"hi"


def test_nothing_is_sent_on_before_the_head_is_complete(running, upstream):
    with running.client() as client:
        client.send(GET + b"X: y\r\n")
        assert client.is_quiet(0.1) and upstream.got_nothing()
        client.send(b"\r\n")
        assert client.answer().status == 200


# ---- 5.6.1.2: empty elements of lists

@pytest.mark.parametrize("connection", [b", x-hop", b"x-hop,", b"keep-alive , ,x-hop, ,", b" ,\t, x-hop"],
                         ids=["in front", "behind", "between", "white space"])
def test_empty_elements_of_connection(running, upstream, connection):
    with running.client() as client:
        assert client.ask(GET + b"Connection: " + connection + b"\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n").status == 200
        assert told(upstream.requests[0])[1] == [("X-End", "2")]
        assert_in_sync(client, upstream, 1)


# ---- 5.6.7 and 6.6.1: dates

IMF_FIXDATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
                         r"\d\d:\d\d:\d\d GMT")


@pytest.mark.parametrize("request_line, status", [
    (b"GET /here", 200), (b"OPTIONS *", 204), (b"GET /gone/1", 301), (b"GET /no", 404), (b"PATCH /x", 405), (b"GET x", 400),
    (b"HEAD /here", 200),
], ids=["200", "204", "301", "404", "405", "400", "HEAD"])
def test_answers_made_here_are_dated(running, request_line, status):
    before = time.time()
    answer = running.ask(request_line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.status == status and IMF_FIXDATE.fullmatch(answer["Date"])
    assert before - 2 < email.utils.parsedate_to_datetime(answer["Date"]).timestamp() < time.time() + 1


def test_answers_passed_on_are_dated(running, upstream):
    """When the upstream did not: by the time of receipt. What it says stays, legal or not."""
    assert IMF_FIXDATE.fullmatch(running.ask(GET + b"\r\n")["Date"])
    upstream.answer = HEAD + b"Date: yesterday\r\nContent-Length: 0\r\n\r\n"
    assert running.ask(GET + b"\r\n").fields.all("Date") == ["yesterday"]


# ---- 6.5.1: trailers

@pytest.mark.parametrize("version", [b"1.0", b"1.1"], ids=["1.0", "1.1"])
def test_trailers_are_not_merged(running, upstream, version):
    upstream.answer = HEAD + b"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", trailers=b"X-T: 1\r\n")
    answer = running.ask(b"GET /x HTTP/" + version + b"\r\nHost: a\r\n\r\n")
    assert answer.body == b"hello" and answer["X-T"] is None
    assert answer.trailers == ([("X-T", "1")] if version == b"1.1" else [])


# ---- 7.6.1, 10.1.4: TE is of this connection

@pytest.mark.parametrize("te, said", [
    (b"trailers", True), (b"gzip, Trailers;q=0.5", False), (b"deflate;q=0.5, trailers", True), (b"gzip", False), (b"", False),
], ids=["trailers", "parameter", "list", "coding", "empty"])
def test_te_is_said_with_its_connection_option(running, upstream, te, said):
    assert running.ask(GET + b"TE: " + te + b"\r\nConnection: TE\r\n\r\n").status == 200
    assert told(upstream.requests[0])[1] == ([("TE", "trailers"), ("Connection", "TE")] if said else [])


# ---- 7.8 Upgrade

@pytest.mark.parametrize("version", [b"1.0", b"1.1"], ids=["1.0", "1.1"])
@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"TLS/1.3"], ids=["websocket", "h2c", "TLS"])
def test_upgrade_is_ignored(running, upstream, version, protocol):
    with running.client() as client:
        request = b"GET /x HTTP/" + version + b"\r\nHost: a\r\nUpgrade: " + protocol + b"\r\nConnection: keep-alive, upgrade\r\n\r\n"
        assert client.ask(request).status == 200
        assert told(upstream.requests[0])[1] == []
        assert_in_sync(client, upstream, 1)


# ---- 8.6: lengths of answers

def test_a_list_of_one_length(running, upstream):
    upstream.answer = HEAD + b"Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello"
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert answer.body == b"hello" and answer.fields.all("Content-Length") == ["5"]
        assert_in_sync(client, upstream, 1)


# ---- 9.3.6 CONNECT

@pytest.mark.parametrize("target, status", [
    (b"a", 400), (b"a:", 400), (b"a:99999", 400), (b"a:x", 400), (b":443", 400), (b"/x", 400), (b"a:443", 501),
], ids=["no port", "empty port", "big port", "letters", "no host", "a path", "a legal one"])
def test_connect(running, upstream, target, status):
    assert running.ask(b"CONNECT " + target + b" HTTP/1.1\r\nHost: a:443\r\n\r\n").status == status
    assert upstream.got_nothing()


# ---- 9.3.7, 10.2.1: OPTIONS and Allow

@pytest.mark.parametrize("target", [b"*", b"http://a"], ids=["asterisk", "absolute-form"])
def test_options_for_the_server(running, upstream, target):
    with running.client() as client:
        answer = client.ask(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, answer["Content-Length"]) == (204, None)
        assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "TRACE"}
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


def test_405_says_what_is_allowed(running, upstream):
    assert running.ask(b"PATCH /here HTTP/1.1\r\nHost: a\r\n\r\n")["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert upstream.got_nothing()


# ---- 10.1.1: an expectation is passed on

def test_continue_comes_from_the_upstream(running, upstream):
    """It decides, not the gateway; the client hears of it once, and the body follows."""
    said = []

    def on_head(connection, request):
        said.append((request["Expect"], connection.wire.ahead))
        connection.send(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n")
        return False

    upstream.on_head = on_head
    with running.client() as client:
        client.send(POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.head().status == 100
        client.send(b"hello")
        answer = client.answer()
        assert (answer.body, answer.interim, said) == (b"ok\n", [], [("100-continue", b"")])
        assert_in_sync(client, upstream, 1)


# ---- 13.2.1, 14.2: what only an origin may judge

@pytest.mark.parametrize("field", [
    b"If-None-Match: *", b'If-Match: "x"', b"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    b"If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT", b"Range: bytes=1-2", b"Range: lines=1", b'If-Range: "x"',
    b"Content-Range: bytes 0-1/2",
], ids=["none match", "match", "unmodified", "modified", "range", "unknown unit", "if-range", "content range"])
def test_answers_made_here_are_whole(running, field):
    answer = running.ask(b"GET /here HTTP/1.1\r\nHost: a\r\n" + field + b"\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"here")


# ---- 15: unknown statuses are of their class

@pytest.mark.parametrize("status", [299, 399, 499, 599])
def test_unknown_statuses_are_passed_on(running, upstream, status):
    upstream.answer = b"HTTP/1.1 %d Odd one\r\nContent-Length: 2\r\n\r\nhi" % status
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert (answer.line, answer.body) == (f"HTTP/1.1 {status} Odd one", b"hi")
        assert_in_sync(client, upstream, 1)


def test_unknown_interim_answers_are_passed_on(running, upstream):
    upstream.answer = b"HTTP/1.1 199 Odd one\r\nX: y\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK
    answer = running.ask(GET + b"\r\n")
    assert [(m.line, m.fields) for m in answer.interim] == [("HTTP/1.1 199 Odd one", [("X", "y")]), ("HTTP/1.1 102 Processing", [])]
    assert answer.body == b"ok\n"


# ---- 15.3.6: 205 has no content

def test_no_content_with_205(build_cache):
    """A document that wants it is an error of the compiler."""
    with pytest.raises(pytest.fail.Exception, match="205"):
        build(build_cache, DOCUMENT.replace("{respond: {status: 200, body: here}}", "{respond: {status: 205, body: here}}"))
