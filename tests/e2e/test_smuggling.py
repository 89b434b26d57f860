"""Messages that two readers could understand differently: what was published about length, chunks, line ends, names and
paths, in both directions: CL.TE, TE.CL, TE.TE, CL.0, 0.CL by Expect, the ends of chunks and of their extensions (TERM.EXT, EXT.TERM,
one- and two-byte ends, spills), response splitting, poisoned queues of answers. Each request is followed by a marker. Either the
whole is refused, nothing reaches the upstream and the connection ends, or it is one message to everybody: the upstream receives
exactly what is written here, then the marker.
"""
import pytest
from http_peer import OK, Broken, chunked, wait_until
from told import DOCUMENT, GET, HEAD, NEXT, POST, STALE, assert_in_sync, assert_left, told

from test_http1_framing import BAD_CHUNKS, REFUSED

HELLO = b"0\r\n\r\n"
TE = b"Transfer-Encoding: "


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={module_origin.url}")


@pytest.fixture
def upstream(module_upstream):
    return module_upstream


# ---- requests that are nobody's

LENGTHS = {
    "two values in a list": b"5, 5", "two values that differ": b"5, 6", "list with nothing behind": b"5,",
    "list with nothing in front": b",5", "plus": b"+5", "minus": b"-5", "hexadecimal": b"0x5", "two numbers": b"5 5",
    "tab between": b"5\t5", "fraction": b"5.0", "exponent": b"5e0", "underscore": b"1_0", "semicolon": b"5;",
    "letter": b"5a", "quoted": b'"5"', "vertical tab": b"5\x0b", "form feed": b"\x0c5", "no-break space": b"5\xa0",
    "other digits": "\u0665".encode(), "wide digit": "\uff15".encode(), "2 to the 63": b"9223372036854775808",
    "2 to the 64 and 5": b"18446744073709551621", "forty digits": b"9" * 40,
}
CODINGS = {
    "chunkedx": b"chunkedx", "identity alone": b"identity", "gzip alone": b"gzip",
    "twice": b"chunked, chunked", "twice by a tab": b"chunked\tchunked",
    "twice by a space": b"chunked chunked", "parameter": b"chunked;q=1", "empty parameter": b"chunked;",
    "nothing behind": b"chunked,", "nothing in front": b", chunked", "single quotes": b"'chunked'",
    "vertical tab behind": b"chunked\x0b",
    "form feed": b"\x0cchunked", "no-break space": b"\xa0chunked", "backspace": b"chunked\x08",
    "Kelvin sign": "chun\u212aed".encode(), "equals": b"chunked=chunked", "colon": b": chunked", "brackets": b"[chunked]",
    "NUL": b"chunked\0", "CR": b"chunked\rX: y", "LF": b"chunked\nX: y", "folded": b"\r\n chunked",
    "folded behind": b"chunked\r\n x", "comment": b"chunked (x)",
}
NAMES = {
    "tab before the colon": b"Transfer-Encoding\t: chunked",
    "vertical tab before the colon": b"Transfer-Encoding\x0b: chunked", "space in front": b" Transfer-Encoding: chunked",
    "tab in front": b"\tTransfer-Encoding: chunked", "space within": b"Transfer Encoding: chunked",
    "NUL within": b"Transfer\0-Encoding: chunked", "NUL behind": b"Transfer-Encoding\0: chunked",
    "CR behind": b"Transfer-Encoding\r: chunked", "CRLF behind": b"Transfer-Encoding\r\n: chunked",
    "behind a CR": b"X: y\rTransfer-Encoding: chunked", "behind a LF": b"X: y\nTransfer-Encoding: chunked",
    "behind LF CR": b"X: y\n\rTransfer-Encoding: chunked", "behind a NUL": b"X: y\0Transfer-Encoding: chunked",
    "behind a line without colon": b"X\r\nTransfer-Encoding: chunked", "behind no name": b": x\r\nTransfer-Encoding: chunked",
    "other letter": "Transfer-Encod\u0456ng: chunked".encode(), "high byte in front": b"\xffTransfer-Encoding: chunked",
    "soft hyphen": b"Transfer\xadEncoding: chunked", "quoted": b'"Transfer-Encoding": chunked',
    "bracket": b"(Transfer-Encoding: chunked", "at sign": b"X@Y: z", "slash": b"X/Y: z", "DEL": b"X\x7f: z", "equals": b"X=Y",
    "length with a space": b"Content-Length : 5", "length in brackets": b"[Content-Length]: 5",
    "length in two cases": b"Content-length: 5\r\nCONTENT-LENGTH: 5", "length twice": b"Content-Length: 5\r\nContent-Length: 6",
    "length behind a NUL": b"X: y\0\r\nContent-Length: 5", "CR CR LF": b"X: y\r\r\nContent-Length: 5",
    "length, TE that nobody knows": b"Content-Length: 5\r\nTransfer-Encoding: xchunked",
    "identity, then chunked": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "chunked, then identity": b"Transfer-Encoding: chunked\r\nTransfer-encoding: identity",
    "chunked, then nothing": b"Transfer-Encoding: chunked\r\nTransfer-Encoding:",
    "expectation with a space": b"Expect : 100-continue\r\nContent-Length: 5",
    "expectation folded": b"Expect:\r\n 100-continue\r\nContent-Length: 5",
    "expectation with a byte": b"Expect: 100-continue\x0b\r\nContent-Length: 5",
}
EXPECTATIONS = {
    "a word in front": b"y 100-continue", "a word behind": b"100-continue y", "a list": b"100-continue, y",
    "quoted": b'"100-continue"',
    "a value": b"100-continue=1", "a parameter": b"100-continue;q=1", "high byte": b"100-continue\xa0", "number": b"100",
}
LINES = {
    "HTTP/0.9": b"GET /x\r\n", "HTTP/0.9 with fields": b"GET /x\r\nHost: a\r\n\r\n",
    "HTTP/1.10": b"GET /x HTTP/1.10\r\nHost: a\r\n\r\n",
    "HTTP/01.1": b"GET /x HTTP/01.1\r\nHost: a\r\n\r\n", "HTTP/1.01": b"GET /x HTTP/1.01\r\nHost: a\r\n\r\n",
    "HTTP/1": b"GET /x HTTP/1\r\nHost: a\r\n\r\n", "HTTP/1.": b"GET /x HTTP/1.\r\nHost: a\r\n\r\n",
    "comma": b"GET /x HTTP/1,1\r\nHost: a\r\n\r\n", "mixed case version": b"GET /x Http/1.1\r\nHost: a\r\n\r\n",
    "HTP": b"GET /x HTP/1.1\r\nHost: a\r\n\r\n",
    "space within the version": b"GET /x HTTP /1.1\r\nHost: a\r\n\r\n",
    "space behind the slash": b"GET /x HTTP/ 1.1\r\nHost: a\r\n\r\n",
    "tab behind the version": b"GET /x HTTP/1.1\t\r\nHost: a\r\n\r\n",
    "word behind the version": b"GET /x HTTP/1.1 x\r\nHost: a\r\n\r\n",
    "two versions": b"GET /x HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "CR behind the version": b"GET /x HTTP/1.1\r\r\nHost: a\r\n\r\n",
    "LF behind the version": b"GET /x HTTP/1.1\nHost: a\r\n\r\n", "NUL behind the version": b"GET /x HTTP/1.1\0\r\nHost: a\r\n\r\n",
    "space in front": b" GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "tab in front": b"\tGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "CR in front": b"\rGET /x HTTP/1.1\r\nHost: a\r\n\r\n", "LF in front": b"\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in front": b"\0GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "BOM in front": b"\xef\xbb\xbfGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "vertical tab": b"GET\x0b/x HTTP/1.1\r\nHost: a\r\n\r\n", "tab before the version": b"GET /x\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "two spaces before the version": b"GET /x  HTTP/1.1\r\nHost: a\r\n\r\n",
    "no-break space": b"GET /x\xa0HTTP/1.1\r\nHost: a\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\nHost: a\r\n\r\n", "empty target": b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "method with a colon": b"GET: /x HTTP/1.1\r\nHost: a\r\n\r\n", "a status line": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "space first in the fields": b"GET /x HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n",
    "space as a line": b"GET /x HTTP/1.1\r\nHost: a\r\n \r\n\r\n",
    "fold at the end": b"GET /x HTTP/1.1\r\nHost: a\r\nA: b\r\n \r\n\r\n",
}
HOSTS = {
    "two cases": b"Host: a\r\nhost: a\r\n",
    "list": b"Host: a,b\r\n", "space": b"Host: a b\r\n", "tab": b"Host: a\tb\r\n", "userinfo": b"Host: u:p@a\r\n",
    "at": b"Host: @a\r\n",
    "query": b"Host: a?x\r\n", "fragment": b"Host: a#x\r\n", "URL": b"Host: http://a\r\n",
    "backslash": b"Host: a\\b\r\n", "two ports": b"Host: a:80:80\r\n", "negative port": b"Host: a:-1\r\n",
    "hexadecimal port": b"Host: a:0x50\r\n",
    "big port": b"Host: a:65536\r\n", "no name": b"Host: :80\r\n", "open bracket": b"Host: [::1\r\n",
    "text behind the bracket": b"Host: [::1]x\r\n",
    "letters in brackets": b"Host: [a]\r\n", "high byte": b"Host: a\xff\r\n", "bad escape": b"Host: a%zz\r\n",
    "NUL": b"Host: a\0b\r\n",
    "space before the colon": b"Host : a\r\n", "second one folded": b"Host: a\r\n Host: b\r\n",
    "second one behind LF": b"Host: a\nHost: b\r\n",
    "angle bracket": b"Host: <a>\r\n", "very long": b"Host: " + b"a" * 300 + b"\r\n",
}
ABSOLUTE = {
    "another port": b"GET http://a:81/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "two Hosts": b"GET http://a/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "no Host": b"GET http://a/x HTTP/1.1\r\n\r\n",
    "no authority": b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
    "no authority of https": b"GET https:///x HTTP/1.1\r\nHost: a\r\n\r\n", "no slashes": b"GET http:x HTTP/1.1\r\nHost: a\r\n\r\n",
    "one slash": b"GET http:/x HTTP/1.1\r\nHost: a\r\n\r\n", "userinfo": b"GET http://a@b/x HTTP/1.1\r\nHost: b\r\n\r\n",
    "backslash": b"GET http://a\\@b/x HTTP/1.1\r\nHost: b\r\n\r\n", "fragment": b"GET http://a/x#y HTTP/1.1\r\nHost: a\r\n\r\n",
    "other scheme": b"GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", "no scheme": b"GET a/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "authority-form": b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "asterisk with a path": b"OPTIONS */x HTTP/1.1\r\nHost: a\r\n\r\n",
}


def requests_refused():
    for name, value in LENGTHS.items():
        yield f"CL {name}", POST + b"Content-Length: " + value + b"\r\n\r\n"
    for name, value in CODINGS.items():
        yield f"TE {name}", POST + TE + value + b"\r\n\r\n" + HELLO
    for name, lines in NAMES.items():
        yield f"field {name}", POST + lines + b"\r\n\r\n" + HELLO
    for name, value in EXPECTATIONS.items():
        yield f"expect {name}", POST + b"Expect: " + value + b"\r\nContent-Length: 5\r\n\r\n"
    for name, request in LINES.items():
        yield f"line {name}", request
    for name, lines in HOSTS.items():
        yield f"host {name}", b"GET /x HTTP/1.1\r\n" + lines + b"\r\n"
    for name, request in ABSOLUTE.items():
        yield f"absolute {name}", request
    yield "TE in HTTP/1.0", b"POST /x HTTP/1.0\r\n" + TE + b"chunked\r\nConnection: keep-alive\r\n\r\n" + HELLO
    yield "TE and CL in HTTP/1.0", b"POST /x HTTP/1.0\r\nContent-Length: 5\r\n" + TE + b"chunked\r\n\r\n" + HELLO
    yield "TE in HTTP/1.0 with GET", b"GET /x HTTP/1.0\r\n" + TE + b"x\r\n\r\n"


REQUESTS_REFUSED = dict(requests_refused())
OTHER_STATUSES = {"field identity, then chunked": 501}


@pytest.mark.parametrize("name", REQUESTS_REFUSED)
def test_refused(running, upstream, name):
    """Before anything was sent on; and the end, since what follows could be anything."""
    with running.client() as client:
        client.send(REQUESTS_REFUSED[name] + NEXT)
        answer = client.answer()
        assert answer.status == OTHER_STATUSES.get(name, 417 if name.startswith("expect ") else 400)
        assert answer["Connection"] == "close"
        assert client.is_closed()
    assert upstream.got_nothing()


def test_no_case_stands_twice():
    """Neither here nor among those of the framing."""
    everywhere = list(REQUESTS_REFUSED.values()) + [request for _, request in REFUSED.values()]
    assert [name for name, request in REQUESTS_REFUSED.items() if everywhere.count(request) > 1] == []


# ---- chunks, in both directions

CHUNKS = {
    "minus": b"-5\r\nhello\r\n", "space in front": b" 5\r\nhello\r\n", "tab behind the size": b"5\t\r\nhello\r\n",
    "seventeen digits": b"00000000000000005\r\nhello\r\n", "no hexadecimal": b"g\r\nhello\r\n", "high byte": b"\xb55\r\nhello\r\n",
    "vertical tab behind the size": b"5\x0b\r\nhello\r\n", "NUL behind the size": b"5\0\r\nhello\r\n", "comma": b"5,6\r\nhello\r\n",
    "empty extension": b"5;\r\nhello\r\n", "extension without semicolon": b"5 a=b\r\nhello\r\n",
    "extension without value": b"5;a=\r\nhello\r\n",
    "quoted line end": b'5;a="\r\nhello\r\n"\r\nhello\r\n', "quoted LF": b'5;a="\nx"\r\nhello\r\n',
    "escaped CR": b'5;a="\\\r\n"\r\nhello\r\n',
    "quote that does not end": b'5;a="b\r\nhello\r\n', "CR in an extension": b"5;a\rb\r\nhello\r\n",
    "CR ends an extension": b"5;a\rhello\r\n",
    "LF ends an extension": b"5;a\nhello\r\n", "NUL in an extension": b"5;a\0\r\nhello\r\n",
    "high byte in an extension": b"5;\xe9\r\nhello\r\n",
    "LF, then an extension": b"5\n;a\r\nhello\r\n", "CR ends the size": b"5\rhello\r\n", "CR CR LF": b"5\r\r\nhello\r\n",
    "LF CR": b"5\n\rhello\r\n", "CR and another byte": b"5\rXhello\r\n", "two bytes end the data": b"5\r\nhelloXX",
    "LF LF ends the data": b"5\r\nhello\n\n",
    "CR CR ends the data": b"5\r\nhello\r\r", "LF CR ends the data": b"5\r\nhello\n\r",
    "CR and another byte end the data": b"5\r\nhello\rX",
    "a byte ends the data": b"5\r\nhelloX", "an empty line before the size": b"5\r\nhello\r\n\r\n",
    "LF behind the last size": b"5\r\nhello\r\n0\n", "LF in the last extension": b"5\r\nhello\r\n0;a\n",
    "CR for the end": b"5\r\nhello\r\n0\r\n\r\r",
    "folded trailer": b"5\r\nhello\r\n0\r\nA: b\r\n c", "trailer without colon": b"5\r\nhello\r\n0\r\nA",
    "trailer behind LF": b"5\r\nhello\r\n0\r\nA: b\nC: d",
    "NUL in a trailer": b"5\r\nhello\r\n0\r\nA: \0", "CR in a trailer": b"5\r\nhello\r\n0\r\nA: b\rC: d",
    "space before a trailer": b"5\r\nhello\r\n0\r\n A: b",
    "trailer without name": b"5\r\nhello\r\n0\r\n: b", "non-token in a trailer": b"5\r\nhello\r\n0\r\nA@: b",
    "a request for a trailer": b"5\r\nhello\r\n0\r\n" + GET,
}
CHUNKS = {name: data + b"0\r\n\r\n" for name, data in CHUNKS.items()}


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_of_requests(running, upstream, name):
    """What reached the upstream before is no whole request, and nothing follows it."""
    seen = []

    def on_head(connection, request):
        seen.append(connection.until_closed())
        connection.close()
        return True

    upstream.on_head, upstream.may_break = on_head, True
    with running.client() as client:
        client.send(POST + TE + b"chunked\r\n\r\n" + CHUNKS[name] + NEXT)
        answer = client.answer()
        assert (answer.status, answer["Connection"]) == (400, "close")
        assert client.is_closed()
    upstream.settle()
    wait_until(lambda: len(seen) == len(upstream.requests), "the upstream to be left")
    assert [r.line for r in upstream.requests] in ([], ["POST /x HTTP/1.1"])
    assert all(b"5\r\nhello\r\n".startswith(body) for body in seen)


@pytest.mark.parametrize("name", list(CHUNKS) + list(BAD_CHUNKS))
def test_chunks_of_answers(running, upstream, name):
    """The client can tell that it did not get the whole, and the upstream's connection is not used again."""
    upstream.may_break = True
    upstream.answer = HEAD + TE + b"chunked\r\n\r\n" + {**CHUNKS, **BAD_CHUNKS}[name] + STALE
    with running.client() as client:
        client.send(GET + b"\r\n")
        try:
            assert client.answer().status == 502
        except (Broken, ConnectionResetError):
            pass
        assert b"stale" not in client.wire.taken + client.wire.ahead
    assert_left(upstream.requests[0])
    with running.client() as client:
        assert_in_sync(client, upstream, 1)


# ---- requests that are the same to everybody

def passed(line, fields, body=b""):
    return line, [tuple(field.split(": ")) for field in fields], body


AS_FIVE = passed("POST /x HTTP/1.1", ["Content-Length: 5"], b"hello")
IN_CHUNKS = passed("POST /x HTTP/1.1", ["Transfer-Encoding: chunked"], chunked(b"hello"))
SAME = {
    "tab before a length": (POST + b"Content-Length:\t5\r\n\r\nhello", AS_FIVE),
    "spaces around a length": (POST + b"Content-Length:  5 \t\r\n\r\nhello", AS_FIVE),
    "nothing before a length": (POST + b"CONTENT-LENGTH:5\r\n\r\nhello",
                                passed("POST /x HTTP/1.1", ["CONTENT-LENGTH: 5"], b"hello")),
    "tabs around chunked": (POST + b"Transfer-Encoding:\tchunked\t\r\n\r\n" + chunked(b"hello"), IN_CHUNKS),
    "spaces around chunked": (POST + b"Transfer-Encoding:   chunked  \r\n\r\n" + chunked(b"hello"), IN_CHUNKS),
    "nothing before chunked": (POST + b"tRANSFER-eNCODING:cHUNKED\r\n\r\n" + chunked(b"hello"), IN_CHUNKS),
    "leading zeros of a chunk": (POST + TE + b"chunked\r\n\r\n0000000000000005\r\nhello\r\n0000\r\n\r\n", IN_CHUNKS),
    "extensions": (POST + TE + b'chunked\r\n\r\n5;a=b;c="0\\"";d\r\nhello\r\n0;e="f g"\r\n\r\n', IN_CHUNKS),
    "bad white space of extensions": (POST + TE + b"chunked\r\n\r\n5 ; a = b\t;c\r\nhello\r\n0\r\n\r\n", IN_CHUNKS),
    "coding for a trailer": (POST + TE + b"chunked\r\n\r\n" +
                             chunked(b"hello", trailers=b"Transfer-Encoding: gzip\r\nContent-Length: 9\r\n"), IN_CHUNKS),
    "coding with underscore": (POST + b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", AS_FIVE),
    "length with underscore": (POST + b"Content_Length: 0\r\nContent-Length: 5\r\n\r\nhello", AS_FIVE),
    "coding of another name": (POST + b"X-Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
                               passed("POST /x HTTP/1.1", ["X-Transfer-Encoding: chunked", "Content-Length: 5"], b"hello")),
    "coding with a dot": (POST + b"Transfer.Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
                          passed("POST /x HTTP/1.1", ["Transfer.Encoding: chunked", "Content-Length: 5"], b"hello")),
    "Connection names the coding": (POST + b"Connection: Transfer-Encoding\r\n" + TE + b"chunked\r\n\r\n" + chunked(b"hello"),
                                    IN_CHUNKS),
    "Connection names the length": (POST + b"Connection: content-length, close x\r\nContent-Length: 5\r\n\r\nhello", AS_FIVE),
    "an empty line behind a body": (POST + b"Content-Length: 5\r\n\r\nhello\r\n", AS_FIVE),
    "two empty lines behind a body": (POST + TE + b"chunked\r\n\r\n" + chunked(b"hello") + b"\r\n\r\n", IN_CHUNKS),
    "GET with a length": (GET + b"Content-Length: 5\r\n\r\nhello", passed("GET /x HTTP/1.1", ["Content-Length: 5"], b"hello")),
    "GET in chunks": (GET + TE + b"chunked\r\n\r\n" + chunked(b"hello"),
                      passed("GET /x HTTP/1.1", ["Transfer-Encoding: chunked"], chunked(b"hello"))),
    "DELETE with a length": (b"DELETE" + GET[3:] + b"Content-Length: 5\r\n\r\nhello",
                             passed("DELETE /x HTTP/1.1", ["Content-Length: 5"], b"hello")),
    "OPTIONS with a length": (b"OPTIONS" + GET[3:] + b"Content-Length: 5\r\n\r\nhello",
                              passed("OPTIONS /x HTTP/1.1", ["Content-Length: 5"], b"hello")),
    "POST without a body": (POST + b"\r\n", passed("POST /x HTTP/1.1", [])),
    "a request for a body": (POST + b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT,
                             passed("POST /x HTTP/1.1", [f"Content-Length: {len(NEXT)}"], NEXT)),
    "a request for a GET's body": (GET + b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT,
                                   passed("GET /x HTTP/1.1", [f"Content-Length: {len(NEXT)}"], NEXT)),
    "a request in a chunk": (POST + TE + b"chunked\r\n\r\n" + chunked(NEXT),
                             passed("POST /x HTTP/1.1", ["Transfer-Encoding: chunked"], chunked(NEXT))),
    "the end in a chunk": (POST + TE + b"chunked\r\n\r\n" + chunked(HELLO + NEXT),
                           passed("POST /x HTTP/1.1", ["Transfer-Encoding: chunked"], chunked(HELLO + NEXT))),
    "a chunk in a length": (POST + b"Content-Length: 10\r\n\r\n5\r\nhello\r\n",
                            passed("POST /x HTTP/1.1", ["Content-Length: 10"], b"5\r\nhello\r\n")),
    "an expectation": (POST + b"Expect:\t100-Continue\r\nContent-Length: 5\r\n\r\nhello",
                       passed("POST /x HTTP/1.1", ["Expect: 100-Continue", "Content-Length: 5"], b"hello")),
    "HTTP/1.0 that stays": (b"POST /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", AS_FIVE),
    "odd tokens": (GET + b"!#$%&'*+-.^`|~: y\r\n\r\n", passed("GET /x HTTP/1.1", ["!#$%&'*+-.^`|~: y"])),
    "long name": (GET + b"X" * 3000 + b": y\r\n\r\n", passed("GET /x HTTP/1.1", ["X" * 3000 + ": y"])),
    "bytes above ASCII in a value": (GET + b"X: \xff\x80\r\n\r\n", passed("GET /x HTTP/1.1", ["X: \xff\x80"])),
    "absolute-form": (b"GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", passed("GET /x?y HTTP/1.1", [])),
    "absolute-form with dots": (b"GET http://a/y/../x HTTP/1.1\r\nHost: a\r\n\r\n", passed("GET /x HTTP/1.1", [])),
    "absolute-form of HTTP/1.0": (b"GET http://a/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", passed("GET /x HTTP/1.1", [])),
}


@pytest.mark.parametrize("name", SAME)
def test_same_to_everybody(running, upstream, name):
    request, expected = SAME[name]
    with running.client() as client:
        assert client.ask(request).status == 200
        assert [told(r) for r in upstream.requests] == [expected]
        assert_in_sync(client, upstream, 1)


def test_head_with_a_body(running, upstream):
    upstream.answer = HEAD + b"Content-Length: 5\r\n\r\n"
    with running.client() as client:
        assert client.ask(b"HEAD" + GET[3:] + b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT).body == b""
        assert [told(r) for r in upstream.requests] == [passed("HEAD /x HTTP/1.1", [f"Content-Length: {len(NEXT)}"], NEXT)]
        assert_in_sync(client, upstream, 1)


# ---- paths

PATHS = {
    "two slashes in front": ("//x", 404), "two slashes within": ("/below//x", "/below//x"), "dot": ("/./x", "/x"),
    "dot at the end": ("/x/.", 404),
    "dots": ("/below/../x", "/x"), "dots at the end": ("/below/..", "/"), "dots above the root": ("/../x", 400),
    "dots twice": ("/below/../../x", 400),
    "three dots": ("/below/.../x", "/below/.../x"), "escaped dots": ("/below/%2e%2e/x", "/x"),
    "half escaped dots": ("/below/.%2E/x", "/x"),
    "escaped dot": ("/below/%2e/x", "/below/x"), "dots twice escaped": ("/below/%252e%252e/x", "/below/%252e%252e/x"),
    "dots behind an escaped slash": ("/below/a%2f../x", 400), "dots before an escaped slash": ("/below/..%2fx", 400),
    "escaped slash": ("/below/a%2fb", "/below/a%2Fb"), "escaped backslash": ("/below/a%5cb", "/below/a%5Cb"),
    "dots and backslashes": ("/below/..%5cx", 400),
    "backslash": ("/below/..\\x", 400), "parameter": ("/x;p=1", 404), "parameter below": ("/below/x;p=1", "/below/x;p=1"),
    "dots with a parameter": ("/below/..;/x", 400), "dots with a value": ("/below/..;a=b/x", 400),
    "escaped dots with a parameter": ("/below/%2e%2e;/x", 400),
    "dot with a parameter": ("/below/.;/x", 400), "NUL": ("/x%00", 400), "NUL below": ("/below/x%00.html", 400),
    "no hexadecimal": ("/x%zz", 400),
    "escape that ends": ("/x%", 400), "half an escape": ("/below/%2", 400), "escape of IIS": ("/below/%u002e%u002e/x", 400),
    "overlong dots": ("/below/%c0%ae%c0%ae/x", "/below/%C0%AE%C0%AE/x"), "overlong slash": ("/below/..%c0%afx", "/below/..%C0%AFx"),
    "no UTF-8": ("/below/%ff", "/below/%FF"), "line end": ("/below/a%0d%0aX:%20y", "/below/a%0D%0AX:%20y"),
    "escaped letter": ("/%78", "/x"),
    "escaped tilde": ("/below/%7eu", "/below/~u"), "escaped query": ("/x%3fa", 404), "escaped fragment": ("/x%23a", 404),
    "fragment": ("/x#a", 400),
    "slash at the end": ("/x/", 404), "upper case": ("/X", 404), "plus": ("/below/a+b", "/below/a+b"),
    "space": ("/below/a%20b", "/below/a%20b"),
    "tab": ("/below/%09", "/below/%09"), "at sign": ("/@a/x", 404), "colon": ("/below/http://b/", "/below/http://b/"),
    "brackets": ("/below/[x]", "/below/%5Bx%5D"),
    "quotes": ('/below/"x"', 400), "angle brackets": ("/below/<x>", 400), "dots in the query": ("/x?/../y", "/x?/../y"),
    "NUL in the query": ("/x?%00", "/x?%00"),
    "no hexadecimal in the query": ("/x?%zz", "/x?%zz"), "line end in the query": ("/x?a%0d%0ab", "/x?a%0d%0ab"),
    "two question marks": ("/x??a?", "/x??a?"),
    "empty query": ("/x?", "/x?"), "query at once": ("/?x", "/?x"), "question mark within dots": ("/below/..?/x", "/?/x"),
}


@pytest.mark.parametrize("name", PATHS)
def test_paths(running, upstream, name):
    """What was matched is what is sent, byte for byte; what some server would take for another path is not sent at all."""
    target, expected = PATHS[name]
    with running.client() as client:
        status = client.ask(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n").status
        upstream.settle()
        if isinstance(expected, str):
            assert (status, [r.target for r in upstream.requests]) == (200, [expected])
        else:
            assert (status, upstream.requests) == (expected, [])
    with running.client() as client:
        assert_in_sync(client, upstream, len(upstream.requests))


# ---- answers that come before the request is complete, and upstreams that stop reading

def test_early_answer_and_a_pipelined_request(running, upstream):
    """The upstream answers a head; what the client then sends of the body is read away here and is nobody's request."""
    def on_head(connection, request):
        connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        connection.until_closed()
        connection.close()
        return True

    upstream.on_head, upstream.may_break = on_head, True
    body = NEXT * 100
    with running.client() as client:
        client.send(POST + b"Content-Length: %d\r\n\r\n" % len(body))
        assert client.answer().status == 403
        client.send(body)
        assert_in_sync(client, upstream, 1)


def test_upstream_that_takes_a_body_for_a_request(running, upstream):
    """It answers twice (CL.0). The second answer is for nobody."""
    def on_head(connection, request):
        connection.send(STALE if request["Host"] == "smuggled" else OK)
        return True

    upstream.on_head = on_head
    with running.client() as client:
        assert client.ask(POST + b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT).body == b"ok\n"
        wait_until(lambda: len(upstream.requests) == 2, "the upstream to see two")
        upstream.settle()
        assert_in_sync(client, upstream, 2)


@pytest.mark.parametrize("status", [b"200 OK", b"417 Expectation Failed", b"413 Content Too Large"], ids=["200", "417", "413"])
def test_final_answer_to_an_expectation(running, upstream, status):
    """Whether the body comes all the same is unknown then (0.CL by Expect): the connection ends, and no byte of it is looked at."""
    def on_head(connection, request):
        connection.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        connection.until_closed()
        connection.close()
        return True

    upstream.on_head, upstream.may_break = on_head, True
    with running.client() as client:
        answer = client.ask(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(NEXT))
        assert (answer.status, answer.interim, answer["Connection"]) == (int(status[:3]), [], "close")
        client.send(NEXT)
        assert client.half_close().is_closed()
    assert [r.line for r in upstream.requests] == ["POST /x HTTP/1.1"]


HERE = {
    "constant": (b"POST /here", 200), "constant for GET": (b"GET /here", 200), "constant for HEAD": (b"HEAD /here", 200),
    "redirect": (b"GET /gone/1", 301),
    "no route": (b"POST /no", 404), "no method": (b"PATCH /x", 405), "OPTIONS": (b"OPTIONS /here", 204),
    "bad path": (b"POST /x%00", 400),
    "https": (b"POST https://a/x", 421), "TRACE": (b"TRACE /x", 400),
}
BODIES = {"length": b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT, "chunked": TE + b"chunked\r\n\r\n" + chunked(NEXT)}


@pytest.mark.parametrize("framing", BODIES)
@pytest.mark.parametrize("name", HERE)
def test_body_of_a_request_that_is_answered_here(running, upstream, name, framing):
    """It is passed over, and what it holds is no request."""
    line, status = HERE[name]
    with running.client() as client:
        assert client.ask(line + b" HTTP/1.1\r\nHost: a\r\n" + BODIES[framing]).status == status
        assert upstream.got_nothing()
        assert_in_sync(client, upstream, 0)


@pytest.mark.parametrize("framing", [
    b"Content-Length: 70000\r\n", TE + b"chunked\r\n", b"Expect: 100-continue\r\nContent-Length: 70\r\n",
    b"Expect: 100-continue\r\n" + TE + b"chunked\r\n",
], ids=["too long to pass over", "chunks to come", "expectation", "expectation in chunks"])
def test_body_that_is_not_waited_for(running, upstream, framing):
    """Where its end is not known in time, the connection ends instead."""
    with running.client() as client:
        answer = client.ask(b"POST /here HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n")
        assert (answer.status, answer.interim, answer["Connection"]) == (200, [], "close")
        client.send(NEXT)
        assert client.half_close().is_closed()
    assert upstream.got_nothing()


# ---- answers that are nobody's

def lines(text):
    return HEAD + text + b"\r\n\r\nhello"


ANSWERS_REFUSED = {
    **{f"CL {name}": lines(b"Content-Length: " + value) for name, value in LENGTHS.items()
       if name not in ("two values in a list", "list with nothing behind", "list with nothing in front")},
    **{f"TE {name}": lines(TE + value) for name, value in CODINGS.items()},
    **{f"field {name}": lines(value) for name, value in NAMES.items()
       if not name.startswith("expectation") and name != "length in two cases"},
    "CL empty": lines(b"Content-Length:"), "CL list with nothing behind": lines(b"Content-Length: 5,"),
    "CL twice": lines(b"Content-Length: 5\r\nContent-Length: 4"),
    "CL list that differs": lines(b"Content-Length: 5\r\nContent-Length: 5, 6"),
    "CL, then TE": lines(b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
    "TE, then CL": lines(b"Transfer-Encoding: chunked\r\nContent-Length: 5"), "TE nobody knows": lines(TE + b"xchunked"),
    "TE empty": lines(b"Transfer-Encoding:"),
    "TE in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n" + chunked(b"hello"),
    "split by LF": lines(b"X: a\nSet-Cookie: b=c\r\nContent-Length: 5"),
    "split by CR": lines(b"X: a\rSet-Cookie: b=c\r\nContent-Length: 5"),
    "split by LF LF": lines(b"X: a\n\nHTTP/1.1 200 OK\r\nContent-Length: 5"), "NUL": lines(b"X: a\0b\r\nContent-Length: 5"),
    "DEL": lines(b"X: a\x7f\r\nContent-Length: 5"),
    "line two spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line tab": b"HTTP/1.1\t200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line no space": b"HTTP/1.1 200OK\r\nContent-Length: 5\r\n\r\nhello",
    "line four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line status 099": b"HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line negative": b"HTTP/1.1 -20 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line HTTP/1.10": b"HTTP/1.10 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line lower case": b"http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line CR in the reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 5\r\n\r\nhello",
    "line NUL in the reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 5\r\n\r\nhello",
    "line LF": b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
    "line empty first": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "line a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "body behind a 103": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello" + OK,
    "chunks behind a 103": b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello") + OK,
}


@pytest.mark.parametrize("name", ANSWERS_REFUSED)
def test_answers_refused(running, upstream, name):
    """502 for this client alone. The upstream's connection stays open on its side, and yet is not used again."""
    upstream.may_break = True
    upstream.answer = ANSWERS_REFUSED[name]
    with running.client() as client:
        answer = client.ask(GET + b"\r\n")
        assert (answer.status, answer["Set-Cookie"]) == (502, None)
        assert_left(upstream.requests[0])
        assert_in_sync(client, upstream, 1)


# ---- answers with more behind them than belongs to them

BODYLESS = {
    "204 with a length": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "204 in chunks": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello"),
    "204 with bytes": b"HTTP/1.1 204 No Content\r\n\r\nhello",
    "304 with a length": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
    "304 in chunks": b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello"),
    "304 with bytes": b"HTTP/1.1 304 Not Modified\r\n\r\nhello",
    "HEAD with a body": HEAD + b"Content-Length: 5\r\n\r\nhello",
    "HEAD in chunks": HEAD + TE + b"chunked\r\n\r\n" + chunked(b"hello"),
    "HEAD with an answer": HEAD + b"Content-Length: 75\r\n\r\n" + STALE,
    "204 with an answer": b"HTTP/1.1 204 No Content\r\nContent-Length: 75\r\n\r\n" + STALE,
    "304 with an answer": b"HTTP/1.1 304 Not Modified\r\n\r\n" + STALE, "length and an answer": OK + STALE,
    "length and a byte": OK + b"x", "length and a line end": OK + b"\r\n",
    "no length and an answer": HEAD + b"Content-Length: 0\r\n\r\n" + STALE,
    "chunks and an answer": HEAD + TE + b"chunked\r\n\r\n" + chunked(b"hello") + STALE,
    "chunks and a byte": HEAD + TE + b"chunked\r\n\r\n" + chunked(b"hello") + b"x",
    "205 with a length of none": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\nhello",
}


@pytest.mark.parametrize("name", BODYLESS)
def test_what_follows_an_answer_is_nobodys(running, upstream, name):
    upstream.may_break = True
    upstream.answer = data = BODYLESS[name]
    with running.client() as client:
        request = GET if not name.startswith("HEAD") else b"HEAD" + GET[3:]
        answer = client.ask(request + b"\r\n")
        assert answer.status == int(data[9:12])
        assert answer.body in ((b"ok\n", b"hello", b"") if "and" in name.split() else (b"",))
        assert_left(upstream.requests[0])
        assert_in_sync(client, upstream, 1)


def test_an_answer_that_nobody_asked_for(running, upstream):
    """On a pooled connection, between two requests."""
    kept = []

    def keep(connection, request):
        kept.append(connection)
        connection.send(OK)

    upstream.answer = keep
    with running.client() as client:
        assert client.ask(GET + b"\r\n").body == b"ok\n"
        upstream.may_break = True
        kept[0].send(STALE)
        assert_left(upstream.requests[0])
        assert_in_sync(client, upstream, 1)


def test_no_case_of_answers_stands_twice():
    assert len(set(ANSWERS_REFUSED.values())) == len(ANSWERS_REFUSED)
    assert len(set(BODYLESS.values())) == len(BODYLESS)
    assert len(set(CHUNKS.values()) | set(BAD_CHUNKS.values())) == len(CHUNKS) + len(BAD_CHUNKS)
