"""Requests and answers that are nearly right, by the thousand: whatever the gateway makes of them, each answer of the
upstream reaches the one client whose request it was, in order, and nothing reaches the upstream unasked."""
import random

import pytest
from http_peer import Broken, chunked
from told import DOCUMENT as TOLD

from test_http1_framing import DOCUMENT

SEEDS = [
    b"GET /x?1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    b"POST /x?2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /x?3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", b"world", trailers=b"A: b\r\n"),
    b"PUT /y?4 HTTP/1.1\r\nHost: a\r\nConnection: x, keep-alive\r\nX: y\r\nContent-Length: 0\r\n\r\n",
    b"DELETE http://a/y?5 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /y?6 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
]
WORDS = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"\0", b"\x0b", b"\x7f", b"\xff", b"0", b"1",
         b"5", b"+", b"-", b"0x", b"chunked", b"identity", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
         b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"Host: a\r\n", b"Connection: close\r\n",
         b"Connection: Content-Length\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.0", b"HTTP/1.1", b"0\r\n\r\n"]


def mutated(rng, seeds=SEEDS, most=4):
    data = b"".join(rng.choice(seeds) for _ in range(rng.randint(1, most)))
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        at = rng.randrange(len(data) + 1)
        how = rng.randrange(4)
        if how == 0:
            data = data[:at] + rng.choice(WORDS) + data[at:]
        elif how == 1:
            data = data[:at] + data[at + rng.randint(1, 3):]
        elif how == 2:
            data = data[:at] + rng.choice(WORDS) + data[at + 1:]
        else:
            lines = data.split(b"\r\n")
            first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines.insert(first, lines[second])
            data = b"\r\n".join(lines)
    return data


def serials_answered(client, data):
    """Sends and hears everything (no HEAD: a mutated one is a riddle to the client); the serial numbers of the upstream's answers in it."""
    found = []
    try:
        client.send(data).half_close()
        while True:
            answer = client.head()
            if answer.status == 100:
                continue
            if answer["X-Serial"] is not None:
                found.append(int(answer["X-Serial"]))
            if answer["Content-Length"]:
                client.wire.exactly(int(answer["Content-Length"]))
    except (Broken, ConnectionResetError, BrokenPipeError):
        return found


@pytest.mark.parametrize("seed", range(8))
def test_mutations(gateway, origin, seed):
    running = gateway(DOCUMENT, "--upstream", f"origin={origin.url}")
    rng = random.Random(seed)
    answered, total = [], 0

    def answer(connection, request):
        answered.append(len(answered))
        connection.send(b"HTTP/1.1 200 OK\r\nX-Serial: %d\r\nContent-Length: 2\r\n\r\nok" % answered[-1])

    for _ in range(120):
        origin.forget()
        origin.answer, origin.may_break = answer, True
        answered.clear()
        data = mutated(rng)
        with running.client() as client:
            heard = serials_answered(client, data)
        origin.settle()
        assert heard == answered, data
        total += len(answered)
    assert total > 100  # it was not all nonsense


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", b"world", trailers=b"A: b\r\n"),
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nX: y\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
]


@pytest.mark.parametrize("seed", range(4))
def test_mutated_answers(gateway, origin, seed):
    """To one client at most; the next request, of another client, gets its own answer, whatever the upstream said before."""
    running = gateway(TOLD, "--workers", "1", "--upstream", f"origin={origin.url}")
    rng = random.Random(seed)
    whole = 0
    for number in range(80):
        origin.forget()
        origin.may_break = True
        origin.answer = data = mutated(rng, ANSWERS, 2)
        method = rng.choice([b"GET", b"GET", b"HEAD"])
        with running.client() as client:
            try:
                whole += client.ask(method + b" /slow HTTP/1.1\r\nHost: a\r\n\r\n").status not in (502, 504)
            except (Broken, ConnectionResetError):
                pass
        origin.settle()
        origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n%06d" % number
        answer = running.ask(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, answer.body, answer.interim) == (200, b"%06d" % number, []), data
    assert whole > 20  # it was not all nonsense
