"""TLS towards upstreams: who is trusted, by which name, with which certificate of our own; what fails is a 502."""
import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from certificates import Authority, SecureOrigin, secure_listener
from http_peer import Origin, WAIT, wait_until

GET = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

SPEC = """
openapi: 3.1.0
info: {{title: secure, version: 1.0.0}}
security: []
x-gateway:
  version: 1
  upstreams: {{origin: {{targets: [{targets}], {more}}}}}
  upstream: origin
  timeouts: {{connect: 700ms}}
paths:
  /a:
    get: {{operationId: a, responses: {{"200": {{description: fine}}}}}}
    post: {{operationId: post_a, responses: {{"200": {{description: fine}}}}}}
"""


def spec(origin, tls=None, more="", url=None):
    words = f"tls: {{{tls}}}" if tls else ""
    return SPEC.format(targets=f'{{url: "{url or origin.url}"}}', more=", ".join(w for w in (words, more) if w))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("ca")))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("localhost", "DNS:localhost", "IP:127.0.0.1")


@pytest.fixture
def secure_origin(pair):
    with SecureOrigin(pair) as one:
        yield one
        one.settle()
        assert not one.failures, one.failures


def ca(authority):
    return f"ca: {{file: {authority.cert}}}"


def test_requests_go_to_the_upstream_over_tls(gateway, secure_origin, authority):
    gw = gateway(spec(secure_origin, ca(authority)))
    with gw.client() as client:
        assert [client.ask(GET).status for _ in range(5)] == [200] * 5
    assert secure_origin.connections == 1
    assert secure_origin.requests[0].fields.one("Host") == f"localhost:{secure_origin.port}"


def test_long_bodies_go_both_ways(gateway, secure_origin, authority):
    body = os.urandom(8 << 20)
    secure_origin.answer = lambda connection, request: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body)
    gw = gateway(spec(secure_origin, ca(authority)))
    with gw.client() as client:
        for _ in range(2):
            client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert client.answer().body == body


def test_an_address_is_checked_against_addresses(gateway, secure_origin, authority):
    gw = gateway(spec(secure_origin, ca(authority), url=f"https://127.0.0.1:{secure_origin.port}"))
    assert gw.ask(GET).status == 200


@pytest.mark.parametrize("tls, said", [
    ("", "unable to get local issuer certificate"),
    ("{ca}, verify_name: other.example.com", "hostname mismatch"),
    ("{ca}, sni: other.example.com", "hostname mismatch"),
])
def test_who_is_not_trusted_gets_no_request(gateway, authority, pair, tls, said):
    with SecureOrigin(pair) as origin:
        gw = gateway(spec(origin, tls.format(ca=ca(authority))))
        answer = gw.ask(GET)
        assert answer.status == 502 and b"TLS handshake failed" in answer.body
        assert said.encode() not in answer.body
        wait_until(lambda: said in gw.log, "the reason in the log")
        assert origin.requests == []


@pytest.mark.parametrize("days, sans, said", [(-1, ["DNS:localhost"], "certificate has expired"),
                                              (5, ["DNS:else.example.com"], "hostname mismatch"),
                                              (5, ["DNS:*"], "hostname mismatch"),
                                              (5, ["DNS:local*"], "hostname mismatch")])
def test_a_certificate_must_be_good_now_and_for_this_name(gateway, authority, days, sans, said):
    with SecureOrigin(authority.issue("localhost", *sans, days=days)) as origin:
        origin.may_break = True
        gw = gateway(spec(origin, ca(authority)))
        assert gw.ask(GET).status == 502
        wait_until(lambda: said in gw.log, "the reason in the log")
        assert origin.requests == []


def test_without_verification_anybody_will_do(gateway, secure_origin):
    gw = gateway(spec(secure_origin, "verify: false"))
    assert gw.ask(GET).status == 200


@pytest.mark.parametrize("tls, expected", [("{ca}", "localhost"),
                                           ("{ca}, sni: a.example.com, verify_name: localhost", "a.example.com")])
def test_the_name_is_sent(gateway, authority, pair, tls, expected):
    names = []

    def tune(context):
        context.sni_callback = lambda sock, name, ctx: names.append(name)

    with SecureOrigin(pair, tune=tune) as origin:
        gw = gateway(spec(origin, tls.format(ca=ca(authority))))
        assert gw.ask(GET).status == 200
    assert names == [expected]


def test_an_address_is_not_sent_as_a_name(gateway, authority, pair):
    names = []

    def tune(context):
        context.sni_callback = lambda sock, name, ctx: names.append(name)

    with SecureOrigin(pair, tune=tune) as origin:
        gw = gateway(spec(origin, ca(authority), url=f"https://127.0.0.1:{origin.port}"))
        assert gw.ask(GET).status == 200
    assert names == [None]


def test_the_gateway_shows_its_own_certificate(gateway, authority, pair):
    own = authority.issue("gateway")
    keys = f"{ca(authority)}, cert: {{file: {own.cert}}}, key: {{file: {own.key}}}"
    with SecureOrigin(pair, authority) as origin:
        origin.may_break = True
        assert gateway(spec(origin, keys)).ask(GET).status == 200
        # in TLS 1.3 the refusal comes behind the handshake
        assert gateway(spec(origin, ca(authority))).ask(GET).status == 502
        assert len(origin.requests) == 1


def test_sessions_are_used_again(gateway, authority, pair):
    reused = []

    def answer(connection, request):
        reused.append(connection.sock.session_reused)
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with SecureOrigin(pair) as origin:
        origin.answer = answer
        gw = gateway(spec(origin, ca(authority)), "--workers", "1")
        for _ in range(5):
            assert gw.ask(GET).status == 200
    assert reused == [False, True, True, True, True]


# ---- what goes wrong ----

class Odd:
    """Accepts, and does as it is told with each connection."""

    def __init__(self, do):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.held = []
        threading.Thread(target=self.run, args=(do,), daemon=True).start()

    def run(self, do):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            do(sock)
            self.held.append(sock)

    def close(self):
        self.listener.close()
        for sock in self.held:
            sock.close()


def hello_then(bytes_sent):
    def do(sock):
        sock.recv(4096)
        sock.sendall(bytes_sent)
        sock.close()
    return do


@pytest.mark.parametrize("do, status", [
    (lambda sock: sock.close(), 502),
    (lambda sock: None, 504),
    (hello_then(b""), 502),
    (hello_then(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 502),
    (hello_then(b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), 502),
    (hello_then(b"\x15\x03\x03\x00\x02\x02\x28"), 502),
    (hello_then(b"\x00" * 4096), 502),
])
def test_a_handshake_that_fails_is_a_bad_gateway(gateway, authority, do, status):
    odd = Odd(do)
    gw = gateway(spec(odd, ca(authority)))
    assert gw.ask(GET).status == status
    odd.close()


def test_old_versions_are_not_spoken(gateway, authority, pair):
    def tune(context):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with SecureOrigin(pair, tune=tune) as origin:
        origin.may_break = True
        assert gateway(spec(origin, ca(authority))).ask(GET).status == 502
        assert origin.requests == []


def test_another_target_serves_when_one_fails_in_the_handshake(gateway, secure_origin, authority):
    odd = Odd(lambda sock: sock.close())
    text = SPEC.format(targets=f'{{url: "{odd.url}"}}, {{url: "{secure_origin.url}"}}', more=f"tls: {{{ca(authority)}}}")
    gw = gateway(text, "--workers", "1")
    assert [gw.ask(GET).status for _ in range(6)] == [200] * 6
    odd.close()


@pytest.mark.parametrize("framing, cut_is_noticed", [("Content-Length: 4", False), ("Connection: close", True)])
def test_an_answer_that_ends_with_the_connection_needs_the_goodbye(gateway, secure_origin, authority, framing,
                                                                   cut_is_noticed):
    goodbye = []

    def answer(connection, request):
        connection.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\nbody")
        if goodbye:
            connection.sock.unwrap()
        connection.sock.close()

    secure_origin.answer, secure_origin.may_break = answer, True
    gw = gateway(spec(secure_origin, ca(authority)))
    with gw.client() as client:
        client.send(GET)
        raw = client.wire
        head = client.head()
        if cut_is_noticed:
            assert head.status == 200
            assert not client.rest().endswith(b"0\r\n\r\n")  # chunks that have no end
        else:
            raw.framed(head)
            assert head.body == b"body"
    goodbye.append(True)
    assert gw.ask(GET).body == b"body"


def test_a_connection_that_the_upstream_closed_is_replaced(gateway, secure_origin, authority):
    gw = gateway(spec(secure_origin, ca(authority)), "--workers", "1")
    assert gw.ask(GET).status == 200
    for one in secure_origin.open_ones:
        one.may_break = True
        one.sock.shutdown(socket.SHUT_RDWR)
    assert gw.ask(GET).status == 200
    assert secure_origin.connections == 2


# ---- start and reading again ----

def test_the_roots_are_read_again(gateway, authority, pair, tmp_path):
    other = Authority(str(tmp_path / "other"), "Other CA")
    bundle = tmp_path / "bundle.pem"
    shutil.copy(other.cert, bundle)
    with SecureOrigin(pair) as origin:
        origin.may_break = True
        gw = gateway(spec(origin, f"ca: {{file: {bundle}}}"))
        assert gw.ask(GET).status == 502
        shutil.copy(authority.cert, bundle)
        gw.process.send_signal(1)
        wait_until(lambda: gw.ask(GET).status == 200, "the new roots")
        bundle.write_text("nothing of the kind\n")
        gw.process.send_signal(1)
        wait_until(lambda: "keeping the old certificates" in gw.log, "a word about it")
        assert gw.ask(GET).status == 200


def test_what_is_missing_at_the_start_is_named(build_cache, authority, pair, tmp_path):
    import fixtures
    with SecureOrigin(pair) as origin:
        binary = fixtures.build(build_cache, spec(origin, f"ca: {{file: {tmp_path}/none.pem}}"))
    done = subprocess.run([binary], capture_output=True, text=True, timeout=WAIT * 3)
    assert done.returncode == 1 and f"{tmp_path}/none.pem" in done.stderr


def test_an_upstream_named_at_the_start_is_called_over_tls_as_well(gateway, secure_origin, authority):
    text = spec(secure_origin, ca(authority), url="https://nowhere.example.com")
    gw = gateway(text, "--upstream", f"origin={secure_origin.url}")
    assert gw.ask(GET).status == 200


def test_an_upstream_named_at_the_start_keeps_its_scheme(build_cache, secure_origin, authority):
    import fixtures
    binary = fixtures.build(build_cache, spec(secure_origin, ca(authority)))
    done = subprocess.run([binary, "--upstream", "origin=http://localhost"], capture_output=True, text=True,
                          timeout=WAIT * 3)
    assert done.returncode == 1 and "this upstream is called over TLS" in done.stderr


def test_the_roots_that_are_built_in_are_those_of_the_bundle(gateway, secure_origin, authority, monkeypatch):
    monkeypatch.setenv("CA_BUNDLE", authority.cert)
    gw = gateway(spec(secure_origin, "reload: signal"))
    assert gw.ask(GET).status == 200
