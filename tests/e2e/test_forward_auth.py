"""forward_auth: somebody else decides whether a request may go on; what he is told, what his answers mean, and what holds when
there is none. Against a small server, and against nginx as the one that is asked."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from http_peer import Origin, free_ports, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: asked, version: "1"}}
security: []
x-gateway:
  version: 1
  status: {{address: "127.0.0.1:{status}"}}
  upstreams:
    app: {{targets: [{{url: "{app}"}}]}}
    auth: {{targets: [{{url: "{auth}"}}]}}
  upstream: app
  limits: {{buffer: 1k}}
paths:
  /plain: {{get: &post {{responses: &any {{default: {{description: any}}}}, x-gateway: {{forward_auth: {{upstream: auth, path: "/v?a=1", response_headers: [X-User-Id, X-Roles]}}}}}}, post: *post}}
  /url: {{get: {{responses: *any, x-gateway: {{forward_auth: {{url: "{auth}/by/url"}}}}}}}}
  /operation: {{get: {{responses: *any, x-gateway: {{forward_auth: {{operation: verify, request_headers: X-Token, original_uri_header: X-Was}}}}}}}}
  /body: {{post: {{responses: *any, x-gateway: {{forward_auth: {{upstream: auth, path: /v, forward_body: true, method: original, timeout: 5s}}}}}}}}
  /cached: {{get: {{responses: *any, x-gateway: {{forward_auth: {{upstream: auth, path: /v, cache: 1s, response_headers: [X-User-Id]}}}}}}}}
  /open: {{get: {{responses: *any, x-gateway: {{forward_auth: {{upstream: auth, path: /v, on_error: allow, timeout: 300ms}}}}}}}}
  /here: {{get: {{responses: *any, x-gateway: {{forward_auth: {{upstream: auth, path: /v}}, respond: {{status: 200, body: here}}}}}}}}
  /public: {{get: {{responses: *any}}}}
  /internal: {{get: {{operationId: verify, responses: *any, x-gateway: {{internal: true, upstream: auth, rewrite: {{path: /verify, host: verify.example}}}}}}}}
"""


def said(status="204 No Content", fields="", body=""):
    length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
    return f"HTTP/1.1 {status}\r\n{length}{fields}\r\n{body}".encode()


@pytest.fixture(scope="module")
def module_auth():
    with Origin() as one:
        yield one


@pytest.fixture
def auth(module_auth):
    module_auth.forget()
    module_auth.answer = said()
    yield module_auth
    module_auth.settle()
    assert not module_auth.failures, module_auth.failures


@pytest.fixture
def app(module_origin):
    module_origin.forget()
    return module_origin


@pytest.fixture(scope="module")
def running(module_gateway, module_origin, module_auth):
    status, = free_ports(1)
    one = module_gateway(DOCUMENT.format(app=module_origin.url, auth=module_auth.url, status=status), "--workers", "1")
    one.status_port = status
    return one


def ask(running, path, fields="", method="GET", body=""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return running.ask(f"{method} {path} HTTP/1.1\r\nHost: shop.example\r\n{length}{fields}\r\n{body}")


def test_who_is_asked_learns_what_the_request_is(running, auth, app):
    answer = ask(running, "/a/../plain?x=%2F1", "Authorization: Bearer t\r\nCookie: a=1\r\nX-Other: no\r\n"
                 "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Uri: /forged\r\nX-Original-URI: /forged\r\n", method="POST", body="content")
    assert answer.status == 200
    question = auth.request()
    assert question.line == "GET /v?a=1 HTTP/1.1"
    for name, value in {"Authorization": "Bearer t", "Cookie": "a=1", "X-Forwarded-Method": "POST", "X-Forwarded-Proto": "http",
                        "X-Forwarded-Host": "shop.example", "X-Forwarded-Uri": "/plain?x=%2F1", "X-Forwarded-For": "127.0.0.1",
                        "X-Original-URI": "/plain?x=%2F1"}.items():
        assert question.fields.all(name) == [value], name
    assert not question.fields.all("X-Other") and not question.fields.all("Content-Length") and question.body == b""
    assert app.request().body == b"content"


def test_a_url_and_an_operation_say_who_is_asked(running, auth, app):
    assert ask(running, "/url").status == 200
    assert auth.request().line == "GET /by/url HTTP/1.1"
    assert ask(running, "/operation?q", "X-Token: t\r\nAuthorization: no\r\n").status == 200
    question = auth.request()
    assert question.line == "GET /verify HTTP/1.1" and question["Host"] == "verify.example"
    assert question["X-Token"] == "t" and question["X-Was"] == "/operation?q" and not question.fields.all("Authorization")
    assert ask(running, "/internal").status == 404


def test_upstreams_learn_what_the_answer_says_and_nothing_else(running, auth, app):
    auth.answer = said(fields="X-User-Id: 42\r\nX-Roles: a\r\nX-Roles: b\r\nX-Secret: s\r\nSet-Cookie: no=1\r\n")
    answer = ask(running, "/plain", "X-User-Id: 1\r\nx_user_id: 2\r\nX-Roles: root\r\nX.User.Id: 3\r\n")
    assert answer.status == 200 and not answer.fields.all("Set-Cookie")
    request = app.request()
    assert request.fields.all("X-User-Id") == ["42"] and request.fields.all("X-Roles") == ["a", "b"]
    assert b"root" not in request.raw and b"X-Secret" not in request.raw and b"_user" not in request.raw and b"X.User" not in request.raw


@pytest.mark.parametrize("path", ["/public", "/plain", "/url", "/here"])
@pytest.mark.parametrize("name", ["X-User-Id", "x-user-id", "X_User_Id", "X-USER.ID"])
def test_nobody_else_says_who_calls(running, auth, app, path, name):
    assert ask(running, path, f"{name}: forged\r\n").status == 200
    if path != "/here":
        assert b"forged" not in app.request().raw


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_passed_on(running, auth, app, status):
    auth.answer = said(f"{status} No", "WWW-Authenticate: Bearer realm=\"x\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Internal: no\r\n", "secret words")
    for path in ("/plain", "/open", "/here", "/url"):
        answer = ask(running, path)
        assert answer.status == status and answer["WWW-Authenticate"] == 'Bearer realm="x"'
        assert answer.fields.all("Set-Cookie") == ["a=1", "b=2"] and not answer.fields.all("X-Internal")
        assert answer["Content-Type"] == "application/problem+json" and b"secret words" not in answer.body
    assert app.got_nothing()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_passed_on(running, auth, app, status):
    auth.answer = said(f"{status} Go", "Location: https://login.example/?rd=1\r\nSet-Cookie: s=1\r\n", "words")
    answer = ask(running, "/plain")
    assert answer.status == status and answer["Location"] == "https://login.example/?rd=1" and answer["Set-Cookie"] == "s=1"
    assert answer.body == b"" and app.got_nothing()


@pytest.mark.parametrize("answer", [
    said("302 Go"), said("304 Not Modified"), said("400 Bad"), said("404 No"), said("429 Slow"), said("500 Oh"), said("503 Oh"),
    said("600 What"), b"HTTP/1.1 200 OK\r\nX-User-Id: a\nX-Evil: b\r\nBad Line\r\n\r\n", b"HTTP/1.1 204 No\r\nX-User-Id: a\rb\r\n\r\n",
    b"HTTP/1.1 204 No\r\nX-User-Id: a\0b\r\n\r\n", b"nonsense\r\n\r\n", b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b"x" * 16384 + b"\r\n" * 1 + (b"4000\r\n" + b"x" * 16384 + b"\r\n") * 5 + b"0\r\n\r\n",
    b"HTTP/1.1 204 No\r\n" + b"X-User-Id: " + b"a" * 70000 + b"\r\n\r\n",
    b"HTTP/1.1 204 No\r\n" + (b"X-User-Id: " + b"a" * 6000 + b"\r\n") * 4 + b"\r\n",
], ids=lambda value: repr(value[:24]))
def test_all_else_is_no_answer(running, auth, app, answer):
    def reply(connection, request):
        connection.may_break = True
        connection.send(answer)
        connection.close()
    auth.answer, auth.may_break = reply, True
    refused = ask(running, "/plain")
    assert refused.status == 503, refused
    assert app.got_nothing()
    wait_until(lambda: '"reason":"forward_auth: ' in running.out, "the log to say why")


def test_who_is_slow_or_gone_lets_nobody_in(running, auth, app):
    auth.answer, auth.may_break = lambda connection, request: time.sleep(1), True
    begun = time.monotonic()
    assert ask(running, "/plain").status == 503
    assert 0.4 < time.monotonic() - begun < 2
    assert app.got_nothing()


def test_nobody_answers_and_that_is_allowed(running, auth, app):
    auth.answer, auth.may_break = lambda connection, request: time.sleep(1), True
    assert ask(running, "/open").status == 200
    auth.answer = said("500 Oh")
    time.sleep(1)
    assert ask(running, "/open", "X-User-Id: forged\r\n").status == 200
    assert not app.request().fields.all("X-User-Id") and not app.request().fields.all("X-User-Id")
    wait_until(lambda: "let in without an answer: the answer is 500" in running.out, "the log to say so")
    text = metrics(running)
    assert re.search(r"^apigw_forward_auth_unanswered_total [1-9]", text, re.M)


def metrics(running):
    with socket.create_connection(("127.0.0.1", running.status_port)) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


def test_refusals_are_counted(running, auth):
    before = int(re.search(r'apigw_denied_total\{policy="forward_auth"\} (\d+)', metrics(running)).group(1))
    auth.answer = said("403 No")
    assert ask(running, "/plain").status == 403
    assert f'apigw_denied_total{{policy="forward_auth"}} {before + 1}\n' in metrics(running)


@pytest.mark.parametrize("body", ["", "a", "x" * 1024])
def test_content_is_shown_and_goes_on(running, auth, app, body):
    assert ask(running, "/body", "Content-Type: text/plain\r\n", "POST", body).status == 200
    question, request = auth.request(), app.request()
    assert question.method == "POST" and question.body == request.body == body.encode()
    assert question.fields.all("Content-Type") == (["text/plain"] if body else [])


def test_chunked_content_is_shown_and_goes_on(running, auth, app):
    with running.client() as client:
        client.send("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.dribble(b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        assert client.answer("POST").status == 200
    assert auth.request().body == app.request().body == b"abcdefg"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_content_that_cannot_be_held_is_refused(running, auth, app, is_chunked):
    with running.client() as client:
        client.send("POST /body HTTP/1.1\r\nHost: a\r\n" +
                    ("Transfer-Encoding: chunked\r\n\r\n401\r\n" + "x" * 1025 + "\r\n0\r\n\r\n" if is_chunked
                     else "Content-Length: 1025\r\n\r\n" + "x" * 1025))
        assert client.answer("POST").status == 413
    assert auth.got_nothing() and app.got_nothing()


def test_a_yes_is_remembered_for_the_same_question(running, auth, app):
    auth.answer = said(fields="X-User-Id: 42\r\n")
    for _ in range(3):
        assert ask(running, "/cached", "Authorization: a\r\n").status == 200
        assert app.request()["X-User-Id"] == "42"
    assert len(auth.requests) == 1
    for path, fields in (("/cached", "Authorization: b\r\n"), ("/cached?x", "Authorization: a\r\n"), ("/cached", "Cookie: a\r\n"),
                         ("/cached", "")):
        before = len(auth.requests)
        assert ask(running, path, fields).status == 200
        assert len(auth.requests) == before + 1, (path, fields)
    time.sleep(1.1)
    before = len(auth.requests)
    assert ask(running, "/cached", "Authorization: a\r\n").status == 200 and len(auth.requests) == before + 1


@pytest.mark.parametrize("status,seen", [("401 No", 401), ("403 No", 403), ("302 Go", 302), ("500 No", 503)])
def test_a_no_is_not_remembered(running, auth, app, status, seen):
    auth.answer = said(status, "Location: /login\r\n")
    for _ in range(2):
        assert ask(running, "/cached", f"Authorization: no-{seen}\r\n").status == seen
    assert len(auth.requests) == 2 and app.got_nothing()


def test_connections_are_kept(running, auth, app):
    assert ask(running, "/plain").status == 200
    before = auth.connections
    with running.client() as client:
        for _ in range(20):
            assert client.ask("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert auth.connections == before


def test_a_stale_connection_is_replaced(running, auth, app):
    """The one who is asked closes behind each answer without a word."""
    def reply(connection, request):
        connection.send(said())
        connection.close()
    auth.answer = reply
    for body in ("", "abc"):
        for _ in range(10):
            assert ask(running, "/body", method="POST", body=body).status == 200


def test_the_client_leaves_meanwhile(running, auth, app):
    gone = threading.Event()

    def reply(connection, request):
        gone.wait(5)
        connection.may_break = True
        connection.close()
    auth.answer, auth.may_break = reply, True
    for path in ("/plain", "/here", "/cached", "/open"):
        client = running.client()
        client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        auth.request()
        client.reset()
        client.close()
    gone.set()
    auth.forget()
    auth.answer = said()
    assert ask(running, "/plain").status == 200 and len(app.requests) == 1


def test_pipelined_requests_wait_one_after_the_other(running, auth, app):
    with running.client() as client:
        client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        assert [client.answer().status for _ in range(5)] == [200] * 5
    assert len(auth.requests) == 5


def test_nobody_listens(gateway, origin):
    port, status = free_ports(2)
    running = gateway(DOCUMENT.format(app=origin.url, auth=f"http://127.0.0.1:{port}", status=status), "--workers", "1")
    assert ask(running, "/plain").status == 503 and ask(running, "/url").status == 503 and ask(running, "/open").status == 200
    assert ask(running, "/public").status == 200


HTTP2 = DOCUMENT.replace("  upstream: app\n", "  upstream: app\n  listeners: [{{address: \"127.0.0.1:0\", h2c: true}}]\n")


def test_http2_waits_too(gateway, module_origin, module_auth, auth, app):
    from h2_peer import H2Client
    status, = free_ports(1)
    running = gateway(HTTP2.format(app=module_origin.url, auth=module_auth.url, status=status), "--workers", "1")
    fields = [(":method", "GET"), (":scheme", "http"), (":path", "/plain"), (":authority", "shop.example"), ("authorization", "t")]
    with H2Client(running.port) as client:
        assert client.ask(fields).status == 200
        assert auth.request()["Authorization"] == "t"
        auth.answer = said("401 No", "WWW-Authenticate: Bearer\r\n")
        assert client.ask(fields).status == 401


# ---- nginx is asked

NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location = /v {{
      add_header X-User-Id "nginx-$http_authorization" always;
      if ($http_authorization = "") {{ add_header WWW-Authenticate 'Basic realm="nginx"' always; return 401; }}
      if ($http_authorization = "bad") {{ return 403; }}
      if ($http_authorization = "login") {{ return 302 https://login.example/; }}
      if ($http_authorization = "page") {{ return 200 "allowed"; }}
      return 204;
    }}
  }}
}}
"""


@pytest.fixture
def nginx(tmp_path):
    port, = free_ports(1)
    (tmp_path / "conf").write_text(NGINX.format(folder=tmp_path, port=port))
    process = subprocess.Popen(["nginx", "-c", str(tmp_path / "conf"), "-p", str(tmp_path)], stderr=subprocess.DEVNULL)
    wait_until(lambda: os.path.exists(tmp_path / "pid"), "nginx to run")
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def test_nginx_is_asked(gateway, origin, nginx):
    status, = free_ports(1)
    running = gateway(DOCUMENT.format(app=origin.url, auth=nginx, status=status), "--workers", "1")
    for url in ("/cached", "/cached?again"):
        for word, seen in (("ok", 200), ("bad", 403), ("login", 302), ("ok", 200)):
            assert ask(running, url, f"Authorization: {word}\r\n").status == seen, word
            if seen == 200:
                assert origin.request()["X-User-Id"] == f"nginx-{word}"
        assert ask(running, url, "Authorization: page\r\n").status == 200
        assert origin.request().target == url
        answer = ask(running, url)
        assert answer.status == 401 and answer["WWW-Authenticate"] == 'Basic realm="nginx"'
