"""The PROXY protocol with others who speak it: upstreams that are told who the client is, HAProxy and nginx in front of
the gateway and behind it."""
import os
import shutil
import socket
import subprocess

import pytest
from http_peer import RawClient, free_ports, wait_until
from proxy_header import read, v1, v2

DOCUMENT = """
openapi: 3.1.0
info: {title: introduces, version: "1"}
security: []
x-gateway:
  version: 1
  listeners: [{address: "127.0.0.1:0", proxy_protocol: LISTENER}]
  forwarded: {trusted_proxies: [127.0.0.3, 192.0.2.1]}
  access_log: false
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}], proxy_protocol: UPSTREAM}}
  upstream: origin
  timeouts: {connect: 2s, read: 5s}
paths:
  /x: {get: &any {responses: {default: {description: any}}}, post: *any}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
NAMED = b"GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.50\r\n\r\n"


def start(gateway, url, listener="false", upstream="false", *args):
    return gateway(DOCUMENT.replace("LISTENER", listener).replace("UPSTREAM", upstream), "--workers", "1",
                   "--upstream", f"origin={url}", *args)


class Introduced:
    """What an origin is told in front of each connection's first request."""

    def __init__(self, origin):
        self.origin, self.headers = origin, []
        accept = origin._serve_one

        def serve_one(connection):
            if connection.number not in [number for number, _ in self.headers]:
                if not connection.wire.more():
                    return False
                self.headers.append((connection.number, read(connection.wire)))
            return accept(connection)
        origin._serve_one = serve_one


@pytest.fixture
def introduced(origin):
    return Introduced(origin)


@pytest.mark.parametrize("version", [1, 2])
def test_an_upstream_is_told_who_the_client_is(gateway, origin, introduced, version):
    running = start(gateway, origin.url, "false", f"v{version}")
    with running.client() as client:
        port = client.sock.getsockname()[1]
        assert client.ask(GET).status == 200
    assert [header for _, header in introduced.headers] == [(version, "127.0.0.1", port, "127.0.0.1", running.port)]


@pytest.mark.parametrize("version", [1, 2])
def test_each_request_has_a_connection_of_its_own(gateway, origin, introduced, version):
    """Also those of one client: nobody else's may come by a connection that names it."""
    running = start(gateway, origin.url, "false", f"v{version}")
    ports = []
    for source in ("127.0.0.1", "127.0.0.2"):
        with RawClient(running.port, source=source) as client:
            ports.append(client.sock.getsockname()[1])
            for _ in range(3):
                assert client.ask(GET).status == 200
    assert origin.connections == 6
    assert sorted((source, port) for _, (_, source, port, _, _) in introduced.headers) == \
        sorted([("127.0.0.1", ports[0])] * 3 + [("127.0.0.2", ports[1])] * 3)


@pytest.mark.parametrize("version", [1, 2])
def test_bodies_follow_the_header(gateway, origin, introduced, version):
    running = start(gateway, origin.url, "false", f"v{version}")
    body = bytes(range(256)) * 2000
    with running.client() as client:
        assert client.ask(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body).status == 200
    assert origin.request().body == body


@pytest.mark.parametrize("version", [1, 2])
def test_the_client_behind_a_trusted_proxy(gateway, origin, introduced, version):
    """Its port is not known. A stranger's word does not count."""
    running = start(gateway, origin.url, "false", f"v{version}")
    with RawClient(running.port, source="127.0.0.3") as client:
        assert client.ask(NAMED).status == 200
    with running.client() as client:
        port = client.sock.getsockname()[1]
        assert client.ask(NAMED).status == 200
    assert [header[1:3] for _, header in introduced.headers] == [("203.0.113.50", 0), ("127.0.0.1", port)]


@pytest.mark.parametrize("header, told", [(v1(), ("203.0.113.7", 4711)), (v2(), ("203.0.113.7", 4711)),
                                          (v2("2001:db8::7", to="::1"), ("2001:db8::7", 4711))])
@pytest.mark.parametrize("version", [1, 2])
def test_from_a_header_into_a_header(gateway, origin, introduced, version, header, told):
    running = start(gateway, origin.url, "{trusted: [127.0.0.1]}", f"v{version}")
    with running.client() as client:
        assert client.ask(header + GET, "GET").status == 200
    (_, source, port, to, to_port), = [header for _, header in introduced.headers]
    assert (source, port) == told
    assert to == ("::ffff:127.0.0.1" if ":" in source else "127.0.0.1") and to_port == running.port


@pytest.mark.parametrize("version", [1, 2])
def test_a_client_without_an_address(gateway, origin, introduced, version, tmp_path):
    path = str(tmp_path / "gw.sock")
    running = start(gateway, origin.url, "false", f"v{version}", "--listen", f"unix:{path}")
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.sendall(GET)
    assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    client.close()
    assert [header for _, header in introduced.headers] == [(version, None, None, None, None)]
    assert running.is_ready


def test_a_stale_connection_is_no_excuse(gateway, origin, introduced):
    """None is reused, so none is stale: an upstream that hangs up is one that failed."""
    running = start(gateway, origin.url, "false", "v2")
    origin.may_break = True
    origin.on_head = lambda connection, request: connection.close() or True
    with running.client() as client:
        assert client.ask(GET).status == 502
    assert origin.connections == 1


# ---- HAProxy and nginx ----

def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


@pytest.fixture
def proxy(tmp_path):
    """proxy("haproxy" or "nginx", configuration, its port) runs one."""
    running = []

    def start_one(name, text, port):
        program = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        if not program:
            pytest.skip(f"{name} is not installed")
        file = tmp_path / f"{name}.conf"
        file.write_text(text)
        words = ["-db", "-f", str(file)] if name == "haproxy" else ["-p", str(tmp_path), "-c", str(file), "-e", "stderr"]
        running.append(subprocess.Popen([program, *words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_until(lambda: is_open(port), f"{name} to listen")

    yield start_one
    for one in running:
        one.terminate()
        one.wait(30)


HAPROXY = """
defaults
  mode MODE
  timeout connect 5s
  timeout client 20s
  timeout server 20s
"""
NGINX = """
daemon off;
worker_processes 1;
pid nginx.pid;
events { worker_connections 64; }
"""


@pytest.mark.parametrize("words", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_haproxy_in_front(gateway, origin, proxy, words):
    running = start(gateway, origin.url, "{trusted: [127.0.0.1]}")
    port, = free_ports(1)
    proxy("haproxy", HAPROXY.replace("MODE", "tcp") +
          f"listen in\n  bind 127.0.0.1:{port}\n  unique-id-format %ci\n  server gw 127.0.0.1:{running.port} {words}\n", port)
    with RawClient(port, source="127.0.0.4") as client:
        for _ in range(2):
            assert client.ask(GET).status == 200
            assert origin.request()["X-Forwarded-For"] == "127.0.0.4"


def test_haproxys_health_checks_say_local(gateway, origin, proxy):
    running = start(gateway, origin.url, "{trusted: [127.0.0.1]}")
    port, = free_ports(1)
    proxy("haproxy", HAPROXY.replace("MODE", "tcp") +
          f"listen in\n  bind 127.0.0.1:{port}\n  option httpchk GET /x\n  http-check send hdr Host a ver HTTP/1.1\n"
          f"  server gw 127.0.0.1:{running.port} send-proxy-v2 check check-send-proxy inter 50ms\n", port)
    assert origin.request()["X-Forwarded-For"] == "127.0.0.1"
    with RawClient(port, source="127.0.0.4") as client:
        assert client.ask(GET).status == 200
    assert "PROXY header" not in running.log


def has_stream_module():
    return os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so")


@pytest.mark.skipif(not has_stream_module(), reason="nginx has no stream module")
def test_nginx_in_front(gateway, origin, proxy):
    running = start(gateway, origin.url, "{trusted: [127.0.0.1]}")
    port, = free_ports(1)
    proxy("nginx", "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n" + NGINX +
          f"stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass 127.0.0.1:{running.port}; proxy_protocol on; }} }}\n", port)
    with RawClient(port, source="127.0.0.4") as client:
        for _ in range(2):
            assert client.ask(GET).status == 200
            assert origin.request()["X-Forwarded-For"] == "127.0.0.4"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_haproxy_behind(gateway, origin, proxy, version):
    port, = free_ports(1)
    proxy("haproxy", HAPROXY.replace("MODE", "http") +
          f"listen in\n  bind 127.0.0.1:{port} accept-proxy\n  http-request set-header X-Source %[src]:%[src_port]\n"
          f"  http-request set-header X-Destination %[dst]:%[dst_port]\n  server origin 127.0.0.1:{origin.port}\n", port)
    running = start(gateway, f"http://127.0.0.1:{port}", "false", version)
    for source in ("127.0.0.1", "127.0.0.4"):
        with RawClient(running.port, source=source) as client:
            for _ in range(2):
                assert client.ask(GET).status == 200
                seen = origin.request()
                assert seen["X-Source"] == f"{source}:{client.sock.getsockname()[1]}"
                assert seen["X-Destination"] == f"127.0.0.1:{running.port}"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nginx_behind(gateway, origin, proxy, version):
    port, = free_ports(1)
    proxy("nginx", NGINX + "http { access_log off; server {\n"
          f"listen 127.0.0.1:{port} proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;\n"
          f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; proxy_set_header X-Source $remote_addr:$remote_port;\n"
          "proxy_http_version 1.1; proxy_set_header Host a; } } }\n", port)
    running = start(gateway, f"http://127.0.0.1:{port}", "false", version)
    with RawClient(running.port, source="127.0.0.4") as client:
        for _ in range(2):
            assert client.ask(GET).status == 200
            assert origin.request()["X-Source"] == f"127.0.0.4:{client.sock.getsockname()[1]}"


@pytest.mark.parametrize("upstream, status", [("false", 502), ("v1", 200), ("v2", 200)])
def test_an_upstream_that_insists(gateway, origin, proxy, upstream, status):
    """Without a header HAProxy hangs up."""
    port, = free_ports(1)
    proxy("haproxy", HAPROXY.replace("MODE", "http") +
          f"listen in\n  bind 127.0.0.1:{port} accept-proxy\n  server origin 127.0.0.1:{origin.port}\n", port)
    running = start(gateway, f"http://127.0.0.1:{port}", "false", upstream)
    with running.client() as client:
        assert client.ask(GET).status == status


def test_an_upstream_that_knows_no_headers(gateway):
    """To an HTTP server it is garbage: what that says goes to the client, as any bad request's answer."""
    server = socket.create_server(("127.0.0.1", 0))
    running = start(gateway, f"http://127.0.0.1:{server.getsockname()[1]}", "false", "v1")
    with running.client() as client:
        client.send(GET)
        upstream, _ = server.accept()
        assert upstream.recv(1000).startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")
        upstream.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        assert client.answer().status == 400
        upstream.close()
    server.close()
