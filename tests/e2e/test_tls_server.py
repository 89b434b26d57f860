"""TLS towards clients: certificates and their choice, versions, sessions, clients' certificates, reading again."""
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from certificates import Authority, SecureClient, client_context, openssl
from fixtures import IS_SANITIZED
from http_peer import RawClient, WAIT, wait_until

GET = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

SPEC = """
openapi: 3.1.0
info: {{title: secure, version: 1.0.0}}
security: []
x-gateway:
  version: 1
  listeners:
    - address: "127.0.0.1:0"
      protocol: https
      {more}
      tls: {{{tls}}}
    {others}
  upstreams: {{origin: {{targets: [{{url: "{origin}"}}]}}}}
  upstream: origin
paths:
  /a:
    get: {{operationId: a, responses: {{"200": {{description: fine}}}}}}
    post: {{operationId: post_a, responses: {{"200": {{description: fine}}}}}}
  /made:
    get:
      operationId: made
      x-gateway: {{respond: {{status: 200, body: made}}}}
      responses: {{"200": {{description: fine}}}}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("ca")))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("localhost", "DNS:localhost", "IP:127.0.0.1")


def certificate(pair, sni="", ocsp=""):
    more = (f"sni: [{sni}], " if sni else "") + (f"ocsp: {{file: {ocsp}}}, " if ocsp else "")
    return f"{{{more}cert: {{file: {pair.cert}}}, key: {{file: {pair.key}}}}}"


def spec(origin, *certificates, tls="", more="", others=""):
    words = f"certificates: [{', '.join(certificates)}]" + (f", {tls}" if tls else "")
    return SPEC.format(origin=origin.url, tls=words, more=more, others=others)


def subject(client):
    return dict(x[0] for x in client.sock.getpeercert()["subject"])["commonName"]


# ---- the plain road ----

def test_requests_over_tls_reach_the_upstream(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair)))
    with SecureClient(gw.port, client_context(authority)) as client:
        for _ in range(3):
            assert client.ask(GET).status == 200
        assert client.sock.version() == "TLSv1.3"
    request = origin.requests[0]
    assert request.fields.one("X-Forwarded-Proto") == "https"
    assert origin.connections == 1


def test_what_a_client_pipelines_is_answered_in_order(gateway, origin, authority, pair):
    origin.answer = lambda connection, request: connection.send(
        f"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{request.fields.one('X-N')}")
    gw = gateway(spec(origin, certificate(pair)))
    with SecureClient(gw.port, client_context(authority)) as client:
        client.send("".join(f"GET /a HTTP/1.1\r\nHost: x\r\nX-N: {n}\r\n\r\n" for n in range(9)))
        assert [client.answer().body for _ in range(9)] == [str(n).encode() for n in range(9)]


def test_heads_arrive_byte_by_byte_in_records_of_their_own(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair)))
    with SecureClient(gw.port, client_context(authority)) as client:
        client.dribble(GET, pause=0)
        assert client.answer().status == 200


@pytest.mark.parametrize("version", [V12, V13])
def test_long_bodies_go_both_ways_past_slow_readers(gateway, origin, authority, pair, version):
    body = os.urandom(8 << 20)
    origin.answer = lambda connection, request: connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body)
    gw = gateway(spec(origin, certificate(pair), tls='min_version: "1.2"'))
    with SecureClient(gw.port, client_context(authority, versions=(version, version))) as client:
        sender = threading.Thread(target=client.send, args=(
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body,))
        sender.start()
        sender.join(WAIT * 3)
        assert client.answer().body == body
        assert client.ask(GET).status == 200


def test_chunked_bodies_go_both_ways(gateway, origin, authority, pair):
    origin.answer = lambda connection, request: connection.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n" + request.body + b"\r\n0\r\n\r\n")
    gw = gateway(spec(origin, certificate(pair)))
    with SecureClient(gw.port, client_context(authority)) as client:
        answer = client.ask("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
        assert answer.body == b"body"


def test_the_end_is_said_in_order(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair)))
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask("GET /made HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body == b"made"
        assert client.sock.recv(1) == b""  # a ragged end would raise


def test_an_https_url_is_no_misdirected_request(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair), others='- {address: "127.0.0.1:0"}'))
    ask = "GET https://localhost/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask(ask).status == 200
    with RawClient(gw.ports[1]) as client:
        assert client.ask(ask).status == 421


# ---- HSTS and redirects ----

def test_hsts_goes_with_every_answer_over_tls_and_with_no_other(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair), more="hsts: {max_age: 60, include_subdomains: true, preload: true}",
                      others='- {address: "127.0.0.1:0"}'))
    with SecureClient(gw.port, client_context(authority)) as client:
        for path, status in (("/a", 200), ("/made", 200), ("/none", 404)):
            answer = client.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.status == status
            assert answer.fields.one("Strict-Transport-Security") == "max-age=60; includeSubDomains; preload"
    with RawClient(gw.ports[1]) as client:
        assert client.ask(GET).fields.all("Strict-Transport-Security") == []


def test_plain_http_is_sent_to_https(gateway, origin, pair):
    gw = gateway(spec(origin, certificate(pair), others='- {address: "127.0.0.1:0", '
                      'redirect_https: {status: 301, port: 8443}, forwarded: {trusted_proxies: [127.0.0.1]}}'))
    with RawClient(gw.ports[1]) as client:
        answer = client.ask("GET /a?x=1 HTTP/1.1\r\nHost: api.example.com:80\r\n\r\n")
        assert (answer.status, answer.fields.one("Location")) == (301, "https://api.example.com:8443/a?x=1")
        answer = client.ask("POST /a HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 1\r\n\r\nx")
        assert (answer.status, answer.fields.one("Location")) == (301, "https://[::1]:8443/a")
        # a proxy in front has taken the TLS off
        assert client.ask("GET /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n").status == 200
    assert len(origin.requests) == 1


# ---- what is refused ----

def test_plain_http_on_a_tls_port_is_told_so(gateway, origin, pair):
    gw = gateway(spec(origin, certificate(pair)))
    with RawClient(gw.port) as client:
        answer = client.ask(GET)
        assert answer.status == 400 and b"HTTPS" in answer.body
    assert origin.requests == []


@pytest.mark.parametrize("bytes_sent", [b"", b"\x16", b"\x16\x03\x01\x00\x05hello", b"\x00" * 5000, b"SSH-2.0-x\r\n",
                                        b"\x16\x03\x01\xff\xff" + b"a" * 100])
def test_garbage_ends_its_connection_and_no_other(gateway, origin, authority, pair, bytes_sent):
    gw = gateway(spec(origin, certificate(pair)))
    with RawClient(gw.port) as client:
        client.send(bytes_sent)
        client.half_close()
        rest = client.rest()
        assert b"HTTP/1.1 2" not in rest and len(rest) < 100
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask(GET).status == 200


def test_a_handshake_that_hangs_ends_by_the_time_for_heads(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair), more="limits: {header_timeout: 300ms}"))
    with RawClient(gw.port) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")
        assert client.is_closed()
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask(GET).status == 200


def test_a_client_that_leaves_at_any_point_of_the_handshake_harms_nobody(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair)))
    hello = record_of_hello(authority)
    for cut in range(0, len(hello) + 1, max(1, len(hello) // 12)):
        for leave in (RawClient.close, RawClient.reset):
            client = RawClient(gw.port)
            client.send(hello[:cut])
            leave(client)
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask(GET).status == 200


def record_of_hello(authority):
    """What a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("tls, context, works", [
    ("", {"versions": (V12, V12)}, False),
    ("", {"versions": (V13, V13)}, True),
    ('min_version: "1.2"', {"versions": (V12, V12)}, True),
    ('min_version: "1.2"', {"versions": (V12, V12), "ciphers": "AES128-SHA"}, False),
    ('min_version: "1.2"', {"versions": (V12, V12), "ciphers": "ECDHE-ECDSA-AES128-SHA256"}, False),
    ('min_version: "1.2", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]',
     {"versions": (V12, V12), "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"}, False),
    ('min_version: "1.2", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]',
     {"versions": (V12, V12), "ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}, True),
])
def test_versions_and_suites(gateway, origin, authority, pair, tls, context, works):
    gw = gateway(spec(origin, certificate(pair), tls=tls))
    if works:
        with SecureClient(gw.port, client_context(authority, **context)) as client:
            assert client.ask(GET).status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            SecureClient(gw.port, client_context(authority, **context))


def test_the_suites_that_are_named_are_the_only_ones(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair), tls="cipher_suites: [TLS_CHACHA20_POLY1305_SHA256], groups: [P-384]"))
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.sock.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"
    said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port}", "-groups", "X25519"],
                          input=b"", capture_output=True, timeout=WAIT * 3)
    assert b"New, (NONE)" in said.stdout


def test_nobody_renegotiates(gateway, origin, pair):
    gw = gateway(spec(origin, certificate(pair), tls='min_version: "1.2"'))
    said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port}", "-tls1_2"], input=b"R\n",
                          capture_output=True, timeout=WAIT * 3)
    assert b"no renegotiation" in said.stderr


# ---- the choice of a certificate ----

def test_the_name_chooses_the_certificate(gateway, origin, authority):
    one = authority.issue("one", "DNS:one.example.com")
    wild = authority.issue("wild", "DNS:*.example.com")
    first = authority.issue("first", "DNS:first.example.org")
    gw = gateway(spec(origin, certificate(first, "first.example.org"), certificate(wild, '"*.example.com"'),
                      certificate(one, "one.example.com")))
    context = client_context(authority)
    context.check_hostname = False
    for name, expected in (("one.example.com", "one"), ("ONE.example.com", "one"), ("two.example.com", "wild"),
                           ("a.b.example.com", "first"), ("example.com", "first"), ("else.example.net", "first"),
                           (None, "first")):
        with SecureClient(gw.port, context, name) as client:
            assert (name, subject(client)) == (name, expected)
            assert client.ask(GET).status == 200


def test_an_unknown_name_is_refused_when_names_are_strict(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair, "localhost"), tls="strict_sni: true"))
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask(GET).status == 200
    context = client_context(authority)
    context.check_hostname = False
    for name in ("other.example.com", None):
        with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
            SecureClient(gw.port, context, name)


def test_rsa_and_ecdsa_stand_side_by_side(gateway, origin, authority):
    rsa, ec = (authority.issue(kind, "DNS:localhost", kind=kind) for kind in ("rsa", "ec"))
    gw = gateway(spec(origin, certificate(rsa, "localhost"), certificate(ec, "localhost"), tls='min_version: "1.2"'))
    for ciphers, expected in (("ECDHE-RSA-AES128-GCM-SHA256", "rsa"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ec")):
        with SecureClient(gw.port, client_context(authority, versions=(V12, V12), ciphers=ciphers)) as client:
            assert subject(client) == expected


def test_protocols_are_agreed_on(gateway, origin, authority, pair):
    gw = gateway(spec(origin, certificate(pair), more="http2: false"))
    with SecureClient(gw.port, client_context(authority, alpn=["h2", "http/1.1"])) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert client.ask(GET).status == 200
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        SecureClient(gw.port, client_context(authority, alpn=["spdy/3"]))


# ---- sessions and staples ----

@pytest.mark.parametrize("version", [V12, V13])
def test_tickets_are_taken_by_every_worker(gateway, origin, authority, pair, version):
    gw = gateway(spec(origin, certificate(pair), tls='min_version: "1.2"'), "--workers", "2")
    context = client_context(authority, versions=(version, version))
    session, reused = None, 0
    for _ in range(12):
        with SecureClient(gw.port, context, session=session) as client:
            assert client.ask(GET).status == 200
            reused += client.sock.session_reused
            session = client.sock.session
    assert reused == 11


def test_a_response_of_the_ca_is_stapled(gateway, origin, authority):
    pair = authority.issue("stapled", "DNS:localhost")
    other = authority.issue("other", "DNS:other.example.com")
    gw = gateway(spec(origin, certificate(pair, ocsp=authority.ocsp(pair)),
                      certificate(other, "other.example.com", ocsp=authority.path("ocsp.der"))))
    assert "not stapled: it is about another certificate" in gw.log
    for name, expected in (("localhost", b"OCSP Response Status: successful"),
                           ("other.example.com", b"OCSP response: no response sent")):
        said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port}", "-servername", name,
                               "-status"], input=b"", capture_output=True, timeout=WAIT * 3)
        assert expected in said.stdout


# ---- certificates of clients ----

@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("clients")), "Clients CA")


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_clients_show_certificates(gateway, origin, authority, pair, clients, mode):
    known, revoked, expired = clients.issue("known"), clients.issue("revoked"), clients.issue("expired", days=-1)
    crl = clients.revoke(revoked)
    gw = gateway(spec(origin, certificate(pair),
                      tls=f"client_auth: {{mode: {mode}, ca: {{file: {clients.cert}}}, crl: {{file: {crl}}}}}"))

    def ask(pair):
        with SecureClient(gw.port, client_context(authority, pair)) as client:
            return client.ask(GET).status

    assert ask(known) == 200
    for bad in (revoked, expired, authority.issue("stranger")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(bad)
    if mode == "optional":
        assert ask(None) == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(None)


# ---- start and reading again ----

def replace(pair, by):
    """As deployments do it: one file after the other, each in one step."""
    for old, new in ((pair.cert, by.cert), (pair.key, by.key)):
        shutil.copy(new, old + ".new")
        os.rename(old + ".new", old)


def served(gw, authority):
    with SecureClient(gw.port, client_context(authority)) as client:
        return subject(client)


@pytest.mark.parametrize("how", ["signal", "watch"])
def test_new_certificates_are_taken_without_a_lost_connection(gateway, origin, authority, how):
    old, new = (authority.issue(name, "DNS:localhost") for name in ("old", "new"))
    gw = gateway(spec(origin, certificate(old), tls=f"reload: {how}"))
    with SecureClient(gw.port, client_context(authority)) as before:
        assert before.ask(GET).status == 200
        replace(old, new)
        if how == "signal":
            gw.process.send_signal(1)
        wait_until(lambda: served(gw, authority) == "new", "the new certificate")
        assert before.ask(GET).status == 200
        assert subject(before) == "old"


def test_a_broken_pair_keeps_the_old_one(gateway, origin, authority):
    pair, other = (authority.issue(name, "DNS:localhost") for name in ("good", "other"))
    gw = gateway(spec(origin, certificate(pair)))
    shutil.copy(other.key, pair.key)
    gw.process.send_signal(1)
    wait_until(lambda: "keeping the old certificates" in gw.log, "a word about it")
    assert "the key is not that of the certificate" in gw.log
    assert served(gw, authority) == "good"


@pytest.mark.parametrize("break_it, said", [
    (lambda pair: os.unlink(pair.cert), "No such file"),
    (lambda pair: os.unlink(pair.key), "No such file"),
    (lambda pair: open(pair.cert, "w").close(), "no certificate in PEM"),
    (lambda pair: open(pair.key, "w").close(), "no private key in PEM"),
    (lambda pair: shutil.copy(pair.cert, pair.key), "no private key in PEM"),
    (lambda pair: openssl("ec", "-in", pair.key, "-aes256", "-passout", "pass:x", "-out", pair.key),
     "without a password"),
])
def test_what_is_missing_at_the_start_is_named(build_cache, origin, authority, break_it, said, tmp_path):
    import fixtures
    pair = authority.issue("broken", "DNS:localhost")
    break_it(pair)
    binary = fixtures.build(build_cache, spec(origin, certificate(pair)))
    for words in ([], ["--check"]):
        done = subprocess.run([binary, *words], capture_output=True, text=True, timeout=WAIT * 3, cwd=tmp_path)
        assert done.returncode == 1 and said in done.stderr and pair.cert[:-4] in done.stderr, done.stderr


# ---- what it costs ----

def symbols(binary):
    return subprocess.run(["strings", "-a", binary], capture_output=True, text=True, timeout=60, check=True).stdout


def test_nothing_of_it_is_in_a_gateway_without_tls(build_cache, origin, pair):
    import fixtures
    plain = SPEC.format(origin=origin.url, more="", others="", tls="").replace("protocol: https", "protocol: http")
    plain = plain.replace("      tls: {}\n", "")
    if IS_SANITIZED:
        pytest.skip("linked dynamically")
    assert "unable to get local issuer certificate" not in symbols(fixtures.build(build_cache, plain))
    assert "unable to get local issuer certificate" in symbols(fixtures.build(build_cache, spec(origin, certificate(pair))))


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer makes calls of its own")
def test_a_request_over_tls_makes_the_calls_of_a_plain_one(gateway, origin, authority, pair, tmp_path):
    gw = gateway(spec(origin, certificate(pair)), "--workers", "1")
    trace = tmp_path / "trace"
    with SecureClient(gw.port, client_context(authority)) as client:
        assert [client.ask(GET).status for _ in range(5)] == [200] * 5
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=!epoll_wait,futex,write", "-o", trace, "-p",
                                   str(gw.pid)], stderr=subprocess.DEVNULL)
        wait_until(lambda: f"TracerPid:\t{tracer.pid}" in open(f"/proc/{gw.pid}/status").read(), "strace")
        time.sleep(0.2)
        assert [client.ask(GET).status for _ in range(50)] == [200] * 50
        tracer.terminate()
        tracer.wait(WAIT)
    calls = [line.split(None, 1)[1].split("(")[0] for line in trace.read_text().splitlines() if "(" in line]
    assert 200 <= len([c for c in calls if c in ("recvfrom", "sendto", "sendmsg")]) <= 204
    assert len(calls) <= 220, calls


# ---- mutualTLS as security, and what upstreams are told ----

MUTUAL = """
openapi: 3.1.0
info: {{title: mutual, version: 1.0.0}}
security: [{{cert: []}}]
components: {{securitySchemes: {{cert: {{type: mutualTLS}}}}}}
x-gateway:
  version: 1
  listeners:
    - address: "127.0.0.1:0"
      protocol: https
      tls: {{certificates: [{certificate}], client_auth: {{mode: optional, ca: {{file: {ca}}}, forward: true}}}}
    - {{address: "127.0.0.1:0"}}
  upstreams: {{origin: {{targets: [{{url: "{origin}"}}]}}}}
  upstream: origin
  access_log: {{fields: [status, tls_version, tls_cipher, client_subject]}}
  status: {{address: "127.0.0.1:0"}}
  headers: {{underscores: pass}}
paths:
  /a: {{get: {{operationId: a, responses: {{"200": {{description: fine}}}}}}}}
  /made: {{get: {{operationId: made, x-gateway: {{respond: {{status: 200, body: made}}}}, responses: {{"200": {{description: fine}}}}}}}}
  /open: {{get: {{operationId: open, security: [], responses: {{"200": {{description: fine}}}}}}}}
"""

FORGED = ("Client-Cert: :Zm9yZ2Vk:\r\nX-Client-Cert-Subject: CN=admin\r\nX_Client_Cert_Subject: CN=admin\r\n"
          "x-client-cert.san: DNS:admin\r\nX-CLIENT-CERT-FINGERPRINT: 00\r\nClient_Cert: x\r\n")


def names_of_certificates(asked):
    return sorted(name.lower() for name, _ in asked.fields if "client" in name.lower() and "cert" in name.lower())


def test_operations_that_need_a_certificate_get_one_and_tell_the_upstream(gateway, origin, authority, pair, clients):
    gw = gateway(MUTUAL.format(origin=origin.url, certificate=certificate(pair), ca=clients.cert))
    known = clients.issue("known", "DNS:known.example.com", "URI:spiffe://example/known")
    with SecureClient(gw.port, client_context(authority, known)) as client:
        for path in ("/a", "/made", "/open"):
            assert client.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n{FORGED}\r\n").status == 200
    der = openssl("x509", "-in", known.cert, "-outform", "DER")
    import base64
    import hashlib
    for asked in origin.requests:
        assert asked.fields.one("Client-Cert") == f":{base64.b64encode(der).decode()}:"
        assert asked.fields.one("X-Client-Cert-Subject") == "CN=known"
        assert "DNS:known.example.com" in asked.fields.one("X-Client-Cert-San")
        assert "URI:spiffe://example/known" in asked.fields.one("X-Client-Cert-San")
        assert asked.fields.one("X-Client-Cert-Fingerprint") == hashlib.sha256(der).hexdigest()
        assert len(names_of_certificates(asked)) == 4
    wait_until(lambda: gw.out.count("CN=known") == 3, "the log")
    assert '"tls_version":"TLSv1.3","tls_cipher":"TLS_' in gw.out


def test_operations_that_need_a_certificate_are_closed_without_one(gateway, origin, authority, pair, clients):
    gw = gateway(MUTUAL.format(origin=origin.url, certificate=certificate(pair), ca=clients.cert))
    with SecureClient(gw.port, client_context(authority)) as secure, RawClient(gw.ports[1]) as plain:
        for client in (secure, plain):
            for path, status in (("/a", 401), ("/made", 401), ("/open", 200)):
                assert client.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n{FORGED}\r\n").status == status
    assert [names_of_certificates(asked) for asked in origin.requests] == [[], []]
    wait_until(lambda: '"client_subject":null' in gw.out, "the log")


def test_a_resumed_session_is_still_that_client(gateway, origin, authority, pair, clients):
    gw = gateway(MUTUAL.format(origin=origin.url, certificate=certificate(pair), ca=clients.cert))
    context, session = client_context(authority, clients.issue("again")), None
    for n in range(3):
        with SecureClient(gw.port, context, session=session) as client:
            assert client.ask(GET).status == 200
            assert client.sock.session_reused == (n > 0)
            session = client.sock.session
    assert {asked.fields.one("X-Client-Cert-Subject") for asked in origin.requests} == {"CN=again"}


def test_handshakes_are_counted(gateway, origin, authority, pair, clients):
    gw = gateway(MUTUAL.format(origin=origin.url, certificate=certificate(pair), ca=clients.cert))
    with SecureClient(gw.port, client_context(authority)) as client:
        assert client.ask("GET /open HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        SecureClient(gw.port, client_context(authority, versions=(V12, V12)))
    status = int(re.search(r"status on \S*:(\d+)", gw.log).group(1))

    def metrics():
        with RawClient(status) as client:
            return client.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body.decode()
    wait_until(lambda: "\napigw_tls_handshake_failures_total 1\n" in metrics(), "the failure to be counted")
    assert "\napigw_tls_handshakes_total 1\n" in metrics()
