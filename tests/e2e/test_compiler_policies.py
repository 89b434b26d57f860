"""Policies of one operation beside another: what is said below the document holds there alone."""
import json
import re
import time

from http_peer import OK

HEAD = """openapi: 3.1.0
info: {title: policies, version: "1"}
security: []
"""
RESPONSES = "responses: {default: {description: any}}"


def sleepy(seconds):
    def answer(connection, request):
        connection.may_break = True
        time.sleep(seconds)
        connection.send(OK)
    return answer


def test_each_upstream_keeps_its_own_timeouts(gateway, origin):
    spec = HEAD + f"""x-gateway:
  upstreams:
    quick: {{targets: [{{url: "{origin.url}"}}], timeouts: {{read: 200ms}}}}
    slow: {{targets: [{{url: "{origin.url}"}}], timeouts: {{read: 30s}}}}
  upstream: slow
  route: [{{match: {{query: {{quick: "1"}}}}, upstream: quick}}]
paths:
  /a: {{get: {{{RESPONSES}}}}}
"""
    one = gateway(spec)
    origin.answer = sleepy(0.8)
    start = time.monotonic()
    assert one.ask(b"GET /a?quick=1 HTTP/1.1\r\nHost: a\r\n\r\n").status == 504
    assert time.monotonic() - start < 0.7
    assert one.ask(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").status == 200


OBSERVED = HEAD + f"""x-gateway:
  upstream: origin
  upstreams: {{origin: {{targets: [{{url: "http://127.0.0.1:1"}}]}}}}
  access_log: {{fields: [path, request_id]}}
paths:
  /plain: {{get: &any {{{RESPONSES}}}}}
  /named:
    x-gateway:
      correlation_id: {{header_name: X-Trace, generator: counter, echo_downstream: false}}
      access_log: {{fields: [path, status, request_id]}}
    get: *any
  /off:
    x-gateway: {{correlation_id: false, access_log: {{format: combined}}}}
    get: *any
  /silent:
    x-gateway: {{access_log: false}}
    get: *any
"""


def ask(one, path, lines=""):
    return one.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())


def test_ids_and_log_lines_of_a_route(gateway, origin):
    one = gateway(OBSERVED, "--workers", "1", "--upstream", f"origin={origin.url}")
    plain = ask(one, "/plain", "X-Request-ID: mine\r\nX-Trace: theirs\r\n")
    sent = origin.requests[-1]
    assert plain["X-Request-ID"] == sent["X-Request-ID"] != "mine" and sent["X-Trace"] == "theirs"
    named = ask(one, "/named", "X-Request-ID: mine\r\nX-Trace: theirs\r\n")
    sent = origin.requests[-1]
    assert named["X-Trace"] is None and named["X-Request-ID"] is None
    assert re.fullmatch(r"[0-9a-f-]{36}#\d+", sent["X-Trace"]) and sent["X-Request-ID"] == "mine"
    trace = sent["X-Trace"]
    off = ask(one, "/off", "X-Request-ID: mine\r\n")
    assert off["X-Request-ID"] is None and origin.requests[-1]["X-Request-ID"] == "mine"
    assert ask(one, "/silent").status == 200
    missing = ask(one, "/nowhere")
    assert missing.status == 404 and missing["X-Request-ID"]
    one.process.send_signal(2)
    one.process.wait(10)
    lines = one.out.splitlines()
    assert json.loads(lines[0]) == {"path": "/plain", "request_id": plain["X-Request-ID"]}
    assert json.loads(lines[1]) == {"path": "/named", "status": 200, "request_id": trace}
    assert re.fullmatch(r'127\.0\.0\.1 - - \[.*\] "GET /off HTTP/1\.1" 200 \d+ "-" "-"', lines[2])
    assert json.loads(lines[3])["path"] == "/nowhere" and len(lines) == 4


def test_a_log_of_one_route_alone(gateway, origin):
    one = gateway(OBSERVED.replace("access_log: {fields: [path, request_id]}", "access_log: false")
                  .replace("access_log: false}\n    get", "access_log: true}\n    get"),
                  "--workers", "1", "--upstream", f"origin={origin.url}")
    for path in ("/plain", "/nowhere", "/silent"):
        ask(one, path)
    one.process.send_signal(2)
    one.process.wait(10)
    assert [json.loads(line)["path"] for line in one.out.splitlines()] == ["/silent"]
