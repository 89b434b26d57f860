"""What a scraper reads: Prometheus' own checker has nothing to say, and the numbers are right."""
import re
import shutil
import subprocess
import time

import pytest
from http_peer import RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: Metrics test, version: "1"}
x-gateway:
  version: 1
  access_log: false
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}, gone: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
paths:
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getPet, responses: {default: {description: any}}}
    post: {operationId: addPet, responses: {default: {description: any}}}
  /gone: {get: {operationId: getGone, x-gateway: {upstream: gone}, responses: {default: {description: any}}}}
"""


def scrape(one):
    port = int(re.search(r"status on \S*:(\d+)", one.log).group(1))
    with RawClient(port) as client:
        answer = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.status == 200 and answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


def value(text, sample):
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.M)
    return float(found.group(1)) if found else None


def promtool(text):
    assert shutil.which("promtool"), "the package prometheus brings promtool"
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and not done.stderr and not done.stdout, done.stderr + done.stdout


def start(gateway, origin):
    one = gateway(DOCUMENT, "--upstream", f"origin={origin.url}", "--workers", "2", "--status", "127.0.0.1:0")
    wait_until(lambda: "ready" in one.log, "readiness")
    return one


def use(one):
    with one.client() as client:
        for _ in range(3):
            assert client.ask(b"GET /pets/1 HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
        assert client.ask(b"POST /pets/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789").status == 200
        assert client.ask(b"HEAD /pets/1 HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
        assert client.ask(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").status == 404
        assert client.ask(b"MAKE-UP /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").status in (404, 405, 501)
    assert one.ask(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n").status == 502


def test_promtool_before_and_after_traffic(gateway, origin):
    one = start(gateway, origin)
    promtool(scrape(one))
    use(one)
    promtool(scrape(one))


def test_numbers(gateway, origin):
    def answer(connection, request):
        body = b"" if request.method == "HEAD" else b"ok\n"
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body)

    origin.answer = answer
    one = start(gateway, origin)
    use(one)
    wait_until(lambda: value(scrape(one), "apigw_http_connections_active") == 0, "the connections to end")
    text = scrape(one)
    requests = "apigw_http_requests_total{route=\"%s\",method=\"%s\",status=\"%s\"}"
    assert value(text, requests % ("getPet", "GET", "2xx")) == 3
    assert value(text, requests % ("getPet", "HEAD", "2xx")) == 1
    assert value(text, requests % ("addPet", "POST", "2xx")) == 1
    assert value(text, requests % ("getGone", "GET", "5xx")) == 1
    assert value(text, requests % ("none", "GET", "4xx")) == 1
    assert not re.search("MAKE-UP|nowhere", text)
    assert value(text, 'apigw_http_request_bytes_total{route="addPet"}') == 10
    assert value(text, 'apigw_http_response_bytes_total{route="getPet"}') == 9
    assert value(text, 'apigw_http_request_duration_seconds_count{route="getPet"}') == 4
    assert value(text, 'apigw_upstream_request_duration_seconds_count{upstream="origin"}') == 5
    assert value(text, "apigw_http_connections_accepted_total") == 2
    assert value(text, "apigw_http_requests_in_flight") == 0
    assert value(text, f'apigw_upstream_requests_total{{upstream="origin",target="{origin.url}"}}') == 5
    assert value(text, 'apigw_upstream_failures_total{upstream="gone",target="http://127.0.0.1:1"}') >= 1
    assert value(text, f'apigw_upstream_connections{{upstream="origin",target="{origin.url}",state="idle"}}') >= 1
    assert value(text, "apigw_workers") == 2


def test_in_flight(gateway, origin):
    origin.answer = lambda connection, _: connection.until_closed()
    one = start(gateway, origin)
    with one.client() as client:
        client.send(b"GET /pets/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        origin.request()
        text = scrape(one)
        assert value(text, "apigw_http_requests_in_flight") == 1
        assert value(text, "apigw_http_connections_active") == 1
        assert value(text, f'apigw_upstream_connections{{upstream="origin",target="{origin.url}",state="active"}}') == 1
        client.reset()


def test_durations(gateway, origin):
    def answer(connection, _):
        time.sleep(0.3)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")

    origin.answer = answer
    one = start(gateway, origin)
    one.ask(b"GET /pets/1 HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: value(scrape(one), 'apigw_http_request_duration_seconds_count{route="getPet"}') == 1, "the count")
    text = scrape(one)
    for name, label in (("apigw_http_request_duration_seconds", 'route="getPet"'),
                        ("apigw_upstream_request_duration_seconds", 'upstream="origin"')):
        assert 0.29 <= value(text, f"{name}_sum{{{label}}}") < 5
        assert value(text, f'{name}_bucket{{{label},le="0.25"}}') == 0
        assert value(text, f'{name}_bucket{{{label},le="+Inf"}}') == 1


def test_process_figures(gateway, origin):
    text = scrape(start(gateway, origin))
    assert 0 < value(text, "process_resident_memory_bytes") < 2**33
    assert 3 < value(text, "process_open_fds") < value(text, "process_max_fds")
    assert abs(value(text, "process_start_time_seconds") - time.time()) < 60
    assert value(text, "process_cpu_seconds_total") >= 0
    assert re.search(r'^apigw_build_info\{name="metrics-test",version="1",build="[^"]+"\} 1$', text, re.M)
