#!/usr/bin/python3
"""Side by side: the gateway, nginx and HAProxy in front of the same origin, in one interleaved run.

    run.py [-n ROUNDS] [-t SECONDS] [-s S1,S3,…] [-c gateway,nginx,haproxy] [--openapi FILE] [--write FILE] [--rt]

What is compared is CPU time per request: what the proxy's own threads ran (schedstat of the kernel), over the
requests that were answered. Wall-clock rates of a shared machine are not. The proxy runs on the first CPU, the
load and the origin on the second. Medians of the rounds; every cell also as a ratio to nginx. The load is wrk,
h2load for HTTP/2, shake.c for handshakes, ws.c for WebSockets (which is their origin too); upstreams are always called
without TLS. Every answer is counted, and one that is not what was asked for fails the round, which is told below the
table and by the exit status.

S1L is latency: an open loop (load.c) at 80 % of what nginx reaches in a closed one in the same round. Stalls of the
machine reach the high percentiles, so the least of the rounds is told too, and the median of windows of 0.2 s. With
--rt (as root) all runs at real-time priority: on a machine that is not idle nothing else tells anything.

S14 is what it costs to know who calls (callers.py): keys and tokens, remembered or verified each time, beside HAProxy and,
where njs is there, nginx; and what ten thousand consumers cost.
S13 is what each way to balance and each guard of an upstream costs by itself, where nothing fails: the gateway with it,
beside the same gateway without it, and the bytes that it adds to the program. "S13 mirror" is one of its rows. Both
run at once and are asked in turn, a second each, so that what else the machine does counts for both.
"""
import argparse
import contextlib
import glob
import http.client
import json
import os
import re
import resource
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
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
from callers import CALLERS, haproxy_rules, header, nginx_words, secure, serves, start  # noqa: E402
from features import FEATURES, upstreams_with  # noqa: E402
from idle import client_of_tls, idle_bytes, secured  # noqa: E402

GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
ORIGIN = os.environ.get("BENCH_ORIGIN", os.path.join(TOP, "build/release/tests/bench/origin"))

# Of connections over TLS. What is idle takes a descriptor, and the process that serves it needs some more.
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
IDLE = min(10000, DESCRIPTORS - DESCRIPTORS // 16 - 400) if DESCRIPTORS != resource.RLIM_INFINITY else 10000

SCENARIOS = {
    "S1": dict(what="plain proxy, 1 KiB, 64 keep-alive connections", path="/r/1k", conns=64),
    "S2a": dict(what="64 KiB answers", path="/r/64k", conns=64),
    "S2b": dict(what="1 MiB answers, 16 connections", path="/r/1m", conns=16),
    "S3": dict(what="all routes of the document, requests in random order", conns=64, routes=True),
    "S6": dict(what="bytes per idle keep-alive connection", path="/r/1k", idle=4000),
    "S7": dict(what="POST of 16 KiB, 1 KiB answers", path="/r/1k", conns=64, body=16384),
    "S8": dict(what="a new connection for each request", path="/r/1k", conns=64, close=True),
    "S5h": dict(what="full handshakes a second of CPU (TLS 1.3, ECDSA P-256, one request each); more is better",
                path="/r/1k", conns=64, tls=True, load="shake", session="full", is_rate=True),
    "S5t": dict(what="the same, resumed by tickets; more is better",
                path="/r/1k", conns=64, tls=True, load="shake", session="resumed", is_rate=True),
    "S5k": dict(what="TLS 1.3, 1 KiB, 64 keep-alive connections", path="/r/1k", conns=64, tls=True),
    "S5b": dict(what="TLS 1.3, 1 MiB answers, 16 connections", path="/r/1m", conns=16, tls=True),
    "S9": dict(what="HTTP/2 over TLS, 1 KiB, 10 connections of 32 streams",
               path="/r/1k", conns=10, streams=32, tls=True, load="h2load"),
    "S10": dict(what="WebSocket messages of 125 bytes and their echo, 64 connections",
                conns=64, size=125, websocket=True, load="ws"),
    "S6t": dict(what="bytes per idle TLS connection", path="/r/1k", idle=IDLE, tls=True, alpn="http/1.1"),
    "S6h": dict(what="bytes per idle HTTP/2 connection, TLS included", path="/r/1k", idle=IDLE, tls=True, alpn="h2"),
    "S11": dict(what="S1 with least_conn, retries, ejections and, where there is one, a circuit breaker",
                path="/r/1k", conns=64, guarded=True),
    "S12": dict(what="the same, and one of four targets is dead", path="/r/1k", conns=64, guarded=True, dead=True),
    "S1L": dict(what="S1 as an open loop", path="/r/1k", conns=64, share=0.8),
}
KEYS = [("GET", "/keys/{key}")]
SCENARIOS.update({f"S13 {name}": dict(what=name, conns=64, routes=KEYS, feature=name) for name in FEATURES})
SCENARIOS["S13 adaptive_concurrency"].update(what="adaptive_concurrency, some of them waiting")
SCENARIOS["S13 sticky"].update(what="sticky, to clients that bring its cookie", comes_back=True)
SCENARIOS.update({f"S14 {name}": dict(what=caller["what"], conns=64, path="/r/1k", callers=name) for name, caller in CALLERS.items()})
SCENARIOS["S13 sticky at first"] = dict(what="sticky, to clients without one", conns=64, routes=KEYS, feature="sticky")


def free_port():
    for port in range(21000 + os.getpid() % 1000, 32000):  # below the ephemeral ports
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no port is free")


def bench_program(name):
    return os.path.join(os.path.dirname(ORIGIN), name)


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


# ---- the documents and the routes

def memory_bytes(pid):
    total = 0
    for p in tree(pid):
        try:
            text = open(f"/proc/{p}/smaps_rollup").read()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) * 1024
        except (OSError, AttributeError):
            pass
    return total


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


def certificate(folder):
    """key.pem and cert.pem, and HAProxy's both.pem."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/key.pem",
                    "-out", folder + "/cert.pem"], check=True, capture_output=True)
    with open(folder + "/both.pem", "w") as both:
        both.write(open(folder + "/cert.pem").read() + open(folder + "/key.pem").read())


def ports_of(scenario, origin):
    """Of the targets; nobody listens at port 1."""
    return [origin] * 3 + [1] if scenario.get("dead") else [origin]


def document(scenario, folder, routes, port, origin):
    listener = {"address": f"127.0.0.1:{port}", "keep_alive": {"idle": "10m", "requests": 1000000000}}
    if scenario.get("tls"):
        pair = {"cert": {"file": folder + "/cert.pem"}, "key": {"file": folder + "/key.pem"}}
        suites = ["TLS_AES_256_GCM_SHA384"]  # what the others agree on with these clients; the default prefers AES-128
        listener.update(protocol="https", tls={"certificates": [pair], "cipher_suites": suites})
    doc = {"openapi": "3.1.0", "info": {"title": "bench", "version": "1"}, "paths": {}, "security": [],
           "x-gateway": {"version": 1, "listeners": [listener], "upstream": "origin", "access_log": False, "correlation_id": False,
                         "upstreams": {"origin": {"targets": [{"url": f"http://127.0.0.1:{origin}"}]}}}}
    if scenario.get("websocket"):
        doc["x-gateway"]["websocket"] = True
    if "feature" in scenario:
        doc["x-gateway"].update(upstreams_with(scenario["feature"], origin))
    if scenario.get("guarded"):
        pool = doc["x-gateway"]["upstreams"]["origin"]
        pool.update(targets=[{"url": f"http://127.0.0.1:{port}"} for port in ports_of(scenario, origin)], balance="least_conn",
                    outlier_detection={"max_fails": 1}, retry={"attempts": 3, "on": ["connect_failure", "reset", 502]},
                    circuit_breaker={"threshold": 1000, "max_requests": 10000})
    if "callers" in scenario:
        secure(doc, scenario["callers"])
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

def gateway(scenario, folder, routes, port, origin):
    spec = os.path.join(folder, "spec.json")
    json.dump(document(scenario, folder, routes, port, origin), open(spec, "w"))
    subprocess.run([GEN, "build", spec, "-o", os.path.join(folder, "gw"), "-q"], check=True)
    return [os.path.join(folder, "gw"), "--workers", "1"]


def without(scenario, folder, routes, port, origin):
    return gateway({**scenario, "feature": None}, folder, routes, port, origin)


def loaded_bytes(contender, scenario):
    """Of its program, code and data together: files are filled up to pages."""
    with tempfile.TemporaryDirectory() as folder:
        program = CONTENDERS[contender](scenario, folder, scenario["routes"], 1, 1)[0]
        sizes = subprocess.run(["size", program], capture_output=True, text=True, check=True).stdout.splitlines()[1]
    return sum(map(int, sizes.split()[:2]))


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


def nginx(scenario, folder, routes, port, origin):
    servers = " ".join(f"server 127.0.0.1:{port};" for port in ports_of(scenario, origin))
    if scenario.get("guarded"):
        servers = "least_conn; " + servers
    listen = "listen 127.0.0.1:%d%s reuseport backlog=4096;" % (port, " ssl http2" if scenario.get("tls") else "")
    if scenario.get("tls"):
        listen += f" ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;"
    connection = 'proxy_set_header Connection "";'
    if scenario.get("websocket"):
        connection = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
    outside, inside, located = nginx_words(scenario.get("callers", "none"), folder)
    conf = os.path.join(folder, "nginx.conf")
    open(conf, "w").write(f"""{outside}
user root; daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 20000; }}
http {{
  {inside} access_log off; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 1000000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream origin {{ {servers} keepalive 256; keepalive_requests 1000000000; }}
  proxy_http_version 1.1; {connection} proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
  server {{ {listen} {located} {nginx_locations(routes)} }}
}}""")
    return ["nginx", "-c", conf, "-e", folder + "/error.log"]


def haproxy(scenario, folder, routes, port, origin):
    guards = "check observe layer7 error-limit 10 on-error mark-down" if scenario.get("guarded") else ""
    servers = "\n".join(f"  server s{i} 127.0.0.1:{port} pool-max-conn 512 {guards}"
                        for i, port in enumerate(ports_of(scenario, origin)))
    if scenario.get("guarded"):
        servers = "  balance leastconn\n  option redispatch\n  retry-on conn-failure empty-response 502\n" + servers
    tls = f"ssl crt {folder}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3 curves X25519" if scenario.get("tls") else ""
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
    if "callers" in scenario:
        rules += haproxy_rules(scenario["callers"])
    conf = os.path.join(folder, "haproxy.cfg")
    open(conf, "w").write(f"""
global
  nbthread 1
  no strict-limits
  maxconn {max(8000, scenario.get("idle", 0) + 1000)}
defaults
  mode http
  timeout client 600s
  timeout server 60s
  timeout connect 5s
  timeout tunnel 600s
  timeout http-keep-alive 600s
  http-reuse always
  option forwardfor
frontend f
  bind 127.0.0.1:{port} {tls}
{rules}
  default_backend b
backend b
{servers}
""")
    return ["haproxy", "-db", "-f", conf]


CONTENDERS = {"gateway": gateway, "nginx": nginx, "haproxy": haproxy, "without": without}


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
    if scenario.get("cookie"):
        args += ["-H", "Cookie: " + scenario["cookie"]]
    if header(scenario.get("callers", "none")):
        args += ["-H", header(scenario["callers"])]
    scheme = "https" if scenario.get("tls") else "http"
    text = subprocess.run(args + [f"{scheme}://127.0.0.1:{port}{scenario.get('path', '/')}"], capture_output=True, text=True).stdout
    done = re.search(r"(\d+) requests in", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if done is None or int(done.group(1)) == 0:
        raise RuntimeError("wrk: " + text)
    if bad and scenario.get("routes") is not True:
        raise RuntimeError(f"{bad.group(1)} answers were not 2xx")
    if bad and int(bad.group(1)) * 100 > int(done.group(1)):
        raise RuntimeError(f"{bad.group(1)} of {done.group(1)} answers were not 2xx")
    return int(done.group(1))


def open_loop(scenario, port, seconds, rate):
    """p50, p99 and p99.9 in microseconds, and the latter two by windows."""
    args = ["taskset", "-c", "1", bench_program("load"), str(port), str(rate), str(seconds),
            str(scenario["conns"]), scenario["path"]]
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("load: " + done.stdout + done.stderr)
    values = json.loads(done.stdout)
    return [values[name] for name in ("p50", "p99", "p999", "w99", "w999")]


def shake(scenario, port, seconds, _):
    done = subprocess.run(["taskset", "-c", "1", bench_program("shake"), str(port), str(seconds), str(scenario["conns"]),
                           scenario["session"], scenario["path"]], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("shake: " + done.stdout + done.stderr)
    seen = json.loads(done.stdout)
    if scenario["session"] == "resumed" and seen["resumed"] < seen["answered"] - scenario["conns"]:
        raise RuntimeError(f"{seen['resumed']} of {seen['answered']} handshakes were resumed")
    return seen["answered"]


def h2load(scenario, port, seconds, _):
    """As many requests as take about so long."""
    def ask(count):
        args = ["taskset", "-c", "1", "h2load", "--npn-list=h2", "-t1", f"-c{scenario['conns']}", f"-m{scenario['streams']}",
                f"-n{count}", f"https://127.0.0.1:{port}{scenario['path']}"]
        text = subprocess.run(args, capture_output=True, text=True).stdout
        rate = re.search(r"^finished in .*, ([\d.]+) req/s", text, re.M)
        if rate is None or "\nApplication protocol: h2\n" not in text or f"status codes: {count} 2xx," not in text \
                or f"{count} succeeded, 0 failed, 0 errored, 0 timeout" not in text or f"({count * 1024}) data" not in text:
            raise RuntimeError("h2load: " + text)
        return float(rate.group(1))

    if "rate" not in scenario:
        scenario["rate"] = ask(5000)
    count = max(1000, int(scenario["rate"] * seconds))
    scenario["rate"] = ask(count)
    return count


def ws(scenario, port, seconds, _):
    args = ["taskset", "-c", "1", bench_program("ws"), str(port), str(seconds), str(scenario["conns"]), str(scenario["size"])]
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("ws: " + done.stdout + done.stderr)
    return json.loads(done.stdout)["echoed"]


LOADS = {"wrk": wrk, "shake": shake, "h2load": h2load, "ws": ws}


def cookie_of(port):
    """What clients bring that were there before; one that means nothing where none is given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/keys/first")
    cookie = connection.getresponse().getheader("Set-Cookie", "place=0000000000000000")
    connection.close()
    return cookie.partition(";")[0]


def check_refusal(port, name):
    """Who verifies nothing would be fast."""
    if header(name) is None:
        return
    field, _, value = header(name).partition(": ")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/r/1k", headers={field: value[:-5] + ("B" if value[-5] == "A" else "A") + value[-4:]})
    status = connection.getresponse().status
    connection.close()
    if status != 401:
        raise RuntimeError(f"what is no good gets {status}")


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("did not start")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("does not listen")


class Served:
    """A contender that runs and listens, and the load that it gets."""

    def __init__(self, scenario, port, folder, process):
        self.scenario, self.port, self.folder, self.pid = scenario, port, folder, process.pid
        self.load = LOADS[scenario.get("load", "wrk")]

    def ask(self, seconds):
        return self.load(self.scenario, self.port, seconds, self.folder)

    def cost(self, seconds):
        """Of as much load: how much was answered, and the microseconds of CPU that it took."""
        before = cpu_ns(self.pid)
        count = self.ask(seconds)
        return count, (cpu_ns(self.pid) - before) / 1000


@contextlib.contextmanager
def served(name, scenario, routes, origin):
    folder = tempfile.mkdtemp(prefix="apigw-bench-")
    port = free_port()
    process = None
    if scenario.get("routes") is not True:
        routes = scenario.get("routes")
    try:
        if scenario.get("tls"):
            certificate(folder)
        command = CONTENDERS[name](scenario, folder, routes, port, origin)
        if routes:
            request_list(folder, routes)
        process = subprocess.Popen(["taskset", "-c", "0"] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port, process)
        if scenario.get("tls"):
            alpn = scenario.get("alpn", "h2" if scenario.get("load") == "h2load" else "http/1.1")
            with socket.create_connection(("127.0.0.1", port), 5) as plain:
                secured(plain, client_of_tls(alpn), alpn).close()
        check_refusal(port, scenario.get("callers", "none"))
        if scenario.get("comes_back"):
            scenario = {**scenario, "cookie": cookie_of(port)}
        yield Served(scenario, port, folder, process)
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


def measure(name, scenario, routes, origin, seconds, rate=None):
    """The figure of a scenario. With `share` and no rate yet, the closed loop's requests per second."""
    with served(name, scenario, routes, origin) as one:
        if scenario.get("idle"):
            return idle_bytes(scenario, one.port, lambda: memory_bytes(one.pid))
        one.ask(1)
        if rate:
            return open_loop(scenario, one.port, seconds, rate)
        count, spent = one.cost(seconds)
        if scenario.get("share"):
            return count / seconds
        return count / spent * 1e6 if scenario.get("is_rate") else spent / count


def compare(scenario, origin, seconds):
    """The figures of the gateway with a feature and without it, which are asked in turn."""
    with served("gateway", scenario, None, origin) as on, served("without", scenario, None, origin) as off:
        sides = on, off
        for one in sides:
            one.ask(1)
        costs = [[one.cost(1) for one in sides] for _ in range(seconds)]
    return [sum(spent for _, spent in side) / sum(count for count, _ in side) for side in zip(*costs)]


# ---- the table

def table(results, names, rounds, seconds, route_count):
    if all("share" in SCENARIOS[key] or "feature" in SCENARIOS[key] for key in results):
        return ""
    lines = [f"Medians of {rounds} interleaved rounds of {seconds} s. µs of CPU per request, or what the row says; "
             f"in brackets the ratio to nginx. S3 has {route_count} routes.", "",
             "| scenario | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, rows in results.items():
        scenario = SCENARIOS[key]
        if "share" in scenario or "feature" in scenario:
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
            cells.append((f"{value:.0f}" if scenario.get("idle") or scenario.get("is_rate") else f"{value:.2f}") + ratio)
        what = scenario["what"] + (f" ({scenario['idle']} of them)" if scenario.get("idle") else "")
        lines.append(f"| {key}: {what} | " + " | ".join(cells) + " |")
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


def feature_table(results, rounds, seconds):
    """Of S13: a row for each feature."""
    rows = {key: values["gateway"] for key, values in results.items() if "feature" in SCENARIOS[key]}
    if not rows:
        return ""
    least = loaded_bytes("without", SCENARIOS[next(iter(rows))])
    lines = ["S13: what one feature costs where nothing fails, 1 KiB, four targets, 64 keep-alive connections. Medians of "
             f"{rounds} rounds of {seconds} s for each side, µs of CPU per request; the ratio is the median of the rounds' own, in "
             f"brackets their least and most. The program without any is {least} bytes of code and data.", "",
             "| S13 | with | without | ratio | bytes with it |", "|---" * 5 + "|"]
    for key, pairs in rows.items():
        on, off = (statistics.median(side) for side in zip(*pairs))
        ratios = [with_it / without_it for with_it, without_it in pairs]
        size = loaded_bytes("gateway", SCENARIOS[key])
        lines.append(f"| {SCENARIOS[key]['what']} | {on:.2f} | {off:.2f} | {statistics.median(ratios):.2f} "
                     f"({min(ratios):.2f}–{max(ratios):.2f}) | {size} (+{size - least}) |")
    return "\n".join(lines)


def consumers_table(results, origin, rounds):
    """Of S14: what ten thousand consumers take beside one."""
    if "S14 key" not in results:
        return ""
    rows = {}
    for name in ("key", "key of 10,000"):
        scenario = {"callers": name}
        with tempfile.TemporaryDirectory() as folder:
            program = gateway(scenario, folder, None, free_port(), origin)[0]
            seen = [start(program, memory_bytes) for _ in range(rounds)]
        rows[name] = [statistics.median(column) for column in zip(*seen)]
    (one_s, one_b), (all_s, all_b) = rows["key"], rows["key of 10,000"]
    return (f"10,000 consumers in a file: ready {1000 * (all_s - one_s):.0f} ms later than with one ({1000 * one_s:.0f} ms), and "
            f"{(all_b - one_b) / 1e6:.1f} MB more in memory ({one_b / 1e6:.1f} MB).")


def matcher(folder, routes):
    """The matcher by itself: nanoseconds for a random request, bytes of its tables."""
    program = bench_program("matcher")
    if not os.path.exists(program):
        return ""
    with open(folder + "/routes", "w") as out:
        out.writelines(f"{method} {path}\n" for method, path in routes)
    text = subprocess.run([program, folder + "/routes"], capture_output=True, text=True, check=True).stdout
    return "\n\nThe matcher alone, beside a plain trie of segments:\n\n```\n" + text + "```"


def run_scenario(key, names, routes, port, seconds, results, failures):
    """One round of it for each contender."""
    scenario, rate = SCENARIOS[key], None
    if "feature" in scenario:
        names = [name for name in names if name == "gateway"]
    if "callers" in scenario:
        names = [name for name in names if serves(name, scenario["callers"])]
    if scenario.get("share"):
        if "nginx" not in names:
            print(f"{key}: nginx says how much is to be asked, and is not there", file=sys.stderr)
            return
        rate = scenario["share"] * measure("nginx", scenario, routes, port, seconds)
    for name in names:
        try:
            value = compare(scenario, port, seconds) if "feature" in scenario else \
                measure(name, scenario, routes, port, seconds, rate)
        except RuntimeError as error:
            print(f"{key} {name}: {error}", file=sys.stderr)
            failures.append(f"{key} {name}: {str(error).strip()}")
            continue
        results.setdefault(key, {}).setdefault(name, []).append(value)
        print(f"  {key:4} {name:8} {round(value, 2) if isinstance(value, float) else value}", file=sys.stderr)


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
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    names = [n for n in args.c.split(",") if n == "gateway" or shutil.which(n)]
    keys = [key for said in args.s.split(",") for key in SCENARIOS if key == said or key.startswith(said + " ")]
    if not keys:
        parser.error(f"no scenario is {args.s}")
    routes = routes_of(args.openapi)
    origin, echo = (subprocess.Popen(["taskset", "-c", "1", *command], stdout=subprocess.PIPE, text=True)
                    for command in ([ORIGIN, "0"], [bench_program("ws"), "echo"]))
    results, failures = {}, []
    try:
        ports = {False: int(origin.stdout.readline()), True: int(echo.stdout.readline())}
        for _ in range(args.n):
            for key in keys:
                port = ports[SCENARIOS[key].get("websocket", False)]
                run_scenario(key, names, routes, port, args.t, results, failures)
    finally:
        for server in (origin, echo):
            server.terminate()
            server.wait()
    parts = (table(results, names, args.n, args.t, len(routes)), latency_table(results, names),
             feature_table(results, args.n, args.t), consumers_table(results, 1, args.n))
    text = "\n\n".join(part for part in parts if part)
    if failures:
        text += "\n\nRounds that failed, and count for nothing above:\n\n" + "\n".join("* " + f for f in failures)
    with tempfile.TemporaryDirectory() as folder:
        text += matcher(folder, routes)
    print(text)
    if args.write:
        open(args.write, "w").write("# Last results of `make bench`\n\n" + text + "\n")
    return 1 if failures or not all("gateway" in rows for rows in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
