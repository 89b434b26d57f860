"""The access log: complete, parseable, discreet; and never in the way of traffic."""
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest
from fixtures import build
from http_peer import RawClient, WAIT, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: Log test, version: "1"}
x-gateway:
  version: 1
  name: log-test
  access_log: ACCESS_LOG
  forwarded: {trusted_proxies: [127.0.0.0/8]}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
paths:
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getPet, tags: [pets], responses: {default: {description: any}}}
    post: {operationId: addPet, responses: {default: {description: any}}}
  /hello:
    get:
      operationId: hello
      x-gateway: {respond: {status: 200, headers: {Content-Type: text/plain}, body: hello}}
      responses: {default: {description: any}}
  /quiet:
    get:
      operationId: quiet
      x-gateway: {access_log: false, respond: {status: 200, body: quiet}}
      responses: {default: {description: any}}
"""

HELLO = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"


def document(access_log):
    return DOCUMENT.replace("ACCESS_LOG", access_log)


JSON = document("{format: json}")


def end(one):
    """Ends it and returns the log's lines."""
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(WAIT) == 0
    return one.out.splitlines()


def test_every_line_is_there_and_json(gateway, origin):
    one = gateway(JSON, "--upstream", f"origin={origin.url}", "--workers", "2")
    ids, lock = set(), threading.Lock()

    def ask(number):
        with one.client() as client:
            for i in range(100):
                answer = client.ask(f"GET /pets/{number}-{i} HTTP/1.1\r\nHost: a\r\n\r\n")
                with lock:
                    ids.add(answer["X-Request-ID"])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = [json.loads(line) for line in end(one)]
    assert len(records) == 400
    assert {r["request_id"] for r in records} == ids
    assert {r["path"] for r in records} == {f"/pets/{n}-{i}" for n in range(4) for i in range(100)}


def test_a_record(gateway, origin):
    one = gateway(JSON, "--upstream", f"origin={origin.url}")
    one.ask(b"POST /pets/7?access_token=abc&x=1 HTTP/1.1\r\nHost: Api.Example:80\r\nContent-Length: 5\r\n"
            b"User-Agent: te\"st\r\nX-Forwarded-For: 9.9.9.9\r\n"
            b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\nhello")
    (record,) = [json.loads(line) for line in end(one)]
    upstream = origin.request()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert 0 <= record.pop("latency_ms") < 5000
    assert 0 <= record.pop("upstream_latency_ms") < 5000
    assert record == {
        "request_id": upstream["X-Request-ID"], "remote_addr": "9.9.9.9", "method": "POST",
        "host": "Api.Example:80", "path": "/pets/7", "query": "access_token=***&x=1", "protocol": "HTTP/1.1",
        "route": "addPet", "status": 200, "reason": None, "upstream_addr": origin.url, "upstream_status": 200,
        "tries": 1, "bytes_received": 5, "bytes_sent": 3, "user_agent": "te\"st",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "consumer": None}


def test_what_the_gateway_decided_has_a_reason(gateway):
    one = gateway(JSON, "--upstream", "origin=http://127.0.0.1:1", "--workers", "1")
    for request, status, route in ((b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404, None),
                                   (b"PUT /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405, None),
                                   (b"GET /hello HTTP/1.1\r\n\r\n", 400, None),
                                   (b"GET /pets/1 HTTP/1.1\r\nHost: a\r\n\r\n", 502, "getPet")):
        answer = one.ask(request)
        assert answer.status == status
        assert answer["X-Request-ID"]
    records = [json.loads(line) for line in end(one)]
    assert [r["status"] for r in records] == [404, 405, 400, 502]
    assert [r["route"] for r in records] == [None, None, None, "getPet"]
    assert all(r["reason"] and r["request_id"] for r in records)


def test_a_client_that_left(gateway, origin):
    origin.answer = lambda connection, _: connection.until_closed()
    one = gateway(JSON, "--upstream", f"origin={origin.url}")
    with one.client() as client:
        client.send(b"GET /pets/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.request()
        client.reset()
    wait_until(lambda: '"status":499' in one.out, "the line")


def test_a_long_upload_and_answer(gateway, origin):
    """The head is still known when its bytes have long made room for the body's."""
    def answer(connection, _):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"b" * 3000000)

    origin.answer = answer
    one = gateway(JSON, "--upstream", f"origin={origin.url}")
    answer = one.ask(b"POST /pets/7?a=b HTTP/1.1\r\nHost: api.example\r\nContent-Length: 2000000\r\n"
                     b"User-Agent: tester\r\n\r\n" + b"a" * 2000000)
    assert len(answer.body) == 3000000
    (record,) = [json.loads(line) for line in end(one)]
    assert (record["method"], record["host"], record["path"], record["query"], record["user_agent"]) == (
        "POST", "api.example", "/pets/7", "a=b", "tester")
    assert (record["bytes_received"], record["bytes_sent"]) == (2000000, 3000000)


def test_quiet_route(gateway):
    one = gateway(JSON)
    with one.client() as client:
        client.ask(b"GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n")
        client.ask(HELLO)
    assert [json.loads(line)["route"] for line in end(one)] == ["hello"]


def test_lines_come_within_a_second(gateway):
    one = gateway(JSON)
    one.ask(HELLO)
    begun = time.monotonic()
    wait_until(lambda: one.out, "the line")
    assert time.monotonic() - begun < 3


def test_combined(gateway):
    one = gateway(document("{format: combined}"))
    one.ask(b"GET /hello?token=abc HTTP/1.1\r\nHost: a\r\nUser-Agent: curl \"x\"\r\nReferer: http://b/?key=k\r\n\r\n")
    (line,) = end(one)
    assert re.fullmatch(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                        r'"GET /hello\?token=\*\*\* HTTP/1\.1" 200 5 "http://b/\?key=\*\*\*" "curl \\"x\\""', line)


def test_chosen_fields(gateway):
    one = gateway(document("{fields: [status, latency, tag, route]}"))
    one.ask(HELLO)
    (record,) = [json.loads(line) for line in end(one)]
    assert list(record) == ["status", "latency_ms", "tag", "route"]


def test_no_log(gateway):
    one = gateway(document("false"))
    one.ask(HELLO)
    assert end(one) == []


def test_file_is_reopened(gateway, tmp_path):
    log, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    one = gateway(document("{output: {env: GW_TEST_LOG}}"), env={"GW_TEST_LOG": str(log)})
    one.ask(HELLO)
    wait_until(lambda: log.stat().st_size, "the first line")
    log.rename(moved)
    one.process.send_signal(signal.SIGUSR1)
    wait_until(log.exists, "the new file")
    one.ask(HELLO)
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(WAIT) == 0
    assert len(moved.read_text().splitlines()) == 1 and len(log.read_text().splitlines()) == 1
    assert log.stat().st_mode & 0o007 == 0


def test_output_that_cannot_be_opened(build_cache):
    binary = build(build_cache, document("{output: {env: GW_TEST_LOG}}"))
    done = subprocess.run([binary, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=WAIT,
                          env={**os.environ, "GW_TEST_LOG": "/nowhere/access.log"})
    assert done.returncode == 1
    assert "cannot write to /nowhere/access.log: No such file or directory" in done.stderr


def metric(port, name):
    with RawClient(port) as client:
        text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))


def start_piped(build_cache, access_log):
    """A gateway whose standard output is a pipe that nobody reads."""
    binary = build(build_cache, document(access_log))
    process = subprocess.Popen([binary, "--listen", "127.0.0.1:0", "--status", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ports = []
    for line in process.stderr:
        ports += re.findall(r" on \S*:(\d+)$", line)
        if line.rstrip().endswith("ready"):
            break
    threading.Thread(target=process.stderr.read, daemon=True).start()
    return process, int(ports[0]), int(ports[1])


def ask_many(port, count):
    with RawClient(port) as client:
        for _ in range(count // 50):
            client.send(HELLO * 50)
            for _ in range(50):
                assert client.answer().status == 200


def test_a_stuck_reader_does_not_stop_traffic(build_cache):
    process, port, status = start_piped(build_cache, "{on_full: drop}")
    try:
        ask_many(port, 5000)
        dropped = metric(status, "apigw_access_log_lines_dropped_total")
        assert 0 < dropped < 5000
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
        assert time.monotonic() - begun < 8
        lines = process.stdout.read().splitlines()
        assert lines and all(json.loads(line)["status"] == 200 for line in lines)
    finally:
        process.kill()


def test_block_loses_nothing(build_cache):
    """on_full: block holds traffic up until the reader comes back."""
    process, port, status = start_piped(build_cache, "{on_full: block}")
    try:
        asking = threading.Thread(target=ask_many, args=(port, 5000), daemon=True)
        asking.start()
        asking.join(1)
        lines = []
        reading = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reading.start()
        asking.join(WAIT * 3)
        assert not asking.is_alive()
        assert metric(status, "apigw_access_log_lines_dropped_total") == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
        reading.join(WAIT)
        assert len(lines) == 5000
    finally:
        process.kill()
