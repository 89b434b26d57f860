"""pytest fixtures: `gateway` builds a document and runs it, `origin` is its upstream, `client` a connection."""
import fcntl
import glob
import hashlib
import os
import re
import subprocess
import threading

import pytest
from http_peer import Origin, RawClient, WAIT, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GEN = os.path.abspath(os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen")))
SANITIZER = re.compile(r"Sanitizer|runtime error:")
IS_SANITIZED = os.path.basename(os.path.dirname(GEN)) == "san"  # memory is another's then


def build(cache, spec, options=()):
    """The gateway for a document, built once in a session; workers of xdist share it."""
    stamp = os.stat(GEN)
    key = repr((spec, tuple(options), stamp.st_mtime_ns, stamp.st_size)).encode()
    folder = os.path.join(cache, hashlib.sha256(key).hexdigest()[:16])
    os.makedirs(folder, exist_ok=True)
    binary = os.path.join(folder, "gw")
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(binary):
            document = os.path.join(folder, "openapi.yaml")
            with open(document, "w") as file:
                file.write(spec)
            done = subprocess.run([GEN, "build", document, "-o", binary + ".new", *options],
                                  capture_output=True, text=True, timeout=300)
            if done.returncode:
                pytest.fail(f"apigw-gen build gave {done.returncode}:\n{done.stdout}{done.stderr}", pytrace=False)
            os.rename(binary + ".new", binary)
    return binary


class Gateway:
    """A running gateway. Its standard error is in .log, its standard output (the access log) in .out."""

    def __init__(self, binary, folder, args, env, under=()):
        self.folder, self.args = folder, args
        self.out_path = os.path.join(folder, "out")
        self.lines = []
        with open(self.out_path, "ab") as out:
            self.process = subprocess.Popen([*under, binary, "--listen", "127.0.0.1:0", *args], cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
                                            env={**os.environ, **(env or {})}, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_until(lambda: self.is_ready or self.process.poll() is not None, "the gateway to be ready", WAIT * 3)
        if not self.ports:
            self.reader.join(WAIT)
            pytest.fail(f"the gateway did not start:\n{self.log}", pytrace=False)

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def log(self):
        return "".join(list(self.lines))

    @property
    def out(self):
        with open(self.out_path, errors="replace") as file:
            return file.read()

    @property
    def is_ready(self):
        """It says so behind the last of its addresses."""
        return re.search(r" ready$", self.log, re.M) is not None

    @property
    def ports(self):
        return [int(p) for p in re.findall(r"listening on \S*:(\d+)", self.log)]

    @property
    def port(self):
        return self.ports[0]

    @property
    def pid(self):
        return self.process.pid

    def client(self):
        return RawClient(self.port)

    def ask(self, data):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(data)

    def ask_admin(self, target, method="GET"):
        """One request to the private listener."""
        port = int(re.search(r"admin on \S*:(\d+)", self.log).group(1))
        with RawClient(port) as client:
            return client.ask(f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")

    def stop(self):
        """Ends it (INT: without drain delay) and fails when it did not end well."""
        if self.process.poll() is None:
            self.process.send_signal(2)
        try:
            status = self.process.wait(WAIT * 3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "timeout"
        self.reader.join(WAIT)
        assert not SANITIZER.search(self.log), self.log
        assert not glob.glob(os.path.join(self.folder, "core*")), "the gateway left a core"
        assert status == 0, f"the gateway ended with {status}:\n{self.log}"


@pytest.fixture(scope="session")
def build_cache(tmp_path_factory):
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent
    return str(root / "gateways")


def gateways(cache, tmp_path_factory):
    """A function that starts gateways; all are stopped at the end."""
    running = []

    def start(spec, *args, options=(), env=None, under=()):
        binary = build(cache, spec, options)
        running.append(Gateway(binary, str(tmp_path_factory.mktemp("gw")), args, env, under))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def gateway(build_cache, tmp_path_factory):
    """gateway(document, *arguments of the gateway, options=(…of apigw-gen build), env={}, under=(command that runs it))
    starts one."""
    yield from gateways(build_cache, tmp_path_factory)


@pytest.fixture(scope="module")
def module_gateway(build_cache, tmp_path_factory):
    """The same, for all tests of a file."""
    yield from gateways(build_cache, tmp_path_factory)


@pytest.fixture
def origin():
    with Origin() as one:
        yield one
        one.settle()
        assert not one.failures, one.failures


@pytest.fixture(scope="module")
def module_origin():
    """One for all tests of a file; each calls forget() first."""
    with Origin() as one:
        yield one


@pytest.fixture
def module_upstream(module_origin):
    """The same, as new; what it could not understand fails the test."""
    module_origin.forget()
    yield module_origin
    module_origin.settle()
    assert not module_origin.failures, module_origin.failures
