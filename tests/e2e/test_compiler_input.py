"""The compiler as a user meets it: what he may give it, in which form, and where its answers go."""
import json
import os
import pty
import re
import subprocess

import pytest
from fixtures import GEN

SPEC = """openapi: 3.1.0
info: {title: Shop, version: "1"}
security: []
servers: [{url: "https://{r}.example.com/{b}", variables: {r: {default: eu, enum: [eu, us]}, b: {default: v1}}}]
x-gateway: {upstream: u, upstreams: {u: {targets: [{url: "http://127.0.0.1:9"}]}}}
paths: {/a: {get: {operationId: readA, responses: {}}}}
"""
OVERLAY = """overlay: 1.0.0
info: {title: production, version: "1"}
actions:
  - {target: "$.paths['/a'].get", update: {x-gateway: {timeouts: {read: 1s}}}}
"""
BAD = SPEC.replace("upstream: u,", 'upstream: v, "ev\\x1bil\\n::error::": 1,')


@pytest.fixture
def gen(tmp_path):
    def run(*words, status=0, stdin=None):
        done = subprocess.run([GEN, *words], cwd=tmp_path, input=stdin, stdin=None if stdin else subprocess.DEVNULL,
                              capture_output=True, timeout=120)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == status, f"{words} gave {done.returncode}:\n{out}{err}"
        return out, err

    def write(name, text):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    write("openapi.yaml", SPEC)
    run.write = write
    run.folder = tmp_path
    return run


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_encoding_means_the_same(gen, encoding, newline):
    spec = gen.write("other.yaml", SPEC.replace("Shop", "Käse").replace("\n", newline).encode(encoding))
    assert gen("routes", spec)[0] == gen("routes", "openapi.yaml")[0]
    assert json.loads(gen("check", spec, "--format=json")[0]) == []


@pytest.mark.parametrize("command", [["check"], ["routes"], ["openapi"], ["generate", "-o", "out"]], ids=lambda c: c[0])
def test_standard_input_for_every_command(gen, command):
    gen(command[0], "-", *command[1:], stdin=SPEC.encode())
    assert gen("check", "-", status=1, stdin=BAD.encode())[1].startswith("-:")


def test_formats_hold_hostile_names(gen):
    gen.write("bad.yaml", BAD)
    out, err = gen("check", "bad.yaml", "--format=json", status=1)
    assert err == "" and {one["code"] for one in json.loads(out)} == {"unknown-key", "unknown-upstream"}
    run = json.loads(gen("check", "bad.yaml", "--format=sarif", status=1)[0])["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["results"] and all(result["ruleId"] in rules for result in run["results"])
    for result in run["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] == 5 and region["startColumn"] > 1
    out, _ = gen("check", "bad.yaml", "--format=github", status=1)
    assert all(re.match(r"::(error|warning) file=bad\.yaml,line=\d+,col=\d+,title=[a-z-]+::", line) for line in out.splitlines())
    assert "\x1b" not in gen("check", "bad.yaml", status=1)[1]


def on_a_terminal(folder, env):
    """What `check` writes to a terminal."""
    master, slave = pty.openpty()
    subprocess.run([GEN, "check", "-q", "bad.yaml"], cwd=folder, stderr=slave, stdout=subprocess.DEVNULL, timeout=60,
                   env={**{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}, **env})
    os.close(slave)
    said = os.read(master, 65536)
    os.close(master)
    return said


def test_colour_is_for_terminals_that_want_it(gen):
    gen.write("bad.yaml", BAD)
    assert b"\x1b[" in on_a_terminal(gen.folder, {"TERM": "xterm"})
    assert b"\x1b" not in on_a_terminal(gen.folder, {"TERM": "xterm", "NO_COLOR": "1"})
    assert b"\x1b" not in on_a_terminal(gen.folder, {"TERM": "dumb"})


def test_werror(gen):
    gen.write("warned.yaml", SPEC.replace("security: []\n", ""))
    assert "warning" in gen("check", "warned.yaml")[1]
    assert "error" in gen("check", "--werror", "warned.yaml", status=1)[1]


def test_variables(gen):
    assert "/v2/a" in gen("routes", "openapi.yaml", "--var", "b=v2")[0]
    gen("routes", "openapi.yaml", "--var", "c=1", status=1)
    gen("routes", "openapi.yaml", "--var", "r=de", status=1)
    gen("routes", "openapi.yaml", "--var", "b", status=2)


def test_a_field_of_explain_needs_a_colon(gen):
    gen("explain", "openapi.yaml", "GET", "/v1/a", "-H", "Host: a")
    assert "Name: value" in gen("explain", "openapi.yaml", "GET", "/v1/a", "-H", "Host", status=2)[1]


def test_origins_name_the_file(gen):
    gen.write("production.yaml", OVERLAY)
    words = ("routes", "openapi.yaml", "--overlay", "production.yaml", "--effective")
    assert "timeouts: from the operation, production.yaml:4" in gen(*words)[0]
    assert r"timeouts: from the operation, production.yaml:4" in gen(*words, "--format=markdown")[0]
    origins = json.loads(gen(*words, "--format=json")[0])[0]["origins"]
    assert {"key": "timeouts", "level": "operation", "file": "production.yaml", "line": 4} in origins
    assert {"key": "upstream", "level": "document", "file": "openapi.yaml", "line": 5} in origins


def test_an_overlay_says_how_a_hyphen_is_written(gen):
    gen.write("production.yaml", OVERLAY.replace("$.paths['/a'].get", "$.x-gateway"))
    assert "['x-gateway']" in gen("check", "openapi.yaml", "--overlay", "production.yaml", status=1)[1]


def test_a_document_of_giant_names_builds(gen):
    big = "x" * 1000000
    gen.write("big.json", json.dumps({
        "openapi": "3.1.0", "info": {"title": big, "version": big}, "security": [],
        "x-gateway": {"name": "big", "upstreams": {big: {"targets": [{"url": "http://127.0.0.1:9"}]}}, "upstream": big},
        "paths": {"/a": {"get": {"operationId": big, "tags": [big], "responses": {"200": {"description": big}}}}}}))
    gen("build", "big.json", "-o", "gw")
    done = subprocess.run([gen.folder / "gw", "--routes"], capture_output=True, timeout=60)
    assert done.returncode == 0 and big.encode() in done.stdout
