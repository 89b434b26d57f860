#!/usr/bin/python3
"""Mixed traffic for a bounded time, then the books must balance: soak.py [SECONDS]

Keep-alive load in several sizes (wrk), beside clients that abort, send one byte at a time, pipeline, run into
time-outs, post bodies and leave in the middle. Memory after the first quarter (not sooner than some seconds) and at the end must agree, no
descriptor may be left, and the gateway's own counters must add up.
"""
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
GROWTH = 4 << 20  # bytes that the allocator may still move after the first quarter


def document(origin):
    answer = {"responses": {"200": {"description": "ok"}}}
    rest = [{"name": "rest", "in": "path", "required": True, "schema": {"type": "string"}}]
    return {
        "openapi": "3.1.0", "info": {"title": "soak", "version": "1"}, "security": [],
        "x-gateway": {"version": 1, "upstreams": {"origin": {"targets": [{"url": f"http://127.0.0.1:{origin}"}]}},
                      "listeners": [{"address": "127.0.0.1:0", "limits": {"header_timeout": "2s"}}], "status": {"address": "127.0.0.1:0"},
                      "timeouts": {"send": "2s", "read": "2s"}, "limits": {"body": "4m"}, "access_log": {"output": "stdout"}},
        "paths": {
            "/r/{rest}": {"parameters": rest, "get": dict(answer, operationId="read"), "post": dict(answer, operationId="write"),
                          "x-gateway": {"upstream": "origin"}},
            "/hello": {"get": dict(answer, operationId="hello", **{"x-gateway": {"respond": {"status": 200, "body": "hello\n"}}})},
        },
    }


def abuse(port, stop, rng):
    """One client after another that no server loves."""
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                s.settimeout(4)
                kind = rng.randrange(6)
                if kind == 0:  # leaves in the middle of a large answer
                    s.sendall(b"GET /r/1m HTTP/1.1\r\nHost: a\r\n\r\n")
                    s.recv(1000)
                elif kind == 1:  # leaves in the middle of its body
                    s.sendall(b"POST /r/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000)
                elif kind == 2:  # pipelines
                    s.sendall(b"GET /r/1k HTTP/1.1\r\nHost: a\r\n\r\n" * 8 + b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    while s.recv(65536):
                        pass
                elif kind == 3:  # one byte at a time, then silence
                    for byte in b"GET /hello HT":
                        s.sendall(bytes([byte]))
                        time.sleep(0.01)
                    s.recv(1000)
                elif kind == 4:  # nonsense
                    s.sendall(bytes(rng.randrange(256) for _ in range(200)) + b"\r\n\r\n")
                    s.recv(1000)
                else:  # a chunked body, in pieces
                    s.sendall(b"POST /r/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab")
                    s.sendall(b"cd\r\n0\r\n\r\n")
                    s.recv(1000)
        except OSError:
            pass


def wrk(port, path, seconds, conns):
    return subprocess.Popen(["wrk", "-t1", f"-c{conns}", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True)


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def metrics(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    values = {}
    for line in text.splitlines():
        match = re.match(r"([a-z_]+)(?:{[^}]*})? ([0-9.e+-]+)$", line)
        if match:
            values[match.group(1)] = values.get(match.group(1), 0) + float(match.group(2))
    return values


def start(folder, origin):
    spec = os.path.join(folder, "spec.json")
    json.dump(document(origin), open(spec, "w"))
    subprocess.run([GEN, "build", "-q", spec, "-o", folder + "/gw"], check=True)
    messages = open(folder + "/messages", "w+")
    process = subprocess.Popen([folder + "/gw", "--workers", "2"], stdout=open(folder + "/log", "w"), stderr=messages)
    for _ in range(200):
        text = open(folder + "/messages").read()
        traffic_port = re.search(r"listening on 127\.0\.0\.1:(\d+)", text)
        status_port = re.search(r"status on 127\.0\.0\.1:(\d+)", text)
        if traffic_port and status_port and "ready" in text:
            return process, int(traffic_port.group(1)), int(status_port.group(1))
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise SystemExit("the gateway did not start: " + text)


def lines_of(path):
    with open(path, "rb") as log:
        return sum(block.count(b"\n") for block in iter(lambda: log.read(1 << 20), b""))


def traffic(port, seconds):
    """Runs all kinds side by side; returns the answers that wrk counted."""
    stop = threading.Event()
    rude = [threading.Thread(target=abuse, args=(port, stop, random.Random(i))) for i in range(4)]
    for thread in rude:
        thread.start()
    loads = [wrk(port, path, seconds, conns) for path, conns in (("/r/1k", 16), ("/r/64k", 8), ("/r/1m", 2), ("/hello", 8))]
    counts = [int(re.search(r"(\d+) requests in", load.communicate()[0]).group(1)) for load in loads]
    stop.set()
    for thread in rude:
        thread.join()
    return sum(counts)


def settle(pid, before):
    for _ in range(100):
        if descriptors(pid) <= before:
            break
        time.sleep(0.1)
    return descriptors(pid)


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    origin = subprocess.Popen([os.path.join(TOP, "build/release/tests/bench/origin"), "0"], stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory(prefix="apigw-soak-") as folder:
        process = None
        try:
            process, port, status = start(folder, int(origin.stdout.readline()))
            idle = descriptors(process.pid)
            done = traffic(port, max(4, seconds // 4))
            first, fds = resident(process.pid), settle(process.pid, idle + 200)
            done += traffic(port, max(4, seconds * 3 // 4))
            last, left = resident(process.pid), settle(process.pid, fds)
            seen = metrics(status)
            process.terminate()
            ended = process.wait(60)
            lines = lines_of(folder + "/log")
        finally:
            if process is not None and process.poll() is None:
                process.kill()
            origin.terminate()
            origin.wait()
    total = seen["apigw_http_requests_total"]
    print(f"{done} answers to wrk, {total:.0f} requests counted, {lines} log lines; memory {first >> 10} KiB after the "
          f"first quarter, {last >> 10} KiB at the end; descriptors {fds}, {left} at the end; exit {ended}")
    wrong = []
    if last > first + GROWTH:
        wrong.append("memory grew")
    if left > fds + 8:
        wrong.append("descriptors leaked")
    if total < done:
        wrong.append("answers were given that were not counted")
    if lines + seen.get("apigw_access_log_lines_dropped_total", 0) != total:
        wrong.append("log lines and requests disagree")
    if seen.get("apigw_http_requests_in_flight", 0) != 0:
        wrong.append("requests are still in flight")
    if ended != 0:
        wrong.append("the gateway did not end with 0")
    print("; ".join(wrong) if wrong else "the books balance")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
