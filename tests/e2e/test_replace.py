"""A gateway that is replaced while it serves (USR2), and one that ends while a balancer goes on sending."""
import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import fixtures
import pytest
import websockets
from certificates import Authority, SecureClient, client_context
from constant_load import H2Client, Load, RawClient, each_anew, keep_alive, pipelined, streams, uploads
from fixtures import IS_SANITIZED
from h2_peer import request
from http_peer import WAIT, free_ports, wait_until

TIMES = 10 if IS_SANITIZED else 50

SPEC = """
openapi: 3.1.0
info: {{title: replaced, version: {version}}}
security: []
x-gateway:
  version: 1
  listeners:
    - {{address: "127.0.0.1:{plain}", h2c: true}}
    - {{address: "127.0.0.1:{secure}", protocol: https, tls: {{certificates: [{{cert: {{file: {cert}}}, key: {{file: {key}}}}}]}}}}
  status: {{address: "127.0.0.1:{status}"}}
  upstreams: {{origin: {{targets: [{{url: "{origin}"}}]}}, sockets: {{targets: [{{url: "http://127.0.0.1:{sockets}"}}]}}}}
  upstream: origin
  drain: {{delay: {delay}, grace: 20s}}
paths:
  /a:
    get: {{operationId: a, responses: {{"200": {{description: fine}}}}}}
    post: {{operationId: post_a, responses: {{"200": {{description: fine}}}}}}
  /ws: {{get: {{operationId: ws, x-gateway: {{upstream: sockets, websocket: true}}, responses: {{"101": {{description: fine}}}}}}}}
  /version: {{get: {{operationId: version, x-gateway: {{respond: {{status: 200, body: "{version}"}}}}, responses: {{"200": {{description: fine}}}}}}}}
"""


class Replaceable:
    """A gateway at a path of its own, whose successors are its process number's file."""

    def __init__(self, build_cache, folder, origin, sockets=1, delay="0s", args=(), under=(), env=None):
        self.authority = Authority(str(folder / "ca"))
        pair = self.authority.issue("localhost")
        self.plain, self.secure, self.status = free_ports(3)
        self.folder = folder
        self.binaries = [fixtures.build(build_cache, SPEC.format(
            version=v, plain=self.plain, secure=self.secure, status=self.status, cert=pair.cert, key=pair.key,
            origin=origin.url, sockets=sockets, delay=delay)) for v in ("1.0.0", "2.0.0")]
        self.path, self.pid_path, self.log_path = folder / "gw", folder / "gw.pid", folder / "log"
        self.install(0)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*under, str(self.path), "--workers", "2", "--pid-file", str(self.pid_path), *args],
                                            stdout=subprocess.DEVNULL, stderr=log, cwd=folder, env={**os.environ, **(env or {})})
        wait_until(lambda: self.pid_path.exists() and " ready" in self.log, "the first one", WAIT * 3)

    def install(self, which):
        """As deployments do it: a new file in the place of the old one."""
        shutil.copy(self.binaries[which], f"{self.path}.new")
        os.rename(f"{self.path}.new", self.path)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def pid(self):
        return int(self.pid_path.read_text())

    def replace(self):
        old = self.pid
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: self.pid != old, "a successor", WAIT * 3)
        wait_until(lambda: f"process {self.pid} has taken over" in self.log, "its taking over", WAIT)
        return old

    def end(self):
        pid = self.pid
        os.kill(pid, signal.SIGINT)
        wait_until(lambda: not is_alive(pid), "the end", WAIT * 3)
        self.process.wait(WAIT * 3)
        assert not fixtures.SANITIZER.search(self.log), self.log

    def connect(self):
        return RawClient(self.plain)

    def connect_secure(self):
        return SecureClient(self.secure, client_context(self.authority))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def replaceable(build_cache, tmp_path, origin):
    made = []

    def make(**more):
        made.append(Replaceable(build_cache, tmp_path, origin, **more))
        return made[-1]

    yield make
    for one in made:
        if one.pid_path.exists() and is_alive(one.pid):
            one.end()


@pytest.fixture
def echo():
    """A server of WebSockets; its port."""
    loop, started, port = asyncio.new_event_loop(), threading.Event(), []

    def run():
        asyncio.set_event_loop(loop)

        async def handle(ws):
            try:
                async for message in ws:
                    await ws.send(message)
            except websockets.ConnectionClosed:
                pass

        server = loop.run_until_complete(websockets.serve(handle, "127.0.0.1", 0, ping_interval=None))
        port.append(server.sockets[0].getsockname()[1])
        started.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(WAIT)
    yield port[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(WAIT)


def talks(port):
    """A WebSocket that echoes until it is told to go away, and then another."""
    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws", ping_interval=None) as ws:
            try:
                for n in range(200):
                    await ws.send(f"message {n}")
                    assert await ws.recv() == f"message {n}"
                    await asyncio.sleep(0.005)
            except websockets.ConnectionClosed as closed:
                assert closed.rcvd and closed.rcvd.code == 1001, closed
    return lambda state: asyncio.run(talk())


def test_under_load_nothing_is_lost(replaceable, echo):
    gw = replaceable(sockets=echo)
    load = Load()
    load.add("keep-alive", keep_alive(gw.connect))
    load.add("anew", each_anew(gw.connect))
    load.add("pipelined", pipelined(gw.connect))
    load.add("uploads", uploads(gw.connect))
    load.add("tls keep-alive", keep_alive(gw.connect_secure))
    load.add("tls anew", each_anew(gw.connect_secure))
    load.add("h2c", streams(lambda: H2Client(gw.plain)))
    load.add("h2", streams(lambda: H2Client(gw.secure, client_context(gw.authority, alpn=["h2"]))))
    load.add("sockets", talks(gw.plain))
    for n in range(TIMES):
        gw.install((n + 1) % 2)
        gw.replace()
        with gw.connect() as client:
            answer = client.ask("GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.body == (b"2.0.0" if n % 2 == 0 else b"1.0.0")
        time.sleep(0.1)
    load.stop()
    assert not load.failures, load.failures[:10]
    assert all(count >= 5 for count in load.done.values()), load.done
    pids = [int(pid) for pid in re.findall(r"process (\d+) has taken over", gw.log)]
    assert len(pids) == TIMES
    wait_until(lambda: sum(map(is_alive, pids)) == 1, "the old ones to end", WAIT * 3)
    assert len(os.listdir(f"/proc/{gw.pid}/fd")) < 60


def test_sessions_are_resumed_by_the_successor(replaceable):
    gw = replaceable()
    context = client_context(gw.authority)
    session = None
    for n in range(3):
        with SecureClient(gw.secure, context, session=session) as client:
            assert client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
            assert client.sock.session_reused == (n > 0)
            session = client.sock.session
        gw.replace()


def test_probes_are_answered_by_the_successor(replaceable):
    gw = replaceable()
    gw.replace()
    for _ in range(20):
        with RawClient(gw.status) as client:
            assert client.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
        assert subprocess.run([gw.path, "--healthcheck"], timeout=WAIT, stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("what, said", [
    ("#!/bin/sh\nexit 3\n", "it ended with status 3"),
    ("#!/bin/sh\nkill -9 $$\n", "it was ended by signal 9"),
    ("not a program\n", "cannot be run"),
    (None, "No such file"),
])
def test_a_successor_that_fails_changes_nothing(replaceable, what, said):
    gw = replaceable()
    pid = gw.pid
    if what is None:
        os.unlink(gw.path)
    else:
        (gw.folder / "bad").write_text(what)
        os.chmod(gw.folder / "bad", 0o755)
        os.rename(gw.folder / "bad", gw.path)
    os.kill(pid, signal.SIGUSR2)
    wait_until(lambda: said in gw.log, "a word about it")
    assert gw.pid == pid
    for _ in range(10):
        with gw.connect() as client:
            assert client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    with RawClient(gw.status) as client:
        assert client.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    gw.install(1)
    gw.replace()
    with gw.connect() as client:
        assert client.ask("GET /version HTTP/1.1\r\nHost: x\r\n\r\n").body == b"2.0.0"


def test_a_successor_that_lacks_a_secret_changes_nothing(replaceable):
    gw = replaceable()
    os.rename(gw.folder / "ca" / "1.key", gw.folder / "key")
    os.kill(gw.pid, signal.SIGUSR2)
    wait_until(lambda: "the successor failed" in gw.log, "a word about it")
    assert "1.key" in gw.log
    with gw.connect_secure() as client:
        assert client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status == 200


def test_one_replacement_at_a_time(replaceable):
    gw = replaceable()
    (gw.folder / "slow").write_text("#!/bin/sh\nexec sleep 1000\n")
    os.chmod(gw.folder / "slow", 0o755)
    os.rename(gw.folder / "slow", gw.path)
    os.kill(gw.pid, signal.SIGUSR2)
    wait_until(lambda: "is to take over" in gw.log, "the start")
    slow = int(re.search(r"process (\d+) is to take over", gw.log).group(1))
    os.kill(gw.pid, signal.SIGUSR2)
    wait_until(lambda: "a replacement is under way already" in gw.log, "a word about it")
    os.kill(slow, signal.SIGTERM)
    wait_until(lambda: "ended by signal 15" in gw.log, "its end")


def test_systemd_is_told(replaceable):
    hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    hears.bind("\0apigw-test-%d" % os.getpid())
    hears.settimeout(WAIT)
    gw = replaceable(env={"NOTIFY_SOCKET": "@apigw-test-%d" % os.getpid()})
    assert hears.recv(100) == b"READY=1"
    gw.replace()
    assert {hears.recv(100), hears.recv(100)} == {b"READY=1", b"MAINPID=%d" % gw.pid}
    gw.end()
    assert hears.recv(100) == b"STOPPING=1"


def sockets(pid):
    links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    return {link for link in links if link.startswith("socket:")}


def test_the_successor_serves_the_very_sockets(replaceable):
    gw = replaceable()
    before = sockets(gw.pid)
    gw.replace()
    assert len(before & sockets(gw.pid)) >= 6  # two for each listener, one for probes, one for health checks


def test_below_an_init_the_newest_is_meant(replaceable):
    """In a pid namespace of its own the gateway is process 1, and stays while others take over."""
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True).returncode:
        pytest.skip("no pid namespaces here")
    gw = replaceable(under=["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
    init = int(subprocess.run(["pgrep", "-P", str(gw.process.pid)], capture_output=True, text=True).stdout)
    for n in range(3):
        before = gw.log.count("has taken over")
        gw.install((n + 1) % 2)
        os.kill(init, signal.SIGUSR2)
        wait_until(lambda: gw.log.count("has taken over") == before + 1, "a successor", WAIT * 3)
        with gw.connect() as client:
            assert client.ask("GET /version HTTP/1.1\r\nHost: x\r\n\r\n").body == (b"2.0.0" if n % 2 == 0 else b"1.0.0")
        time.sleep(0.7)
    os.kill(init, signal.SIGTERM)
    assert gw.process.wait(WAIT * 3) == 0
    gw.pid_path.write_text("1000000")


def test_a_balancer_that_lags_loses_nothing(replaceable):
    """Kubernetes' way: not ready, still accepting for the delay, then gone."""
    gw = replaceable(delay="5s")
    load = Load()
    load.add("keep-alive", keep_alive(gw.connect))
    load.add("anew", each_anew(gw.connect))
    load.add("tls anew", each_anew(gw.connect_secure))
    load.add("h2c", streams(lambda: H2Client(gw.plain)))
    time.sleep(0.3)
    os.kill(gw.pid, signal.SIGTERM)
    wait_until(lambda: "draining, still accepting" in gw.log, "the delay")
    with RawClient(gw.status) as client:
        assert client.ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").status == 503
    time.sleep(4)
    load.stop()
    assert not load.failures, load.failures[:10]
    assert all(load.done.values()), load.done
    assert gw.process.wait(WAIT * 3) == 0
