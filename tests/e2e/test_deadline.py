"""timeouts.from_client: clients say how long they wait, and upstreams learn what is left of it."""
import time

import pytest
from http_peer import OK, Origin

DOCUMENT = """
openapi: 3.1.0
info: {{title: deadline, version: "1"}}
security: []
x-gateway:
  version: 1
  upstreams: {{pool: {{targets: [{{url: "{0}"}}, {{url: "{1}"}}]}}}}
  upstream: pool
  access_log: false
  timeouts: {{{timeouts}}}
paths:
  /x: {{get: &any {{responses: {{default: {{description: any}}}}}}}}
  /off: {{x-gateway: {{timeouts: {{from_client: false}}}}, get: *any}}
  /no: {{x-gateway: {{timeouts: false}}, get: *any}}
  /retried: {{x-gateway: {{retry: {{attempts: 2, on: [reset], backoff: {{base: 300ms, max: 1s, jitter: false}}}}}}, get: *any}}
"""
SLOW = 2.0


@pytest.fixture
def pool():
    with Origin() as one, Origin() as other:
        yield one, other


def start(gateway, pool, timeouts="from_client: true"):
    return gateway(DOCUMENT.format(*(one.url for one in pool), timeouts=timeouts), "--workers", "1")


def ask(running, path, *fields):
    with running.client() as client:
        lines = "".join(f"{field}\r\n" for field in fields)
        return client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n")


def is_slow(origin, seconds):
    def answer(connection, request):
        time.sleep(seconds)
        connection.send(OK)
    origin.answer, origin.may_break = answer, True


def told(pool):
    return [value for one in pool for request in one.requests
            for name, value in request.fields if name.lower() == "x-request-timeout"]


@pytest.mark.parametrize("said, at_most", [("2", 2), ("2.5", 2.5), ("0.25", 0.25), ("10.005", 10.005)])
def test_upstreams_are_told_what_is_left(gateway, pool, said, at_most):
    running = start(gateway, pool)
    assert ask(running, "/x", f"X-Request-Timeout: {said}").status == 200
    (left,) = told(pool)
    assert at_most - 0.2 < float(left) <= at_most and len(left.split(".")[1]) == 3


def test_it_ends_the_request(gateway, pool):
    for one in pool:
        is_slow(one, SLOW)
    running = start(gateway, pool)
    began = time.monotonic()
    answer = ask(running, "/x", "X-Request-Timeout: 0.2")
    assert answer.status == 504
    assert time.monotonic() - began < SLOW


@pytest.mark.parametrize("path", ["/off", "/no"])
def test_switched_off_it_is_a_field_like_others(gateway, pool, path):
    for one in pool:
        is_slow(one, 0.3)
    running = start(gateway, pool)
    assert ask(running, path, "X-Request-Timeout: 0.1").status == 200
    assert told(pool) == ["0.1"]


def test_by_default_too(gateway, pool):
    running = start(gateway, pool, "")
    assert ask(running, "/x", "X-Request-Timeout: soon").status == 200
    assert told(pool) == ["soon"]


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.", ".5", "1.0000", "1e3", "1s", "0x10", "1 2", "1, 2"])
def test_what_is_no_number_of_seconds(gateway, pool, said):
    running = start(gateway, pool)
    answer = ask(running, "/x", f"X-Request-Timeout: {said}")
    assert answer.status == 400 and b"X-Request-Timeout is not a number of seconds" in answer.body
    assert told(pool) == []


def test_two_of_them(gateway, pool):
    running = start(gateway, pool)
    assert ask(running, "/x", "X-Request-Timeout: 1", "X-Request-Timeout: 2").status == 400


def test_the_gateways_own_limit_stays(gateway, pool):
    for one in pool:
        is_slow(one, SLOW)
    running = start(gateway, pool, "from_client: true, request: 200ms")
    began = time.monotonic()
    assert ask(running, "/x", "X-Request-Timeout: 99999999999999").status == 504
    assert time.monotonic() - began < SLOW


def test_another_try_has_less(gateway, pool):
    """Both targets reset; the second one is told 300 ms less at least, for the pause was as long."""
    for one in pool:
        one.answer = lambda connection, request: connection.reset()
    running = start(gateway, pool)
    assert ask(running, "/retried", "X-Request-Timeout: 3").status == 502
    first, second = sorted((float(left) for left in told(pool)), reverse=True)
    assert second <= first - 0.3
