"""The PROXY protocol from balancers: who may say whom he brings, in which words, and what happens to all others."""
import json
import os
import re
import socket
import subprocess
import time

import pytest
from fixtures import IS_SANITIZED, build
from http_peer import WAIT, RawClient, wait_until
from proxy_header import LOCAL, SIGNATURE, UNKNOWN, checked, v1, v2

DOCUMENT = """
openapi: 3.1.0
info: {title: proxied, version: "1"}
security: []
x-gateway:
  version: 1
  listeners:
    - {address: "127.0.0.1:0", proxy_protocol: PROXIED, limits: {header_timeout: TIMEOUT, LIMITS}}
  forwarded: {trusted_proxies: FORWARDED}
  access_log: {fields: [remote_addr, query]}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
paths:
  /x: {get: &any {responses: {default: {description: any}}}, post: *any}
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
STRANGER = "127.0.0.2"  # an address that is not trusted
HERE = b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"


def document(proxied="{trusted: [127.0.0.1]}", timeout="30s", limits="headers: 32k", forwarded="[192.0.2.1]"):
    text = DOCUMENT
    for word, value in (("PROXIED", proxied), ("TIMEOUT", timeout), ("LIMITS", limits), ("FORWARDED", forwarded)):
        text = text.replace(word, value)
    return text


def start(gateway, *args, **settings):
    return gateway(document(**settings), "--workers", "1", "--status", "127.0.0.1:0", *args)


def refused(running):
    with RawClient(int(re.search(r"status on \S*:(\d+)", running.log).group(1))) as client:
        body = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    return next(int(line.split()[1]) for line in body.splitlines()
                if line.startswith("apigw_proxy_protocol_refused_total"))


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return start(module_gateway, "--upstream", f"origin={module_origin.url}")


def logged(running, query):
    """What the access log says of the request with this query."""
    lines = []

    def there():
        lines[:] = [line for line in running.out.splitlines() if f'"{query}"' in line]
        return lines
    wait_until(there, "the access log")
    return json.loads(lines[-1])


GOOD = {
    "v1": (v1(), "203.0.113.7"),
    "v1-ip6": (v1("2001:db8::7", to="::1"), "2001:db8::7"),
    "v1-unknown": (UNKNOWN, "127.0.0.1"),
    "v1-unknown-with-addresses": (b"PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n", "127.0.0.1"),
    "v2": (v2(), "203.0.113.7"),
    "v2-ip6": (v2("2001:db8::7", to="::1"), "2001:db8::7"),
    "v2-mapped": (v2("::ffff:203.0.113.7", to="::1"), "203.0.113.7"),
    "v2-local": (LOCAL, "127.0.0.1"),
    "v2-unspecified": (SIGNATURE + b"\x21\x00\x00\x00", "127.0.0.1"),
    "v2-unix": (SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216), "127.0.0.1"),
    "v2-tlvs": (v2(tlvs=b"\x01\x00\x02h2\x04\x00\x00\x20\x00\x05\x01\0\0\0\0"), "203.0.113.7"),
    "v2-long": (v2(tlvs=b"\xe0" + (4096 - 16 - 12 - 3).to_bytes(2, "big") + bytes(4096 - 16 - 12 - 3)), "203.0.113.7"),
    "v2-checksum": (checked(v2()), "203.0.113.7"),
}
WRONG = {
    "nothing-but-http": GET,
    "tls": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
    "v1-lower-case": b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET,
    "v1-names": b"PROXY TCP4 localhost 5.6.7.8 1 2\r\n" + GET,
    "v1-family": b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n" + GET,
    "v1-port": b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n" + GET,
    "v1-bare-lf": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + GET,
    "v1-too-long": b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n" + GET,
    "v1-endless": b"PROXY UNKNOWN " + b"x" * 100,
    "v2-version": SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12) + GET,
    "v2-command": SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12) + GET,
    "v2-datagram": SIGNATURE + b"\x21\x12\x00\x0c" + bytes(12) + GET,
    "v2-short-block": SIGNATURE + b"\x21\x11\x00\x0b" + bytes(11) + GET,
    "v2-too-long": SIGNATURE + b"\x21\x11\xff\xff",
    "v2-tlv": v2(tlvs=b"\x01\x00\x09x") + GET,
    "v2-checksum": checked(v2())[:-1] + b"\x00" + GET,
}


@pytest.mark.parametrize("case", GOOD)
def test_a_header_names_the_client(running, module_upstream, case):
    header, client_address = GOOD[case]
    with running.client() as client:
        assert client.ask(header + GET.replace(b"/x", f"/x?{case}".encode()), "GET").status == 200
        seen = module_upstream.request()
        assert (seen["X-Forwarded-For"], seen["X-Real-IP"]) == (client_address, client_address)
        # It holds for the whole connection; the next request is a plain one.
        assert client.ask(GET).status == 200
        assert module_upstream.request()["X-Forwarded-For"] == client_address
    assert logged(running, case)["remote_addr"] == client_address


@pytest.mark.parametrize("case", GOOD)
def test_in_pieces(running, module_upstream, case):
    """Byte by byte, the request behind it in one segment with its last byte."""
    header, client_address = GOOD[case]
    step = max(1, len(header) // 100)
    with running.client() as client:
        client.dribble(header[:-1], step=step, pause=0.0005)
        assert client.ask(header[-1:] + GET, "GET").status == 200
        assert module_upstream.request()["X-Forwarded-For"] == client_address


@pytest.mark.parametrize("case", ["v1", "v2", "v2-checksum"])
def test_the_body_behind_it_is_untouched(running, module_upstream, case):
    body = bytes(range(256)) * 1000
    with running.client() as client:
        head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert client.ask(GOOD[case][0] + head + body, "POST").status == 200
        assert module_upstream.request().body == body


@pytest.mark.parametrize("case", WRONG)
def test_a_bad_header_closes(running, module_upstream, case):
    before = refused(running)
    with running.client() as client:
        client.send(WRONG[case])
        assert client.is_closed()
    assert refused(running) == before + 1
    assert module_upstream.got_nothing()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_second_header_is_no_http(running, module_upstream, version):
    with running.client() as client:
        assert client.ask(GOOD[version][0] + GOOD[version][0], "GET").status == 400
    assert module_upstream.got_nothing()


@pytest.mark.parametrize("header", [v1(), v2(), UNKNOWN, LOCAL], ids=["v1", "v2", "unknown", "local"])
def test_a_strangers_header_is_garbage(running, module_upstream, header):
    before = refused(running)
    with RawClient(running.port, source=STRANGER) as client:
        assert client.ask(header + GET, "GET").status == 400
        assert client.is_closed()
    assert refused(running) == before
    assert module_upstream.got_nothing()


def test_a_stranger_is_served_as_itself(running, module_upstream):
    with RawClient(running.port, source=STRANGER) as client:
        assert client.ask(GET).status == 200
    assert module_upstream.request()["X-Forwarded-For"] == "127.0.0.2"


def test_it_closes_without_a_byte(running):
    """As balancers do who ask whether the port is open."""
    before = refused(running)
    for _ in range(5):
        running.client().close()
    with running.client() as client:
        client.half_close()
        assert client.is_closed()
    assert refused(running) == before


@pytest.mark.parametrize("header", [v1(), v2()], ids=["v1", "v2"])
def test_it_ends_within_the_header(running, module_upstream, header):
    before = refused(running)
    for part in (1, 6, 13, len(header) - 1):
        with running.client() as client:
            client.send(header[:part]).half_close()
            assert client.is_closed()
    with running.client() as client:
        client.send(header[:5])
        client.is_quiet(0.05)
        client.half_close()
        assert client.is_closed()
    assert refused(running) == before + 5
    assert module_upstream.got_nothing()


def test_header_and_request_then_half_closed(running, module_upstream):
    with running.client() as client:
        client.send(v2() + GET).half_close()
        assert client.answer().status == 200
    assert module_upstream.request()["X-Forwarded-For"] == "203.0.113.7"


def test_it_takes_too_long(gateway):
    running = start(gateway, timeout="300ms")
    with running.client() as nothing, running.client() as half, running.client() as slow:
        half.send(v2()[:14])
        for byte in v1():
            try:
                slow.send(bytes([byte]))
            except OSError:
                break
            time.sleep(0.02)
        assert nothing.is_closed() and half.is_closed()
        slow.rest()
    assert refused(running) == 3
    assert running.log.count("PROXY header") == 1  # not once for each
    assert "trusted proxy 127.0.0.1:" in running.log
    with running.client() as client:
        assert client.ask(v1() + HERE, "GET").status == 200


def test_true_means_who_is_trusted_anyway(gateway, origin):
    running = start(gateway, "--upstream", f"origin={origin.url}", proxied="true", forwarded="[127.0.0.1]")
    with running.client() as client:
        assert client.ask(v1() + GET, "GET").status == 200
    assert origin.request()["X-Forwarded-For"] == "203.0.113.7"
    with running.client() as client:
        client.send(GET)
        assert client.is_closed()


SPOOFED = b"GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.99\r\n\r\n"


def test_x_forwarded_for_is_judged_by_the_client_that_is_named(running, module_upstream):
    """Not by the balancer: its address is trusted for headers of another kind."""
    with running.client() as client:
        client.ask(v1() + SPOOFED, "GET")
    assert module_upstream.request()["X-Real-IP"] == "203.0.113.7"
    with running.client() as client:
        client.ask(v1("192.0.2.1") + SPOOFED, "GET")
    assert module_upstream.request()["X-Real-IP"] == "192.0.2.99"


def test_a_file_of_balancers_is_read_again(gateway, tmp_path):
    path = tmp_path / "balancers"
    path.write_text("127.0.0.9 # the old one\n")
    running = start(gateway, proxied="{trusted: {file: %s}}" % path)
    with running.client() as client:
        assert client.ask(HERE).status == 200
    path.write_text("127.0.0.1\n")
    running.process.send_signal(1)

    def is_trusted():
        with running.client() as client:
            return client.ask(v1() + HERE, "GET").status == 200
    wait_until(is_trusted, "the new list")


def test_a_missing_file_is_said_at_the_start(build_cache, tmp_path):
    binary = build(build_cache, document(proxied="{trusted: {file: /nowhere/balancers}}"))
    done = subprocess.run([binary, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "/nowhere/balancers" in done.stderr


def unix_client(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT)
    sock.connect(path)
    return RawClient(sock=sock)


@pytest.mark.parametrize("trusts_unix", [True, False])
def test_over_a_unix_socket(gateway, origin, tmp_path, trusts_unix):
    path = str(tmp_path / "gw.sock")
    running = start(gateway, "--listen", f"unix:{path}", "--upstream", f"origin={origin.url}",
                    proxied='{trusted: ["unix:"]}' if trusts_unix else "{trusted: [127.0.0.1]}")
    with unix_client(path) as client:
        if trusts_unix:
            client.dribble(v2(), step=3)
            assert client.ask(GET).status == 200
            assert origin.request()["X-Forwarded-For"] == "203.0.113.7"
        else:
            assert client.ask(v2() + GET, "GET").status == 400
    with unix_client(path) as client:
        client.send(GET)
        assert client.is_closed() if trusts_unix else client.answer().status == 200
    with running.client() as client:  # TCP beside it
        assert client.ask(GET if trusts_unix else v1() + GET, "GET").status == 200


def test_connections_count_for_the_client(gateway):
    running = start(gateway, limits="connections_per_ip: 2")
    clients = [running.client() for _ in range(6)]
    for i, client in enumerate(clients):
        client.send(v1(f"203.0.113.{i // 2}") + HERE)
        assert client.answer("GET").status == 200
    with running.client() as client:
        client.send(v1("203.0.113.0") + HERE)
        assert client.is_closed()
    clients[0].close()

    def has_left():
        with running.client() as client:
            client.send(v1("203.0.113.0") + HERE)
            return client.rest() != b"" if client.is_quiet(0.05) else True
    wait_until(has_left, "the place to be free again")
    for client in clients:
        client.close()


def resident(running):
    with open(f"/proc/{running.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_a_thousand_halves(gateway):
    """They cost little, nobody else waits for them, and the room is empty afterwards."""
    running = start(gateway, timeout="300s")
    with running.client() as client:
        assert client.ask(v1() + HERE, "GET").status == 200
    before, files = resident(running), len(os.listdir(f"/proc/{running.pid}/fd"))
    halves = [RawClient(running.port).send(v2()[:15]) for _ in range(1000)]
    wait_until(lambda: len(os.listdir(f"/proc/{running.pid}/fd")) >= 1000, "all of them to wait")
    with running.client() as client:
        assert client.ask(v2() + HERE, "GET").status == 200
    if not IS_SANITIZED:
        assert resident(running) - before < 1024  # KiB: a KiB each
    for one in halves[:500]:
        one.send(v2()[15:] + HERE)
        assert one.answer("GET").status == 200
    for one in halves:
        one.close()
    wait_until(lambda: len(os.listdir(f"/proc/{running.pid}/fd")) <= files, "all of them to leave")


def test_more_than_the_room_takes(gateway):
    """The first has to go when the room is full; it holds 4096."""
    running = start(gateway, timeout="300s")
    halves = [RawClient(running.port).send(b"PROXY") for _ in range(4100)]
    assert all(half.is_closed() for half in halves[:4])
    with running.client() as client:
        assert client.ask(v2() + HERE, "GET").status == 200
    last = halves[-1]
    last.send(v1()[5:] + HERE)
    assert last.answer("GET").status == 200
    assert refused(running) >= 4
    for half in halves:
        half.close()


def test_drained_while_somebody_waits(gateway):
    running = start(gateway, timeout="300s")
    with running.client() as half:
        half.send(v1()[:10])
        with running.client() as client:
            assert client.ask(v1() + HERE, "GET").status == 200
        running.process.send_signal(15)
        assert half.is_closed()
        running.process.wait(30)
    assert running.process.returncode == 0


def test_without_the_key_none_of_it_is_in_the_binary(build_cache):
    plain = build(build_cache, document(proxied="false"))
    proxied = build(build_cache, document())
    with open(plain, "rb") as one, open(proxied, "rb") as other:
        assert b"PROXY header:" not in one.read() and b"PROXY header:" in other.read()
