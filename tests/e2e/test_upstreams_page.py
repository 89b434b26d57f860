"""/upstreams of the admin listener: how targets are, and what the operator may change."""
import json
import re

import pytest
from http_peer import Origin, RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: pages, version: "1"}}
x-gateway:
  version: 1
  upstreams:
    two words: {{targets: [{{url: "{0}", weight: 3}}, {{url: "{1}"}}]}}
  upstream: two words
  admin: {{address: "127.0.0.1:0"}}
  status: {{address: "127.0.0.1:0"}}
paths:
  /x: {{get: {{responses: {{default: {{description: any}}}}}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def other():
    with Origin() as one:
        yield one


@pytest.fixture
def running(gateway, origin, other):
    return gateway(DOCUMENT.format(origin.url, other.url), "--workers", "2")


def call(port, method, path):
    with RawClient(port) as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        return client.answer(method)


def port(running, what):
    return int(re.search(rf"{what} on \S*:(\d+)", running.log).group(1))


def page(running):
    answer = call(port(running, "admin"), "GET", "/upstreams")
    assert answer.status == 200 and answer.fields.one("content-type") == "application/json"
    return json.loads(answer.body)


def ask(running, times):
    with running.client() as client:
        return [client.ask(GET).status for _ in range(times)]


def test_what_it_says(running, origin, other):
    assert ask(running, 8) == [200] * 8
    wait_until(lambda: page(running)[0]["targets"][0]["connections_idle"] == 1, "the connection to rest")
    (upstream,) = page(running)
    assert upstream["upstream"] == "two words" and "circuit" not in upstream
    first, second = upstream["targets"]
    assert (first["target"], first["index"], first["weight"], first["state"]) == (origin.url, 0, 3, "well")
    assert (first["requests"], second["requests"]) == (6, 2)
    assert (first["failures"], first["connections_active"], first["connections_idle"]) == (0, 0, 1)
    assert 0 < first["latency_ms"] < 1000
    assert "ejections" not in first and "health_checks" not in first


def test_a_target_is_drained_and_comes_back(running, origin, other):
    assert call(port(running, "admin"), "POST", "/upstreams/two%20words/0?drain=true").status == 200
    assert ask(running, 6) == [200] * 6
    assert (len(origin.requests), len(other.requests)) == (0, 6)
    assert [t["state"] for t in page(running)[0]["targets"]] == ["drained", "well"]
    call(port(running, "admin"), "POST", "/upstreams/two%20words/1?drain=true")
    assert ask(running, 1) == [503]
    call(port(running, "admin"), "POST", "/upstreams/two%20words/0?drain=false")
    assert ask(running, 2) == [200] * 2 and len(origin.requests) == 2
    assert "the operator sets drain=true of target 0" in running.log


def test_a_weight_is_changed(running, origin, other):
    answer = call(port(running, "admin"), "POST", "/upstreams/two%20words/1?weight=0&drain=false")
    assert [t["weight"] for t in json.loads(answer.body)[0]["targets"]] == [3, 0]
    ask(running, 4)
    assert (len(origin.requests), len(other.requests)) == (4, 0)


@pytest.mark.parametrize("method, path, status", [
    ("POST", "/upstreams/two%20words/2?weight=1", 404), ("POST", "/upstreams/two/0?weight=1", 404),
    ("POST", "/upstreams/two%20words/x?weight=1", 404), ("POST", "/upstreams/two%20words?weight=1", 404),
    ("POST", "/upstreams/two%20words/0", 400), ("POST", "/upstreams/two%20words/0?weight=-1", 400),
    ("POST", "/upstreams/two%20words/0?weight=65536", 400), ("POST", "/upstreams/two%20words/0?weight=1&x=1", 400),
    ("POST", "/upstreams/two%20words/0?drain=yes", 400), ("GET", "/upstreams/two%20words/0?weight=1", 405),
    ("POST", "/upstreams", 405), ("POST", "/upstreams/%ff/0?weight=1", 404),
])
def test_what_it_refuses(running, method, path, status):
    before = page(running)
    assert call(port(running, "admin"), method, path).status == status
    assert page(running) == before


def test_it_is_not_for_everybody(running):
    assert call(port(running, "status"), "GET", "/upstreams").status == 404
    assert call(port(running, "status"), "POST", "/upstreams/two%20words/0?drain=true").status == 404
    assert call(running.port, "GET", "/upstreams").status == 404
