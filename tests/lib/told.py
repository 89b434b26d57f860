"""What the RFC, smuggling and fault tests share: one document, requests to hang lines in, and what of a recorded
request the client is to blame for."""
from http_peer import OK, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: letter, version: "1"}
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  forwarded: {via: true}
  access_log: {fields: [method, path, query, status, reason, tries, upstream_status]}
  limits: {headers: 4k, header_count: 20, uri: 256, body: 100k, upstream_headers: 8k}
  timeouts: {connect: 2s, send: 5s, read: 5s}
paths:
  /: {get: {responses: {default: {description: any}}}}
  /x: &all
    get: &any {responses: {default: {description: any}}}
    put: *any
    post: *any
    delete: *any
    options: *any
    head: *any
    trace: *any
  /y: *all
  /here:
    get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}
    post: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}
  /below/{rest}:
    parameters: [{name: rest, in: path, required: true, schema: {type: string}}]
    x-gateway: {match: {prefix: true}}
    get: *any
  /gone/{rest}:
    parameters: [{name: rest, in: path, required: true, schema: {type: string}}]
    get: {x-gateway: {redirect: {status: 301, location: "/x/{rest}"}}, responses: {default: {description: any}}}
  /slow:
    x-gateway: {timeouts: {read: 300ms}}
    get: *any
"""

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n"
NEXT = b"GET /y HTTP/1.1\r\nHost: smuggled\r\n\r\n"
STALE = b"HTTP/1.1 200 OK\r\nX-Stale: 1\r\nContent-Length: 5\r\n\r\nstale"

OWN = {"host", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip",
       "x-request-id"}


def told(request):
    """Request line, the fields that the gateway did not write by itself, and the body's very bytes."""
    fields = [(name, value) for name, value in request.fields if name.lower() not in OWN]
    return request.line, fields, request.raw.split(b"\r\n\r\n", 1)[1]


def then_close(data):
    """An origin's answer behind which it hangs up."""
    def answer(connection, request):
        connection.send(data)
        connection.close()
    return answer


def assert_in_sync(client, upstream, before):
    """The next request on the same connection is taken for one: it alone reaches the upstream, and the answer is its own."""
    upstream.answer, upstream.on_head = OK, None
    answer = client.ask(b"GET /y?marker HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert [r.line for r in upstream.requests[before:]] == ["GET /y?marker HTTP/1.1"]


def assert_left(request):
    """The gateway has closed the connection by which it sent this request, so that nothing can be read from it any more."""
    wait_until(lambda: request.connection.sock.fileno() < 0, "the upstream's connection to be left")
