"""What the upstream is asked for, by which name, and how its redirects and cookies come back."""
import pytest

DOCUMENT = """
openapi: 3.1.0
info: {title: rewrite, version: "1"}
servers: [{url: /api/v1}]
x-gateway:
  version: 1
  upstreams:
    plain: {targets: [{url: "$ORIGIN"}]}
    below: {targets: [{url: "$ORIGIN/inner"}]}
    kept: {targets: [{url: "$ORIGIN"}], host_header: preserve}
    named: {targets: [{url: "$ORIGIN"}], host_header: literal.example}
  upstream: plain
  access_log: false
paths:
  /plain/{id}:
    parameters: &id [{name: id, in: path, required: true, schema: {type: string}}]
    get: &any {responses: {default: {description: any}}}
  /below/{id}: {parameters: *id, get: *any, x-gateway: {upstream: below}}
  /kept/{id}: {parameters: *id, get: *any, x-gateway: {upstream: kept}}
  /named/{id}: {parameters: *id, get: *any, x-gateway: {upstream: named}}
  /base/{id}: {parameters: *id, get: *any, x-gateway: {rewrite: {strip: base, redirects: true}}}
  /match/{id}: {parameters: *id, get: *any, x-gateway: {rewrite: {strip: match, redirects: true}}}
  /both/{id}:
    parameters: *id
    get: *any
    x-gateway: {upstream: below, rewrite: {strip: match, prefix: /v2, redirects: true}}
  /host/{id}: {parameters: *id, get: *any, x-gateway: {rewrite: {host: other.example}}}
  /pieces/{id}: {parameters: *id, get: *any, x-gateway: {rewrite: {path: "/x/{id}/y"}}}
  /match: {get: *any, x-gateway: {rewrite: {strip: match}}}
"""


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT.replace("$ORIGIN", module_origin.url))


@pytest.fixture
def upstream(module_origin):
    module_origin.forget()
    yield module_origin
    module_origin.settle()
    assert not module_origin.failures, module_origin.failures


def get(path):
    return b"GET /api/v1%s HTTP/1.1\r\nHost: Public.example:81\r\n\r\n" % path.encode()


@pytest.mark.parametrize("asked, sent", [
    ("/plain/a", "/api/v1/plain/a"),
    ("/plain/a?", "/api/v1/plain/a?"),
    ("/plain/a%2Fb%20c?x=%2F&y", "/api/v1/plain/a%2Fb%20c?x=%2F&y"),
    ("/below/a?q", "/inner/api/v1/below/a?q"),
    ("/base/a?q", "/base/a?q"),
    ("/match/a?q", "/a?q"),
    ("/match/a%2Fb", "/a%2Fb"),
    ("/match", "/"),
    ("/match?q", "/?q"),
    ("/both/a?q", "/inner/v2/a?q"),
    ("/pieces/a%20b?q", "/x/a%20b/y?q"),
])
def test_path(running, upstream, asked, sent):
    assert running.ask(get(asked)).status == 200
    assert upstream.requests[0].target == sent


@pytest.mark.parametrize("asked, host", [
    ("/plain/a", "127.0.0.1:$PORT"),
    ("/named/a", "literal.example"),
    ("/kept/a", "Public.example:81"),
    ("/host/a", "other.example"),
])
def test_host(running, upstream, asked, host):
    running.ask(get(asked))
    assert upstream.requests[0].fields.all("Host") == [host.replace("$PORT", str(upstream.port))]


@pytest.mark.parametrize("asked, location, seen", [
    ("/match/a", "/b?c#d", "/api/v1/match/b?c#d"),
    ("/match/a", "http://$HOST/b", "/api/v1/match/b"),
    ("/match/a", "http://$HOST", "/api/v1/match/"),
    ("/match/a", "http://elsewhere.example/b", "http://elsewhere.example/b"),
    ("/match/a", "//elsewhere.example/b", "//elsewhere.example/b"),
    ("/match/a", "b", "b"),
    ("/both/a", "/inner/v2/b", "/api/v1/both/b"),
    ("/both/a", "/inner/v2", "/api/v1/both/"),
    ("/both/a", "/inner/v22/b", "/inner/v22/b"),
    ("/both/a", "/other", "/other"),
    ("/base/a", "/base/b", "/api/v1/base/b"),
    ("/plain/a", "/b", "/b"),
    ("/plain/a", "http://$HOST/b", "http://$HOST/b"),
])
def test_redirects_come_back(running, upstream, asked, location, seen):
    host = f"127.0.0.1:{upstream.port}"
    upstream.answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".replace(
        "$HOST", host).encode()
    assert running.ask(get(asked))["Location"] == seen.replace("$HOST", host)


@pytest.mark.parametrize("cookie, seen", [
    ("a=b; Path=/inner/v2; Secure", "a=b; Path=/api/v1/both/; Secure"),
    ("a=b; path=/inner/v2/c", "a=b; path=/api/v1/both/c"),
    ("a=b; Path=/; HttpOnly", "a=b; Path=/; HttpOnly"),
    ("a=b; Secure", "a=b; Secure"),
    ("path=/inner/v2; Secure", "path=/inner/v2; Secure"),
])
def test_cookies_come_back(running, upstream, cookie, seen):
    upstream.answer = f"HTTP/1.1 200 OK\r\nSet-Cookie: x=y\r\nSet-Cookie: {cookie}\r\nContent-Length: 0\r\n\r\n".encode()
    assert sorted(running.ask(get("/both/a")).fields.all("Set-Cookie")) == sorted(["x=y", seen])
