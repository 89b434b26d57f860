"""adaptive_concurrency over real sockets: an upstream with few workers is spared, others wait or are refused."""
import collections
import re
import threading
import time

from http_peer import OK, Origin, RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: adaptive, version: "1"}}
security: []
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pool: {{targets: [{{url: "{url}"}}], {more}}}}}
  upstream: pool
  access_log: false
paths:
  /x: {{get: {{responses: {{default: {{description: any}}}}}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


class Workers:
    """An origin that works at a few requests at a time; the others queue there."""

    def __init__(self, origin, count, seconds):
        self.free, self.seconds = threading.Semaphore(count), seconds
        origin.answer = self.answer

    def answer(self, connection, request):
        with self.free:
            time.sleep(self.seconds)
        connection.send(OK)


def start(gateway, origin, more):
    return gateway(DOCUMENT.format(url=origin.url, more=more), "--workers", "2")


def limit(running):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    return int(re.search(r'^apigw_upstream_concurrency_limit\{upstream="pool"\} (\d+)$', text, re.M).group(1))


def flood(running, clients, until):
    """Asks on so many connections at once until the limit is such; how often each status came."""
    seen, lock, stop = collections.Counter(), threading.Lock(), threading.Event()

    def work():
        with running.client() as client:
            while not stop.is_set():
                status = client.ask(GET).status
                with lock:
                    seen[status] += 1
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for one in threads:
        one.start()
    try:
        wait_until(lambda: until(limit(running)), "the limit", 60)
    finally:
        stop.set()
        for one in threads:
            one.join()
    return seen


def test_it_begins_at_20_and_grows_where_nothing_queues(gateway):
    with Origin() as origin:
        Workers(origin, 100, 0.02)
        running = start(gateway, origin, "adaptive_concurrency: {interval: 100ms, tolerance: 100}")
        assert limit(running) == 20
        assert set(flood(running, 4, lambda now: now > 60)) == {200}


def test_a_queue_makes_it_small(gateway):
    with Origin() as origin:
        Workers(origin, 2, 0.02)
        running = start(gateway, origin, "adaptive_concurrency: {interval: 100ms, max_concurrency: 100}, "
                                         "circuit_breaker: {max_requests: 100, max_pending_requests: 100}")
        for _ in range(20):
            assert running.ask(GET).status == 200
        assert set(flood(running, 40, lambda now: now < 15)) == {200}


def test_who_does_not_fit_is_refused(gateway):
    hold = threading.Event()
    with Origin() as origin:
        origin.answer = lambda connection, request: (hold.wait(30), connection.send(OK))
        running = start(gateway, origin, "adaptive_concurrency: {max_concurrency: 5}, "
                                         "circuit_breaker: {max_requests: 50, max_pending_requests: 1, pending_timeout: 30s}")
        assert limit(running) == 5
        clients = [running.client() for _ in range(6)]
        for one in clients:
            one.send(GET)
        wait_until(lambda: origin.connections == 5, "five under way")
        wait_until(lambda: running.ask(GET).status == 503, "a refusal")
        answer = running.ask(GET)
        assert answer.status == 503 and answer["retry-after"] == "1"
        hold.set()
        for one in clients:
            assert one.answer().status == 200
            one.close()
