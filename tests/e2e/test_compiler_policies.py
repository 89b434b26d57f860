"""Policies of one operation beside another: what is said below the document holds there alone."""
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
