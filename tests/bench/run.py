#!/usr/bin/python3
"""Side by side: the gateway, nginx and HAProxy in front of the same origin, in one interleaved run.

    run.py [-n ROUNDS] [-t SECONDS] [-s S1,S3,…] [-c gateway,nginx,haproxy] [--openapi FILE] [--write FILE] [--rt]

What is compared is CPU time per request: what the proxy's own threads ran (schedstat of the kernel), over the
requests that were answered. Wall-clock rates of a shared machine are not. The proxy runs on the first CPU, the
load (wrk) and the origin on the second. Medians of the rounds; every cell also as a ratio to nginx.

S1L is latency: an open loop (load.c) at 80 % of what nginx reaches in a closed one in the same round. Stalls of the
machine reach the high percentiles, so the least of the rounds is told too, and the median of windows of 0.2 s. With
--rt (as root) all runs at real-time priority: on a machine that is not idle nothing else tells anything.
"""
import argparse
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
ORIGIN = os.environ.get("BENCH_ORIGIN", os.path.join(TOP, "build/release/tests/bench/origin"))

SCENARIOS = {
    "S1": dict(what="plain proxy, 1 KiB, 64 keep-alive connections", path="/r/1k", conns=64),
    "S2a": dict(what="64 KiB answers", path="/r/64k", conns=64),
    "S2b": dict(what="1 MiB answers, 16 connections", path="/r/1m", conns=16),
    "S3": dict(what="all routes of the document, requests in random order", conns=64, routes=True),
    "S6": dict(what="bytes per idle keep-alive connection", path="/r/1k", idle=4000),
    "S7": dict(what="POST of 16 KiB, 1 KiB answers", path="/r/1k", conns=64, body=16384),
    "S8": dict(what="a new connection for each request", path="/r/1k", conns=64, close=True),
    "S1L": dict(what="S1 as an open loop", path="/r/1k", conns=64, share=0.8),
}


def free_port():
    for port in range(21000 + os.getpid() % 1000, 32000):  # below the ephemeral ports
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no port is free")


def tree(pid):
    """pid and all that it started."""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        for path in glob.glob(f"/proc/{p}/task/*/children"):
            try:
                todo += map(int, open(path).read().split())
            except OSError:
                pass
    return found


def cpu_ns(pid):
    total = 0
    for p in tree(pid):
        for path in glob.glob(f"/proc/{p}/task/*/schedstat"):
            try:
                total += int(open(path).read().split()[0])
            except OSError:
                pass
    return total


def memory_bytes(pid):
    total = 0
    for p in tree(pid):
        try:
            text = open(f"/proc/{p}/smaps_rollup").read()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) * 1024
        except (OSError, AttributeError):
            pass
    return total


# ---- the documents and the routes

def routes_of(openapi):
    """("GET", "/users/{id}") of a document, or 400 made-up ones."""
    methods = ("get", "put", "post", "delete", "patch")
    if openapi and os.path.exists(openapi):
        paths = json.load(open(openapi))["paths"]
        return [(m.upper(), p) for p in paths for m in methods if m in paths[p] and "?" not in p and "#" not in p]
    nouns = ["users", "orders", "items", "teams", "labels", "hooks", "keys", "notes", "files", "events"]
    rows = []
    for a in nouns:
        for b in nouns:
            rows += [("GET", f"/{a}/{{id}}/{b}"), ("POST", f"/{a}/{{id}}/{b}"),
                     ("GET", f"/{a}/{{id}}/{b}/{{sub}}"), ("DELETE", f"/{a}/{{id}}/{b}/{{sub}}")]
    return rows


def document(routes, port, origin):
    listener = {"address": f"127.0.0.1:{port}"}
    doc = {"openapi": "3.1.0", "info": {"title": "bench", "version": "1"}, "paths": {}, "security": [],
           "x-gateway": {"version": 1, "listeners": [listener], "upstream": "origin", "access_log": False, "correlation_id": False,
                         "upstreams": {"origin": {"targets": [{"url": f"http://127.0.0.1:{origin}"}]}}}}
    answer = {"200": {"description": "ok"}}
    if routes is None:
        doc["paths"]["/{rest}"] = {"x-gateway": {"match": {"prefix": True}, "any_method": {"operationId": "any", "responses": answer}},
                                   "parameters": [{"name": "rest", "in": "path", "required": True, "schema": {"type": "string"}}]}
        return doc
    for method, path in routes:
        names = re.findall(r"{([^}]*)}", path)
        doc["paths"].setdefault(path, {})[method.lower()] = {
            "operationId": method.lower() + path, "responses": answer,
            "parameters": [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]}
    return doc


# ---- the contenders: each returns the command to run

def gateway(folder, routes, port, origin):
    spec = os.path.join(folder, "spec.json")
    json.dump(document(routes, port, origin), open(spec, "w"))
    subprocess.run([GEN, "build", spec, "-o", os.path.join(folder, "gw"), "-q"], check=True)
    return [os.path.join(folder, "gw"), "--workers", "1"]


def nginx_locations(routes):
    if routes is None:
        return "location / { proxy_pass http://origin; }"
    exact, patterns = [], []
    paths = {}
    for method, path in routes:
        paths.setdefault(path, []).append(method)
    for path, methods in paths.items():
        allow = " ".join(methods)
        inner = f"{{ limit_except {allow} {{ deny all; }} proxy_pass http://origin; }}"
        if "{" in path:
            regex = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
            patterns.append((path.count("{"), f'location ~ "^{regex}$" {inner}'))
        else:
            exact.append(f"location = {path} {inner}")
    patterns.sort(key=lambda row: row[0])
    return "\n".join(exact + [row[1] for row in patterns] + ["location / { return 404; }"])


def nginx(folder, routes, port, origin):
    conf = os.path.join(folder, "nginx.conf")
    open(conf, "w").write(f"""
user root; daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 20000; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 1000000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 1000000000; }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
  server {{ listen 127.0.0.1:{port} reuseport backlog=4096; {nginx_locations(routes)} }}
}}""")
    return ["nginx", "-c", conf, "-e", folder + "/error.log"]


def haproxy(folder, routes, port, origin):
    rules = ""
    if routes is not None:
        by_path = {}
        for method, path in routes:
            by_path.setdefault(path, []).append(method)
        with open(folder + "/exact.map", "w") as exact, open(folder + "/regex.map", "w") as patterns:
            for path, methods in by_path.items():
                for method in methods:
                    if "{" in path:
                        patterns.write(f"^{method}:" + re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) + "$ ok\n")
                    else:
                        exact.write(f"{method}:{path} ok\n")
        rules = (f"  http-request set-var-fmt(txn.key) %[method]:%[path]\n"
                 f"  http-request set-var(txn.hit) var(txn.key),map_str({folder}/exact.map)\n"
                 f"  http-request set-var(txn.hit) var(txn.key),map_reg({folder}/regex.map) unless {{ var(txn.hit) -m found }}\n"
                 f"  http-request deny deny_status 404 unless {{ var(txn.hit) -m found }}\n")
    conf = os.path.join(folder, "haproxy.cfg")
    open(conf, "w").write(f"""
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout client 600s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 600s
  http-reuse always
  option forwardfor
frontend f
  bind 127.0.0.1:{port}
{rules}
  default_backend b
backend b
  server s 127.0.0.1:{origin} pool-max-conn 512
""")
    return ["haproxy", "-db", "-f", conf]


CONTENDERS = {"gateway": gateway, "nginx": nginx, "haproxy": haproxy}


# ---- one measurement

LUA = """
local paths = {}
init = function()
  for line in io.lines("%s") do
    local m, p = line:match("(%%S+) (%%S+)")
    paths[#paths + 1] = wrk.format(m, p)
  end
end
request = function() return paths[math.random(#paths)] end
"""


def request_list(folder, routes):
    import random
    rng = random.Random(7)
    with open(folder + "/requests", "w") as out:
        for _ in range(50000):
            method, path = rng.choice(routes)
            out.write(method + " " + re.sub(r"{[^}]*}", lambda m: "v%x" % rng.randrange(1 << 28), path) + "\n")
    open(folder + "/load.lua", "w").write(LUA % (folder + "/requests"))


def wrk(scenario, port, seconds, folder):
    args = ["taskset", "-c", "1", "wrk", "-t1", f"-c{scenario['conns']}", f"-d{seconds}s"]
    if scenario.get("routes"):
        args += ["-s", folder + "/load.lua"]
    if scenario.get("body"):
        script = folder + "/post.lua"
        open(script, "w").write(f'wrk.method = "POST"\nwrk.body = string.rep("x", {scenario["body"]})\n')
        args += ["-s", script]
    if scenario.get("close"):
        args += ["-H", "Connection: close"]
    text = subprocess.run(args + [f"http://127.0.0.1:{port}{scenario.get('path', '/')}"], capture_output=True, text=True).stdout
    done = re.search(r"(\d+) requests in", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if done is None:
        raise RuntimeError("wrk: " + text)
    if bad and not scenario.get("routes"):
        raise RuntimeError(f"{bad.group(1)} answers were not 2xx")
    if bad and int(bad.group(1)) * 100 > int(done.group(1)):
        raise RuntimeError(f"{bad.group(1)} of {done.group(1)} answers were not 2xx")
    return int(done.group(1))


def open_loop(scenario, port, seconds, rate):
    """p50, p99 and p99.9 in microseconds, and the latter two by windows."""
    args = ["taskset", "-c", "1", os.path.join(os.path.dirname(ORIGIN), "load"), str(port), str(rate), str(seconds),
            str(scenario["conns"]), scenario["path"]]
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("load: " + done.stdout + done.stderr)
    values = json.loads(done.stdout)
    return [values[name] for name in ("p50", "p99", "p999", "w99", "w999")]


def idle_bytes(scenario, port, pid):
    def connect():
        s = socket.create_connection(("127.0.0.1", port), 5)
        s.sendall(f"GET {scenario['path']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < 1024:
            piece = s.recv(65536)
            if not piece:
                raise RuntimeError("closed")
            got += piece
        return s

    socks = [connect() for _ in range(200)]
    before = memory_bytes(pid)
    socks += [connect() for _ in range(scenario["idle"])]
    time.sleep(0.5)
    after = memory_bytes(pid)
    for s in socks:
        s.close()
    return (after - before) / scenario["idle"]


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("did not start")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("does not listen")


def measure(name, scenario, routes, origin, seconds, rate=None):
    """The figure of a scenario. With `share` and no rate yet, the closed loop's requests per second."""
    folder = tempfile.mkdtemp(prefix="apigw-bench-")
    port = free_port()
    process = None
    try:
        command = CONTENDERS[name](folder, routes if scenario.get("routes") else None, port, origin)
        if scenario.get("routes"):
            request_list(folder, routes)
        process = subprocess.Popen(["taskset", "-c", "0"] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port, process)
        if scenario.get("idle"):
            return idle_bytes(scenario, port, process.pid)
        wrk(scenario, port, 1, folder)
        if rate:
            return open_loop(scenario, port, seconds, rate)
        before = cpu_ns(process.pid)
        count = wrk(scenario, port, seconds, folder)
        if scenario.get("share"):
            return count / seconds
        return (cpu_ns(process.pid) - before) / 1000 / count
    finally:
        if process is not None:
            for pid in tree(process.pid):
                try:
                    os.kill(pid, signal.SIGTERM)
                except OSError:
                    pass
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


# ---- the table

def table(results, names, rounds, seconds, route_count):
    if all(SCENARIOS[key].get("share") for key in results):
        return ""
    lines = [f"Medians of {rounds} interleaved rounds of {seconds} s. µs of CPU per request (S6: bytes per connection); "
             f"in brackets the ratio to nginx. S3 has {route_count} routes.", "",
             "| scenario | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, rows in results.items():
        if SCENARIOS[key].get("share"):
            continue
        base = statistics.median(rows["nginx"]) if rows.get("nginx") else None
        cells = []
        for name in names:
            values = rows.get(name)
            if not values:
                cells.append("–")
                continue
            value = statistics.median(values)
            ratio = f" ({value / base:.2f})" if base else ""
            cells.append((f"{value:.0f}" if key == "S6" else f"{value:.2f}") + ratio)
        lines.append(f"| {key}: {SCENARIOS[key]['what']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def latency_table(results, names):
    """Of the scenarios that are an open loop: the median and the least of the rounds for each percentile."""
    lines = []
    for key, rows in results.items():
        scenario = SCENARIOS[key]
        if not scenario.get("share"):
            continue
        lines += [f"{key}: {scenario['what']} at {scenario['share']:.0%} of nginx's saturation; µs, in brackets the "
                  "least of the rounds.", "", "| percentile | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for i, percentile in enumerate(("50", "99", "99.9", "99 of 0.2 s", "99.9 of 0.2 s")):
            cells = []
            for name in names:
                values = [row[i] for row in rows.get(name, [])]
                cells.append(f"{statistics.median(values):.0f} ({min(values)})" if values else "–")
            lines.append(f"| {percentile} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def matcher(folder, routes):
    """The matcher by itself: nanoseconds for a random request, bytes of its tables."""
    program = os.path.join(os.path.dirname(ORIGIN), "matcher")
    if not os.path.exists(program):
        return ""
    with open(folder + "/routes", "w") as out:
        out.writelines(f"{method} {path}\n" for method, path in routes)
    text = subprocess.run([program, folder + "/routes"], capture_output=True, text=True, check=True).stdout
    return "\n\nThe matcher alone, beside a plain trie of segments:\n\n```\n" + text + "```"


def run_scenario(key, names, routes, port, seconds, results):
    """One round of it for each contender."""
    scenario, rate = SCENARIOS[key], None
    if scenario.get("share"):
        if "nginx" not in names:
            print(f"{key}: nginx says how much is to be asked, and is not there", file=sys.stderr)
            return
        rate = scenario["share"] * measure("nginx", scenario, routes, port, seconds)
    for name in names:
        try:
            value = measure(name, scenario, routes, port, seconds, rate)
        except RuntimeError as error:
            print(f"{key} {name}: {error}", file=sys.stderr)
            continue
        results.setdefault(key, {}).setdefault(name, []).append(value)
        print(f"  {key:4} {name:8} {value if rate else round(value, 2)}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=3)
    parser.add_argument("-t", type=int, default=3)
    parser.add_argument("-s", default=",".join(SCENARIOS))
    parser.add_argument("-c", default="gateway,nginx,haproxy")
    parser.add_argument("--openapi")
    parser.add_argument("--write")
    parser.add_argument("--rt", action="store_true")
    args = parser.parse_args()
    if args.rt:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(20))  # what is started here inherits it
    names = [n for n in args.c.split(",") if n == "gateway" or shutil.which(n)]
    routes = routes_of(args.openapi)
    origin = subprocess.Popen(["taskset", "-c", "1", ORIGIN, "0"], stdout=subprocess.PIPE, text=True)
    results = {}
    try:
        port = int(origin.stdout.readline())
        for _ in range(args.n):
            for key in args.s.split(","):
                run_scenario(key, names, routes, port, args.t, results)
    finally:
        origin.terminate()
        origin.wait()
    parts = table(results, names, args.n, args.t, len(routes)), latency_table(results, names)
    text = "\n\n".join(part for part in parts if part)
    with tempfile.TemporaryDirectory() as folder:
        text += matcher(folder, routes)
    print(text)
    if args.write:
        open(args.write, "w").write("# Last results of `make bench`\n\n" + text + "\n")
    return 0 if all("gateway" in rows for rows in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
