"""Three targets, one of them sick at a time in a way that changes, under load: what clients see of it. CHAOS_SECONDS sets how
long it goes on."""
import json
import os
import random
import re
import socket
import struct
import threading
import time

import pytest
from http_peer import OK, Broken, Origin, RawClient, wait_until

SECONDS = float(os.environ.get("CHAOS_SECONDS", "15"))
CLIENTS = 6
DOCUMENT = """
openapi: 3.1.0
info: {{title: chaos, version: "1"}}
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    pool:
      targets: [{{url: "{0}"}}, {{url: "{1}"}}, {{url: "{2}"}}]
      {balance}
      health_check: {{path: /health, interval: 200ms, timeout: 100ms, unhealthy_threshold: 2}}
      outlier_detection: {{consecutive_5xx: 3, base_ejection_time: 300ms, max_ejection_time: 1s}}
      circuit_breaker: {{max_requests: 100, max_pending_requests: 100}}
  upstream: pool
  access_log: false
  timeouts: {{connect: 300ms, read: 2s}}
  retry: {{attempts: 4, on: [connect_failure, reset, timeout, 5xx], per_try_timeout: 700ms, budget: {{percent: 100, min: 10}}}}
paths:
  /{{rest}}:
    x-gateway: {{match: {{prefix: true}}}}
    get: &any {{responses: {{default: {{description: any}}}}}}
    put: *any
"""


def well(connection, asked):
    body = asked.target.encode() + asked.body
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def resets(connection, asked):
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silent(connection, asked):
    connection.until_closed()
    connection.close()


def slow(connection, asked):
    time.sleep(0.05)
    well(connection, asked)


FAULTS = {
    "closes": lambda connection, asked: connection.close(),
    "resets": resets,
    "silent": silent,
    "slow": slow,
    "garbage": lambda connection, asked: (connection.send(b"\0\1\2 what\r\n\r\n"), connection.close()),
    "half a head": lambda connection, asked: (connection.send(b"HTTP/1.1 200 OK\r\nContent-Le"), connection.close()),
    "busy": lambda connection, asked: connection.send(b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"),
    "broken": lambda connection, asked: connection.send(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"),
    "gone": None,
}


class Target:
    """An origin that can die and come back at its port."""

    def __init__(self):
        self.origin = Origin(well)
        self.origin.may_break = True
        self.port, self.url = self.origin.port, self.origin.url

    def be(self, fault):
        if fault == "gone":
            self.origin.close()
            return
        if self.origin.listener.fileno() < 0:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen(128)
            self.origin = Origin(well, listener)
            self.origin.may_break = True
        self.origin.answer = FAULTS.get(fault, well)


class Load:
    """Clients that ask one request after the other, and count what came of it."""

    def __init__(self, port):
        self.port, self.over = port, threading.Event()
        self.asked, self.wrong, self.lock = 0, [], threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        client, count = RawClient(self.port), 0
        while not self.over.is_set():
            count += 1
            target, body = f"/{number}/{count}", b"x" * (count % 5000) if count % 3 == 0 else b""
            method = "PUT" if body else "GET"
            try:
                answer = client.ask(f"{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                good = answer.status == 200 and answer.body == target.encode() + body
                what = (answer.status, answer.body[:100])
            except (OSError, Broken) as error:
                good, what = False, error
                client = RawClient(self.port)
            with self.lock:
                self.asked += 1
                if not good:
                    self.wrong.append((target, what))
        client.close()

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def page(running):
    port = int(re.search(r"admin on \S*:(\d+)", running.log).group(1))
    with RawClient(port) as client:
        return json.loads(client.ask(b"GET /upstreams HTTP/1.1\r\nHost: a\r\n\r\n").body)[0]


@pytest.mark.parametrize("balance", ["", "balance: least_conn", "balance: peak_ewma"])
def test_clients_see_next_to_nothing_of_a_sick_target(gateway, balance):
    chaos = random.Random(f"7 {balance}")
    targets = [Target() for _ in range(3)]
    running = gateway(DOCUMENT.format(*(t.url for t in targets), balance=balance), "--workers", "2")
    descriptors = len(os.listdir(f"/proc/{running.pid}/fd"))
    load = Load(running.port)
    end, seen = time.monotonic() + SECONDS / 3, set()
    while time.monotonic() < end:
        target, fault = chaos.choice(targets), chaos.choice(list(FAULTS))
        seen.add(fault)
        target.be(fault)
        time.sleep(chaos.uniform(0.1, 0.6))
        target.be("well")
        time.sleep(chaos.uniform(0, 0.3))
    load.end()
    print(f"{balance}: {load.asked} requests, {len(load.wrong)} wrong, {sorted(seen)}")
    assert load.asked > 100 and len(load.wrong) <= load.asked / 1000, load.wrong[:5]
    wait_until(lambda: all(t["state"] == "well" for t in page(running)["targets"]), "all to be well", 20)

    def adds_up():
        last = page(running)
        return (last["requests_active"], last["requests_pending"]) == (0, 0) and last["connections"] == sum(
            t["connections_active"] + t["connections_idle"] for t in last["targets"])
    wait_until(adds_up, "the books to balance")
    for target in targets:
        target.origin.close()
    wait_until(lambda: len(os.listdir(f"/proc/{running.pid}/fd")) <= descriptors + 4, "its descriptors", 20)
