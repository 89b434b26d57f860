"""retry.hedge: the same request to another target, too, where the answer is late; and what is never sent twice."""
import json
import random
import re
import select
import socket
import threading
import time

import pytest
from h2_peer import H2Client, request
from http_peer import OK, Origin, RawClient, wait_until
from test_http2_upstream import H2Server, fine

DOCUMENT = """
openapi: 3.1.0
info: {{title: hedge, version: "1"}}
security: []
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    two: {{targets: [&one {{url: "{0}", labels: {{v: "1"}}}}, &other {{url: "{1}"}}], subsets: {{single: {{labels: {{v: "1"}}}}}}}}
    judged: {{targets: [*one, *other], outlier_detection: {{consecutive_5xx: 1, max_ejection_percent: 100}}}}
    three: {{targets: [*one, *other, {{url: "{2}"}}]}}
    alone: {{targets: [*one]}}
    full: {{targets: [*one, *other], circuit_breaker: {{max_requests: 1, max_pending_requests: 10}}}}
    connected: {{targets: [*one, *other], circuit_breaker: {{max_connections: 1, max_pending_requests: 10}}}}
    guarded: {{targets: [*one, *other], circuit_breaker: {{threshold: 1, timeout: 1h}}}}
    sticky: {{targets: [*one, *other], sticky: {{cookie: place}}}}
  upstream: two
  access_log: {{fields: [path, status, tries, reason, upstream_addr]}}
  timeouts: {{connect: 5s, read: 30s}}
  retry: {{attempts: 2, on: [reset, 503], hedge: {{delay: 30ms}}, backoff: {{base: 1ms, max: 1ms}}}}
paths:
  /x/{{id}}:
    parameters: &id [{{name: id, in: path, required: true, schema: {{type: string}}}}]
    get: &any {{responses: {{default: {{description: any}}}}}}
    head: *any
    options: *any
    put: *any
    post: *any
    delete: *any
  /judged/{{id}}: {{parameters: *id, x-gateway: {{upstream: judged}}, get: *any}}
  /patient: {{x-gateway: {{retry: {{hedge: {{delay: 1h}}}}}}, get: *any}}
  /off: {{x-gateway: {{retry: false}}, get: *any}}
  /unhedged: {{x-gateway: {{retry: {{hedge: false}}}}, get: *any}}
  /puts: {{x-gateway: {{retry: {{methods: [PUT, HEAD], hedge: {{delay: 30ms}}}}}}, get: *any, put: *any}}
  /alone: {{x-gateway: {{upstream: alone}}, get: *any}}
  /single: {{x-gateway: {{upstream: "two:single"}}, get: *any}}
  /full: {{x-gateway: {{upstream: full}}, get: *any}}
  /connected: {{x-gateway: {{upstream: connected}}, get: *any}}
  /guarded/{{id}}: {{parameters: *id, x-gateway: {{upstream: guarded, retry: {{hedge: {{delay: 2s}}}}}}, get: *any}}
  /later: {{x-gateway: {{retry: {{hedge: {{delay: 2s}}}}}}, get: *any}}
  /per-try: {{x-gateway: {{retry: {{attempts: 2, on: timeout, per_try_timeout: 500ms, hedge: {{delay: 30ms}}}}}}, get: *any}}
  /sticky: {{x-gateway: {{upstream: sticky}}, get: *any}}
  /chat: {{x-gateway: {{websocket: true}}, get: *any}}
  /third: {{x-gateway: {{upstream: three, retry: {{hedge: {{delay: 30ms, max_attempts: 3}}}}}}, get: *any}}
  /more: {{x-gateway: {{upstream: three, retry: {{attempts: 3, on: reset, hedge: {{delay: 30ms}}, backoff: {{base: 1ms, max: 1ms}}}}}}, get: *any}}
  /budget/{{id}}: {{parameters: *id, x-gateway: {{retry: {{budget: {{percent: 1, min: 1}}, hedge: {{delay: 30ms}}}}}}, get: *any}}
  /none: {{x-gateway: {{retry: {{budget: {{min: 0, percent: 1}}, hedge: {{delay: 30ms}}}}}}, get: *any}}
  /limited: {{x-gateway: {{timeouts: {{request: 1s}}}}, get: *any}}
  /client: {{x-gateway: {{timeouts: {{from_client: true}}}}, get: *any}}
"""
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
WRONG = b"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nwrong"


class Holder:
    """Answers of a test: the n-th request in all for a path gets the n-th of its answers, the last one for ever; what a
    function makes of it, if it is one."""

    def __init__(self, count):
        self.origins, self.lock = [Origin() for _ in range(count)], threading.Lock()

    def begin(self):
        self.answers, self.came = {}, {}
        for one in self.origins:
            one.forget()
            one.answer, one.may_break, one.connections = self._answer, True, 0

    def _answer(self, connection, asked):
        path = asked.target.split("?")[0]
        with self.lock:
            self.came.setdefault(path, []).append(asked)
            answers = self.answers.get(path, [OK])
            answer = answers[min(len(self.came[path]), len(answers)) - 1]
        if callable(answer):
            answer(connection)
        else:
            connection.send(answer)

    def count(self, path):
        return len(self.came.get(path, []))

    def close(self):
        for one in self.origins:
            one.close()


class Held:
    """An answer that comes when the test wants it; .gone: the gateway has closed the connection instead."""

    def __init__(self, answer=OK):
        self.answer, self.came, self.go, self.gone = answer, threading.Event(), threading.Event(), threading.Event()

    def __call__(self, connection):
        self.came.set()
        connection.sock.settimeout(0.02)
        while not self.go.is_set():
            try:
                if not connection.sock.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            connection.sock.settimeout(30)
            if self.answer is None:
                connection.close()
            else:
                connection.send(self.answer)
            return
        self.gone.set()
        connection.close()


@pytest.fixture(scope="module")
def module_pool():
    holder = Holder(3)
    yield holder
    holder.close()


@pytest.fixture
def pool(module_pool):
    module_pool.begin()
    return module_pool


@pytest.fixture
def running(gateway, pool):
    return gateway(DOCUMENT.format(*(one.url for one in pool.origins)), "--workers", "1")


def send(running, line, content=None, fields=""):
    client = running.client()
    if content is not None:
        fields += f"Content-Length: {len(content)}\r\n"
    return client.send(f"{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode() + (content or b""))


def ask(running, line):
    client = send(running, line)
    answer = client.answer(line.split()[0])
    client.close()
    return answer


def last_line(running, count=1):
    wait_until(lambda: running.out.count("\n") >= count, "the log's line")
    return json.loads(running.out.splitlines()[-1])


def admin(running, line):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        return client.ask(f"{line} HTTP/1.1\r\nHost: a\r\n\r\n")


def metric(running, name, upstream="two"):
    """The sum over an upstream's targets; 0 when it is not there."""
    found = re.findall(rf'^apigw_upstream_{name}\{{upstream="{upstream}"[^}}]*\}} (\d+)$', admin(running, "GET /metrics").body.decode(), re.M)
    return sum(map(int, found))


def hedges(running, upstream="two"):
    return metric(running, "hedges_total", upstream), metric(running, "hedges_won_total", upstream)


def settled(running, pool):
    """A hedge that was due when this is called has been sent when it returns."""
    held = Held()
    mark = f"/x/mark{random.random()}"
    pool.answers[mark] = [held, OK]
    assert ask(running, f"GET {mark}").status == 200
    assert held.gone.wait(10)


# ---- who wins ----

@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_another_target_answers_where_the_first_is_late(running, pool, method):
    late = Held()
    pool.answers["/x/1"] = [late, OK if method != "HEAD" else OK[:-3]]
    assert ask(running, f"{method} /x/1?q=1").status == 200
    assert late.gone.wait(10)
    first, hedge = pool.came["/x/1"]
    assert first.connection is not hedge.connection and sorted(len(one.requests) for one in pool.origins) == [0, 1, 1]
    assert first.line == hedge.line and [f for f in first.fields if f[0] != "Host"] == [f for f in hedge.fields if f[0] != "Host"]
    line = last_line(running)
    assert (line["tries"], line["status"]) == (2, 200)
    assert line["upstream_addr"] == [one.url for one in pool.origins if hedge in one.requests][0]
    assert hedges(running) == (1, 1)


def test_the_first_answers_after_all(running, pool):
    first, hedge = Held(OK.replace(b"ok\n", b"1st")), Held()
    pool.answers["/x/1"] = [first, hedge]
    client = send(running, "GET /x/1")
    assert hedge.came.wait(10)
    first.go.set()
    assert client.answer().body == b"1st"
    assert hedge.gone.wait(10)
    line = last_line(running)
    assert line["tries"] == 2
    assert line["upstream_addr"] == [one.url for one in pool.origins if pool.came["/x/1"][0] in one.requests][0]
    assert hedges(running) == (1, 0)


def test_nothing_is_sent_twice_where_the_answer_is_in_time(running, pool):
    for _ in range(20):
        assert ask(running, "GET /patient").status == 200
    assert pool.count("/patient") == 20 and hedges(running) == (0, 0)
    assert last_line(running, 20)["tries"] == 1


def test_the_third_answers(running, pool):
    late = [Held(), Held()]
    pool.answers["/third"] = [*late, OK]
    assert ask(running, "GET /third").status == 200
    assert all(one.gone.wait(10) for one in late)
    assert [len(one.requests) for one in pool.origins] == [1, 1, 1]
    assert hedges(running, "three") == (2, 1) and last_line(running)["tries"] == 3


def test_no_more_than_max_attempts(running, pool):
    """Where two are late, a third target is not asked; and both are still good."""
    held = [Held(), Held()]
    pool.answers["/more"] = [*held, OK]
    client = send(running, "GET /more")
    assert all(one.came.wait(10) for one in held)
    settled(running, pool)
    assert pool.count("/more") == 2
    held[0].go.set()
    assert client.answer().status == 200 and hedges(running, "three") == (1, 0)


def test_a_winner_s_connection_is_used_again(running, pool):
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300000
    pool.answers["/x/1"] = [Held(), big]
    assert ask(running, "GET /x/1").body == b"x" * 300000
    winner = [one for one in pool.origins if pool.came["/x/1"][1] in one.requests][0]
    for _ in range(4):
        assert ask(running, "GET /patient").status == 200
    assert winner.connections == 1 and len(winner.requests) == 3


def test_nobody_is_blamed_for_having_lost(running, pool):
    for i in range(10):
        pool.answers[f"/judged/{i}"] = [Held(), OK]
        assert ask(running, f"GET /judged/{i}").status == 200
    assert hedges(running, "judged") == (10, 10)
    assert metric(running, "failures_total", "judged") == 0 and metric(running, "ejections_total", "judged") == 0
    assert metric(running, "healthy", "judged") == 2


def test_a_client_of_http2(running, pool):
    late = Held()
    pool.answers["/x/1"] = [late, OK]
    with H2Client(running.port) as client:
        answer = client.ask(request("GET", "/x/1"))
        assert (answer.status, answer.body) == (200, b"ok\n")
    assert late.gone.wait(10)


def test_a_client_is_kept_with_the_winner(running, pool):
    late = Held()
    pool.answers["/sticky"] = [late, OK]
    cookie = ask(running, "GET /sticky")["Set-Cookie"].split(";")[0]
    assert late.gone.wait(10)
    winner = pool.came["/sticky"][1]
    for _ in range(5):
        client = send(running, "GET /sticky", fields=f"Cookie: {cookie}\r\n")
        assert client.answer().status == 200
    assert all(one["Host"] == winner["Host"] for one in pool.came["/sticky"][1:])


# ---- answers that do not win ----

def test_an_error_does_not_win(running, pool):
    first = Held()
    pool.answers["/x/1"] = [first, BUSY]
    client = send(running, "GET /x/1")
    wait_until(lambda: pool.count("/x/1") == 2, "the hedge")
    settled(running, pool)
    assert client.is_quiet()
    first.go.set()
    assert client.answer().body == b"ok\n"
    assert pool.count("/x/1") == 2 and hedges(running) == (2, 1)  # one of each is settled()'s
    assert last_line(running, 2)["tries"] == 2


def test_an_error_of_the_first_does_not_win(running, pool):
    first, hedge = Held(BUSY), Held()
    pool.answers["/x/1"] = [first, hedge]
    client = send(running, "GET /x/1")
    assert hedge.came.wait(10)
    first.go.set()
    settled(running, pool)
    assert client.is_quiet()
    hedge.go.set()
    assert client.answer().body == b"ok\n"


@pytest.mark.parametrize("first_fails", [BUSY, None], ids=["503", "closed"])
def test_an_error_is_passed_on_where_nothing_better_comes(running, pool, first_fails):
    first = Held(first_fails)
    pool.answers["/x/1"] = [first, BUSY]
    client = send(running, "GET /x/1")
    wait_until(lambda: pool.count("/x/1") == 2, "the hedge")
    settled(running, pool)
    first.go.set()
    answer = client.answer()
    assert (answer.status, answer.body) == (503, b"busy")
    assert pool.count("/x/1") == 2


def test_an_error_that_retry_does_not_name_wins(running, pool):
    late = Held()
    pool.answers["/x/1"] = [late, WRONG]
    assert ask(running, "GET /x/1").body == b"wrong"
    assert late.gone.wait(10)


@pytest.mark.parametrize("who", ["first", "hedge"])
def test_one_that_ends_without_an_answer_does_not_end_the_other(running, pool, who):
    held = {"first": Held(None if who == "first" else OK), "hedge": Held(None if who == "hedge" else OK)}
    pool.answers["/x/1"] = list(held.values())
    client = send(running, "GET /x/1")
    assert held["hedge"].came.wait(10)
    held[who].go.set()
    wait_until(lambda: metric(running, "failures_total") == 1, "the end of one")
    assert client.is_quiet()
    held["hedge" if who == "first" else "first"].go.set()
    assert client.answer().status == 200
    assert pool.count("/x/1") == 2


def test_both_end_without_an_answer(running, pool):
    held = [Held(None), Held(None)]
    pool.answers["/x/1"] = held
    client = send(running, "GET /x/1")
    assert held[1].came.wait(10)
    for one in held:
        one.go.set()
    assert client.answer().status == 502
    assert pool.count("/x/1") == 2
    assert last_line(running)["tries"] == 2 and hedges(running) == (1, 0)


def test_attempts_bound_both_kinds_of_tries(running, pool):
    """Of three tries one is the hedge, one a retry, and that goes where nobody was asked."""
    first, hedge = Held(None), Held()
    pool.answers["/more"] = [first, hedge, OK]
    client = send(running, "GET /more")
    assert hedge.came.wait(10)
    first.go.set()
    assert client.answer().status == 200
    assert hedge.gone.wait(10)
    assert [len(one.requests) for one in pool.origins] == [1, 1, 1]
    assert last_line(running)["tries"] == 3 and hedges(running, "three") == (1, 0)
    assert metric(running, "retries_total", "three") == 1


# ---- what is not hedged ----

@pytest.mark.parametrize("line, content, fields", [
    ("POST /x/1", b"abc", ""), ("POST /x/1", b"", ""), ("POST /x/1", None, ""), ("PUT /x/1", b"abc", ""), ("DELETE /x/1", None, ""),
    ("GET /x/1", b"abc", ""), ("GET /off", None, ""), ("GET /unhedged", None, ""), ("GET /puts", None, ""), ("PUT /puts", None, ""),
    ("GET /alone", None, ""), ("GET /single", None, ""), ("GET /none", None, ""),
    ("GET /full", None, ""), ("GET /connected", None, ""),
    ("GET /chat", None, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
])
def test_what_is_never_hedged(running, pool, line, content, fields):
    path, held = line.split()[1], Held(WRONG)
    pool.answers[path] = [held, OK]
    client = send(running, line, content, fields)
    assert held.came.wait(10)
    settled(running, pool)
    assert pool.count(path) == 1
    held.go.set()
    assert client.answer().status == 500
    assert pool.count(path) == 1


def test_nothing_is_hedged_where_the_circuit_is_open(running, pool):
    held, late = Held(), Held()
    pool.answers["/guarded/1"], pool.answers["/guarded/2"], pool.answers["/later"] = [held, OK], [WRONG], [late, OK]
    client = send(running, "GET /guarded/1")
    assert held.came.wait(10)
    assert ask(running, "GET /guarded/2").status == 500
    assert ask(running, "GET /later").status == 200  # which was hedged
    assert late.gone.wait(10) and pool.count("/guarded/1") == 1
    held.go.set()
    assert client.answer().status == 200 and hedges(running, "guarded") == (0, 0)


def test_a_target_that_is_drained_gets_no_hedge(running, pool):
    held = Held()
    pool.answers["/x/1"] = [held, OK]
    client = send(running, "GET /x/1")
    assert held.came.wait(10)
    assert admin(running, "POST /upstreams/three/2?drain=true").status == 200
    late = [Held(), Held()]
    pool.answers["/third"] = late
    other = send(running, "GET /third")
    assert all(one.came.wait(10) for one in late)
    settled(running, pool)
    assert pool.count("/third") == 2 and not pool.origins[2].requests
    late[0].go.set()
    assert other.answer().status == 200
    client.close()


def test_the_budget_refuses(running, pool):
    """One hedge may be under way; the other request goes on waiting, and wins by itself."""
    firsts, hedge = [Held(), Held()], Held()
    pool.answers["/budget/0"], pool.answers["/budget/1"] = [firsts[0], hedge], [firsts[1], hedge]
    clients = [send(running, f"GET /budget/{i}") for i in range(2)]
    wait_until(lambda: metric(running, "retries_over_budget_total") == 1, "the refusal")
    assert hedge.came.wait(10)
    assert pool.count("/budget/0") + pool.count("/budget/1") == 3
    for one in firsts:
        one.go.set()
    assert [client.answer().status for client in clients] == [200, 200]
    assert hedge.gone.wait(10) and hedges(running) == (1, 0)
    pool.answers["/budget/2"] = [Held(), OK]
    assert ask(running, "GET /budget/2").status == 200  # there is room again
    assert hedges(running) == (2, 1)


# ---- the end ----

def test_a_client_that_leaves_ends_both(running, pool):
    held = [Held(), Held()]
    pool.answers["/x/1"] = held
    client = send(running, "GET /x/1")
    assert held[1].came.wait(10)
    client.reset()
    assert all(one.gone.wait(10) for one in held)
    assert last_line(running)["status"] == 499
    assert ask(running, "GET /x/2").status == 200
    assert metric(running, "failures_total") == 0


def test_a_client_that_leaves_before_there_are_two(running, pool):
    held = Held()
    pool.answers["/patient"] = [held]
    client = send(running, "GET /patient")
    assert held.came.wait(10)
    client.reset()
    assert held.gone.wait(10)
    settled(running, pool)
    assert pool.count("/patient") == 1


@pytest.mark.parametrize("first_fails", [False, True], ids=["both late", "the first fails"])
def test_the_whole_has_one_deadline(running, pool, first_fails):
    held = [Held(None), Held()]
    pool.answers["/limited"] = held
    began = time.monotonic()
    client = send(running, "GET /limited")
    assert held[1].came.wait(10)
    if first_fails:
        held[0].go.set()
    assert client.answer().status == 504
    assert time.monotonic() - began >= 1
    assert held[1].gone.wait(10) and (first_fails or held[0].gone.wait(10))
    assert last_line(running)["tries"] == 2


def test_each_of_them_has_its_time(running, pool):
    held = [Held(), Held()]
    pool.answers["/per-try"] = held
    assert ask(running, "GET /per-try").status == 504
    assert all(one.gone.wait(10) for one in held) and pool.count("/per-try") == 2
    assert metric(running, "failures_total") == 2


def test_a_hedge_is_told_what_is_left(running, pool):
    pool.answers["/client"] = [Held(), OK]
    client = send(running, "GET /client", fields="X-Request-Timeout: 9\r\n")
    assert client.answer().status == 200
    first, hedge = (float(one["X-Request-Timeout"]) for one in pool.came["/client"])
    assert 0 < hedge < first <= 9


def test_many_at_a_time(running, pool):
    """Whoever answers, everybody gets the answer to the own request."""
    def answer(connection, asked):
        time.sleep(random.choice((0, 0, 0, 0.02, 0.03, 0.035, 0.1)))
        body = asked.target.encode()
        connection.send(random.choice((b"200 OK", b"200 OK", b"503 No")).join((b"HTTP/1.1 ", b"\r\nContent-Length: %d\r\n\r\n" % len(body))) + body)

    for one in pool.origins:
        one.answer = answer
    wrong = []

    def work(n):
        with running.client() as client:
            for i in range(40):
                path = f"/x/{n}-{i}"
                got = client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
                if got.body != path.encode():
                    wrong.append((path, got))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong
    sent, won = hedges(running)
    assert sent >= won > 0
    for one in pool.origins:
        one.answer = OK
    assert ask(running, "GET /patient").status == 200
    assert metric(running, "retries_over_budget_total") >= 0


# ---- other upstreams ----

SMALL = """
openapi: 3.1.0
info: {{title: hedge, version: "1"}}
security: []
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{two: {{targets: [{{url: "{0}"}}, {{url: "{1}"}}], protocol: {protocol}}}}}
  upstream: two
  timeouts: {{connect: 60s}}
  access_log: {{fields: [path, status, tries]}}
  retry: {{attempts: 2, on: [reset, 503], hedge: {{delay: 30ms}}}}
paths:
  /x/{{id}}:
    parameters: [{{name: id, in: path, required: true, schema: {{type: string}}}}]
    get: &any {{responses: {{default: {{description: any}}}}}}
    post: *any
"""


def test_a_target_that_does_not_let_anyone_in(gateway, pool):
    """Connecting takes its time, too."""
    full, waiting = socket.create_server(("127.0.0.1", 0), backlog=0), []
    while not waiting or select.select([], [waiting[-1]], [], 0.2)[1]:
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(full.getsockname())
    running = gateway(SMALL.format(f"http://127.0.0.1:{full.getsockname()[1]}", pool.origins[0].url, protocol="http1"), "--workers", "1")
    for i in range(4):
        assert ask(running, f"GET /x/{i}").body == b"ok\n"
    sent, won = hedges(running)
    assert sent == won > 0 and len(pool.origins[0].requests) == 4
    for one in (full, *waiting):
        one.close()


def test_targets_that_go_meanwhile(gateway, pool, tmp_path):
    """Both that were asked are found no more: the first answers all the same, and then they are forgotten."""
    def names(*which):
        new = tmp_path / "new"
        new.write_text(json.dumps({"targets": [{"url": pool.origins[i].url} for i in which]}))
        new.rename(tmp_path / "targets")

    names(0, 1)
    document = SMALL.replace('targets: [{{url: "{0}"}}, {{url: "{1}"}}]', "discovery: {{file: {0}, refresh: 100ms}}")
    running = gateway(document.format(tmp_path / "targets", protocol="http1"), "--workers", "1")
    for i, kept in enumerate((0, 1)):
        held = [Held(), Held()]
        pool.answers[f"/x/{i}"] = held
        client = send(running, f"GET /x/{i}")
        assert all(one.came.wait(10) for one in held)
        names(2)
        wait_until(lambda: ask(running, "GET /x/other").status == 200 and pool.origins[2].requests, "the new one")
        held[kept].go.set()
        assert client.answer().status == 200
        assert held[1 - kept].gone.wait(10)
        wait_until(lambda: len(json.loads(admin(running, "GET /upstreams").body)[0]["targets"]) == 1, "the old ones to go")
        names(0, 1)
        wait_until(lambda: len(json.loads(admin(running, "GET /upstreams").body)[0]["targets"]) == 2, "them to come back")
        pool.origins[2].requests.clear()
    assert hedges(running) == (2, 1)


def first_is_late():
    """The first stream of each path is never answered, nor is content."""
    seen, lock = set(), threading.Lock()

    def answer(server, link, stream, asked):
        with lock:
            is_first = asked[":path"] not in seen
            seen.add(asked[":path"])
        if not is_first and asked[":method"] != "POST":
            fine(server, link, stream, asked)
    return answer


def test_streams_of_an_upstream(gateway):
    """The stream that has lost is reset, and its connection goes on."""
    answer = first_is_late()
    with H2Server(answer) as one, H2Server(answer) as other:
        running = gateway(SMALL.format(one.url, other.url, protocol="h2"), "--workers", "1")
        for i in range(6):
            assert ask(running, f"GET /x/{i}").body == b"ok"
        wait_until(lambda: len(one.resets) + len(other.resets) == 6, "the resets")
        assert len(one.requests) == len(other.requests) == 6 and one.connections == other.connections == 1
        assert hedges(running) == (6, 6) and metric(running, "failures_total") == 0
        assert last_line(running, 6)["tries"] == 2


def test_a_stream_with_content_is_not_hedged(gateway):
    answer = first_is_late()
    with H2Server(answer) as one, H2Server(answer) as other:
        running = gateway(SMALL.format(one.url, other.url, protocol="h2"), "--workers", "1")
        client = send(running, "POST /x/post", b"abc")
        wait_until(lambda: one.requests or other.requests, "the request")
        assert ask(running, "GET /x/1").status == 200
        assert sum(asked[":method"] == "POST" for server in (one, other) for asked in server.requests) == 1
        assert hedges(running) == (1, 1)
        client.reset()
        wait_until(lambda: len(one.resets) + len(other.resets) == 2, "the resets")
