"""balance and outlier_detection over real sockets: who is asked, and who is left alone."""
import collections
import json
import re
import threading
import time

import pytest
from http_peer import OK, Origin, RawClient, WAIT, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: balance, version: "1"}}
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pool: {{targets: [{targets}], {more}}}}}
  upstream: pool
  access_log: false
  timeouts: {{connect: 500ms, read: 5s}}
paths:
  /x: {{get: {{responses: {{default: {{description: any}}}}}}}}
  /of/{{user}}:
    parameters: [{{name: user, in: path, required: true, schema: {{type: string}}}}]
    get: {{responses: {{default: {{description: any}}}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
BAD = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def pool():
    origins = [Origin() for _ in range(4)]
    yield origins
    for one in origins:
        one.close()


def start(gateway, pool, more, weights=(1, 1, 1, 1), workers="1", document=DOCUMENT):
    targets = ", ".join(f'{{url: "{one.url}", weight: {weight}}}' for one, weight in zip(pool, weights))
    return gateway(document.format(targets=targets, more=more), "--workers", workers)


def ask(running, target="/x", fields=""):
    with running.client() as client:
        return client.ask(f"GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")


def page(running):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        return json.loads(client.ask(b"GET /upstreams HTTP/1.1\r\nHost: a\r\n\r\n").body)[0]["targets"]


def counts(pool):
    return [len(one.requests) for one in pool]


def many(running, count, threads=8):
    def work():
        with running.client() as client:
            for _ in range(count // threads):
                assert client.ask(GET).status == 200
    all_of_them = [threading.Thread(target=work) for _ in range(threads)]
    for one in all_of_them:
        one.start()
    for one in all_of_them:
        one.join()


@pytest.mark.parametrize("how", ["round_robin", "least_conn", "random", "hash", "peak_ewma"])
def test_every_way_serves_all(gateway, pool, how):
    running = start(gateway, pool, f"balance: {how}", workers="2")
    many(running, 400)
    assert sum(counts(pool)) == 400
    if how == "round_robin":
        assert max(counts(pool)) - min(counts(pool)) <= 4
    elif how != "hash":
        assert min(counts(pool)) > 0
    wait_until(lambda: all(t["state"] == "well" and t["connections_active"] == 0 for t in page(running)), "the end")


@pytest.mark.parametrize("how", ["round_robin", "least_conn"])
def test_weights(gateway, pool, how):
    running = start(gateway, pool, f"balance: {how}", weights=(5, 3, 2, 0))
    with running.client() as client:
        for _ in range(100):
            client.ask(GET)
    assert counts(pool) == [50, 30, 20, 0]


@pytest.mark.parametrize("how", ["least_conn", "peak_ewma"])
def test_a_slow_target_gets_less(gateway, pool, how):
    def slowly(connection, asked):
        time.sleep(0.2)
        connection.send(OK)
    pool[0].answer = slowly
    running = start(gateway, pool, f"balance: {how}")
    many(running, 400)
    assert len(pool[0].requests) < min(counts(pool[1:])) / 2


KEYS = {
    "header": ("hash_key: {header: X-User}", lambda n: ("/x", f"X-User: {n}\r\n")),
    "cookie": ("hash_key: {cookie: user}", lambda n: ("/x", f"Cookie: a=b; user={n}; c=d\r\n")),
}


@pytest.mark.parametrize("key", KEYS)
def test_the_same_key_goes_to_the_same_target(gateway, pool, key):
    more, asking = KEYS[key]
    running = start(gateway, pool, f"balance: hash, {more}", workers="2")
    places = collections.defaultdict(set)
    for _ in range(3):
        for n in range(40):
            before = counts(pool)
            assert ask(running, *asking(f"user-{n}")).status == 200
            places[n].add(next(i for i, (a, b) in enumerate(zip(before, counts(pool))) if a != b))
    assert all(len(where) == 1 for where in places.values())
    assert len(set.union(*places.values())) == 4
    # Without the key the client's address decides.
    before = counts(pool)
    for _ in range(5):
        ask(running)
    assert sorted(b - a for a, b in zip(before, counts(pool))) == [0, 0, 0, 5]


def test_a_path_parameter_as_the_key(gateway, pool):
    document = DOCUMENT.replace("  /x: {{get: {{responses: {{default: {{description: any}}}}}}}}\n", "")
    running = start(gateway, pool, "balance: hash, hash_key: {path_param: user}", document=document)
    for _ in range(3):
        for n in range(20):
            ask(running, f"/of/{n}")
    assert sum(counts(pool)) == 60 and all(count % 3 == 0 for count in counts(pool)) and counts(pool).count(0) < 2


def test_keys_of_a_target_that_leaves_move_and_no_others(gateway, pool):
    running = start(gateway, pool, "balance: hash, hash_key: {header: X-User}")
    def places():
        where = {}
        for n in range(60):
            before = counts(pool)
            ask(running, "/x", f"X-User: {n}\r\n")
            where[n] = next(i for i, (a, b) in enumerate(zip(before, counts(pool))) if a != b)
        return where
    before = places()
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        assert client.ask(b"POST /upstreams/pool/2?drain=true HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    after = places()
    assert all(after[n] == place for n, place in before.items() if place != 2)
    assert all(after[n] != 2 for n in after) and 2 in before.values()


# ---- outliers ----

OUTLIER = "outlier_detection: {consecutive_5xx: 3, base_ejection_time: 1s, max_ejection_percent: 50}"


def test_an_outlier_is_left_alone_and_comes_back(gateway, pool):
    running = start(gateway, pool, OUTLIER)
    pool[1].answer = BAD
    for _ in range(12):
        ask(running)
    assert counts(pool) == [3, 3, 3, 3]
    target = page(running)[1]
    assert (target["state"], target["ejections"]) == ("ejected", 1) and 0 < target["ejected_for_ms"] <= 1000
    assert f"{pool[1].url} is ejected for 1000 ms: failures one after another" in running.log
    assert [ask(running).status for _ in range(9)] == [200] * 9
    assert len(pool[1].requests) == 3
    pool[1].answer = OK
    wait_until(lambda: ask(running).status == 200 and len(pool[1].requests) > 3, "its return")
    assert page(running)[1]["state"] == "well" and "is back from its ejection" in running.log


@pytest.mark.parametrize("fails", ["gone", "closes", "silent"])
def test_no_answer_is_a_failure(gateway, pool, fails):
    def closes(connection, asked):
        connection.may_break = True
        connection.close()

    def silent(connection, asked):
        connection.may_break = True
        connection.until_closed()
    document = DOCUMENT.replace("read: 5s", "read: 200ms")
    running = start(gateway, pool, OUTLIER.replace("base_ejection_time: 1s", "base_ejection_time: 60s"), document=document)
    if fails == "gone":
        pool[0].close()
    pool[0].answer = {"closes": closes, "silent": silent}.get(fails)
    statuses = [ask(running).status for _ in range(12)]
    assert page(running)[0]["state"] == "ejected"
    if fails != "gone":  # nothing was sent: another target has answered
        assert statuses.count(200) == 9
    assert [ask(running).status for _ in range(8)] == [200] * 8


def test_no_more_are_ejected_than_may(gateway, pool):
    running = start(gateway, pool, OUTLIER.replace("1s", "60s"))
    for one in pool:
        one.answer = BAD
    for _ in range(40):
        ask(running)
    assert [t["state"] for t in page(running)].count("ejected") == 2


def test_where_too_few_are_well_all_are_asked(gateway, pool):
    running = start(gateway, pool, OUTLIER.replace("1s", "60s").replace("50", "100") + ", panic_threshold: 50")
    for one in pool[:3]:
        one.answer = BAD
    for _ in range(40):
        ask(running)
    assert [t["state"] for t in page(running)].count("ejected") == 3
    before = counts(pool)
    for _ in range(8):
        ask(running)
    assert [b - a for a, b in zip(before, counts(pool))] == [2, 2, 2, 2]


def test_max_fails_within_fail_timeout(gateway, pool):
    running = start(gateway, pool, "outlier_detection: {consecutive_5xx: 0, max_fails: 3, fail_timeout: 60s, base_ejection_time: 60s}")
    turn = [0]

    def every_second(connection, asked):
        turn[0] += 1
        connection.send(BAD if turn[0] % 2 else OK)
    pool[3].answer = every_second
    for _ in range(40):
        ask(running)
    assert page(running)[3]["state"] == "ejected" and len(pool[3].requests) == 5


def test_who_succeeds_less_often_than_the_others(gateway, pool):
    running = start(gateway, pool, "outlier_detection: {consecutive_5xx: 0, interval: 500ms, base_ejection_time: 60s, "
                                   "success_rate: {minimum_hosts: 3, request_volume: 10, stdev_factor: 1.2}}")
    turn = [0]

    def every_third(connection, asked):
        turn[0] += 1
        connection.send(BAD if turn[0] % 3 == 0 else OK)
    pool[2].answer = every_third

    def is_ejected():
        for _ in range(60):
            ask(running)
        return page(running)[2]["state"] == "ejected"
    wait_until(is_ejected, "its ejection")
    assert [t["state"] for t in page(running)] == ["well", "well", "ejected", "well"]


def test_slow_start(gateway, pool):
    running = start(gateway, pool, OUTLIER.replace("1s", "300ms") + ", slow_start: 60s")
    pool[0].answer = BAD
    for _ in range(12):
        ask(running)
    pool[0].answer = OK
    wait_until(lambda: ask(running) and page(running)[0]["state"] == "well", "its return")
    before = counts(pool)
    for _ in range(62):
        ask(running)
    got = [b - a for a, b in zip(before, counts(pool))]
    assert got[0] <= 6 and min(got[1:]) >= 18
