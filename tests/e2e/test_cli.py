"""The command line of apigw-gen: usage, exit statuses, and the commands that print or run."""
import base64
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import termios
import time

import pytest
from fixtures import GEN, IS_SANITIZED
from http_peer import RawClient, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEC = """openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
security: []
x-gateway:
  upstreams: {items: {targets: [{url: "http://127.0.0.1:9000"}]}}
  upstream: items
paths:
  /items:
    get:
      operationId: listItems
      responses: {"200": {description: ok, content: {text/plain: {example: first}}}}
"""
COMMANDS = ["build", "generate", "check", "routes", "explain", "run", "openapi", "token", "password", "init", "version"]


@pytest.fixture
def gen(tmp_path):
    """gen(words…) runs the compiler in a folder of its own with openapi.yaml in it."""
    (tmp_path / "openapi.yaml").write_text(SPEC)

    def run(*words, status=0, stdin="", env=None):
        done = subprocess.run([GEN, *words], cwd=tmp_path, input=stdin, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **(env or {})})
        assert done.returncode == status, f"{words} gave {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    run.folder = tmp_path
    return run


def test_help_goes_to_standard_output(gen):
    done = gen("--help")
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", done.stdout, re.M)
    for name in ("diff", "import", "token mint", "emit ", "check-templates"):
        assert f"  {name}" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(gen, command):
    done = gen(command, "--help")
    assert done.stdout.startswith(f"Usage: apigw-gen {command}")
    assert max(len(line) for line in done.stdout.splitlines()) <= 110


@pytest.mark.parametrize("words", [[], ["frobnicate"], ["build"], ["build", "openapi.yaml"], ["generate", "openapi.yaml"],
                                   ["check"], ["check", "--frob"], ["explain", "openapi.yaml", "GET"], ["openapi"],
                                   ["build", "openapi.yaml", "-o"], ["diff", "a", "b"], ["init", "a", "b"]],
                         ids=lambda words: "-".join(words) or "none")
def test_usage_errors_give_2(gen, words):
    done = gen(*words, status=2)
    assert done.stdout == "" and done.stderr


def test_completions_and_manual(gen):
    script = gen("help", "--bash").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    done = subprocess.run(["bash", "-c", script + "COMP_WORDS=(apigw-gen bu); COMP_CWORD=1; _apigw_gen; "
                           "echo ${COMPREPLY[@]}; COMP_WORDS=(apigw-gen build --rel); COMP_CWORD=2; _apigw_gen; "
                           "echo ${COMPREPLY[@]}; COMP_WORDS=(apigw-gen token ''); COMP_CWORD=2; _apigw_gen; echo ${COMPREPLY[@]}; "
                           "COMP_WORDS=(apigw-gen token mint --cl); COMP_CWORD=3; _apigw_gen; echo ${COMPREPLY[@]}; "
                           "COMP_WORDS=(apigw-gen token inspect --a); COMP_CWORD=3; _apigw_gen; echo ${COMPREPLY[@]}; "
                           "COMP_WORDS=(apigw-gen to); COMP_CWORD=1; _apigw_gen; echo ${COMPREPLY[@]}"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["build", "--release --relink-kit=", "mint inspect", "--claim= --claims=", "", "token", ""]
    script = gen("help", "--zsh").stdout
    assert script.startswith("#compdef apigw-gen\n") and "compadd mint inspect" in script
    subprocess.run(["zsh", "-n"], input=script, text=True, check=True)
    page = gen("help", "--man").stdout
    assert page.startswith(".TH APIGW") and all(f"\n.SS {name} " in page for name in COMMANDS)


def test_suggestions(gen):
    assert "did you mean 'build'" in gen("biuld", status=2).stderr
    assert "did you mean 'passthrough-auth'" in gen("check", "openapi.yaml", "--passthru-auth", status=2).stderr


def test_a_wrong_spec_gives_1(gen):
    (gen.folder / "bad.yaml").write_text(SPEC.replace("upstream: items", "upstream: itmes"))
    done = gen("check", "bad.yaml", status=1)
    assert re.search(r"^bad\.yaml:\d+:\d+: error: ", done.stderr, re.M) and "\033[" not in done.stderr
    gen("check", "missing.yaml", status=1)
    gen("build", "bad.yaml", "-o", "gw", status=1)
    assert not (gen.folder / "gw").exists()


def test_the_environment_gives_3(gen):
    done = gen("build", "openapi.yaml", "-o", "gw", status=3, env={"CC": "false"})
    assert "make failed" in done.stderr
    done = gen("build", "openapi.yaml", "-o", "gw", status=3, env={"PATH": "/nonexistent"})
    assert "cannot run make" in done.stderr
    gen("build", "openapi.yaml", "-o", "/nonexistent/gw", status=3)
    gen("generate", "openapi.yaml", "-o", "/dev/null/out", status=3)
    gen("build", "openapi.yaml", "-o", "gw", status=3, env={"TMPDIR": "/nonexistent"})


def test_build_tells_what_it_made(gen):
    done = gen("build", "openapi.yaml", "-o", "gw", "--emit", "src")
    assert re.fullmatch(r"gw: \d+\.\d MiB, 1 routes, proxy access_log\n", done.stdout)
    assert done.stderr.strip() == "" or "warning" in done.stderr
    assert (gen.folder / "src" / "flow_items.c").exists()
    segments = subprocess.run(["readelf", "-lW", str(gen.folder / "gw")], capture_output=True, text=True, check=True).stdout
    assert " LOAD " in segments
    assert IS_SANITIZED or " INTERP " not in segments  # static: nobody loads anything for it


def test_build_leaves_nothing_behind(gen):
    (gen.folder / "tmp").mkdir()
    gen("build", "openapi.yaml", "-o", "gw", "-q", env={"TMPDIR": str(gen.folder / "tmp")})
    assert os.listdir(gen.folder / "tmp") == []
    assert sorted(os.listdir(gen.folder)) == ["gw", "openapi.yaml", "tmp"]


def on_a_terminal(folder, *words, **env):
    master, slave = os.openpty()
    done = subprocess.run([GEN, *words], cwd=folder, stderr=slave, stdout=subprocess.DEVNULL, timeout=120,
                          env={**os.environ, "TERM": "xterm", **env})
    os.close(slave)
    said = b""
    try:
        while piece := os.read(master, 65536):
            said += piece
    except OSError:  # the end of a terminal
        pass
    os.close(master)
    assert done.returncode == 0, said
    return said.decode()


def test_progress_on_a_terminal(gen):
    slow = gen.folder / "slow"
    slow.write_text('#!/bin/sh\nsleep 0.2\nexec gcc "$@"\n')
    slow.chmod(0o755)
    said = on_a_terminal(gen.folder, "build", "openapi.yaml", "-o", "gw", CC=str(slow))
    assert "  lower ...\r" in said and "total" not in said
    assert re.search(r"\x1b\[K  build +\d+\.\d{3} s\r\n$", said), said
    assert on_a_terminal(gen.folder, "build", "openapi.yaml", "-o", "gw", "-q") == ""


def test_timings(gen):
    assert re.search(r"^  lower +\d+\.\d+ s$", gen("check", "openapi.yaml", "--timings").stderr, re.M)


def test_standard_input(gen):
    done = gen("routes", "-", stdin=SPEC)
    assert "GET     /items  listItems" in done.stdout


def test_routes_formats(gen):
    rows = json.loads(gen("routes", "openapi.yaml", "--format=json", "--effective").stdout)
    assert rows[0]["path"] == "/items" and rows[0]["upstream"] == "items"
    assert {"key": "operation", "value": "listItems"} in rows[0]["effective"]
    table = gen("routes", "openapi.yaml", "--format=markdown").stdout.splitlines()
    assert table[0].startswith("| METHOD ") and table[1].startswith("|---") and len(table) == 3
    assert "timeouts: connect 5s" in gen("routes", "openapi.yaml", "--effective").stdout


@pytest.mark.parametrize("stage", ["tree", "api", "ir", "plan", "values"])
def test_dumps(gen, stage):
    assert "listItems" in gen("check", "openapi.yaml", f"--dump={stage}").stdout or stage == "plan"


@pytest.mark.parametrize("format", ["json", "sarif"])
def test_diagnostics_for_programs(gen, format):
    (gen.folder / "bad.yaml").write_text(SPEC.replace("upstream: items", "upstream: itmes"))
    json.loads(gen("check", "bad.yaml", f"--format={format}", status=1).stdout)


def test_version(gen):
    assert re.fullmatch(r"apigw-gen \d+\.\d+\.\d+\n", gen("version").stdout)
    assert gen("--version").stdout == gen("version").stdout
    assert json.loads(gen("version", "--json").stdout)["name"] == "apigw-gen"


def test_starter_compiles(gen):
    gen("init", "new.yaml")
    gen("check", "new.yaml", "--werror")
    before = (gen.folder / "new.yaml").read_text()
    gen("init", "new.yaml", status=3)
    assert (gen.folder / "new.yaml").read_text() == before
    assert gen("init").stdout == before


def test_templates_of_ones_own(gen):
    (gen.folder / "t").mkdir()
    (gen.folder / "t" / "routes.txt.mustache").write_text("{{#routes}}\nmine {{path}}\n{{/routes}}\n")
    gen("generate", "openapi.yaml", "-o", "out", "--templates", "t")
    assert (gen.folder / "out" / "routes.txt").read_text() == "mine /items\n"
    (gen.folder / "t" / "flow.c.mustache").write_text("\n{{nobody}}\n")
    assert "templates/flow.c.mustache:2:1: error" in gen("generate", "openapi.yaml", "-o", "out", "--templates", "t",
                                                         status=1).stderr
    gen("check-templates")


# ---- openapi ----

def test_openapi_drops_x_gateway(gen):
    published = gen("openapi", "openapi.yaml").stdout
    assert "x-gateway" not in published and published.startswith("openapi: ")
    (gen.folder / "published.yaml").write_text(published)
    gen("check", "published.yaml", "--upstream", "http://127.0.0.1:1")


def test_openapi_bundles_other_files(gen):
    (gen.folder / "deep").mkdir()
    (gen.folder / "main.json").write_text(json.dumps({
        "openapi": "3.1.0", "info": {"title": "x", "version": "1"},
        "paths": {
            "/a": {"$ref": "deep/paths.json#/a"},
            "/b": {"get": {"parameters": [{"$ref": "deep/shared.json#/components/parameters/Page"}],
                           "responses": {"200": {"description": "ok", "content": {"application/json": {
                               "schema": {"$ref": "#/components/schemas/Item"}}}}}}}},
        "components": {"schemas": {"Item": {"type": "object", "properties": {
            "x-gateway": {"type": "string"}, "tag": {"$ref": "deep/shared.json#/components/schemas/Item"}}}}}}))
    (gen.folder / "deep" / "paths.json").write_text(json.dumps({
        "a": {"x-gateway": {"internal": True},
              "get": {"responses": {"200": {"$ref": "shared.json#/components/responses/Ok"}}}}}))
    (gen.folder / "deep" / "shared.json").write_text(json.dumps({"components": {
        "parameters": {"Page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
        "responses": {"Ok": {"description": "fine"}},
        "schemas": {"Item": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Item"}}}}}}))
    out = json.loads(gen("openapi", "main.json").stdout)
    assert out["paths"]["/a"] == {"get": {"responses": {"200": {"$ref": "#/components/responses/Ok"}}}}
    assert out["paths"]["/b"]["get"]["parameters"] == [{"$ref": "#/components/parameters/Page"}]
    schemas = out["components"]["schemas"]
    assert schemas["Item"]["properties"] == {"x-gateway": {"type": "string"},
                                             "tag": {"$ref": "#/components/schemas/Item_2"}}
    assert schemas["Item_2"]["properties"]["next"] == {"$ref": "#/components/schemas/Item_2"}
    assert out["components"]["parameters"]["Page"]["name"] == "page"


def test_openapi_yaml_reads_back_as_the_same_tree(gen):
    texts = ["plain", "two words", "yes", "no", "null", "~", "1", "1.5", "0x10", "", " ", "a: b", "a #b", "- a", "é",
             "line\nline", "line\nline\n", "end\n\n", "\n", " lead\nx", "tab\tx", "'", '"', "\\", "\u2028", "{a}",
             "[", "&x", "*x", "!x", "%x", "@x", "`x", "|", ">", "?", ":", "-", "2020-01-01", "1e3", ".5", "on", "="]
    document = {"openapi": "3.1.0", "info": {"title": "x", "version": "1", "x-texts": texts,
                                              "x-keys": {text: None for text in texts},
                                              "x-others": [True, False, 1, -2, 1.5, {}, [], [[]], [{}], {"a": [1, [2]]}]},
                "paths": {}}
    # flow style in a YAML file: libyaml reads it, so the answer comes in YAML
    (gen.folder / "in.yaml").write_text("# YAML\n---\n" + json.dumps(document))
    (gen.folder / "out.yaml").write_text(gen("openapi", "in.yaml").stdout)
    again = gen("check", "out.yaml", "--dump=tree", "--upstream", "http://h").stdout
    assert again == gen("check", "in.yaml", "--dump=tree", "--upstream", "http://h").stdout


# ---- run ----

class Running:
    def __init__(self, gen, *words):
        self.log = gen.folder / "log"
        self.file = open(self.log, "wb")
        self.process = subprocess.Popen([GEN, "run", *words, "--", "--listen", "127.0.0.1:0"], cwd=gen.folder,
                                        stdin=subprocess.DEVNULL, stdout=self.file, stderr=self.file,
                                        env={**os.environ, "XDG_CACHE_HOME": str(gen.folder / "cache")})

    def ports(self):
        return re.findall(r"listening on \S*:(\d+)", self.log.read_text())

    def wait_for_ports(self, count):
        wait_until(lambda: len(self.ports()) >= count or self.process.poll() is not None, "a listening gateway", 60)
        assert len(self.ports()) >= count, self.log.read_text()
        return int(self.ports()[-1])

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(30)
        self.file.close()
        return status


def body(port):
    with RawClient(port) as client:
        return client.ask(b"GET /items HTTP/1.1\r\nHost: x\r\n\r\n").body


def test_run_answers_with_examples(gen):
    for _ in range(2):  # the second time from the cache
        running = Running(gen, "openapi.yaml", "--mock")
        assert body(running.wait_for_ports(1)) == b"first"
        assert running.stop() == 0
    assert len(os.listdir(gen.folder / "cache" / "apigw")) == 1


def test_run_watches_the_document(gen):
    running = Running(gen, "openapi.yaml", "--mock", "--watch")
    assert body(running.wait_for_ports(1)) == b"first"
    (gen.folder / "openapi.yaml").write_text("nonsense: [")
    wait_until(lambda: "error" in running.log.read_text(), "a complaint", 30)
    assert body(int(running.ports()[-1])) == b"first"
    (gen.folder / "openapi.yaml").write_text(SPEC.replace("example: first", "example: second"))
    assert body(running.wait_for_ports(2)) == b"second"
    assert running.stop() == 0


# ---- password


def is_hash_of(line, word):
    kind, costs, salt, digest = re.fullmatch(r"\$(scrypt)\$(ln=15,r=8,p=3)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})\n", line).groups()
    made = hashlib.scrypt(word, salt=base64.b64decode(salt + "=="), n=1 << 15, r=8, p=3, maxmem=1 << 26, dklen=32)
    return base64.b64encode(made).decode().rstrip("=") == digest


@pytest.mark.parametrize("typed,word", [("secret", "secret"), ("secret\n", "secret"), ("one\ntwo\n", "one"), (" p\xe4ss:wo rd \n", " p\xe4ss:wo rd "),
                                        ("x" * 1000, "x" * 1000)])
def test_password(gen, typed, word):
    done = gen("password", stdin=typed)
    assert is_hash_of(done.stdout, word.encode()) and done.stderr == ""
    assert gen("password", stdin=typed).stdout != done.stdout, "the salt is another one"


@pytest.mark.parametrize("typed,why", [("", "is empty"), ("\n", "is empty"), ("x" * 1001, "longer than 1000 bytes"), ("x" * 9999, "longer than 1000 bytes"),
                                       ("a\tb\n", "a control character"), ("a\r\n", "a control character"), ("a\0b", "a control character"),
                                       ("a\x7f", "a control character"), (b"\xff\n", "is not UTF-8")])
def test_password_is_refused(gen, typed, why):
    done = subprocess.run([GEN, "password"], input=typed if isinstance(typed, bytes) else typed.encode(), capture_output=True, timeout=60)
    assert done.returncode == 1 and done.stdout == b"" and why in done.stderr.decode() and len(done.stderr) < 100


def test_password_is_no_argument(gen):
    done = gen("password", "secret", status=2)
    assert "read from standard input" in done.stderr and "secret" not in done.stderr


def type_passwords(*words):
    """On a terminal: what it shows, how it ends, and whether it echoes again."""
    ours, theirs = pty.openpty()
    shown = b""
    with subprocess.Popen([GEN, "password"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True,
                          preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) as child:
        for number, word in enumerate(words):
            while shown.count(b": ") <= number or termios.tcgetattr(theirs)[3] & termios.ECHO:
                shown += os.read(ours, 1) if select.select([ours], [], [], 0.05)[0] else b""
                assert child.poll() is None, shown
            os.write(ours, word)
        out = child.stdout.read().decode()
    while select.select([ours], [], [], 0.2)[0]:
        shown += os.read(ours, 4096)
    echoes = bool(termios.tcgetattr(theirs)[3] & termios.ECHO)
    os.close(ours)
    os.close(theirs)
    return child.returncode, shown.decode().replace("\r", ""), out, echoes


def test_password_on_a_terminal():
    status, shown, out, echoes = type_passwords(b"secret\n", b"secret\n")
    assert status == 0 and shown == "Password: \nOnce more: \n" and is_hash_of(out, b"secret") and echoes
    status, shown, out, echoes = type_passwords(b"secret\n", b"secrets\n")
    assert status == 1 and shown == "Password: \nOnce more: \napigw-gen: these are two passwords\n" and out == "" and echoes
    status, shown, out, echoes = type_passwords(b"secr\x03")
    assert status == -2 and shown == "Password: \n" and out == "" and echoes, "interrupted"


@pytest.mark.skipif(IS_SANITIZED, reason="the demo shows that the program is static")
def test_demo():
    done = subprocess.run([os.path.join(TOP, "examples/demo.sh"), GEN], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    asked = [shlex.split(line[2:]) for line in done.stdout.splitlines() if line.startswith("$ curl ")]
    assert ["-d", '{"name":"Rex"}'] == next(words for words in asked if "-X" in words)[5:7]
    statuses = re.findall(r"^HTTP/1.1 (\d+)", done.stdout, re.M)
    assert statuses == ["200", "200", "201", "405", "404"] and len(asked) == len(statuses)
    assert "statically linked" in done.stdout and '"route":"getPet"' in done.stdout


@pytest.mark.parametrize("lacks", ["nothing", "re2c", "<yaml.h>"])
def test_deps_elsewhere(tmp_path, lacks):
    """Without apt-get nothing is installed: what is missing is told, with the list of packages."""
    for tool in ("sh", "make", "re2c", "gcc"):
        if tool not in (lacks, "gcc"):
            os.symlink(shutil.which(tool), tmp_path / tool)
    (tmp_path / "gcc").write_text("#!/bin/sh\nread line\ncase $line in *'" + lacks + "'*) exit 1;; esac\n")
    (tmp_path / "gcc").chmod(0o755)
    done = subprocess.run([os.path.join(TOP, ".ci/deps.sh"), "demo"], capture_output=True, text=True, timeout=60,
                          env={"PATH": str(tmp_path)})
    assert done.returncode == (0 if lacks == "nothing" else 3), done.stderr
    if lacks != "nothing":
        assert f"missing: {lacks}\n" in done.stdout and "libcyaml-dev curl" in done.stdout
