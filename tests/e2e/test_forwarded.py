"""What the upstream is told about the client, by whom it may be said, and request ids."""
import re

import pytest
from http_peer import wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: Forwarded test, version: "1"}
servers: [{url: /api}]
x-gateway:
  version: 1
  access_log: false
  FORWARDED
  CORRELATION
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
paths:
  /x: {get: {operationId: getX, responses: {default: {description: any}}}}
  /stripped:
    get:
      operationId: stripped
      x-gateway: {rewrite: {strip: base}}
      responses: {default: {description: any}}
"""

SPOOFED = (b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n"
           b"X-Forwarded-Prefix: /evil\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-ID: chosen.1\r\n")


def start(gateway, origin, forwarded="", correlation=""):
    one = gateway(DOCUMENT.replace("FORWARDED", forwarded).replace("CORRELATION", correlation),
                  "--upstream", f"origin={origin.url}")
    wait_until(lambda: "ready" in one.log, "readiness")

    def ask(path="/api/x", lines=SPOOFED):
        one.answered = one.ask(f"GET {path} HTTP/1.1\r\nHost: Api.example:81\r\n".encode() + lines + b"\r\n")
        assert one.answered.status == 200
        return origin.request()

    one.tell = ask
    return one


def test_a_strangers_word_is_replaced(gateway, origin):
    one = start(gateway, origin)
    seen = one.tell()
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert seen["X-Real-IP"] == "127.0.0.1"
    assert seen["X-Forwarded-Proto"] == "http"
    assert seen["X-Forwarded-Host"] == "Api.example:81"
    assert seen["X-Forwarded-Port"] == str(one.port)
    assert seen["X-Forwarded-Prefix"] is None
    assert seen["Forwarded"] is None
    assert b"6.6.6.6" not in seen.raw and b"evil" not in seen.raw


def test_a_trusted_proxys_word_counts(gateway, origin):
    one = start(gateway, origin, "forwarded: {trusted_proxies: [127.0.0.0/8]}")
    seen = one.tell()
    assert seen["X-Forwarded-For"] == "6.6.6.6, 127.0.0.1"
    assert seen["X-Real-IP"] == "6.6.6.6"
    assert seen["X-Forwarded-Proto"] == "https"
    assert seen["X-Forwarded-Host"] == "evil"
    assert seen["X-Forwarded-Port"] == "1"
    assert seen["X-Forwarded-Prefix"] == "/evil"
    assert seen["Forwarded"] is None


def test_the_rightmost_untrusted_hop(gateway, origin):
    one = start(gateway, origin, 'forwarded: {trusted_proxies: [127.0.0.0/8, "10.0.0.0/8"]}')
    seen = one.tell(lines=b"X-Forwarded-For: 1.1.1.1, 6.6.6.6\r\nX-Forwarded-For: 10.0.0.9\r\n")
    assert seen["X-Real-IP"] == "6.6.6.6"
    assert seen["X-Forwarded-For"] == "1.1.1.1, 6.6.6.6, 10.0.0.9, 127.0.0.1"


def test_rfc7239(gateway, origin):
    one = start(gateway, origin, "forwarded: {trusted_proxies: [127.0.0.0/8], header: forwarded}")
    seen = one.tell(lines=b'Forwarded: for="[2001:db8::7]:99";proto=https;host=api.example\r\nX-Forwarded-For: 6.6.6.6\r\n')
    assert seen["X-Real-IP"] == "2001:db8::7"
    assert seen["X-Forwarded-For"] == "2001:db8::7"
    assert seen["X-Forwarded-Proto"] == "https"
    assert seen["Forwarded"] == ('for="[2001:db8::7]:99";proto=https;host=api.example, '
                                 'for=127.0.0.1;host="Api.example:81";proto=http')


def test_real_ip(gateway, origin):
    one = start(gateway, origin, "forwarded: {trusted_proxies: [127.0.0.0/8], header: x-real-ip}")
    seen = one.tell(lines=b"X-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 5.5.5.5\r\n")
    assert seen["X-Real-IP"] == "6.6.6.6" and seen["X-Forwarded-For"] == "6.6.6.6"


def test_the_stripped_prefix(gateway, origin):
    one = start(gateway, origin)
    seen = one.tell("/api/stripped", b"")
    assert seen.target == "/stripped"
    assert seen["X-Forwarded-Prefix"] == "/api"


# ---- request ids

UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_ids_are_made_and_echoed(gateway, origin):
    one = start(gateway, origin)
    ids = set()
    for _ in range(50):
        seen = one.tell()
        assert re.fullmatch(UUID7, seen["X-Request-ID"])
        assert one.answered["X-Request-ID"] == seen["X-Request-ID"]
        ids.add(seen["X-Request-ID"])
    assert len(ids) == 50


@pytest.mark.parametrize("trusted, lines, kept", [
    ("127.0.0.0/8", b"X-Request-ID: chosen.1\r\n", True),
    ("127.0.0.0/8", b"X-Request-ID: a b\r\n", False),
    ("127.0.0.0/8", b"X-Request-ID: " + b"x" * 129 + b"\r\n", False),
    ("10.0.0.0/8", b"X-Request-ID: chosen.1\r\n", False),
])
def test_whose_ids_are_kept(gateway, origin, trusted, lines, kept):
    one = start(gateway, origin, f"forwarded: {{trusted_proxies: [{trusted}]}}", "correlation_id: {trust_incoming: true}")
    seen = one.tell(lines=lines)
    assert (seen["X-Request-ID"] == "chosen.1") == kept
    assert kept or re.fullmatch(UUID7, seen["X-Request-ID"])


@pytest.mark.parametrize("generator, form", [("counter", UUID7 + r"#\d+"), ("tracker", r"127\.0\.0\.1-\d+-\d+-\d+-\d+-\d+\.\d{3}")])
def test_other_generators(gateway, origin, generator, form):
    one = start(gateway, origin, "", f"correlation_id: {{header_name: X-Trace, generator: {generator}, echo_downstream: false}}")
    first, second = one.tell(), one.tell()
    for seen in (first, second):
        assert re.fullmatch(form, seen["X-Trace"])
        assert seen["X-Request-ID"] == "chosen.1"
    assert first["X-Trace"] != second["X-Trace"]
    assert one.answered["X-Trace"] is None


def test_no_ids(gateway, origin):
    one = start(gateway, origin, "", "correlation_id: false")
    seen = one.tell(lines=b"")
    assert seen["X-Request-ID"] is None and one.answered["X-Request-ID"] is None
