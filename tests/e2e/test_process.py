"""The process as an operator meets it: command line, start-up errors, sockets, signals that do not end it."""
import json
import os
import re
import resource
import signal
import socket
import subprocess

import pytest
from fixtures import build
from http_peer import RawClient, WAIT, Wire, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: Process test, version: "1.5"}
x-gateway:
  version: 1
  name: process-test
  access_log: false
  admin: {address: "unix:FOLDER/admin.sock", token: {env: GW_TEST_TOKEN}}
  forwarded: {trusted_proxies: {file: FOLDER/proxies.txt}}
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
paths:
  /x: {get: {operationId: getX, responses: {default: {description: any}}}}
  /hello:
    get:
      operationId: hello
      x-gateway: {respond: {status: 200, headers: {Content-Type: text/plain}, body: hello}}
      responses: {default: {description: any}}
"""

PLAIN = """
openapi: 3.1.0
info: {title: Plain test, version: "1"}
x-gateway: {version: 1, access_log: false}
paths:
  /hello:
    get:
      operationId: hello
      x-gateway: {respond: {status: 200, headers: {Content-Type: text/plain}, body: hello}}
      responses: {default: {description: any}}
"""

HELLO = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
ENV = {"GW_TEST_TOKEN": "s3cret"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the document's files are."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def document(folder):
    return DOCUMENT.replace("FOLDER", str(folder))


@pytest.fixture(scope="module")
def binary(build_cache, document):
    return build(build_cache, document)


@pytest.fixture(scope="module")
def plain(build_cache):
    return build(build_cache, PLAIN)


def run(binary, *args, env=None, **more):
    """Runs it to its end."""
    return subprocess.run([binary, *args], capture_output=True, text=True, timeout=WAIT * 3,
                          env={**os.environ, **(env or {})}, **more)


def test_help(binary):
    done = run(binary, "--help")
    assert done.returncode == 0 and not done.stderr
    for option in ("--listen", "--status", "--upstream", "--workers", "--pid-file", "--check", "--routes",
                   "--manifest", "--licenses", "--healthcheck", "--version", "--json", "--help", "GW_RESOLVER"):
        assert option in done.stdout


def test_version(binary):
    done = run(binary, "--version")
    assert done.returncode == 0
    assert re.fullmatch(r"process-test 1\.5 \(build \S+\)\n", done.stdout)


def test_version_keeps_control_characters_from_the_terminal(build_cache):
    hostile = PLAIN.replace('version: "1"', r'version: "1\e[31m\n2"')
    told = run(build(build_cache, hostile), "--version").stdout
    assert "1?[31m?2" in told and told.count("\n") == 1


def test_routes_keeps_what_deceives_from_the_terminal(build_cache):
    hostile = PLAIN.replace("operationId: hello", r'operationId: "\e[2J\u202eh\x9bé\0"')
    head, row = run(build(build_cache, hostile), "--routes").stdout.splitlines()
    assert row.split() == ["GET", "/hello", "?[2J?h?é?", "-", "none"]
    assert head.index("UPSTREAM") == row.index("-")  # columns are counted in characters


def test_version_json(binary):
    about = json.loads(run(binary, "--version", "--json").stdout)
    assert about["name"] == "process-test" and about["version"] == "1.5" and about["operations"] == 2
    assert isinstance(about["features"], list)


def test_routes(binary):
    lines = run(binary, "--routes").stdout.splitlines()
    assert lines[0].split() == ["METHOD", "PATH", "OPERATION", "UPSTREAM", "SECURITY"]
    assert ["GET", "/x", "getX"] in [line.split()[:3] for line in lines[1:]]


def test_manifest(binary):
    json.loads(run(binary, "--manifest").stdout)


def test_licenses(binary):
    assert "libevent" in run(binary, "--licenses").stdout


@pytest.mark.parametrize("args, words", [
    (["--nonsense"], "unknown argument --nonsense"),
    (["spec.yaml"], "unknown argument spec.yaml"),
    (["--listen"], "--listen needs a value"),
    (["--workers", "none"], "--workers none: must be a number from 1 to 1024"),
    (["--upstream", "origin"], "--upstream origin: must be NAME=URL"),
    (["--check=1"], "--check takes no value"),
])
def test_usage_errors(binary, args, words):
    done = run(binary, *args)
    assert done.returncode == 2 and not done.stdout
    assert words in done.stderr and "--help" in done.stderr


def test_missing_things_are_named(binary, folder):
    def error(**env):
        done = run(binary, "--check", env=env)
        assert done.returncode == 1 and not done.stdout
        return done.stderr

    (folder / "proxies.txt").unlink(missing_ok=True)
    assert f"{folder}/proxies.txt: No such file" in error(**ENV)
    (folder / "proxies.txt").write_text("10.0.0.0/8\nnonsense\n")
    assert f"{folder}/proxies.txt:2: not an address or network: nonsense" in error(**ENV)
    (folder / "proxies.txt").write_text("10.0.0.0/8\n")
    assert "environment variable GW_TEST_TOKEN is not set" in error()
    assert run(binary, "--check", env=ENV).returncode == 0


@pytest.mark.parametrize("args, words", [
    (["--upstream", "nobody=http://127.0.0.1:1"], "--upstream nobody="),
    (["--upstream", "origin=ftp://127.0.0.1"], "--upstream origin=ftp://127.0.0.1"),
    (["--listen", "localhost:80"], "cannot listen on localhost:80"),
    (["--listen", "127.0.0.1"], "cannot listen on 127.0.0.1"),
    (["--status", "nonsense"], "cannot listen on nonsense"),
    (["--listen", "127.0.0.1:0", "--pid-file", "/nowhere/gw.pid"], "cannot write /nowhere/gw.pid"),
])
def test_start_errors(binary, folder, args, words):
    (folder / "proxies.txt").write_text("")
    done = run(binary, *args, env=ENV)
    assert done.returncode == 1
    assert words in done.stderr


def test_port_in_use(gateway, plain):
    first = gateway(PLAIN)
    done = run(plain, "--listen", f"127.0.0.1:{first.port}")
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{first.port}" in done.stderr and "in use" in done.stderr
    assert first.ask(HELLO).status == 200


def test_ready_is_told_last(gateway):
    one = gateway(PLAIN)
    wait_until(lambda: "ready" in one.log, "readiness")
    assert re.search(r"listening on 127\.0\.0\.1:\d+\n(.*\n)*.*ready\n", one.log)


def test_dual_stack(gateway):
    one = gateway(PLAIN, "--listen", "[::]:0")
    assert len(one.ports) == 2
    for host in ("127.0.0.1", "::1"):
        with RawClient(one.ports[1], host) as client:
            assert client.ask(HELLO).body == b"hello"


def test_unix_listener(gateway, tmp_path):
    path = str(tmp_path / "gw.sock")
    one = gateway(PLAIN, "--listen", f"unix:{path}")
    wait_until(lambda: "ready" in one.log, "readiness")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(WAIT)
        sock.connect(path)
        sock.sendall(HELLO)
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_inherited_sockets(plain, tmp_path):
    """systemd's protocol: the sockets are there before the gateway, and nothing else is opened."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hand_over():
            os.dup2(listener.fileno(), 3)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")

        log = open(tmp_path / "log", "w+")
        process = subprocess.Popen([plain, "--listen", f"127.0.0.1:{port}", "--workers", "2"], stderr=log,
                                   preexec_fn=hand_over, close_fds=False)
        try:
            wait_until(lambda: "ready" in open(log.name).read(), "readiness")
            listener.close()
            for _ in range(5):
                with RawClient(port) as client:
                    assert client.ask(HELLO).body == b"hello"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0


def test_workers(gateway):
    one = gateway(PLAIN, "--workers", "3")
    wait_until(lambda: "ready" in one.log, "readiness")
    threads = len(os.listdir(f"/proc/{one.pid}/task"))
    assert threads == 4


def test_descriptor_limit_is_raised(plain, tmp_path):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with open(tmp_path / "log", "w+") as log:
        process = subprocess.Popen([plain, "--listen", "127.0.0.1:0"], stderr=log,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
        try:
            wait_until(lambda: "ready" in open(log.name).read(), "readiness")
            limits = open(f"/proc/{process.pid}/limits").read()
        finally:
            process.terminate()
            assert process.wait(WAIT) == 0
    assert re.search(r"Max open files\s+(\d+)\s+\1 ", limits)


def test_pid_file(gateway, tmp_path):
    path = tmp_path / "gw.pid"
    one = gateway(PLAIN, "--pid-file", str(path))
    wait_until(path.exists, "the pid file")
    assert int(path.read_text()) == one.pid
    assert [p.name for p in tmp_path.iterdir()] == ["gw.pid"]
    one.stop()
    assert not path.exists()


@pytest.fixture
def trusting(gateway, origin, document, folder):
    """A gateway whose proxies.txt says `text`, and what its upstream is told about a client behind a proxy."""
    def start(text):
        (folder / "proxies.txt").write_text(text)
        one = gateway(document, "--upstream", f"origin={origin.url}", env=ENV)

        def real_ip():
            one.ask(b"GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
            return origin.request()["X-Real-IP"]

        return one, real_ip
    return start


def test_reload(trusting, folder):
    one, real_ip = trusting("10.0.0.0/8\n")
    assert real_ip() == "127.0.0.1"
    (folder / "proxies.txt").write_text("127.0.0.0/8\n")
    one.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in one.log, "the reload")
    wait_until(lambda: real_ip() == "9.9.9.9", "the new list")


def test_a_bad_reload_keeps_the_old(trusting, folder):
    one, real_ip = trusting("127.0.0.0/8\n")
    (folder / "proxies.txt").write_text("127.0.0.0/99\n")
    one.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "keeping the old data" in one.log, "the complaint")
    assert "proxies.txt:1: not an address or network: 127.0.0.0/99" in one.log
    assert real_ip() == "9.9.9.9"


def test_other_signals_do_not_end_it(gateway):
    one = gateway(PLAIN)
    wait_until(lambda: "ready" in one.log, "readiness")
    for number in (signal.SIGUSR1, signal.SIGPIPE, signal.SIGHUP):
        one.process.send_signal(number)
    wait_until(lambda: "reloaded" in one.log, "the reload")
    assert one.ask(HELLO).status == 200


@pytest.fixture(scope="module")
def administered(module_gateway, document, folder):
    (folder / "proxies.txt").write_text("")
    one = module_gateway(document, "--status", "127.0.0.1:0", env=ENV)
    wait_until(lambda: "ready" in one.log, "readiness")
    one.admin = str(folder / "admin.sock")
    return one


def admin_ask(one, method, path, token="s3cret"):
    """One request on the admin listener, a unix socket."""
    client = RawClient.__new__(RawClient)
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.settimeout(WAIT)
    client.sock.connect(one.admin)
    client.wire = Wire(client.sock)
    line = f"Authorization: Bearer {token}\r\n" if token else ""
    with client:
        return client.ask(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{line}\r\n")


def status_ask(one, path):
    port = int(re.search(r"status on \S*:(\d+)", one.log).group(1))
    with RawClient(port) as client:
        return client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/manifest", "/routes"])
def test_admin_pages(administered, path):
    assert admin_ask(administered, "GET", path).status == 200
    assert admin_ask(administered, "GET", path + "?a=b").status == 200
    assert admin_ask(administered, "HEAD", path).status == 200
    refused = admin_ask(administered, "POST", path)
    assert refused.status == 405 and refused["Allow"] == "GET, HEAD"
    for token in (None, "", "s3cre", "s3cret1", "S3CRET", "s3cret, s3cret"):
        answer = admin_ask(administered, "GET", path, token)
        assert answer.status == 401 and answer["WWW-Authenticate"] == "Bearer"
        assert b"s3cret" not in answer.body


def test_admin_knows_no_other_page(administered):
    for path in ("/", "/hello", "/x", "/healthz/", "/HEALTHZ", "/upstreamsx"):
        assert admin_ask(administered, "GET", path).status == 404


def test_status_pages(administered):
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/manifest", 404),
                         ("/routes", 404), ("/hello", 404)):
        assert status_ask(administered, path).status == status


def test_admin_routes(administered):
    routes = json.loads(admin_ask(administered, "GET", "/routes").body)
    assert {"getX", "hello"} == {r["operation"] for r in routes}


def test_a_crash_is_told(plain, tmp_path):
    """Which build, and where; then the signal's own end."""
    with open(tmp_path / "log", "w+") as log:
        process = subprocess.Popen([plain, "--listen", "127.0.0.1:0"], stderr=log, cwd=tmp_path)
        wait_until(lambda: "ready" in open(log.name).read(), "readiness")
        process.send_signal(signal.SIGSEGV)
        status = process.wait(WAIT)
    text = open(log.name).read()
    if "Sanitizer" in text:
        pytest.skip("a sanitizer tells it in its own way")
    assert status == -signal.SIGSEGV
    assert re.search(r"crash: plain-test 1 \(build \S+\) got signal 11 at address 0x", text)
    assert len(re.findall(r"^crash:   ", text, re.M)) >= 3
    assert not list(tmp_path.glob("core*"))


def test_no_core_and_no_peeking(gateway):
    """Not dumpable: /proc/PID/mem and the environment are root's alone."""
    one = gateway(PLAIN)
    wait_until(lambda: "ready" in one.log, "readiness")
    if "libasan" in open(f"/proc/{one.pid}/maps").read():
        pytest.skip("sanitizers attach to their process")
    assert os.stat(f"/proc/{one.pid}/mem").st_uid == 0


def test_healthcheck(gateway, plain):
    """Without a status listener: the abstract socket."""
    assert run(plain, "--healthcheck", "--listen", "127.0.0.1:1").returncode in (0, 1)
    one = gateway(PLAIN)
    wait_until(lambda: "ready" in one.log, "readiness")
    assert run(plain, "--healthcheck").returncode == 0


def test_healthcheck_by_status(gateway, plain):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    one = gateway(PLAIN, "--status", f"127.0.0.1:{port}")
    wait_until(lambda: "ready" in one.log, "readiness")
    assert run(plain, "--healthcheck", "--status", f"127.0.0.1:{port}").returncode == 0
    one.stop()
    done = run(plain, "--healthcheck", "--status", f"127.0.0.1:{port}")
    assert done.returncode == 1 and "not ready" in done.stderr
