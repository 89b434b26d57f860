"""What the gateway says by itself and what it translates: error formats, overrides, rewritten paths, redirects back."""
import json

import pytest

DOCUMENT = """
openapi: 3.1.0
info: {title: answers, version: "1"}
security: []
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  base_path: /api
paths:
  /plain: {get: &any {responses: {default: {description: any}}}, post: *any}
  /text:
    get: {x-gateway: {errors: {format: text}, maintenance: true}, responses: {default: {description: any}}}
  /json:
    get: {x-gateway: {errors: {format: json, request_id: true}, maintenance: {retry_after: 90s}}, responses: {default: {description: any}}}
  /typed:
    get:
      x-gateway: {errors: {type_base: "https://e.example/", request_id: true}, maintenance: true}
      responses: {default: {description: any}}
  /own:
    get:
      x-gateway:
        errors: {overrides: {"503": {status: 418, content_type: text/html, body: "<h1>tea</h1>"}}}
        maintenance: true
      responses: {default: {description: any}}
  /class:
    get:
      x-gateway: {errors: {overrides: {5xx: {status: 599}}}, maintenance: true}
      responses: {default: {description: any}}
  /hidden: {get: {x-gateway: {internal: true}, responses: {default: {description: any}}}}
  /gone: {get: {x-gateway: {disabled: true}, responses: {default: {description: any}}}}
  /constant:
    get:
      x-gateway: {respond: {status: 203, headers: {X-A: b}, body: {a: [1, "é"]}}}
      responses: {default: {description: any}}
  /empty: {get: {x-gateway: {respond: {status: 204}}, responses: {default: {description: any}}}}
  /moved/{id}:
    parameters: &id [{name: id, in: path, required: true, schema: {type: string}}]
    get: {x-gateway: {redirect: {status: 301, location: "/new/{id}?fixed=1"}}, responses: {default: {description: any}}}
  /lost/{id}:
    parameters: *id
    get: {x-gateway: {redirect: {location: "https://x.example/{id}", keep_query: false}}, responses: {default: {description: any}}}
  /back/{id}:
    parameters: *id
    get: {x-gateway: {rewrite: {strip: base, prefix: /inner, redirects: true}}, responses: {default: {description: any}}}
  /whole/{id}:
    parameters: *id
    get: {x-gateway: {rewrite: {path: "/v2/{id}/x", host: other.internal}}, responses: {default: {description: any}}}
  /cut/{id}:
    parameters: *id
    get: {x-gateway: {rewrite: {strip: match, redirects: true}}, responses: {default: {description: any}}}
"""


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(DOCUMENT, "--workers", "1", "--upstream", f"origin={module_origin.url}/base")


@pytest.fixture
def upstream(module_origin):
    module_origin.forget()
    yield module_origin
    assert not module_origin.failures, module_origin.failures


def request(path, method="GET", *lines):
    return f"{method} {path} HTTP/1.1\r\nHost: a.example\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n"


@pytest.mark.parametrize("path, status, kind, body", [
    ("/api/text", 503, "text/plain; charset=utf-8", b"503 Service Unavailable"),
    ("/api/json", 503, "application/json", b'"status":503'),
    ("/api/typed", 503, "application/problem+json", b'"type":"https://e.example/service-unavailable"'),
    ("/api/own", 418, "text/html", b"<h1>tea</h1>"),
    ("/api/class", 599, "application/problem+json", b'"status":599'),
    ("/api/hidden", 404, "application/problem+json", b'"status":404'),
    ("/api/gone", 404, "application/problem+json", b'"status":404'),
    ("/plain", 404, "application/problem+json", b'"status":404'),
])
def test_errors_and_their_heads(running, path, status, kind, body):
    """HEAD gets the very head of GET, and the connection lives on behind both."""
    with running.client() as client:
        full = client.ask(request(path))
        assert (full.status, full["Content-Type"]) == (status, kind)
        assert body in full.body
        head = client.ask(request(path, "HEAD"))
        assert (head.status, head["Content-Type"], head.body) == (status, kind, b"")
        assert client.ask(request("/api/empty")).status == 204
        names = {n.lower() for n, _ in full.fields}
        assert names == {n.lower() for n, _ in head.fields}
        assert head["Content-Length"] == full["Content-Length"]


def test_maintenance_says_when(running):
    answer = running.ask(request("/api/json"))
    assert answer["Retry-After"] == "90"
    assert json.loads(answer.body)["request_id"] == answer["X-Request-ID"]


def test_constants(running):
    with running.client() as client:
        answer = client.ask(request("/api/constant"))
        assert (answer.status, answer["X-A"]) == (203, "b")
        assert json.loads(answer.body) == {"a": [1, "é"]}
        head = client.ask(request("/api/constant", "HEAD"))
        assert head["Content-Length"] == str(len(answer.body))
        empty = client.ask(request("/api/empty"))
        assert (empty.status, empty["Content-Length"], empty["Content-Type"]) == (204, None, None)


def test_redirects(running):
    with running.client() as client:
        answer = client.ask(request("/api/moved/a%20b?q=1"))
        assert (answer.status, answer["Location"]) == (301, "/new/a%20b?fixed=1&q=1")
        answer = client.ask(request("/api/lost/x?q=1"))
        assert (answer.status, answer["Location"]) == (308, "https://x.example/x")


def test_a_redirect_cannot_be_split(running):
    """What decodes to a line end stays escaped."""
    answer = running.ask(request("/api/moved/a%0d%0aSet-Cookie:%20b=c"))
    assert answer.status in (301, 400)
    assert answer["Set-Cookie"] is None


@pytest.mark.parametrize("asked, seen", [
    ("/api/plain", "/base/api/plain"),
    ("/api/plain?a=b&c", "/base/api/plain?a=b&c"),
    ("/api/plain?", "/base/api/plain?"),
    ("/api/back/7?q", "/base/inner/back/7?q"),
    ("/api/back/a%2Fb", "/base/inner/back/a%2Fb"),
    ("/api/whole/7?q=1", "/base/v2/7/x?q=1"),
    ("/api/cut/7", "/base/7"),
    ("/api/./cut/../back/%37", "/base/inner/back/7"),
])
def test_what_the_upstream_sees(running, upstream, asked, seen):
    assert running.ask(request(asked)).status == 200
    assert upstream.request().target == seen


def test_host_of_a_rewrite(running, upstream):
    running.ask(request("/api/whole/7"))
    assert upstream.request()["Host"] == "other.internal"


@pytest.mark.parametrize("said, seen", [
    ("/base/inner/back/8", "/api/back/8"),
    ("{origin}/base/inner/back/8?a#b", "/api/back/8?a#b"),
    ("/base/inner", "/api/"),
    ("/base/innermost", "/base/innermost"),
    ("/elsewhere", "/elsewhere"),
    ("//other.example/base/inner/x", "//other.example/base/inner/x"),
    ("https://other.example/base/inner/x", "https://other.example/base/inner/x"),
    ("relative", "relative"),
    ("", ""),
])
def test_locations_are_translated_back(running, upstream, said, seen):
    said = said.replace("{origin}", upstream.url)
    upstream.answer = f"HTTP/1.1 302 Found\r\nLocation: {said}\r\nContent-Length: 0\r\n\r\n".encode()
    answer = running.ask(request("/api/back/7"))
    assert (answer.status, answer["Location"]) == (302, seen)


def test_cookies_are_translated_back(running, upstream):
    upstream.answer = (b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/base/inner; HttpOnly\r\n"
                       b"Set-Cookie: b=2; path=/base/inner/x;Secure\r\nSet-Cookie: c=3; Path=/\r\n"
                       b"Set-Cookie: d=4\r\nContent-Length: 0\r\n\r\n")
    answer = running.ask(request("/api/back/7"))
    assert sorted(answer.fields.all("Set-Cookie")) == [
        "a=1; Path=/api/; HttpOnly", "b=2; path=/api/x;Secure", "c=3; Path=/", "d=4"]


def test_locations_stay_without_being_asked(running, upstream):
    upstream.answer = b"HTTP/1.1 302 Found\r\nLocation: /base/api/plain\r\nContent-Length: 0\r\n\r\n"
    assert running.ask(request("/api/plain"))["Location"] == "/base/api/plain"
