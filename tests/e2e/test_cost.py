"""What a request costs, counted: system calls, calls for memory, and memory from the system, not time; and what a
feature costs that nobody asked for: nothing."""
import collections
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time

import pytest
from crowd import Answers
from features import FEATURES, upstreams_with
from fixtures import GEN, IS_SANITIZED, TOP, Gateway
from http_peer import RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: cost, version: "1"}
security: []
x-gateway:
  version: 1
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: %s
paths:
  /x: {get: &any {responses: {default: {description: any}}}, post: *any}
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
HERE = b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789"
CONNECTIONS, ROUNDS = 64, 40
MEMORY = {"brk", "mmap", "munmap", "mremap", "madvise", "mprotect"}
WAITS = {"epoll_wait", "epoll_pwait", "epoll_pwait2"}

pytestmark = [pytest.mark.skipif(not shutil.which("strace"), reason="counts with strace"),
              pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer makes calls of its own")]


class Load:
    """Rounds of one request on each of some keep-alive connections. Answers are read by their length."""

    def __init__(self, running):
        self.clients = [RawClient(running.port) for _ in range(CONNECTIONS)]

    def run(self, rounds, request):
        for _ in range(rounds):
            for client in self.clients:
                client.sock.sendall(request)
            for client in self.clients:
                self.read(client.sock)

    @staticmethod
    def read(sock):
        data = sock.recv(65536)
        assert data.startswith(b"HTTP/1.1 200 ")
        while b"\r\n\r\n" not in data:
            data += sock.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        left = int(re.search(rb"Content-Length: (\d+)", head).group(1)) - len(body)
        while left > 0:
            left -= len(sock.recv(65536))
        assert left == 0

    def close(self):
        for client in self.clients:
            client.close()


def count_calls(running, load, rounds, request, tmp_path, only=("all",)):
    """System calls of the whole process while the load runs."""
    log = str(tmp_path / "calls")
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=" + ",".join(sorted(only)), "-o", log,
                               "-p", str(running.pid)], stderr=subprocess.DEVNULL)
    try:
        def is_attached():
            with open(f"/proc/{running.pid}/status") as file:
                return f"TracerPid:\t{tracer.pid}" in file.read()
        wait_until(is_attached, "strace")
        time.sleep(0.2)  # all threads
        load.run(1, request)
        begin = os.path.getsize(log)
        load.run(rounds, request)
        time.sleep(0.1)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    with open(log, errors="replace") as file:
        file.seek(begin)
        return collections.Counter(re.findall(r"^\d+ +(\w+)\(", file.read(), re.M))


def serve(gateway, origin, request, log="false"):
    running = gateway(DOCUMENT % log, "--workers", "1", "--upstream", f"origin={origin.url}")
    return running, meet(running, request)


def meet(running, request):
    """The load of a gateway that has met the largest crowd: all requests were there at once."""
    load = Load(running)
    for _ in range(5):
        os.kill(running.pid, signal.SIGSTOP)
        for client in load.clients:
            client.sock.sendall(request)
        os.kill(running.pid, signal.SIGCONT)
        for client in load.clients:
            load.read(client.sock)
    load.run(20, request)
    return load


def test_four_calls_for_a_proxied_request(gateway, tmp_path):
    with Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello") as origin:
        running, load = serve(gateway, origin, GET)
        calls = count_calls(running, load, ROUNDS, GET, tmp_path)
        load.close()
    requests = CONNECTIONS * ROUNDS
    waits = sum(calls.pop(name, 0) for name in WAITS)
    assert 3.99 * requests <= sum(calls.values()) <= 4.05 * requests, calls
    assert waits < requests, "a turn of the loop serves more than one request"


def test_two_calls_for_a_constant_answer(gateway, origin, tmp_path):
    running, load = serve(gateway, origin, HERE)
    calls = count_calls(running, load, ROUNDS, HERE, tmp_path)
    load.close()
    waits = sum(calls.pop(name, 0) for name in WAITS)
    assert 1.99 * CONNECTIONS * ROUNDS <= sum(calls.values()) <= 2.05 * CONNECTIONS * ROUNDS, calls
    assert waits < CONNECTIONS * ROUNDS


@pytest.mark.parametrize("log", ["false", "true"])
def test_no_memory_in_the_steady_state(gateway, tmp_path, log):
    """Thousands of requests, and not one call for memory. On a busy machine a larger crowd than ever may meet
    within the gateway once; not again and again."""
    with Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000) as origin:
        running, load = serve(gateway, origin, GET, log)
        calls = [count_calls(running, load, 100, GET, tmp_path, only=MEMORY) for _ in range(3)]
        load.close()
    assert not min(calls, key=len), calls


def linked(folder, document, *options):
    """The program of a document with its symbols, which the one that is built has no more."""
    folder.mkdir()
    (folder / "spec.yaml").write_text(document)
    generated = folder / "generated"
    subprocess.run([GEN, "generate", "-q", str(folder / "spec.yaml"), "-o", str(generated)], check=True)
    subprocess.run(["make", "-s", "-C", str(generated), f"GW={os.path.dirname(GEN)}/kit", *options], check=True)
    binary, = (path for path in generated.iterdir() if path.is_file() and os.access(path, os.X_OK))
    return str(binary)


@pytest.fixture
def counted(tmp_path):
    """Starts a gateway whose every malloc, calloc and realloc is counted; the count is its .calls()."""
    started = []

    def start(*args, log="false"):
        hook = str(tmp_path / "count_malloc.o")
        flags = " ".join(f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc"))
        subprocess.run(["gcc", "-O2", "-fPIE", "-c", "-o", hook, f"{TOP}/tests/lib/count_malloc.c"], check=True)
        binary = linked(tmp_path / "counted", DOCUMENT % log, f"LDFLAGS={flags} {hook}")
        count = tmp_path / "count"
        count.write_bytes(bytes(8))
        running = Gateway(binary, str(tmp_path), args, {"MALLOC_COUNT": str(count)})
        running.calls = lambda: struct.unpack("Q", count.read_bytes())[0]
        started.append(running)
        return running

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize("log", ["false", "true"])
def test_no_malloc_in_the_steady_state(counted, log):
    """Not one call by us or by a library in thousands of requests, with bodies and the log."""
    with Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000) as origin:
        running = counted("--workers", "1", "--upstream", f"origin={origin.url}", log=log)
        at_start = running.calls()
        assert at_start > 20, "the hook counts"
        load = meet(running, POST)
        assert running.calls() >= at_start + CONNECTIONS, "a connection is not free"
        for request in (GET, HERE):
            load.run(1, request)  # a route's counters come with its first request
        calls = []
        for request in (GET, POST, HERE) * 3:
            before = running.calls()
            load.run(ROUNDS, request)
            calls.append(running.calls() - before)
        load.close()
    assert not any(calls), calls


def symbols_of(name, gateway, tmp_path):
    """The names of functions and constants in the program of a document with that x-gateway."""
    document = {"openapi": "3.1.0", "info": {"title": "cost", "version": "1"}, "security": [],
                "x-gateway": {"version": 1, **gateway},
                "paths": {"/keys/{key}": {"get": {
                    "parameters": [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {"default": {"description": "any"}}}}}}
    binary = linked(tmp_path / name, json.dumps(document))
    listed = subprocess.run(["nm", "-g", "--defined-only", "--format=posix", binary], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in listed.stdout.splitlines()}


def symbols_with(feature, tmp_path, **more):
    """The same of a document with that feature; None: without any. `more` are keys of x-gateway."""
    return symbols_of(feature or "none", {**upstreams_with(feature, 1), **more}, tmp_path)


@pytest.fixture(scope="module")
def plain_symbols(tmp_path_factory):
    return symbols_with(None, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("feature", FEATURES)
def test_no_code_of_what_the_document_does_not_ask_for(plain_symbols, feature, tmp_path):
    own, added = set(FEATURES[feature]["symbols"]), symbols_with(feature, tmp_path) - plain_symbols
    assert added >= own, own - added
    assert own or not added, "constants alone"


def test_no_code_for_statuses_of_grpc_where_no_upstream_speaks_it(tmp_path):
    def pool(protocol):
        return {"upstreams": {"origin": {"targets": [{"url": "http://127.0.0.1:1"}], "protocol": protocol, "outlier_detection": True}},
                "upstream": "origin"}

    assert symbols_of("grpc", pool("grpc"), tmp_path) - symbols_of("h2", pool("h2"), tmp_path) == {"grpc_status_module", "trailers_find"}


def test_no_code_of_ip_restriction_without_any(plain_symbols, tmp_path):
    added = symbols_with(None, tmp_path, ip_restriction={"deny": ["192.0.2.0/24"]}) - plain_symbols
    assert {"ip_restriction_admits", "ip_restriction_1"} <= added


def test_no_code_for_passwords_where_nobody_has_one(tmp_path):
    def symbols(name, scheme, has):
        (tmp_path / name).mkdir()
        document = {"openapi": "3.1.0", "info": {"title": "cost", "version": "1"}, "security": [{"who": []}],
                    "x-gateway": {"version": 1, "consumers": {"ann": has}, "respond": {"status": 204}},
                    "components": {"securitySchemes": {"who": scheme}}, "paths": {"/": {"get": {"responses": {}}}}}
        binary = linked(tmp_path / name / "made", json.dumps(document))
        listed = subprocess.run(["nm", "--defined-only", "--format=posix", binary], capture_output=True, text=True, check=True)
        return {line.split()[0] for line in listed.stdout.splitlines()}

    own = {"jobs_module", "job_start", "password_parse", "basic_credentials", "EVP_PBE_scrypt"}
    assert own <= symbols("basic", {"type": "http", "scheme": "basic"}, {"basic": [{"username": "ann", "password_hash": {"env": "H"}}]})
    assert not own & symbols("key", {"type": "apiKey", "in": "header", "name": "K"}, {"keys": [{"env": "K"}]})
