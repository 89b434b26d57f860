"""Health checks: a target that is sick is not asked any more, and is again when it is well."""
import re
import select
import socket
import threading
from concurrent import futures

import grpc
import pytest
from certificates import Authority, SecureOrigin
from http_peer import OK, Origin, RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: health, version: "1"}}
x-gateway:
  version: 1
  upstreams:
    pool:
      targets: [{targets}]
      health_check: {{interval: 500ms, timeout: 500ms, unhealthy_threshold: 2, healthy_threshold: 2, {check}}}
      {more}
  upstream: pool
  status: {{address: "127.0.0.1:0"}}
  access_log: {{fields: [path, status, reason]}}
paths:
  /x: {{get: {{responses: {{default: {{description: any}}}}}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
SAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def document(*urls, check="path: /health", more=""):
    return DOCUMENT.format(targets=", ".join(f'{{url: "{url}"}}' for url in urls), check=check, more=more)


class Patient(Origin):
    """Answers /health as it is told, everything else with 200; counts both."""

    def __init__(self, **more):
        super().__init__(**more)
        self.answer, self.health = self._answer, OK

    def _answer(self, connection, request):
        connection.send(self.health if request.target == "/health" else OK)

    @property
    def checks(self):
        return [r for r in self.requests if r.target == "/health"]

    @property
    def served(self):
        return len(self.requests) - len(self.checks)


@pytest.fixture
def one():
    with Patient() as patient:
        yield patient


@pytest.fixture
def two():
    with Patient() as patient:
        yield patient


def ask(running, times=8):
    with running.client() as client:
        return [client.ask(GET).status for _ in range(times)]


def metric(running, name, url):
    with RawClient(int(re.search(r"status on \S*:(\d+)", running.log).group(1))) as client:
        text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    return int(re.search(rf'^{name}{{[^}}]*target="{re.escape(url)}"[^}}]*}} (\d+)$', text, re.M).group(1))


def until_sick(running, url, why=""):
    wait_until(lambda: f"{url} is sick: {why}" in running.log, "the target to be sick", 30)


def until_well(running, url):
    wait_until(lambda: f"{url} is well again" in running.log, "the target to be well again", 30)


# ---- what follows from it ----

def test_a_sick_target_is_not_asked(gateway, one, two):
    gw = gateway(document(one.url, two.url), "--workers", "2")
    assert ask(gw) == [200] * 8 and (one.served, two.served) == (4, 4)
    one.health = SAD
    until_sick(gw, one.url, "it answered 503")
    before = one.served, two.served
    for _ in range(8):  # whichever worker it is
        assert ask(gw, 2) == [200] * 2
    assert (one.served, two.served) == (before[0], before[1] + 16)
    assert metric(gw, "apigw_upstream_healthy", one.url) == 0
    assert metric(gw, "apigw_upstream_healthy", two.url) == 1
    assert metric(gw, "apigw_upstream_health_check_failures_total", one.url) >= 2
    assert metric(gw, "apigw_upstream_health_check_failures_total", two.url) == 0
    one.health = OK
    until_well(gw, one.url)
    before = one.served
    assert ask(gw) == [200] * 8 and one.served == before + 4
    assert metric(gw, "apigw_upstream_healthy", one.url) == 1
    assert gw.log.count(" is sick: ") == gw.log.count(" is well again") == 1


def test_when_all_are_sick_all_are_asked(gateway, one, two):
    gw = gateway(document(one.url, two.url), "--workers", "1")
    one.health = two.health = SAD
    until_sick(gw, one.url)
    until_sick(gw, two.url)
    before = one.served, two.served
    assert ask(gw) == [200] * 8
    assert (one.served, two.served) == (before[0] + 4, before[1] + 4)


def test_unless_the_document_says_otherwise(gateway, one):
    gw = gateway(document(one.url, more="panic_threshold: 0"), "--workers", "1")
    one.health = SAD
    until_sick(gw, one.url)
    assert ask(gw, 2) == [503] * 2 and one.served == 0


def is_left(connection):
    """Nothing but its end can have come."""
    try:
        return bool(select.select([connection.sock], [], [], 0)[0])
    except ValueError:  # closed here, too
        return True


def test_one_worker_asks_for_all(gateway, one):
    """While answers are held for whole intervals nobody else asks."""
    asked, lock, alone = [], threading.Lock(), []

    def on_head(connection, request):
        with lock:
            alone.append(all(is_left(c) for c in asked))
            asked.append(connection)
        connection.until_closed()
        return True

    one.on_head = on_head
    gw = gateway(document(one.url), "--workers", "4")
    until_sick(gw, one.url, "it did not answer in time")
    assert len(alone) >= 2 and all(alone)


def test_the_gateway_ends_while_a_check_is_under_way(gateway, one):
    one.on_head = lambda connection, request: connection.until_closed() or True
    gw = gateway(document(one.url), "--workers", "2")
    one.request()
    gw.stop()


# ---- who is asked, and what ----

def test_the_request(gateway, one):
    gateway(document(one.url + "/prefix", check='path: "/health?deep=1", host: "health.test"'), "--workers", "1")
    request = one.request()
    assert (request.method, request.target, request["Host"]) == ("GET", "/health?deep=1", "health.test")
    assert request["X-Forwarded-For"] is None


def test_statuses(gateway, one, two):
    one.health = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
    two.health = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    gw = gateway(document(one.url, two.url, check='path: /health, expected_statuses: ["2xx", "404"]'), "--workers", "1")
    until_sick(gw, one.url, "it answered 302")
    wait_until(lambda: len(two.checks) >= 3, "checks of the other one")
    assert two.url not in gw.log


def test_another_port(gateway, one, two):
    gw = gateway(document(one.url, check=f"path: /health, port: {two.port}"), "--workers", "1")
    assert two.request().target == "/health"
    two.health = SAD
    until_sick(gw, one.url)
    assert not one.checks


def test_a_target_named_at_start(gateway, one, two):
    gw = gateway(document(one.url), "--workers", "1", "--upstream", f"pool=http://localhost:{two.port}")
    assert two.request().target == "/health"
    two.health = SAD
    until_sick(gw, f"http://localhost:{two.port}")
    assert not one.requests


def test_a_unix_socket(gateway, tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    with Patient(listener=listener) as origin:
        gw = gateway(document(origin.url), "--workers", "1")
        assert origin.request().target == "/health"
        origin.health = SAD
        until_sick(gw, origin.url)


def test_a_connection(gateway, one):
    two = Patient()
    gw = gateway(document(one.url, two.url, check="type: tcp"), "--workers", "1")
    assert ask(gw) == [200] * 8
    two.close()
    until_sick(gw, two.url, "the upstream refuses connections")
    before = one.served
    assert ask(gw) == [200] * 8 and one.served == before + 8
    with Patient(listener=socket.create_server(("127.0.0.1", two.port), backlog=128)) as back:
        until_well(gw, two.url)
        assert ask(gw) == [200] * 8 and back.served == 4
    assert not one.checks and not two.checks


@pytest.mark.parametrize("check", ["path: /health", "type: tcp"])
def test_over_tls(gateway, tmp_path, check):
    authority, stranger = Authority(str(tmp_path / "a")), Authority(str(tmp_path / "b"))
    tls = f"tls: {{ca: {{file: {authority.cert}}}}}"
    with SecureOrigin(authority.issue("localhost")) as good, SecureOrigin(stranger.issue("localhost")) as bad:
        bad.may_break = True
        gw = gateway(document(good.url, bad.url, check=check, more=tls), "--workers", "1")
        until_sick(gw, bad.url, "the upstream's TLS handshake failed")
        wait_until(lambda: good.connections >= 3, "checks of the other one")
        assert f"{good.url} is sick" not in gw.log
        assert ask(gw) == [200] * 8


# ---- gRPC ----

class Health(grpc.GenericRpcHandler):
    """grpc.health.v1.Health/Check on bytes: `status` is what it answers, None that it knows no such method."""

    def __init__(self):
        self.status, self.asked = 1, []

    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check" and self.status is not None:
            return grpc.unary_unary_rpc_method_handler(self.check)
        return None

    def check(self, request, context):
        self.asked.append(request)
        if self.status == 5:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return bytes([0x08, self.status])


@pytest.fixture
def health():
    server, service = grpc.server(futures.ThreadPoolExecutor(4)), Health()
    server.add_generic_rpc_handlers((service,))
    service.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield service
    server.stop(None)


@pytest.mark.parametrize("status, why", [(2, "it is not serving"), (3, "it is not serving"), (5, "grpc-status 5"),
                                         (None, "grpc-status 12")])
def test_grpc(gateway, health, status, why):
    gw = gateway(document(health.url, check="type: grpc, service: pets.Pets", more="protocol: grpc"), "--workers", "1")
    wait_until(lambda: len(health.asked) >= 2, "checks")
    assert set(health.asked) == {b"\x0a\x09pets.Pets"}
    health.status = status
    until_sick(gw, health.url, why)
    health.status = 1
    until_well(gw, health.url)
    assert gw.log.count(" is sick: ") == 1


def test_grpc_of_the_whole_server(gateway, health):
    gw = gateway(document(health.url, check="type: grpc", more="protocol: grpc"), "--workers", "1")
    wait_until(lambda: len(health.asked) >= 3, "checks")
    assert set(health.asked) == {b""}
    assert metric(gw, "apigw_upstream_health_check_failures_total", health.url) == 0
