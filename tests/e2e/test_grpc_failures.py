"""What a status of gRPC means for its upstream: who is ejected, when the circuit opens, what is tried again. The upstreams
are servers of grpcio, and servers made of frames where grpcio does nothing wrong."""
import json
import re
import subprocess
import threading
from concurrent import futures

import grpc
import pytest
from fixtures import GEN
from h2_peer import CANCEL, RST_STREAM, H2Client, request
from http_peer import RawClient, WAIT, wait_until
from test_http2_upstream import H2Server

DOCUMENT = """
openapi: 3.1.0
info: {{title: failures, version: "1"}}
security: []
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pool: {{targets: [{targets}], protocol: {protocol}, {more}}}}}
  upstream: pool
  access_log: {{fields: [status, tries]}}
  timeouts: {{connect: 1s, read: {read}}}
paths:
  /{{rest}}:
    x-gateway: {{match: {{prefix: true}}}}
    post: &any {{responses: {{default: {{description: any}}}}}}
    get: *any
"""
OUTLIER = "outlier_detection: {consecutive_5xx: 3, base_ejection_time: 60s}"
CIRCUIT = "circuit_breaker: {threshold: 3, window_size: 30s, timeout: 1s}"
RETRY = "retry: {attempts: 2, on: [unavailable, resource_exhausted], methods: [POST], backoff: {base: 1ms}}"
PATH = "/told.Told/Ask"
CODE = grpc.StatusCode
# How an answer ends: with its head, behind a head of its own, behind content.
FORMS = ["bare", "head", "content"]
FAILURES = [CODE.UNAVAILABLE, CODE.INTERNAL, CODE.UNKNOWN, CODE.DATA_LOSS, CODE.DEADLINE_EXCEEDED]
OTHERS = [code for code in CODE if code not in FAILURES]


class Service(grpc.GenericRpcHandler):
    """told.Told/Ask answers as .form and .code say: with a stream of one text, or of two when that goes well."""

    def __init__(self):
        self.form, self.code, self.asked, self.goes_on = "bare", CODE.OK, 0, threading.Event()
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((self,))
        self.url = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def be(self, form, code):
        self.form, self.code = form, code
        return self

    def stop(self):
        self.goes_on.set()
        self.server.stop(None).wait(WAIT)

    def service(self, details):
        return grpc.unary_stream_rpc_method_handler(self.answer, request_deserializer=bytes.decode, response_serializer=str.encode)

    def answer(self, asked, context):
        self.asked += 1
        form, code = self.form, self.code
        if form == "head":
            context.send_initial_metadata((("x-head", "yes"),))
        if form in ("content", "endless"):
            yield "first"
        if form == "endless":
            self.goes_on.wait(WAIT * 3)
        if code != CODE.OK:
            context.abort(code, "as told")
        yield "last"


@pytest.fixture
def pool():
    services = [Service(), Service()]
    yield services
    for one in services:
        one.stop()


def start(gateway, servers, more, protocol="grpc", read="10s"):
    targets = ", ".join(f'{{url: "{one.url}"}}' for one in servers)
    return gateway(DOCUMENT.format(targets=targets, more=more, protocol=protocol, read=read), "--workers", "1")


def ask(running, count=1, metadata=()):
    """The code of each of so many calls, one after another, and all texts that came."""
    codes, texts = [], []
    with grpc.insecure_channel(f"127.0.0.1:{running.port}", options=[("grpc.enable_retries", 0)]) as channel:
        method = channel.unary_stream(PATH, request_serializer=str.encode, response_deserializer=bytes.decode)
        for _ in range(count):
            call = method("x", timeout=WAIT * 2, metadata=metadata)
            try:
                texts.extend(call)
            except grpc.RpcError:
                pass
            codes.append(call.code())
    return codes, texts


def codes(running, count=1, **more):
    return ask(running, count, **more)[0]


def page(running):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        return json.loads(client.ask(b"GET /upstreams HTTP/1.1\r\nHost: a\r\n\r\n").body)[0]


def states(running):
    return [target["state"] for target in page(running)["targets"]]


def begin(client):
    """A call by hand, whose answer may be left."""
    stream = client.begin(request("POST", PATH, more=[("content-type", "application/grpc"), ("te", "trailers")]), end=False)
    client.data(stream, b"\0\0\0\0\1x")
    return stream


def leave(client, stream):
    client.frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))


# ---- the forms ----

@pytest.mark.parametrize("form", FORMS)
def test_what_the_server_sends_passes_in_its_form(gateway, pool, form):
    running = start(gateway, [pool[0].be(form, CODE.UNAVAILABLE)], OUTLIER)
    with H2Client(running.port) as client:
        stream = begin(client)
        answer = client.answer(stream)
    where = answer.fields if form == "bare" else answer.trailers
    assert where["grpc-status"] == "14" and len(answer.finals) == (1 if form == "bare" else 2)
    assert answer.body == (b"\0\0\0\0\5first" if form == "content" else b"")


# ---- outlier_detection ----

@pytest.mark.parametrize("form, code", [("head", CODE.UNAVAILABLE), *((form, code) for form in ("bare", "content") for code in FAILURES)],
                         ids=lambda value: getattr(value, "name", value))
def test_failures_of_the_service_eject_it(gateway, pool, form, code):
    pool[0].be(form, code)
    running = start(gateway, pool, OUTLIER)
    assert codes(running, 4).count(code) == 2
    assert states(running) == ["well", "well"]
    assert codes(running, 2).count(code) == 1
    assert states(running) == ["ejected", "well"]
    assert codes(running, 6) == [CODE.OK] * 6 and pool[0].asked == 3
    assert "is ejected for 60000 ms: failures one after another" in running.log


@pytest.mark.parametrize("form", FORMS)
def test_other_statuses_do_not(gateway, pool, form):
    running = start(gateway, pool[:1], OUTLIER)
    for code in OTHERS:
        pool[0].be(form, code)
        assert codes(running, 4) == [code] * 4
    assert states(running) == ["well"] and "ejected" not in running.log


@pytest.mark.parametrize("well", [CODE.OK, CODE.NOT_FOUND, CODE.RESOURCE_EXHAUSTED], ids=lambda code: code.name)
@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_is_no_failure_ends_the_row(gateway, pool, form, well):
    service = pool[0].be(form, CODE.UNAVAILABLE)
    running = start(gateway, pool[:1], OUTLIER)
    codes(running, 2)
    service.be(form, well)
    assert codes(running) == [well]
    service.be(form, CODE.UNAVAILABLE)
    codes(running, 2)
    assert states(running) == ["well"]
    codes(running)
    assert states(running) == ["ejected"]


def test_a_client_that_leaves_within_the_content_has_been_answered(gateway, pool):
    service = pool[0].be("content", CODE.UNAVAILABLE)
    running = start(gateway, [service], OUTLIER)
    codes(running, 2)
    service.be("endless", CODE.UNAVAILABLE)
    with H2Client(running.port) as client:
        stream = begin(client)
        while b"first" not in client.streams[stream].body:
            client.read()
        leave(client, stream)
        assert client.ping()
    service.be("content", CODE.UNAVAILABLE)
    codes(running, 2)
    assert states(running) == ["well"]
    codes(running)
    assert states(running) == ["ejected"]


def test_a_client_that_leaves_before_the_head_says_nothing(gateway):
    heard = threading.Event()

    def silent(server, link, stream, asked):
        if not heard.is_set():
            heard.set()
            return
        trailers_only(server, link, stream, asked)

    with H2Server(silent) as server:
        running = start(gateway, [server], OUTLIER)
        with H2Client(running.port) as client:
            stream = begin(client)
            assert heard.wait(WAIT)
            leave(client, stream)
            assert client.ping()
        codes(running, 2)
        assert states(running) == ["well"]
        codes(running)
        assert states(running) == ["ejected"]


def test_a_stream_that_is_silent_for_too_long_has_been_answered(gateway, pool):
    running = start(gateway, [pool[0].be("endless", CODE.OK)], OUTLIER, read="300ms")
    found, texts = ask(running, 4)
    assert CODE.OK not in found and texts == ["first"] * 4
    assert states(running) == ["well"]


def test_plain_http2_looks_at_no_status_of_grpc(gateway, pool):
    running = start(gateway, [pool[0].be("bare", CODE.UNAVAILABLE)], OUTLIER, protocol="h2")
    assert codes(running, 6) == [CODE.UNAVAILABLE] * 6
    assert states(running) == ["well"]


# ---- what no library of gRPC sends ----

GRPC_HEAD = [(":status", "200"), ("content-type", "application/grpc")]


def trailers_only(server, link, stream, asked):
    link.send_headers(stream, [*GRPC_HEAD, ("grpc-status", "14")], end_stream=True)


def no_status(server, link, stream, asked):
    link.send_headers(stream, GRPC_HEAD, end_stream=True)


def no_trailers(server, link, stream, asked):
    link.send_headers(stream, GRPC_HEAD)
    link.send_data(stream, b"\0\0\0\0\1x", end_stream=True)


def no_status_behind(server, link, stream, asked):
    link.send_headers(stream, GRPC_HEAD)
    link.send_headers(stream, [("x-other", "1")], end_stream=True)


def unknown_status(server, link, stream, asked):
    link.send_headers(stream, [*GRPC_HEAD, ("grpc-status", "4711")], end_stream=True)


def broken_off(server, link, stream, asked):
    link.send_headers(stream, GRPC_HEAD)
    link.send_data(stream, b"\0\0\0\0\1x")
    link.reset_stream(stream, 2)


def closed(server, link, stream, asked):
    link.send_headers(stream, GRPC_HEAD)
    return "close"


def bad_gateway(server, link, stream, asked):
    link.send_headers(stream, [(":status", "502"), ("content-type", "application/grpc"), ("grpc-status", "0")], end_stream=True)


@pytest.mark.parametrize("how", [trailers_only, no_status, no_trailers, no_status_behind, unknown_status, broken_off, closed, bad_gateway])
def test_what_is_wrong_is_a_failure(gateway, how):
    with H2Server(how) as server:
        running = start(gateway, [server], OUTLIER)
        codes(running, 2)
        assert states(running) == ["well"]
        codes(running)
        wait_until(lambda: states(running) == ["ejected"], "its ejection")


def no_grpc(server, link, stream, asked):
    link.send_headers(stream, [(":status", "200"), ("content-type", "text/plain"), ("grpc-status", "14")])
    link.send_data(stream, b"fine", end_stream=True)


def not_found(server, link, stream, asked):
    link.send_headers(stream, [(":status", "404"), ("content-type", "application/grpc"), ("grpc-status", "14")], end_stream=True)


def status_in_the_head_alone(server, link, stream, asked):
    link.send_headers(stream, [*GRPC_HEAD, ("grpc-status", "14")])
    link.send_headers(stream, [("grpc-status", "0")], end_stream=True)


@pytest.mark.parametrize("how", [no_grpc, not_found, status_in_the_head_alone])
def test_what_tells_of_no_failure_is_none(gateway, how):
    with H2Server(how) as server:
        running = start(gateway, [server], OUTLIER)
        codes(running, 5)
        assert states(running) == ["well"] and len(server.requests) == 5


# ---- circuit_breaker ----

@pytest.mark.parametrize("form", FORMS)
def test_failures_open_the_circuit(gateway, pool, form):
    service = pool[0].be(form, CODE.UNAVAILABLE)
    running = start(gateway, [service], CIRCUIT.replace("1s", "60s"))
    codes(running, 2)
    assert page(running)["circuit"] == "closed"
    codes(running)
    assert page(running)["circuit"] == "open"
    service.be(form, CODE.OK)
    assert codes(running, 3) == [CODE.UNAVAILABLE] * 3 and service.asked == 3


@pytest.mark.parametrize("form", FORMS)
def test_other_statuses_leave_it_closed(gateway, pool, form):
    running = start(gateway, [pool[0]], CIRCUIT)
    for code in OTHERS:
        pool[0].be(form, code)
        assert codes(running, 3) == [code] * 3
    assert page(running)["circuit"] == "closed"


@pytest.mark.parametrize("form", ["bare", "head"])
def test_a_trial_is_judged_by_its_status(gateway, pool, form):
    service = pool[0].be(form, CODE.INTERNAL)
    running = start(gateway, [service], CIRCUIT)
    codes(running, 3)
    wait_until(lambda: codes(running) == [CODE.INTERNAL], "a trial")
    assert service.asked == 4 and page(running)["circuit"] == "open"
    service.be(form, CODE.NOT_FOUND)
    wait_until(lambda: codes(running) == [CODE.NOT_FOUND], "another one")
    assert page(running)["circuit"] == "closed"


def test_an_endless_stream_does_not_keep_the_circuit_half_open(gateway, pool):
    service = pool[0].be("bare", CODE.UNAVAILABLE)
    running = start(gateway, [service], CIRCUIT, read="60s")
    codes(running, 3)
    service.be("endless", CODE.OK)
    with H2Client(running.port) as client:
        def goes():
            stream = begin(client)
            while not client.streams[stream].finals:
                client.read()
            return "grpc-status" not in client.streams[stream].fields
        wait_until(goes, "a trial")
        wait_until(lambda: page(running)["circuit"] == "closed", "the circuit to close")
        service.be("bare", CODE.OK)
        assert codes(running, 3) == [CODE.OK] * 3


# ---- adaptive_concurrency ----

@pytest.mark.parametrize("code, learns", [(CODE.UNAVAILABLE, False), (CODE.INTERNAL, False), (CODE.OK, True), (CODE.NOT_FOUND, True)],
                         ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("form", ["bare", "content"])
def test_failures_teach_nothing(gateway, pool, form, code, learns):
    running = start(gateway, [pool[0].be(form, code)], "adaptive_concurrency: {interval: 10ms}")

    def limit():
        port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
        with RawClient(port) as client:
            text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
        return int(re.search(r'^apigw_upstream_concurrency_limit\{upstream="pool"\} (\d+)$', text, re.M).group(1))

    assert limit() == 20
    if learns:
        wait_until(lambda: codes(running, 20) and limit() != 20, "another limit")
    else:
        codes(running, 100)
        assert limit() == 20


# ---- retry ----

def tries(running, count):
    wait_until(lambda: running.out.count("\n") >= count, "the log's lines")
    return [json.loads(line)["tries"] for line in running.out.splitlines()[-count:]]


@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.RESOURCE_EXHAUSTED], ids=lambda code: code.name)
def test_a_bare_failure_is_asked_of_another_target(gateway, pool, code):
    pool[0].be("bare", code)
    running = start(gateway, pool, RETRY)
    found, texts = ask(running, 6)
    assert found == [CODE.OK] * 6 and texts == ["last"] * 6
    assert pool[0].asked > 0 and pool[1].asked == 6
    assert sorted(tries(running, 6)) == [1] * (6 - pool[0].asked) + [2] * pool[0].asked


@pytest.mark.parametrize("code", [CODE.INTERNAL, CODE.NOT_FOUND, CODE.CANCELLED, CODE.UNKNOWN], ids=lambda code: code.name)
def test_a_status_that_is_not_named_is_passed_on(gateway, pool, code):
    pool[0].be("bare", code)
    running = start(gateway, pool, RETRY)
    assert codes(running, 6).count(code) == 3
    assert [one.asked for one in pool] == [3, 3]


@pytest.mark.parametrize("form, text", [("head", []), ("content", ["first"])])
def test_an_answer_that_has_begun_is_not_replaced(gateway, pool, form, text):
    pool[0].be(form, CODE.UNAVAILABLE)
    running = start(gateway, [pool[0]], RETRY)
    assert ask(running, 2) == ([CODE.UNAVAILABLE] * 2, text * 2)
    assert pool[0].asked == 2 and tries(running, 2) == [1, 1]


def test_when_all_tries_fail_the_last_answer_is_passed_on(gateway, pool):
    for one in pool:
        one.be("bare", CODE.UNAVAILABLE)
    running = start(gateway, pool, RETRY)
    assert codes(running, 2) == [CODE.UNAVAILABLE] * 2
    assert [one.asked for one in pool] == [2, 2]


@pytest.mark.parametrize("metadata, asked", [((("idempotency-key", "k"),), [1, 1]), ((), [1, 0])], ids=["with", "without"])
def test_a_key_lets_a_call_be_sent_twice(gateway, pool, metadata, asked):
    for one in pool:
        one.be("bare", CODE.CANCELLED)
    running = start(gateway, pool, "retry: {on: cancelled, attempts: 2, idempotency_key: true}")
    assert codes(running, metadata=metadata) == [CODE.CANCELLED]
    assert sorted((one.asked for one in pool), reverse=True) == asked


@pytest.mark.parametrize("word", ["cancelled", "deadline_exceeded", "internal", "resource_exhausted", "unavailable"])
def test_every_word(gateway, pool, word):
    code = CODE[word.upper()]
    pool[0].be("bare", code)
    running = start(gateway, pool, f"retry: {{on: {word}, methods: [POST]}}")
    assert codes(running, 4) == [CODE.OK] * 4 and pool[0].asked > 0


def test_every_try_is_judged(gateway, pool):
    """What is tried again counts against the target that was asked first."""
    pool[0].be("bare", CODE.UNAVAILABLE)
    running = start(gateway, pool, f"{OUTLIER}, {RETRY}")
    assert codes(running, 8) == [CODE.OK] * 8
    assert states(running) == ["ejected", "well"] and pool[0].asked == 3


def test_an_answer_of_http_is_no_status_of_grpc(gateway):
    def plain(server, link, stream, asked):
        link.send_headers(stream, [(":status", "200"), ("content-type", "text/plain"), ("grpc-status", "14")], end_stream=True)

    with H2Server(plain) as server:
        running = start(gateway, [server], RETRY.replace("[POST]", "[GET, POST]"))
        with H2Client(running.port) as client:
            assert client.ask(request("GET", PATH)).status == 200
        assert len(server.requests) == 1


@pytest.mark.parametrize("protocol, retry, why", [
    ("h2", "{on: unavailable, methods: [POST]}", "is not of 'protocol: grpc'"),
    ("http1", "{on: [reset, internal], idempotency_key: true}", "is not of 'protocol: grpc'"),
    ("grpc", "{on: [reset, internal]}", "say 'methods: [POST]' or 'idempotency_key: true'"),
    ("grpc", "{on: [reset, internal], methods: [POST]}", None),
    ("grpc", "{on: [reset, internal], idempotency_key: true}", None),
])
def test_what_the_compiler_says(tmp_path, protocol, retry, why):
    path = tmp_path / "spec.yaml"
    path.write_text(DOCUMENT.format(targets='{url: "http://a"}', more=f"retry: {retry}", protocol=protocol, read="1s"))
    done = subprocess.run([GEN, "check", str(path)], capture_output=True, text=True)
    assert done.returncode == (1 if why else 0), done.stderr
    if why:
        assert why in done.stderr + done.stdout and "[contradiction]" in done.stderr + done.stdout
