"""subsets: some of an upstream's targets, alone or by weight, whatever becomes of the others."""
import collections

import pytest
from http_peer import Origin

DOCUMENT = """
openapi: 3.1.0
info: {{title: subsets, version: "1"}}
security: []
x-gateway:
  version: 1
  upstreams:
    pets:
      targets:
        - {{url: "{0}", labels: {{version: v1}}}}
        - {{url: "{1}", labels: {{version: v1, tier: fast}}}}
        - {{url: "{2}", labels: {{version: v2}}}}
        - {{url: "{3}"}}
      subsets:
        v1: {{labels: {{version: v1}}}}
        v2: {{labels: {{version: v2}}}}
      {more}
  upstream: pets
  access_log: false
  timeouts: {{connect: 500ms, read: 5s}}
paths:
  /all: {{get: &any {{responses: {{default: {{description: any}}}}}}}}
  /v1: {{x-gateway: {{upstream: "pets:v1"}}, get: *any}}
  /v2: {{x-gateway: {{upstream: "pets:v2"}}, get: *any}}
  /both: {{x-gateway: {{upstream: {{"pets:v1": 3, "pets:v2": 1}}}}, get: *any}}
  /by:
    x-gateway: {{route: [{{match: {{headers: {{X-Version: v2}}}}, upstream: "pets:v2"}}, {{upstream: "pets:v1"}}]}}
    get: *any
"""


@pytest.fixture
def pets():
    origins = [Origin() for _ in range(4)]
    yield origins
    for one in origins:
        one.close()


def start(gateway, pets, *args, more=""):
    return gateway(DOCUMENT.format(*(one.url for one in pets), more=more), "--workers", "1", *args)


def ask(running, path, times=1, fields=""):
    with running.client() as client:
        answers = [client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n").status for _ in range(times)]
    return collections.Counter(answers)


def counts(pets):
    return [len(one.requests) for one in pets]


@pytest.mark.parametrize("how", ["round_robin", "least_conn", "random", "hash", "peak_ewma"])
def test_nobody_else_is_asked(gateway, pets, how):
    running = start(gateway, pets, more=f"balance: {how}")
    assert ask(running, "/v1", 40) == {200: 40}
    seen = counts(pets)
    assert sum(seen[:2]) == 40 and seen[2:] == [0, 0]
    if how == "round_robin":
        assert seen[:2] == [20, 20]
    assert ask(running, "/v2", 10) == {200: 10}
    assert counts(pets)[2:] == [10, 0]


def test_all_of_them_without_a_subset(gateway, pets):
    running = start(gateway, pets)
    ask(running, "/all", 40)
    assert counts(pets) == [10, 10, 10, 10]


def test_by_weight(gateway, pets):
    running = start(gateway, pets)
    assert ask(running, "/both", 400) == {200: 400}
    seen = counts(pets)
    assert seen[3] == 0 and abs(seen[0] - seen[1]) <= 1 and 40 < seen[2] < 180


def test_by_a_header(gateway, pets):
    running = start(gateway, pets)
    ask(running, "/by", 4)
    ask(running, "/by", 3, "X-Version: v2\r\n")
    assert counts(pets) == [2, 2, 3, 0]


def test_another_target_of_the_subset_is_tried(gateway, pets):
    running = start(gateway, pets, more="retry: {attempts: 4}")
    pets[0].close()
    assert ask(running, "/v1", 20) == {200: 20}
    assert counts(pets)[1:] == [20, 0, 0]


def test_never_one_outside_it(gateway, pets):
    """Not for a retry, and not because those inside are sick."""
    running = start(gateway, pets, more="retry: {attempts: 4}\n      outlier_detection: {consecutive_5xx: 1}")
    pets[2].close()
    assert ask(running, "/v2", 5) == {502: 5}
    assert counts(pets) == [0, 0, 0, 0]
    assert ask(running, "/v1", 4) == {200: 4}


def test_no_more_tries_than_the_subset_has_targets(gateway, pets):
    """A target that cannot be reached is replaced by each other one, once."""
    running = start(gateway, pets)
    for one in pets[:3]:
        one.close()
    assert ask(running, "/v2") == {502: 1}
    assert ask(running, "/v1") == {502: 1}
    with running.client() as client:
        metrics = client.ask(b"GET /all HTTP/1.1\r\nHost: a\r\n\r\n")
    assert metrics.status == 200
    assert counts(pets) == [0, 0, 0, 1]


def test_targets_named_at_start_are_in_every_subset(gateway, pets):
    with Origin() as other:
        running = start(gateway, pets, "--upstream", f"pets={other.url}")
        for path in "/all", "/v1", "/v2", "/both":
            assert ask(running, path, 3) == {200: 3}
        assert len(other.requests) == 12
    assert counts(pets) == [0, 0, 0, 0]
