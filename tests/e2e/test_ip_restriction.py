"""Who may call, by the client's address: at which level it is said, whose address counts, and that whoever may not call
learns nothing of what is there."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest
from fixtures import GEN, Gateway, build
from h2_peer import H2Client, request
from http_peer import WAIT, RawClient, wait_until
from proxy_header import UNKNOWN, v1, v2

DOCUMENT = """
openapi: 3.1.0
info: {title: restricted, version: "1"}
security: []
x-gateway:
  version: 1
  LISTENERS
  FORWARDED
  RESTRICTION
  access_log: {fields: [remote_addr, path, route, status, reason]}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  limits: {body: 1k}
paths:
  /x: {get: &any {responses: {default: {description: any}}}, post: *any}
  /here: {get: {operationId: getHere, x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
  /custom:
    get: {x-gateway: {errors: {format: text}, correlation_id: {header_name: X-Own}, respond: {status: 200}}, responses: {default: {description: any}}}
  /maintained: {get: {x-gateway: {maintenance: true}, responses: {default: {description: any}}}}
  /gone: {get: {x-gateway: {disabled: true}, responses: {default: {description: any}}}}
  /internal: {get: {x-gateway: {internal: true}, responses: {default: {description: any}}}}
  /slash/{a}: {get: {parameters: [{name: a, in: path, required: true, schema: {type: string}}],
    x-gateway: {path: {encoded_slash: reject}, respond: {status: 200}}, responses: {default: {description: any}}}}
  /own:
    x-gateway: {ip_restriction: {allow: [127.0.0.8/30], deny: [127.0.0.9]}, respond: {status: 200, body: path}}
    get: *any
    put: {x-gateway: {ip_restriction: {deny: [127.0.0.8]}, respond: {status: 200, body: operation}}, responses: {default: {description: any}}}
    delete: {x-gateway: {ip_restriction: false, respond: {status: 200, body: anybody}}, responses: {default: {description: any}}}
"""
MAY, MAY_NOT = "127.0.0.1", "127.0.0.66"
RESTRICTION = 'ip_restriction: {deny: [127.0.0.64/26, "2001:db8::/32", "::ffff:198.51.100.0/120"]}'
STATUS = ("--workers", "1", "--status", "127.0.0.1:0")


def document(restriction=RESTRICTION, forwarded="", listeners=""):
    text = DOCUMENT
    for word, value in (("RESTRICTION", restriction), ("FORWARDED", forwarded), ("LISTENERS", listeners)):
        text = text.replace(word, value)
    return text


def ask(running, what="GET /here", source=MAY, lines=b""):
    method = what.split()[0]
    with RawClient(running.port, source=source) as client:
        return client.ask(f"{what} HTTP/1.1\r\nHost: a\r\n".encode() + lines + b"\r\n", method)


def is_refused(answer):
    """As everybody else is: nothing in it tells where."""
    if answer.status != 403:
        return False
    assert answer["Content-Type"] == "application/problem+json" and answer["Allow"] is None
    assert answer["X-Request-ID"] and answer["X-Own"] is None
    if answer.body:  # not to HEAD
        said = json.loads(answer.body)
        said.pop("instance", None)  # the client's own path
        assert said == {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "this address may not call"}
    return True


def denied(running):
    with RawClient(int(re.search(r"status on \S*:(\d+)", running.log).group(1))) as client:
        body = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    found = re.search(r'^apigw_denied_total\{policy="ip_restriction"\} (\d+)$', body, re.M)
    return int(found.group(1)) if found else None


@pytest.fixture(scope="module")
def running(module_gateway, module_origin):
    return module_gateway(document(), *STATUS, "--upstream", f"origin={module_origin.url}")


# ---- what a denied address learns ----

@pytest.mark.parametrize("what, otherwise", [
    ("GET /here", 200), ("HEAD /here", 200), ("GET /x", 200), ("POST /x", 200), ("GET /custom", 200), ("GET /maintained", 503),
    ("GET /gone", 404), ("GET /internal", 404), ("GET /nowhere", 404), ("HEAD /nowhere", 404), ("DELETE /here", 405),
    ("OPTIONS /here", 204), ("OPTIONS /nowhere", 404), ("OPTIONS *", 204), ("GET /slash/a%2Fb", 400), ("GET /%zz", 400),
    ("PURGE /here", 405), ("GET http://a/here", 200)])
def test_every_answer_is_the_same(running, module_upstream, what, otherwise):
    before = denied(running)
    assert is_refused(ask(running, what, MAY_NOT))
    assert module_upstream.got_nothing()
    assert denied(running) == before + 1
    assert ask(running, what).status == otherwise
    assert denied(running) == before + 1


@pytest.mark.parametrize("path", ["/x", "/nowhere"])
@pytest.mark.parametrize("body", [b"Content-Length: 999999\r\n", b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n"])
def test_neither_does_a_body_tell(running, module_upstream, path, body):
    with RawClient(running.port, source=MAY_NOT) as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: a\r\n".encode() + body + b"\r\n\r\n")
        assert is_refused(client.answer("POST"))
    assert module_upstream.got_nothing()


def test_nor_does_an_expectation(running, module_upstream):
    """No 100 invites the body of a request that is refused."""
    answer = ask(running, "POST /x", MAY_NOT, b"Content-Length: 5\r\nExpect: 100-continue\r\n")
    assert is_refused(answer) and not answer.interim
    assert module_upstream.got_nothing()


def test_a_too_large_body_is_too_large_for_the_others(running):
    with RawClient(running.port) as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n")
        assert client.answer("POST").status == 413


def test_an_upgrade_is_refused(running):
    assert is_refused(ask(running, "GET /x", MAY_NOT, b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                          b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))


def test_each_request_of_a_connection(running):
    with RawClient(running.port, source=MAY_NOT) as client:
        for path in ("/here", "/nowhere", "/here"):
            assert is_refused(client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
        client.send(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        assert all(is_refused(client.answer("GET")) for _ in range(3))


def test_the_log_says_which_policy_and_where(running):
    assert is_refused(ask(running, "GET /here?logged", MAY_NOT)) and is_refused(ask(running, "GET /not-there", MAY_NOT))

    def lines():
        return [json.loads(line) for line in running.out.splitlines() if MAY_NOT in line]
    wait_until(lambda: any(line["path"] == "/not-there" for line in lines()), "the access log")
    told = {line["path"]: line for line in lines()}
    reason = "ip_restriction: this address may not call"
    assert told["/here"] == {"remote_addr": MAY_NOT, "path": "/here", "route": "getHere", "status": 403, "reason": reason}
    assert told["/not-there"]["route"] is None and told["/not-there"]["reason"] == reason


def test_probes_are_not_asked(gateway):
    """Who may call is the business of the document's operations."""
    running = gateway(document("ip_restriction: {allow: [192.0.2.1]}"), *STATUS)
    assert is_refused(ask(running))
    assert denied(running) == 1


# ---- the edges of networks ----

@pytest.mark.parametrize("source, may", [("127.0.0.63", True), ("127.0.0.64", False), ("127.0.0.127", False), ("127.0.0.128", True)])
def test_edges(running, source, may):
    answer = ask(running, source=source)
    assert answer.status == 200 if may else is_refused(answer)


# ---- levels ----

@pytest.mark.parametrize("method, body, mays, may_nots", [
    ("GET", b"path", ["127.0.0.8", "127.0.0.11"], [MAY, MAY_NOT, "127.0.0.9", "127.0.0.7", "127.0.0.12"]),
    ("PUT", b"operation", [MAY, MAY_NOT, "127.0.0.9"], ["127.0.0.8"]),
    ("DELETE", b"anybody", [MAY, MAY_NOT, "127.0.0.8", "127.0.0.9"], [])])
def test_the_most_specific_level_wins_whole(running, method, body, mays, may_nots):
    for source in mays:
        answer = ask(running, f"{method} /own", source)
        assert (answer.status, answer.body) == (200, body), source
    for source in may_nots:
        assert is_refused(ask(running, f"{method} /own", source)), source


def test_what_no_operation_takes_is_the_documents(running):
    assert is_refused(ask(running, "PATCH /own", MAY_NOT))
    assert ask(running, "PATCH /own", "127.0.0.8").status == 405


def test_head_is_restricted_as_get_is(running):
    assert ask(running, "HEAD /own", "127.0.0.8").status == 200
    assert is_refused(ask(running, "HEAD /own", MAY))


def test_without_one_at_the_document(gateway):
    running = gateway(document(""), *STATUS)
    assert ask(running, "GET /nowhere", MAY_NOT).status == 404
    assert ask(running, "GET /here", MAY_NOT).status == 200
    assert is_refused(ask(running, "GET /own", MAY_NOT))
    assert denied(running) == 1


def test_a_gateway_without_any_counts_none(gateway):
    text = re.sub(r"ip_restriction: (\{[^}]*\}|false)", "internal: false", document("")).replace("internal: false, ", "")
    running = gateway(text, *STATUS)
    assert ask(running, "GET /own", MAY_NOT).status == 200
    assert denied(running) is None


@pytest.mark.parametrize("restriction", ["{allow: [127.0.0.0/8]}", "{allow: [127.0.0.0/8, 127.0.0.0/9]}",
                                         '{allow: ["::ffff:127.0.0.0/104"]}', '{allow: ["0.0.0.0/0"]}', '{deny: ["::/0"]}',
                                         "{deny: [126.0.0.0/8, 128.0.0.0/8]}"])
def test_lists_that_admit(gateway, restriction):
    running = gateway(document(f"ip_restriction: {restriction}"))
    assert ask(running).status == 200
    assert ask(running, "GET /nowhere", MAY_NOT).status == 404


@pytest.mark.parametrize("restriction", ['{allow: ["::/0"]}', '{allow: ["::1"]}', '{allow: ["::127.0.0.1"]}', "{deny: [127.0.0.0/8]}",
                                         '{deny: ["::ffff:127.0.0.1"]}', '{deny: ["0.0.0.0/0"]}',
                                         "{allow: [127.0.0.0/8], deny: [127.0.0.0/24]}"])
def test_lists_that_do_not(gateway, restriction):
    running = gateway(document(f"ip_restriction: {restriction}"))
    assert is_refused(ask(running)) and is_refused(ask(running, "GET /nowhere"))


# ---- whose address it is ----

def test_ip6(gateway):
    running = gateway(document('ip_restriction: {allow: ["::1"]}'), "--listen", "[::1]:0", "--listen", "[::]:0")
    assert is_refused(ask(running))  # 127.0.0.1
    for port, host, may in [(running.ports[1], "::1", True), (running.ports[2], "::1", True), (running.ports[2], "127.0.0.1", False)]:
        with RawClient(port, host=host) as client:
            answer = client.ask(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == 200 if may else is_refused(answer)


def test_ip4_on_a_dual_stack_listener(gateway):
    """There it comes as ::ffff:127.0.0.66, and is what it always is."""
    running = gateway(document(), "--listen", "[::]:0")
    for source, status in ((MAY, 200), (MAY_NOT, 403)):
        with RawClient(running.ports[1], source=source) as client:
            assert client.ask(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n").status == status


@pytest.fixture(scope="module")
def behind(module_gateway, module_origin):
    """Behind 127.0.0.1, which is trusted; 127.0.0.2 is not."""
    return module_gateway(document(forwarded="forwarded: {trusted_proxies: [127.0.0.1, 10.0.0.0/8]}"), *STATUS,
                          "--upstream", f"origin={module_origin.url}")


@pytest.mark.parametrize("source, said, may", [
    (MAY, "203.0.113.7", True), (MAY, MAY_NOT, False), (MAY, "2001:db8::7", False), (MAY, "2001:db9::7", True),
    (MAY, "198.51.100.9", False), (MAY, "::ffff:198.51.100.9", False), (MAY, "[2001:db8::7]:99", False),
    (MAY, f"203.0.113.7, {MAY_NOT}", False), (MAY, f"{MAY_NOT}, 203.0.113.7", True), (MAY, f"{MAY_NOT}, 10.0.0.9", False),
    (MAY, "", True), (MAY, "nonsense", True), (MAY, f"{MAY_NOT}, nonsense", True),
    ("127.0.0.2", MAY_NOT, True), (MAY_NOT, "203.0.113.7", False), (MAY_NOT, "127.0.0.1", False)])
def test_x_forwarded_for(behind, source, said, may):
    """From a trusted peer the rightmost hop that is none counts; what a stranger says does not."""
    answer = ask(behind, source=source, lines=f"X-Forwarded-For: {said}\r\n".encode())
    assert answer.status == 200 if may else is_refused(answer)


@pytest.mark.parametrize("line", ["X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP", "X-Client-IP"])
def test_no_other_field_names_the_client(behind, line):
    said = "for=203.0.113.7" if line == "Forwarded" else "203.0.113.7"
    lines = f"X-Forwarded-For: {MAY_NOT}\r\n{line}: {said}\r\n".encode()
    assert is_refused(ask(behind, lines=lines))
    assert is_refused(ask(behind, source=MAY_NOT, lines=lines))


def test_each_request_of_a_proxys_connection_has_its_client(behind):
    with behind.client() as client:
        for said, status in (("203.0.113.7", 200), (MAY_NOT, 403), ("203.0.113.7", 200)):
            request_bytes = f"GET /here HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {said}\r\n\r\n".encode()
            assert client.ask(request_bytes).status == status


@pytest.mark.parametrize("header, may", [(v1(), True), (v2(), True), (v1("198.51.100.9"), False), (v2("198.51.100.9"), False),
                                         (v1("2001:db8::7", to="::1"), False), (v2("::ffff:198.51.100.9", to="::1"), False),
                                         (UNKNOWN, True)])
def test_proxy_protocol(gateway, header, may):
    running = gateway(document(listeners='listeners: [{address: "127.0.0.1:0", proxy_protocol: {trusted: [127.0.0.1]}}]'))
    with running.client() as client:
        answer = client.ask(header + b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n", "GET")
        assert answer.status == 200 if may else is_refused(answer)
        again = client.ask(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")  # it holds for the whole connection
        assert again.status == 404 if may else is_refused(again)


def test_a_stranger_presents_nobody(gateway):
    running = gateway(document(listeners='listeners: [{address: "127.0.0.1:0", proxy_protocol: {trusted: [127.0.0.1]}}]'))
    with RawClient(running.port, source=MAY_NOT) as client:
        assert client.ask(v1() + b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n", "GET").status == 400
    assert is_refused(ask(running, source=MAY_NOT))


@pytest.mark.parametrize("restriction, may", [("{deny: [127.0.0.1]}", True), ('{deny: ["0.0.0.0/0", "::/0"]}', True),
                                              ('{allow: ["0.0.0.0/0", "::/0"]}', False), ("{allow: [127.0.0.1]}", False),
                                              ("false", True)])
def test_a_unix_socket_has_no_address(gateway, tmp_path, restriction, may):
    path = str(tmp_path / "gw.sock")
    gateway(document(f"ip_restriction: {restriction}"), "--listen", f"unix:{path}")
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT)
    sock.connect(path)
    with RawClient(sock=sock) as client:
        for target, status in (("/here", 200), ("/nowhere", 404)):
            answer = client.ask(f"GET {target} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n")
            assert answer.status == status if may else is_refused(answer)


def test_http2(gateway):
    running = gateway(document(forwarded="forwarded: {trusted_proxies: [127.0.0.1]}",
                               listeners='listeners: [{address: "127.0.0.1:0", h2c: true}]'))
    with H2Client(running.port) as client:
        for path, status in (("/here", "200"), ("/nowhere", "404")):
            assert str(client.ask(request(path=path)).status) == status
            answer = client.ask(request(path=path, more=[("x-forwarded-for", MAY_NOT)]))
            assert str(answer.status) == "403"
        grpc = client.ask(request("POST", "/here", more=[("x-forwarded-for", MAY_NOT), ("content-type", "application/grpc"),
                                                         ("te", "trailers")]), b"")
        fields = {**grpc.fields, **grpc.trailers}
        assert (str(grpc.status), fields["grpc-status"]) == ("200", "7")  # PERMISSION_DENIED


# ---- several documents ----

def test_whom_any_document_denies_learns_nothing(tmp_path):
    """Operations are their own document's; what none takes is refused to whom any document refuses."""
    first = document("ip_restriction: {deny: [127.0.0.5]}")
    second = """
openapi: 3.1.0
info: {title: second, version: "1"}
security: []
x-gateway: {version: 1, ip_restriction: {deny: [127.0.0.6]}, respond: {status: 200, body: second}}
paths: {/second: {get: {responses: {default: {description: any}}}}}
"""
    (tmp_path / "second.yaml").write_text(second)
    (tmp_path / "first.yaml").write_text(first)
    binary = str(tmp_path / "gw")
    subprocess.run([GEN, "build", "first.yaml", "second.yaml", "-o", binary], cwd=tmp_path, check=True, timeout=300)
    folder = tmp_path / "run"
    folder.mkdir()
    running = Gateway(binary, str(folder), (), None)
    try:
        for source, here, there, nowhere in (("127.0.0.5", 403, 200, 403), ("127.0.0.6", 200, 403, 403), (MAY, 200, 200, 404)):
            assert [ask(running, f"GET {path}", source).status for path in ("/here", "/second", "/nowhere")] == [here, there, nowhere]
    finally:
        running.stop()


# ---- lists from files ----

@pytest.fixture
def listed(gateway, tmp_path):
    path = tmp_path / "list"

    def start(text, key="deny"):
        path.write_text(text)
        return gateway(document(f"ip_restriction: {{{key}: {{file: {path}}}}}"), *STATUS)
    start.path = path
    return start


def test_a_list_from_a_file(listed):
    running = listed("# bad ones\n127.0.0.64/26\n127.0.0.64/28\n\n2001:db8::/32 # all of them\n")
    assert ask(running).status == 200 and is_refused(ask(running, source=MAY_NOT))
    assert ask(running, "GET /nowhere").status == 404 and is_refused(ask(running, "GET /nowhere", MAY_NOT))
    listed.path.write_text("127.0.0.1\n")
    os.kill(running.pid, signal.SIGHUP)
    wait_until(lambda: is_refused(ask(running)), "the new list")
    assert ask(running, source=MAY_NOT).status == 200


def test_nobody_is_in_an_empty_list(listed):
    assert is_refused(ask(listed("# nobody\n", "allow")))
    assert ask(listed("# nobody\n", "deny")).status == 200


def test_a_bad_list_leaves_the_good_one(listed):
    running = listed("127.0.0.64/26\n")
    for bad in ("127.0.0.1/8\n", "127.0.0.1\nlocalhost\n"):
        listed.path.write_text(bad)
        said = running.log.count("not an address or network")
        os.kill(running.pid, signal.SIGHUP)
        wait_until(lambda: running.log.count("not an address or network") > said, "a complaint")
        assert ask(running).status == 200 and is_refused(ask(running, source=MAY_NOT))
    listed.path.unlink()
    os.kill(running.pid, signal.SIGHUP)
    wait_until(lambda: f"cannot read {listed.path}" in running.log, "a complaint")
    assert ask(running).status == 200 and is_refused(ask(running, source=MAY_NOT))


@pytest.mark.parametrize("text, complaint", [(None, "cannot read"), ("127.0.0.300\n", ":1: not an address or network"),
                                             ("127.0.0.1\n\n::/129\n", ":3: not an address or network")])
def test_without_a_good_list_it_does_not_start(build_cache, tmp_path, text, complaint):
    path = tmp_path / "list"
    if text:
        path.write_text(text)
    binary = build(build_cache, document(f"ip_restriction: {{allow: {{file: {path}}}}}"))
    done = subprocess.run([binary, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and str(path) in done.stderr and complaint in done.stderr


# ---- what the compiler says of it ----

def gen(tmp_path, *words, restriction=RESTRICTION):
    (tmp_path / "in.yaml").write_text(document(restriction))
    return subprocess.run([GEN, words[0], "in.yaml", *words[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=60)


def test_explain_names_it(tmp_path):
    done = gen(tmp_path, "explain", "GET", "/here")
    assert "addresses    deny 127.0.0.64/26 2001:db8::/32 ::ffff:198.51.100.0/120\n" in done.stdout
    assert "addresses    allow 127.0.0.8/30, deny 127.0.0.9\n" in gen(tmp_path, "explain", "GET", "/own").stdout
    assert "addresses" not in gen(tmp_path, "explain", "DELETE", "/own").stdout
    for asked in (("GET", "/nowhere"), ("PATCH", "/own")):
        assert "addresses    deny 127.0.0.64/26 " in gen(tmp_path, "explain", *asked).stdout


def test_a_long_list_stands_in_the_lock_file_once(tmp_path):
    networks = [f"10.0.{i}.0/24" for i in range(0, 64, 2)]
    assert gen(tmp_path, "generate", "-o", "out", restriction=f"ip_restriction: {{deny: [{', '.join(networks)}]}}").returncode == 0
    lock = (tmp_path / "out/gateway.lock").read_text()
    assert lock.count("10.0.62.0/24") == 1 and lock.count("ip_restriction: as the document, 32 networks") == 8
    assert "ip_restriction: allow 127.0.0.8/30, deny 127.0.0.9" in lock


def test_routes_name_it_and_where_it_was_said(tmp_path):
    out = gen(tmp_path, "routes", "--effective").stdout
    assert "ip_restriction: deny 127.0.0.64/26 2001:db8::/32" in out
    assert re.search(r"ip_restriction: .*operation", out) and re.search(r"ip_restriction: .*path", out)


def test_a_large_list(gateway):
    """Ten thousand networks, and each edge of some of them."""
    networks = [f"10.{i // 128}.{i % 128 * 2}.0/24" for i in range(10000)]
    running = gateway(document(f"ip_restriction: {{deny: [{', '.join(networks)}]}}",
                               forwarded="forwarded: {trusted_proxies: [127.0.0.1]}"))
    for said, may in [("10.0.0.0", False), ("10.0.0.255", False), ("10.0.1.0", True), ("10.40.16.5", False), ("10.40.17.5", True),
                      ("10.78.30.255", False), ("10.78.31.0", True), ("10.78.32.0", True), ("9.255.255.255", True)]:
        answer = ask(running, lines=f"X-Forwarded-For: {said}\r\n".encode())
        assert answer.status == 200 if may else is_refused(answer), said
