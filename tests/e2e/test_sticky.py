"""sticky: clients stay with the target, and with the upstream of a weighted choice, that they were sent to first."""
import collections
import hashlib
import re

import pytest
from http_peer import Origin, RawClient

DOCUMENT = """
openapi: 3.1.0
info: {{title: sticky, version: "1"}}
security: []
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    pets:
      targets: [{{url: "{0}"}}, {{url: "{1}"}}, {{url: "{2}"}}]
      sticky: {{{sticky}}}
      {more}
    stable: {{targets: [{{url: "{0}"}}]}}
    canary: {{targets: [{{url: "{1}"}}]}}
    old: {{targets: [{{url: "{2}"}}]}}
  upstream: pets
  access_log: false
  timeouts: {{connect: 500ms, read: 5s}}
paths:
  /x: {{get: &any {{responses: {{default: {{description: any}}}}}}}}
  /either: {{x-gateway: {{upstream: {{stable: 1, canary: 1, old: 0, $sticky: {{cookie: release, max_age: 1h, path: /either}}}}}}, get: *any}}
  /both: {{x-gateway: {{upstream: {{pets: 1, stable: 0, $sticky: {{cookie: release}}}}}}, get: *any}}
"""


@pytest.fixture
def pets():
    origins = [Origin() for _ in range(3)]
    yield origins
    for one in origins:
        one.close()


def start(gateway, pets, sticky="cookie: place", more=""):
    return gateway(DOCUMENT.format(*(one.url for one in pets), sticky=sticky, more=more), "--workers", "1")


def ask(running, path="/x", cookie=None, fields=""):
    """The answer, and the cookies that it sets: name to value and attributes."""
    with running.client() as client:
        line = f"Cookie: {cookie}\r\n" if cookie else ""
        answer = client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{line}{fields}\r\n")
    set_ones = [re.fullmatch(r"([^=]+)=([^;]*)(; .*)?", value).groups()
                for name, value in answer.fields if name.lower() == "set-cookie"]
    return answer, {name: (value, rest) for name, value, rest in set_ones}


def counts(pets):
    return [len(one.requests) for one in pets]


def who(pets, before):
    """Which of them was asked since then."""
    (index,) = [i for i, (now, then) in enumerate(zip(counts(pets), before)) if now > then]
    return index


@pytest.mark.parametrize("how", ["round_robin", "least_conn", "random", "peak_ewma"])
def test_a_client_stays_where_it_was(gateway, pets, how):
    running = start(gateway, pets, more=f"balance: {how}")
    answer, cookies = ask(running)
    assert answer.status == 200
    value, rest = cookies["place"]
    assert re.fullmatch("[0-9a-f]{16}", value) and rest == "; Path=/; HttpOnly; SameSite=Lax"
    at = who(pets, [0, 0, 0])
    for _ in range(20):
        answer, cookies = ask(running, cookie=f"other=1; place={value}")
        assert answer.status == 200 and cookies == {}
    assert counts(pets)[at] == 21 and sum(counts(pets)) == 21


def test_clients_without_a_cookie_are_spread(gateway, pets):
    running = start(gateway, pets)
    values = {ask(running)[1]["place"][0] for _ in range(3)}
    assert counts(pets) == [1, 1, 1] and len(values) == 3


@pytest.mark.parametrize("value", ["", "0", "0000000000000000", "zzzzzzzzzzzzzzzz", "ffffffffffffffff", "f" * 17,
                                   "F" * 16, "../../etc/passwd", "x" * 4000])
def test_what_names_nobody_is_as_good_as_no_cookie(gateway, pets, value):
    running = start(gateway, pets)
    seen = [ask(running, cookie=f"place={value}") for _ in range(3)]
    assert [answer.status for answer, _ in seen] == [200] * 3
    assert all("place" in cookies for _, cookies in seen)
    assert counts(pets) == [1, 1, 1]


@pytest.mark.parametrize("said, rest", [
    ("cookie: place, max_age: 90m, path: /x, secure: true", "; Path=/x; Max-Age=5400; HttpOnly; SameSite=Lax; Secure"),
    ("cookie: place, secure: false", "; Path=/; HttpOnly; SameSite=Lax")])
def test_attributes(gateway, pets, said, rest):
    assert ask(start(gateway, pets, said))[1]["place"][1] == rest


def test_another_target_when_that_one_is_gone(gateway, pets):
    """The answer that shows it comes from another one, which is the client's from then on."""
    running = start(gateway, pets)
    value = ask(running)[1]["place"][0]
    gone = who(pets, [0, 0, 0])
    pets[gone].close()
    answer, cookies = ask(running, cookie=f"place={value}")
    assert answer.status == 200 and cookies["place"][0] != value
    answer, again = ask(running, cookie=f"place={cookies['place'][0]}")
    assert answer.status == 200 and again == {}


def test_an_ejected_target_loses_its_clients(gateway, pets):
    running = start(gateway, pets, more="outlier_detection: {consecutive_5xx: 1}")
    value = ask(running)[1]["place"][0]
    at = who(pets, [0, 0, 0])
    pets[at].answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    assert ask(running, cookie=f"place={value}")[0].status == 500
    before = counts(pets)
    answer, cookies = ask(running, cookie=f"place={value}")
    assert answer.status == 200 and "place" in cookies and who(pets, before) != at


def set_target(running, query):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        assert client.ask(f"POST /upstreams/pets/{query} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status == 200


def test_a_drained_target_keeps_its_clients_and_one_without_weight_does_not(gateway, pets):
    running = start(gateway, pets)
    value = ask(running)[1]["place"][0]
    at = who(pets, [0, 0, 0])
    set_target(running, f"{at}?drain=true")
    before = counts(pets)
    assert ask(running, cookie=f"place={value}")[1] == {}
    assert who(pets, before) == at
    before = counts(pets)
    for _ in range(6):
        ask(running)
    assert counts(pets)[at] == before[at]
    set_target(running, f"{at}?weight=0")
    before = counts(pets)
    assert ask(running, cookie=f"place={value}")[1].keys() == {"place"}
    assert who(pets, before) != at


def test_a_choice_of_upstreams(gateway, pets):
    running = start(gateway, pets)
    values = collections.Counter()
    for _ in range(30):
        value, rest = ask(running, "/either")[1]["release"]
        assert re.fullmatch("[0-9a-f]{8}", value) and rest == "; Path=/either; Max-Age=3600; HttpOnly; SameSite=Lax"
        values[value] += 1
    assert len(values) == 2 and counts(pets)[2] == 0
    for value, times in values.items():
        before = counts(pets)
        for _ in range(10):
            assert ask(running, "/either", cookie=f"release={value}")[1] == {}
        assert sorted(now - then for now, then in zip(counts(pets), before)) == [0, 0, 10]


@pytest.mark.parametrize("value", ["", "0", "stable", "x" * 4000])
def test_a_choice_that_was_never_made(gateway, pets, value):
    running = start(gateway, pets)
    assert "release" in ask(running, "/either", cookie=f"release={value}")[1]


def test_an_upstream_without_weight_keeps_nobody(gateway, pets):
    """Nobody is given its cookie: it is made by hand."""
    running = start(gateway, pets)
    value = hashlib.sha256(b"old").hexdigest()[:8]
    answer, cookies = ask(running, "/either", cookie=f"release={value}")
    assert answer.status == 200 and cookies["release"][0] != value
    assert counts(pets)[2] == 0


def test_an_upstream_and_a_target_in_it(gateway, pets):
    running = start(gateway, pets)
    _, cookies = ask(running, "/both")
    assert cookies.keys() == {"release", "place"}
    both = "; ".join(f"{name}={value}" for name, (value, _) in cookies.items())
    before = counts(pets)
    for _ in range(5):
        assert ask(running, "/both", cookie=both)[1] == {}
    assert sorted(now - then for now, then in zip(counts(pets), before)) == [0, 0, 5]


def test_errors_of_the_gateway_set_no_cookie(gateway, pets):
    running = start(gateway, pets)
    for one in pets:
        one.close()
    answer, cookies = ask(running)
    assert answer.status == 502 and cookies == {}


def test_secure_where_the_client_came_by_https(gateway, pets):
    document = DOCUMENT.format(*(one.url for one in pets), sticky="cookie: place", more="").replace(
        "  admin:", "  forwarded: {trusted_proxies: [127.0.0.1]}\n  admin:")
    running = gateway(document, "--workers", "1")
    assert ask(running, fields="X-Forwarded-Proto: https\r\n")[1]["place"][1].endswith("; SameSite=Lax; Secure")
    assert ask(running, fields="X-Forwarded-Proto: http\r\n")[1]["place"][1].endswith("; SameSite=Lax")
