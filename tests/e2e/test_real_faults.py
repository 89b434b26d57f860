"""Targets that fail as machines do: behind a link that goes down, stopped, killed. Each far target lives in a network namespace
of its own; needs the right to make one."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from http_peer import Broken, Origin, RawClient, WAIT, wait_until

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body leave together
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"far")
    do_POST = do_GET
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler)
server.daemon_threads = True
print("ready", flush=True)
server.serve_forever()
"""

DOCUMENT = """
openapi: 3.1.0
info: {{title: faults, version: "1"}}
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pool: {{targets: [{{url: "http://{far}:8080"}}, {{url: "{near}"}}], {more}}}}}
  upstream: pool
  access_log: {{fields: [path, status, tries, reason, upstream_addr]}}
  timeouts: {{connect: 300ms, read: 1s}}
  retry: {{attempts: 3, on: [connect_failure, reset, timeout, 503], per_try_timeout: 700ms, backoff: {{base: 1ms, max: 1ms}}}}
paths:
  /x:
    get: &any {{responses: {{default: {{description: any}}}}}}
    post: *any
"""


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)


class Far:
    """A server behind a link of its own."""

    def __init__(self):
        mark = random.randrange(1 << 16)
        self.space, self.link = f"apigw-{mark:x}", f"gw{mark:x}a"
        net = f"10.{200 + mark % 50}.{mark >> 8}"
        self.address = f"{net}.2"
        peer = f"gw{mark:x}b"
        for words in (("netns", "add", self.space),
                      ("link", "add", self.link, "type", "veth", "peer", "name", peer, "netns", self.space),
                      ("addr", "add", f"{net}.1/30", "dev", self.link), ("link", "set", self.link, "up"),
                      ("-n", self.space, "addr", "add", f"{net}.2/30", "dev", peer),
                      ("-n", self.space, "link", "set", peer, "up"), ("-n", self.space, "link", "set", "lo", "up")):
            done = ip(*words)
            if done.returncode != 0:
                ip("netns", "del", self.space)
                pytest.skip(f"no network namespaces here: ip {' '.join(words)}: {done.stderr.strip()}")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["ip", "netns", "exec", self.space, sys.executable, "-c", SERVER, self.address],
                                        stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def link_is(self, state):
        assert ip("-n", self.space, "link", "set", self.link[:-1] + "b", state).returncode == 0

    def close(self):
        self.kill()
        ip("link", "del", self.link)
        ip("netns", "del", self.space)


@pytest.fixture
def far():
    one = Far()
    yield one
    one.close()


@pytest.fixture
def start(gateway, origin, far):
    def begin(more="balance: round_robin"):
        return gateway(DOCUMENT.format(far=far.address, near=origin.url, more=more), "--workers", "1")
    return begin


def ask(running, method="GET"):
    with running.client() as client:
        return client.ask(f"{method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")


def page(running):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        return json.loads(client.ask(b"GET /upstreams HTTP/1.1\r\nHost: a\r\n\r\n").body)[0]["targets"]


def test_a_link_that_is_down_before_the_connection(start, far):
    running = start()
    far.link_is("down")
    assert [ask(running, "POST").status for _ in range(4)] == [200] * 4
    wait_until(lambda: running.out.count("\n") == 4, "the log's lines")
    lines = [json.loads(line) for line in running.out.splitlines()]
    assert sorted(line["tries"] for line in lines) == [1, 1, 2, 2]


def test_a_link_that_goes_down_under_a_pooled_connection(start, far):
    running = start()
    assert {ask(running).body for _ in range(4)} == {b"far", b"ok\n"}
    far.link_is("down")
    assert [ask(running).body for _ in range(4)] == [b"ok\n"] * 4
    # What may have arrived is not sent again.
    statuses = sorted(ask(running, "POST").status for _ in range(2))
    assert statuses in ([200, 504], [200, 200])
    far.link_is("up")
    wait_until(lambda: ask(running).body == b"far", "the link")


def test_a_target_that_is_stopped(start, far):
    running = start()
    assert {ask(running).body for _ in range(4)} == {b"far", b"ok\n"}
    pids = subprocess.run(["ip", "netns", "pids", far.space], capture_output=True, text=True).stdout.split()
    for pid in pids:
        os.kill(int(pid), signal.SIGSTOP)
    wait_until(lambda: all(re.search(r"\) T ", open(f"/proc/{pid}/stat").read()) for pid in pids), "the stop")
    try:
        assert [ask(running).body for _ in range(4)] == [b"ok\n"] * 4
        assert sorted(ask(running, "POST").status for _ in range(2)) == [200, 504]
    finally:
        for pid in pids:
            os.kill(int(pid), signal.SIGCONT)
    wait_until(lambda: ask(running).body == b"far", "its return")


def test_checks_tell_of_a_link(start, far, origin):
    running = start("health_check: {type: tcp, interval: 200ms, timeout: 100ms, unhealthy_threshold: 2, healthy_threshold: 2}")
    far.link_is("down")
    wait_until(lambda: page(running)[0]["state"] == "sick", "the check")
    before = page(running)[0]["requests"]
    assert [ask(running).body for _ in range(6)] == [b"ok\n"] * 6
    assert page(running)[0]["requests"] == before
    far.link_is("up")
    wait_until(lambda: page(running)[0]["state"] == "well", "the check", WAIT * 2)
    assert b"far" in {ask(running).body for _ in range(4)}


def test_a_target_that_is_killed_under_load_and_comes_back(start, far):
    running = start("outlier_detection: {consecutive_5xx: 3, base_ejection_time: 300ms}")
    descriptors = len(os.listdir(f"/proc/{running.pid}/fd"))
    over, wrong, bodies = threading.Event(), [], set()

    def work():
        with running.client() as client:
            while not over.is_set():
                try:
                    answer = client.ask(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                    bodies.add(answer.body)
                    if answer.status != 200:
                        wrong.append(answer.body)
                except (OSError, Broken) as error:
                    wrong.append(error)
                    return
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(bodies) == 2, "both")
    for _ in range(3):
        far.kill()
        time.sleep(0.3)
        far.start()
        bodies.clear()
        wait_until(lambda: b"far" in bodies, "its return", WAIT * 2)
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    wait_until(lambda: page(running)[0]["connections_active"] == 0, "the end")
    assert len(os.listdir(f"/proc/{running.pid}/fd")) <= descriptors + 20
