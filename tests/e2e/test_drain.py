"""The end of a gateway: who is still served, what is said meanwhile, and when it is over."""
import re
import signal
import socket
import threading
import time

import pytest
from http_peer import Broken, RawClient, WAIT, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: Drain test, version: "1"}
x-gateway:
  version: 1
  access_log: false
  drain: {DRAIN}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
paths:
  /x: {get: {operationId: getX, responses: {default: {description: any}}}}
"""

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def start(gateway, origin, drain, *args):
    one = gateway(DOCUMENT.replace("{DRAIN}", drain), "--upstream", f"origin={origin.url}", "--status", "127.0.0.1:0", *args)
    wait_until(lambda: "ready" in one.log, "readiness")
    return one


def status_port(one):
    return int(re.search(r"status on \S*:(\d+)", one.log).group(1))


class Load(threading.Thread):
    """A client that goes on asking until nobody listens any more. An answer may announce the end of its
    connection; one that just ends, before or within an answer, is a failure."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.answers, self.failures, self.over = port, 0, [], False

    def run(self):
        while not self.over:
            try:
                client = RawClient(self.port)
            except ConnectionRefusedError:
                return
            with client:
                try:
                    self.ask_on(client)
                except (Broken, OSError, AssertionError) as error:
                    self.failures.append(repr(error))

    def ask_on(self, client):
        while not self.over:
            answer = client.ask(GET)
            assert answer.status == 200, answer
            self.answers += 1
            if answer["Connection"] == "close":
                assert client.is_closed()
                return


def answer_late(seconds):
    def answer(connection, _):
        time.sleep(seconds)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_request_fails_under_load(gateway, origin, number):
    one = start(gateway, origin, "{delay: 0s, grace: 10s}", "--workers", "2")
    clients = [Load(one.port) for _ in range(8)]
    for client in clients:
        client.start()
    wait_until(lambda: sum(c.answers for c in clients) > 400, "some load")
    one.process.send_signal(number)
    assert one.process.wait(WAIT) == 0
    for client in clients:
        client.join(WAIT)
    assert not [f for c in clients for f in c.failures]


class ShortLoad(threading.Thread):
    """A client with a connection for each request, until nobody takes one."""

    def __init__(self, family, address):
        super().__init__(daemon=True)
        self.family, self.address, self.answers, self.failures = family, address, 0, []

    def run(self):
        while True:
            with socket.socket(self.family) as sock:
                sock.settimeout(WAIT)
                try:
                    sock.connect(self.address)
                except (ConnectionRefusedError, FileNotFoundError):
                    return
                try:
                    sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    answer = b"".join(iter(lambda: sock.recv(4096), b""))
                    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"ok\n"), answer
                    self.answers += 1
                except (OSError, AssertionError) as error:
                    self.failures.append(repr(error))


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_who_has_connected_is_served(gateway, origin, tmp_path, kind):
    """Also who stood in the queue of the listening socket when it was time to close."""
    path = str(tmp_path / "gw.sock")
    one = start(gateway, origin, "{delay: 0s, grace: 10s}", "--workers", "2", "--listen", f"unix:{path}")
    where = (socket.AF_UNIX, path) if kind == "unix" else (socket.AF_INET, ("127.0.0.1", one.port))
    clients = [ShortLoad(*where) for _ in range(8)]
    for client in clients:
        client.start()
    wait_until(lambda: sum(c.answers for c in clients) > 200, "some load")
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(WAIT) == 0
    for client in clients:
        client.join(WAIT)
    assert not [f for c in clients for f in c.failures]


def test_requests_in_flight_are_finished(gateway, origin):
    origin.answer = answer_late(1)
    one = start(gateway, origin, "{delay: 0s, grace: 10s}")
    with one.client() as busy, one.client() as half:
        busy.send(GET)
        half.send(GET[:10])
        origin.request()
        one.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in one.log, "the drain")
        half.send(GET[10:])
        for client in (busy, half):
            answer = client.answer()
            assert answer.status == 200 and answer["Connection"] == "close"
            assert client.is_closed()
    assert one.process.wait(WAIT) == 0


def test_an_idle_connection_does_not_hold_it_up(gateway, origin):
    one = start(gateway, origin, "{delay: 0s, grace: 10s}")
    with one.client() as idle, one.client():
        idle.ask(GET)
        begun = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(WAIT) == 0
        assert time.monotonic() - begun < 5
        assert idle.is_closed()


def test_delay(gateway, origin):
    """Not ready, but open: a balancer needs time to notice."""
    one = start(gateway, origin, "{delay: 2s, grace: 5s}")
    kept = one.client()
    kept.ask(GET)
    probe = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    def readiness():
        with RawClient(status_port(one)) as client:
            return client.ask(probe).status

    assert readiness() == 200
    begun = time.monotonic()
    one.process.send_signal(signal.SIGTERM)
    wait_until(lambda: readiness() == 503, "the readiness to go")
    for client in (kept, one.client()):
        with client:
            answer = client.ask(GET)
            assert answer.status == 200 and answer["Connection"] == "close"
    assert one.process.wait(WAIT) == 0
    assert time.monotonic() - begun >= 1.9


def test_probes_are_answered_while_draining(gateway, origin):
    origin.answer = answer_late(1.5)
    one = start(gateway, origin, "{delay: 0s, grace: 5s}")
    with one.client() as busy:
        busy.send(GET)
        origin.request()
        one.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in one.log, "the drain")
        for path, status in (("/readyz", 503), ("/healthz", 200), ("/metrics", 200)):
            with RawClient(status_port(one)) as client:
                assert client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").status == status
        assert busy.answer().status == 200
    assert one.process.wait(WAIT) == 0


def test_interrupt_skips_the_delay(gateway, origin):
    one = start(gateway, origin, "{delay: 30s, grace: 5s}")
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(5) == 0


def test_grace_ends(gateway, origin):
    """What takes longer is cut off, and that is said."""
    origin.answer = lambda connection, _: connection.until_closed()
    one = start(gateway, origin, "{delay: 0s, grace: 500ms}")
    with one.client() as busy:
        busy.send(GET)
        origin.request()
        begun = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(WAIT) == 0
        assert 0.4 < time.monotonic() - begun < 5
        busy.rest()
    one.reader.join(WAIT)
    assert "1 requests cut off after 500 ms" in one.log


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(gateway, origin, second):
    origin.answer = lambda connection, _: connection.until_closed()
    one = start(gateway, origin, "{delay: 30s, grace: 30s}")
    with one.client() as busy:
        busy.send(GET)
        origin.request()
        one.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in one.log, "the drain")
        one.process.send_signal(second)
        assert one.process.wait(5) == 1
    one.stop = lambda: None
