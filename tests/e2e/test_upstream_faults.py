"""What an upstream may do wrong, each in turn: the client is told, or cut off where it had been told already; the log says
why; nobody else notices; the upstream's connection is left; and the gateway has as many descriptors and as much memory as before.
"""
import json
import os
import socket

import pytest
from crowd import settled_memory
from fixtures import IS_SANITIZED
from http_peer import OK, Broken, wait_until
from told import DOCUMENT, GET, HEAD, POST, STALE, assert_in_sync, assert_left, then_close

BROKEN = "broken"  # the client is cut off behind the head that it got
SLOW = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
LENGTH = HEAD + b"Content-Length: 10\r\n\r\n"
CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"
BIG_HINT = b"HTTP/1.1 103 Early Hints\r\nA: " + b"b" * 7000 + b"\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
UPLOAD = POST + b"Content-Length: 90000\r\n\r\n"


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={module_origin.url}")


@pytest.fixture
def upstream(module_upstream):
    return module_upstream


# ---- what an origin does when a request is complete …

def then_reset(data):
    def answer(connection, request):
        connection.send(data)
        connection.reset()
    return answer


def then_silent(data):
    def answer(connection, request):
        connection.send(data)
        connection.until_closed()
        connection.close()
    return answer


def flood(data, more=None):
    """As long as the gateway takes it."""
    def answer(connection, request):
        try:
            connection.send(data)
            for _ in range(20000):
                connection.send(more or data)
        except OSError:
            pass
        connection.close()
    return answer


# … or when its head has come

def early(data, then):
    """Answers while the body is on its way."""
    def on_head(connection, request):
        connection.send(data)
        if then == "close":
            connection.close()
        else:
            connection.until_closed()
            connection.close()
        return True
    return on_head


def takes_some(how):
    """Takes a part of the body, and leaves."""
    def on_head(connection, request):
        connection.wire.exactly(1000)
        getattr(connection, how)()
        return True
    return on_head


# name: (request, its own doing, what the client sees, what the log says)
FAULTS = {
    "closes at once": (GET + b"\r\n", then_close(b""), 502, "without an answer"),
    "resets at once": (GET + b"\r\n", then_reset(b""), 502, "without an answer"),
    "closes behind a body": (POST + b"Content-Length: 2\r\n\r\nhi", then_close(b""), 502, "without an answer"),
    "closes in the status line": (GET + b"\r\n", then_close(b"HTTP/1.1 20"), 502, "within an answer's head"),
    "closes in the fields": (GET + b"\r\n", then_close(HEAD + b"Content-Le"), 502, "within an answer's head"),
    "closes before the empty line": (GET + b"\r\n", then_close(HEAD + b"Content-Length: 5\r\n"), 502, "within an answer's head"),
    "closes behind an interim answer": (GET + b"\r\n", then_close(HINT), 502, "within an answer's head"),
    "garbage": (GET + b"\r\n", then_silent(b"\x80\0\1\2\3 garbage \xff\r\n\r\n"), 502, "no legal status line"),
    "an alert of TLS": (GET + b"\r\n", then_silent(b"\x15\x03\x01\x00\x02\x02\x46"), 502, "no legal status line"),
    "settings of HTTP/2": (GET + b"\r\n", then_silent(b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0"), 502, "no legal status line"),
    "SSH": (GET + b"\r\n", then_silent(b"SSH-2.0-OpenSSH_9.2\r\n"), 502, "no legal status line"),
    "a request": (GET + b"\r\n", then_silent(GET + b"\r\n"), 502, "no legal status line"),
    "switches protocols": (GET + b"\r\n", then_silent(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), 502, "unasked"),
    "a field of 1 MB": (GET + b"\r\n", flood(HEAD + b"A: " + b"b" * 1_000_000), 502, "fields are too long"),
    "a head of 1 MB": (GET + b"\r\n", then_silent(HEAD + b"Field: value of some length\r\n" * 33000), 502, "too many fields"),
    "an endless head": (GET + b"\r\n", flood(HEAD, b"A" * 1000), 502, "fields are too long"),
    "an endless reason": (GET + b"\r\n", flood(b"HTTP/1.1 200 ", b"x" * 1000), 502, "status line is too long"),
    "a storm of hints": (GET + b"\r\n", flood(HINT), 502, "too many interim answers"),
    "a storm of big hints": (GET + b"\r\n", flood(BIG_HINT), 502, "too many interim answers"),
    "a storm of 100": (GET + b"\r\n", flood(b"HTTP/1.1 100 Continue\r\n\r\n"), 502, "too many interim answers"),
    "never answers": (SLOW, then_silent(b""), 504, "did not answer in time"),
    "stops in the head": (SLOW, then_silent(HEAD + b"A: b\r\n"), 504, "did not answer in time"),
    "stops behind a hint": (SLOW, then_silent(HINT), 504, "did not answer in time"),
    "closes in the body": (GET + b"\r\n", then_close(LENGTH + b"hello"), BROKEN, "closed before the end"),
    "closes before the body": (GET + b"\r\n", then_close(LENGTH), BROKEN, "closed before the end"),
    "resets in the body": (GET + b"\r\n", then_reset(HEAD + b"\r\nhello"), BROKEN, "reset within the body"),
    "closes in a chunk": (GET + b"\r\n", then_close(CHUNKS + b"5\r\nhel"), BROKEN, "closed before the end"),
    "closes between chunks": (GET + b"\r\n", then_close(CHUNKS + b"5\r\nhello\r\n"), BROKEN, "closed before the end"),
    "closes in the trailers": (GET + b"\r\n", then_close(CHUNKS + b"5\r\nhello\r\n0\r\nA: b\r\n"), BROKEN, "closed before the end"),
    "a chunk of no size": (GET + b"\r\n", then_silent(CHUNKS + b"5\r\nhello\r\nx\r\n"), BROKEN, "a chunk size is malformed"),
    "a chunk that is too long": (GET + b"\r\n", then_silent(CHUNKS + b"5\r\nhello!\r\n0\r\n\r\n"), BROKEN, "longer than its size"),
    "endless trailers": (GET + b"\r\n", flood(CHUNKS + b"0\r\n" + b"A: b\r\n" * 20000), BROKEN, "too many bytes"),
    "stops in the body": (SLOW, then_silent(LENGTH + b"hello"), BROKEN, "stalled"),
    "stops in a chunk": (SLOW, then_silent(CHUNKS + b"5\r\nhel"), BROKEN, "stalled"),
    "too long a body": (GET + b"\r\n", then_silent(HEAD + b"Content-Length: 2\r\n\r\nhi and more"), 200, None),
    "two answers": (GET + b"\r\n", then_silent(OK + STALE), 200, None),
    "204 with a body": (GET + b"\r\n", then_silent(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"), 204, None),
    "304 with a body": (GET + b"\r\n", then_silent(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"), 304, None),
    "304 with a big body": (GET + b"\r\n", flood(b"HTTP/1.1 304 Not Modified\r\n\r\n" + b"x" * 500_000), 304, None),
    "HEAD with a body": (b"HEAD" + GET[3:] + b"\r\n", then_silent(LENGTH + b"helloworld"), 200, None),
}
EARLY = {
    "refuses the upload and closes": (UPLOAD, early(TOO_LARGE, "close"), 413, None),
    "refuses the upload and waits": (UPLOAD, early(TOO_LARGE, "wait"), 413, None),
    "is content without the upload": (UPLOAD, early(OK, "close"), 200, None),
    "garbage before the upload": (UPLOAD, early(b"garbage\r\n\r\n", "wait"), 502, "no legal status line"),
    "closes before the upload": (UPLOAD, early(b"", "close"), 502, "closed the connection"),
    "closes within the upload": (UPLOAD + b"x" * 60000, takes_some("close"), 502, "closed the connection"),
    "resets within the upload": (UPLOAD + b"x" * 60000, takes_some("reset"), 502, "closed the connection"),
}


def descriptors(running):
    """Without pipes (standard error, the log's, one to splice with once that was tried)."""
    return len([d for d in links(running) if not d.startswith("pipe:")])


def links(running):
    """What the descriptors of the process are."""
    found = []
    for fd in os.listdir(f"/proc/{running.pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{running.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass  # closed in this very moment
    return found


def at_rest(running, upstream):
    """One connection to the upstream is idle, no client is there: so many descriptors."""
    with running.client() as client:
        assert_in_sync(client, upstream, 0)
    wait_until(lambda: client_count(running) == 0, "the client's connection to be closed")
    return descriptors(running)


def client_count(running):
    """Sockets of the process that clients hold, by the port it listens on."""
    mine = {link[8:-1] for link in links(running)}
    local = f"0100007F:{running.port:04X}"
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return sum(row[1] == local and row[3] != "0A" and row[9] in mine for row in rows)


def meet(running, fault, query=b"fault"):
    """Sends the request; the status that the client got, or BROKEN. Never anything that was not for it."""
    request = fault[0].replace(b" HTTP", b"?" + query + b" HTTP", 1)
    with running.client() as client:
        try:
            client.send(request)
            status = client.answer("HEAD" if request.startswith(b"HEAD") else "GET").status
        except (Broken, ConnectionResetError, BrokenPipeError):
            status = BROKEN
        assert b"stale" not in client.wire.taken + client.wire.ahead
    return status


def arm(upstream, name):
    """As new, but for this fault; its row."""
    upstream.forget()
    upstream.may_break = True
    if name in EARLY:
        upstream.on_head = EARLY[name][1]
        return EARLY[name]
    upstream.answer = FAULTS[name][1]
    return FAULTS[name]


@pytest.mark.parametrize("name", list(FAULTS) + list(EARLY))
def test_fault(running, upstream, name):
    before = at_rest(running, upstream)
    fault = arm(upstream, name)
    assert meet(running, fault) == fault[2]
    assert_left(upstream.requests[0])
    upstream.forget()
    with running.client() as client:
        assert_in_sync(client, upstream, 0)
    wait_until(lambda: descriptors(running) == before, "the descriptors")


def logged(running, query):
    return [r for r in map(json.loads, running.out.splitlines()) if r["query"] == query]


def test_the_log_says_why(running, upstream):
    """Status and reason of each, and what the upstream's status was; of an answer that was passed on, no reason."""
    names = list(FAULTS) + list(EARLY)
    for number, name in enumerate(names):
        meet(running, arm(upstream, name), b"n%d" % number)
    wait_until(lambda: logged(running, f"n{len(names) - 1}"), "the log")
    for number, name in enumerate(names):
        _, _, seen, reason = (EARLY if name in EARLY else FAULTS)[name]
        (record,) = logged(running, f"n{number}")
        assert record["status"] == (200 if seen == BROKEN else seen), name
        assert reason in record["reason"] if reason else record["reason"] is None, name
        assert record["upstream_status"] == (record["status"] if record["status"] not in (502, 504) else None), name


# ---- connections that rest

@pytest.mark.parametrize("how", [socket.SHUT_WR, socket.SHUT_RDWR], ids=["half", "whole"])
def test_closed_while_idle(running, upstream, how):
    """Nobody notices, POST included: the gateway has seen it before it would send."""
    before = at_rest(running, upstream)
    upstream.requests[-1].connection.sock.shutdown(how)
    wait_until(lambda: descriptors(running) == before - 1, "the gateway to notice")
    upstream.forget()
    with running.client() as client:
        assert client.ask(POST + b"Content-Length: 2\r\n\r\nhi").status == 200
    wait_until(lambda: descriptors(running) == before, "the descriptors")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("data", [STALE, b"x", b"\r\n", b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"],
                         ids=["an answer", "a byte", "an empty line", "a farewell"])
def test_speaks_while_idle(running, upstream, data):
    """Whatever it is, nobody asked for it: the connection is left."""
    before = at_rest(running, upstream)
    upstream.may_break = True
    idle = upstream.requests[-1]
    idle.connection.send(data)
    assert_left(idle)
    upstream.forget()
    with running.client() as client:
        assert_in_sync(client, upstream, 0)
    wait_until(lambda: descriptors(running) == before, "the descriptors")


@pytest.mark.parametrize("request_head, status, tries", [
    (GET + b"\r\n", 200, 2), (b"PUT" + GET[3:] + b"Content-Length: 0\r\n\r\n", 200, 2), (POST + b"\r\n", 502, 1),
    (b"PUT" + GET[3:] + b"Content-Length: 2\r\n\r\nhi", 502, 1),
], ids=["GET", "PUT without a body", "POST", "PUT with a body"])
def test_hangs_up_on_a_second_request(running, upstream, request_head, status, tries):
    """A connection that was used before is replaced once, where repeating does no harm."""
    before = at_rest(running, upstream)
    old = upstream.requests[-1].connection

    def on_head(connection, request):
        if connection is old:
            connection.close()
        return connection is old

    upstream.forget()
    upstream.on_head, upstream.may_break = on_head, True
    with running.client() as client:
        assert client.ask(request_head).status == status
        assert len(upstream.requests) == tries
        assert_in_sync(client, upstream, tries)
    wait_until(lambda: descriptors(running) == before, "the descriptors")


# ---- and all of them again and again

@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer needs memory of its own")
def test_nothing_is_kept(running, upstream):
    quick = [name for name in list(FAULTS) + list(EARLY) if name in EARLY or FAULTS[name][0] != SLOW]

    def a_round():
        for name in quick:
            meet(running, arm(upstream, name))
        upstream.forget()
        return at_rest(running, upstream), settled_memory(running.pid)

    a_round()
    descriptors_before, memory_before = a_round()
    for _ in range(2):
        descriptors_after, memory_after = a_round()
    assert descriptors_after == descriptors_before
    assert len([link for link in links(running) if link.startswith("pipe:")]) <= 5
    assert memory_after - memory_before < 64 * 1024
