"""The gateway alone in an empty root, as process 1 and as nobody: what an image FROM scratch gives it."""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest
from fixtures import build
from http_peer import RawClient, WAIT, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: Container test, version: "1"}
x-gateway: {version: 1, name: container-test}
paths:
  /hello:
    get:
      operationId: hello
      x-gateway: {respond: {status: 200, headers: {Content-Type: text/plain}, body: hello}}
      responses: {default: {description: any}}
"""

HELLO = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
USER = 65532
CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"


def is_static(binary):
    return b"INTERP" not in subprocess.run(["readelf", "-lW", binary], capture_output=True).stdout


class Container:
    """`unshare` in namespaces of its own for processes and mounts; the root holds one file."""

    def __init__(self, binary, root, *args, inherited=None):
        self.root, self.lines = root, []
        os.chmod(root, 0o755)
        shutil.copy(binary, os.path.join(root, "gw"))
        self.out = open(root + ".out", "w+")
        self.unshare = subprocess.Popen(
            [shutil.which("unshare"), "--mount", "--pid", "--fork", CHROOT, f"--userspec={USER}:{USER}", root, "/gw",
             "--listen", "127.0.0.1:0", *args], stdout=self.out, stderr=subprocess.PIPE, text=True,
            env={"LISTEN_PID": "1", "LISTEN_FDS": "1"} if inherited else {}, close_fds=False,
            preexec_fn=(lambda: os.dup2(inherited.fileno(), 3)) if inherited else None)
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: "ready" in self.log or self.unshare.poll() is not None, "readiness")
        assert self.unshare.poll() is None, self.log

    def _read(self):
        for line in self.unshare.stderr:
            self.lines.append(line)

    @property
    def log(self):
        return "".join(self.lines)

    @property
    def port(self):
        return int(re.search(r"listening on \S*:(\d+)", self.log).group(1))

    def children(self, pid):
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(p) for p in file.read().split()]

    @property
    def first(self):
        """Process 1, by its number outside."""
        (pid,) = self.children(self.unshare.pid)
        return pid

    def run(self, *args):
        """The image's HEALTHCHECK: another process in the same root."""
        return subprocess.run([CHROOT, f"--userspec={USER}:{USER}", self.root, "/gw", *args], capture_output=True,
                              text=True, timeout=WAIT, env={})

    def end(self):
        if self.unshare.poll() is None:
            os.kill(self.first, signal.SIGKILL)
        self.unshare.wait(WAIT)
        self.out.close()


@pytest.fixture
def container(build_cache, tmp_path):
    probe = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip("no namespaces here: " + probe.stderr.strip())
    binary = build(build_cache, DOCUMENT)
    if not is_static(binary):
        pytest.skip("a sanitizer's build is dynamic")
    started = []

    def start(*args, inherited=None):
        os.mkdir(tmp_path / "root")
        started.append(Container(binary, str(tmp_path / "root"), *args, inherited=inherited))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_serves_from_an_empty_root(container):
    one = container()
    with RawClient(one.port) as client:
        assert client.ask(HELLO).body == b"hello"
    assert os.listdir(one.root) == ["gw"]


def test_process_1_is_an_init(container):
    """TERM reaches the gateway, which drains; its status becomes the container's."""
    one = container()
    first = one.first
    (child,) = one.children(first)
    assert os.stat(f"/proc/{child}").st_uid in (0, USER)
    os.kill(first, signal.SIGTERM)
    assert one.unshare.wait(WAIT) == 0
    wait_until(lambda: "draining" in one.log, "the last line")


def test_process_1_reports_a_violent_end(container):
    one = container()
    (child,) = one.children(one.first)
    os.kill(child, signal.SIGKILL)
    assert one.unshare.wait(WAIT) == 128 + signal.SIGKILL
    wait_until(lambda: "ended by signal 9" in one.log, "the last line")


def test_healthcheck(container):
    one = container()
    done = one.run("--healthcheck")
    assert done.returncode == 0, done.stderr
    os.kill(one.first, signal.SIGTERM)
    one.unshare.wait(WAIT)
    done = one.run("--healthcheck")
    assert done.returncode == 1 and "not ready" in done.stderr


def test_metrics_without_proc(container):
    one = container("--status", "127.0.0.1:0")
    port = int(re.search(r"status on \S*:(\d+)", one.log).group(1))
    with RawClient(port) as client:
        text = client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body.decode()
    assert "process_cpu_seconds_total" in text and "process_resident_memory_bytes" not in text


def test_the_log_is_complete(container):
    one = container()
    with RawClient(one.port) as client:
        for _ in range(100):
            client.ask(HELLO)
    os.kill(one.first, signal.SIGTERM)
    assert one.unshare.wait(WAIT) == 0
    assert len(open(one.out.name).read().splitlines()) == 100


def test_sockets_handed_to_process_1(container):
    """podman's socket activation: the gateway below the init gets them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        one = container("--listen", f"127.0.0.1:{port}", inherited=listener)
    with RawClient(port) as client:
        assert client.ask(HELLO).body == b"hello"


def test_it_needs_no_file(container):
    """What it opens by itself is of the kernel's making, and may be missing."""
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    one = container()
    done = subprocess.run([shutil.which("strace"), "-f", "-e", "trace=openat,open,execve", CHROOT, f"--userspec={USER}:{USER}",
                           one.root, "/gw", "--check"], capture_output=True, text=True, timeout=WAIT * 3, env={})
    inside = done.stderr[done.stderr.index('execve("/gw"'):]
    opened = re.findall(r'open(?:at)?\([^"]*"([^"]+)"', inside)
    assert not [path for path in opened if not re.match(r"/(proc|sys)/", path)]
