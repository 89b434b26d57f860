"""PROXY headers stand in front of TLS, on both sides."""
import socket
import ssl
import threading

import pytest
from certificates import Authority, client_context
from http_peer import OK, RawClient, Wire
from proxy_header import read, v1, v2

GET = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"

SPEC = """
openapi: 3.1.0
info: {title: secure, version: 1.0.0}
security: []
x-gateway:
  version: 1
  listeners: [LISTENER]
  access_log: false
  upstreams: {origin: {targets: [{url: "URL"}], UPSTREAM}}
  upstream: origin
paths:
  /a: {get: {operationId: a, responses: {"200": {description: fine}}}}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("ca")))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue("localhost", "DNS:localhost", "IP:127.0.0.1")


@pytest.fixture
def secured(gateway, origin, pair):
    """Behind a balancer at 127.0.0.1, over TLS."""
    listener = ('{address: "127.0.0.1:0", protocol: https, proxy_protocol: {trusted: [127.0.0.1]}, '
                f"tls: {{certificates: [{{cert: {{file: {pair.cert}}}, key: {{file: {pair.key}}}}}]}}}}")
    return gateway(SPEC.replace("LISTENER", listener).replace("URL", origin.url).replace(", UPSTREAM", ""))


def wrap(client, authority):
    client.sock = client_context(authority).wrap_socket(client.sock, server_hostname="localhost")
    client.wire = Wire(client.sock)
    return client


@pytest.mark.parametrize("header", [v1(), v2()], ids=["v1", "v2"])
@pytest.mark.parametrize("piecewise", [False, True])
def test_a_header_in_front_of_tls(secured, origin, authority, header, piecewise):
    with secured.client() as client:
        client.dribble(header, step=5 if piecewise else len(header))
        wrap(client, authority)
        for _ in range(2):
            assert client.ask(GET).status == 200
            seen = origin.request()
            assert (seen["X-Forwarded-For"], seen["X-Forwarded-Proto"]) == ("203.0.113.7", "https")


def test_a_header_in_one_segment_with_the_client_hello(secured, origin, authority):
    origin.may_break = True  # the client leaves without the answer
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority).wrap_bio(ours, theirs, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with secured.client() as client:
        client.send(v2() + theirs.read())
        while tls.version() is None or not ours.pending:
            ours.write(client.sock.recv(65536))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        tls.write(GET.encode())
        client.send(theirs.read())
        assert origin.request()["X-Forwarded-For"] == "203.0.113.7"


def test_a_stranger_needs_none(secured, origin, authority):
    with RawClient(secured.port, source="127.0.0.2") as client:
        assert wrap(client, authority).ask(GET).status == 200
    assert origin.request()["X-Forwarded-For"] == "127.0.0.2"


def test_tls_alone_from_a_balancer(secured, authority):
    with secured.client() as client:
        with pytest.raises((ssl.SSLError, OSError)):
            wrap(client, authority)


def test_a_strangers_header_in_front_of_tls(secured, origin, authority):
    with RawClient(secured.port, source="127.0.0.2") as client:
        client.send(v2())
        with pytest.raises((ssl.SSLError, OSError)):
            wrap(client, authority).ask(GET)
    assert origin.got_nothing()


def test_a_header_within_tls(secured, origin, authority):
    with secured.client() as client:
        client.send(v2())
        assert wrap(client, authority).ask(v1("198.51.100.9") + GET.encode(), "GET").status == 400
    assert origin.got_nothing()


@pytest.mark.parametrize("version", [1, 2])
def test_an_upstream_over_tls_hears_the_header_first(gateway, authority, pair, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    heard = []

    class Careful(Wire):
        """Takes no byte more than it is asked for: what follows is TLS."""

        def more(self):
            data = self.sock.recv(1)
            self.ahead += data
            return bool(data)

    def serve(listener):
        for _ in range(2):
            plain, _ = listener.accept()
            plain.settimeout(10)
            heard.append(read(Careful(plain)))
            secure = context.wrap_socket(plain, server_side=True)
            assert secure.recv(4096).startswith(b"GET /a ")
            secure.sendall(OK)
            secure.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        running = gateway(SPEC.replace("LISTENER", '{address: "127.0.0.1:0"}')
                          .replace("URL", f"https://localhost:{listener.getsockname()[1]}")
                          .replace("UPSTREAM", f"proxy_protocol: v{version}, tls: {{ca: {{file: {authority.cert}}}}}"))
        with running.client() as client:
            port = client.sock.getsockname()[1]
            for _ in range(2):
                assert client.ask(GET).status == 200
        server.join(10)
    assert heard == [(version, "127.0.0.1", port, "127.0.0.1", running.port)] * 2
