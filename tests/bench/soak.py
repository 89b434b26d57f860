#!/usr/bin/python3
"""Mixed traffic for a bounded time, then the books must balance: soak.py [SECONDS [REQUESTS]]

The clients (mixed.c) leave, stall, send nonsense and pipeline, their upstream (origin.c) breaks in every phase of an
answer, and each of them knows what must become of its request. They run for a minute, in which the gateway is held
up now and then, so that it meets all of them at once and has whatever they may ever need; then for the rest of the
time (20 minutes) or until so many requests (100 million) were made. At rest behind both,

* the process holds the same memory, but for a buffer for each client (in a full run: a third of a byte per request);
* it has the same descriptors as before the first request;
* requests in are answers out and those that broke off or were left: by the clients' own count, by the gateway's
  counters, and by the lines of its access log, for each class of status.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
from crowd import memory  # noqa: E402

GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(GEN)), "tests/bench")
IS_SANITIZED = os.path.basename(os.path.dirname(os.path.abspath(GEN))) == "san"  # memory is another's then
GROWTH = 72 * 77 << 10  # bytes: a buffer for each client, since more of them may meet than in the first minute
CLASSES = ("2xx", "4xx", "5xx")


def document(origin):
    answer = {"responses": {"200": {"description": "ok"}}}
    rest = [{"name": "rest", "in": "path", "required": True, "schema": {"type": "string"}}]
    return {
        "openapi": "3.1.0", "info": {"title": "soak", "version": "1"}, "security": [],
        "x-gateway": {"version": 1,
                      "upstreams": {"origin": {"targets": [{"url": f"http://127.0.0.1:{origin}"}],
                                               "pool": {"idle_timeout": "5s"}}},
                      "listeners": [{"address": "127.0.0.1:0", "limits": {"header_timeout": "5s"}}],
                      "status": {"address": "127.0.0.1:0"}, "timeouts": {"send": "5s", "read": "5s", "idle": "5s"},
                      "limits": {"body": "4m"}, "access_log": {"output": "stdout"}},
        "paths": {
            "/r/{rest}": {"parameters": rest, "get": dict(answer, operationId="read"),
                          "post": dict(answer, operationId="write"), "x-gateway": {"upstream": "origin"}},
            "/hello": {"get": dict(answer, operationId="hello",
                                   **{"x-gateway": {"respond": {"status": 200, "body": "hello\n"}}})},
        },
    }


class Log(threading.Thread):
    """Reads the access log as it is written, and counts its lines by the class of their status."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.lines, self.classes = pipe, 0, dict.fromkeys(CLASSES, 0)
        self.start()

    def run(self):
        rest = b""
        for block in iter(lambda: self.pipe.read1(1 << 20), b""):
            whole, _, rest = (rest + block).rpartition(b"\n")
            self.lines += whole.count(b"\n") + (whole != b"")
            for name in self.classes:
                self.classes[name] += whole.count(b'"status":' + name[:1].encode())


class Gateway:
    def __init__(self, folder, origin):
        spec = os.path.join(folder, "spec.json")
        with open(spec, "w") as file:
            json.dump(document(origin), file)
        subprocess.run([GEN, "build", "-q", spec, "-o", folder + "/gw"], check=True)
        self.messages = folder + "/messages"
        with open(self.messages, "w") as messages:
            self.process = subprocess.Popen([folder + "/gw", "--workers", "2"], stdout=subprocess.PIPE, stderr=messages,
                                            pipesize=1 << 20)
        self.log = Log(self.process.stdout)
        self.pid = self.process.pid
        self.wait_until_ready()

    def said(self):
        with open(self.messages) as file:
            return file.read()

    def wait_until_ready(self):
        for _ in range(200):
            if re.search(r" ready$", self.said(), re.M):
                self.port, self.status = (int(re.search(what + r" on 127\.0\.0\.1:(\d+)", self.said()).group(1))
                                          for what in ("listening", "status"))
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise SystemExit("the gateway did not start: " + self.said())

    def metrics(self):
        """All samples summed by name, and the requests also by class of status."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        values = {}
        for name, labels, value in re.findall(r"^([a-z_]+)(?:{([^}]*)})? ([0-9.e+-]+)$", text, re.M):
            keys = {name} | set(re.findall(r'(?:status|state)="(\w+)"', labels) if "_bucket" not in name else [])
            for key in keys:
                key = key if key == name else f"{name} {key}"
                values[key] = values.get(key, 0) + float(value)
        return values

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def settled_descriptors(self):
        """The same, when the last connection for metrics is closed too."""
        seen = [self.descriptors() for _ in range(3)]
        while max(seen[-10:]) != min(seen[-10:]) or len(seen) < 10:
            time.sleep(0.05)
            seen.append(self.descriptors())
        return seen[-1]

    def come_to_rest(self):
        """Waits for the connections of clients, and for those that rest in pools, to be closed."""
        for _ in range(200):
            seen = self.metrics()
            if seen["apigw_http_connections_active"] == 0 and \
                    seen.get("apigw_upstream_connections active", 0) + seen.get("apigw_upstream_connections idle", 0) == 0:
                break
            time.sleep(0.1)
        return memory(self.pid), self.settled_descriptors()


def hold_up(gateway, over):
    """Stops it for a moment every second."""
    while not over.wait(1):
        os.kill(gateway.pid, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(gateway.pid, signal.SIGCONT)


def first_minute(gateway, seconds, requests):
    over = threading.Event()
    thread = threading.Thread(target=hold_up, args=(gateway, over))
    thread.start()
    try:
        return traffic(gateway, seconds, requests)
    finally:
        over.set()
        thread.join()


def traffic(gateway, seconds, requests):
    """Runs the clients; their books. Tells every minute how things stand."""
    clients = subprocess.Popen([PROGRAMS + "/mixed", str(gateway.port), str(seconds), str(requests)],
                               stdout=subprocess.PIPE, text=True)
    begun = time.monotonic()
    while True:
        try:
            text, _ = clients.communicate(timeout=60)
            return json.loads(text)
        except subprocess.TimeoutExpired:
            seen = gateway.metrics()
            print(f"{(time.monotonic() - begun) / 60:3.0f} min: {seen['apigw_http_requests_total']:.0f} requests, "
                  f"memory {memory(gateway.pid) >> 10} KiB, {gateway.descriptors()} descriptors", flush=True)


def add(books, more):
    for key, value in more.items():
        if isinstance(value, dict):
            add(books.setdefault(key, {}), value)
        else:
            books[key] = books.get(key, 0) + value


def check_counts(books, seen, log):
    wrong = []
    total = seen["apigw_http_requests_total"]
    dropped = seen["apigw_access_log_lines_dropped_total"]
    broken = books["cut"] + books["aborted"]
    if books["wrong"]:
        wrong.append(f"{books['wrong']} requests ended as they must not")
    if books["asked"] != sum(books["answered"].values()) + broken:
        wrong.append("by the clients, requests in are not answers out and what was broken off")
    if books["asked"] != total:
        wrong.append(f"the clients made {books['asked']} requests, the gateway counted {total:.0f}")
    if log.lines + dropped != total:
        wrong.append(f"{log.lines} lines in the log and {dropped:.0f} dropped, {total:.0f} requests counted")
    for name in CLASSES:
        counted, answered = seen.get(f"apigw_http_requests_total {name}", 0), books["answered"][name]
        if not answered <= counted <= answered + broken:
            wrong.append(f"{answered} answers {name} at the clients, {counted:.0f} counted")
        if dropped == 0 and log.classes[name] != counted:
            wrong.append(f"{log.classes[name]} lines with {name}, {counted:.0f} counted")
    for what in ("apigw_http_requests_in_flight", "apigw_http_connections_active", "apigw_upstream_connections active"):
        if seen.get(what, 0) != 0:
            wrong.append(f"{what} is {seen[what]:.0f} at the end")
    return wrong


def soak(gateway, seconds, requests):
    """What is wrong in the end."""
    with open(f"/proc/{gateway.pid}/limits") as file:
        limit = int(re.search(r"open files +(\d+)", file.read()).group(1))
    gateway.metrics()
    base, books = gateway.settled_descriptors(), {}
    minute = max(15, min(60, seconds // 4))
    add(books, first_minute(gateway, minute, requests))
    first, fds = gateway.come_to_rest()
    add(books, traffic(gateway, max(5, seconds - minute), max(1, requests - books["asked"])))
    last, left = gateway.come_to_rest()
    seen = gateway.metrics()
    gateway.process.terminate()
    ended = gateway.process.wait(60)
    gateway.log.join(60)
    print(json.dumps(books))
    print(f"{seen['apigw_http_requests_total']:.0f} requests counted, {gateway.log.lines} log lines, "
          f"{seen['apigw_http_connections_accepted_total']:.0f} connections; memory {first >> 10} KiB after the first "
          f"{minute} s, {last >> 10} KiB at the end; descriptors {base} before, {fds}, {left} at the end "
          f"(limit {limit}); exit {ended}")
    wrong = check_counts(books, seen, gateway.log)
    if last > first + GROWTH and not IS_SANITIZED:
        wrong.append("memory grew")
    if max(fds, left) > base + 2 * int(seen["apigw_workers"]):  # a pipe for each worker, once opened
        wrong.append("descriptors leaked")
    if ended != 0:
        wrong.append("the gateway did not end with 0")
    if re.search("ERROR|Sanitizer|runtime error", gateway.said()):
        wrong.append("the gateway complained: " + gateway.said()[-2000:])
    return wrong


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000_000
    origin = subprocess.Popen([PROGRAMS + "/origin", "0"], stdout=subprocess.PIPE, text=True)
    gateway = None
    with tempfile.TemporaryDirectory(prefix="apigw-soak-") as folder:
        try:
            gateway = Gateway(folder, int(origin.stdout.readline()))
            wrong = soak(gateway, seconds, requests)
        finally:
            if gateway is not None and gateway.process.poll() is None:
                gateway.process.kill()
            origin.terminate()
            origin.wait()
    print("; ".join(wrong) if wrong else "the books balance")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
