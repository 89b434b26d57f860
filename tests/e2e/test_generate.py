"""What `apigw-gen generate` writes: the same everywhere, small in its changes, clean C whatever the document says."""
import difflib
import glob
import json
import os
import re
import shutil
import subprocess

import pytest
from fixtures import GEN, TOP

KIT = os.path.join(os.path.dirname(GEN), "kit")
STRICT = ("-std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion "
          "-Wswitch-enum -Wimplicit-fallthrough -Wmissing-prototypes -Wstrict-prototypes -Wvla").split()

SPEC = """openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
security: []
servers: [{url: /api}]
x-gateway:
  name: shop
  upstreams:
    items: {targets: [{url: "http://127.0.0.1:9000"}]}
    canary: {targets: [{url: "http://127.0.0.1:9001"}]}
  upstream: items
paths:
  /items:
    get: {operationId: listItems, tags: [items], responses: {"200": {description: ok}}}
    post: {operationId: addItem, tags: [items], responses: {"201": {description: ok}},
           x-gateway: {upstream: {items: 9, canary: 1}}}
  /items/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: getItem, tags: [items], responses: {"200": {description: ok}},
          x-gateway: {rewrite: {strip: base}, timeouts: {read: 2s}}}
    put: {operationId: setItem, tags: [items], responses: {"200": {description: ok}},
          x-gateway: {route: [{match: {headers: {X-Beta: ["1"]}}, upstream: canary}, {upstream: items}]}}
  /old/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: oldItem, tags: [old], responses: {"308": {description: moved}},
          x-gateway: {redirect: {status: 308, location: "/api/items/{id}"}}}
"""
ADDED = """    delete: {operationId: dropItem, tags: [items], responses: {"204": {description: gone}}}
"""


def generate(folder, spec, *options, name="openapi.yaml", env=None, status=0):
    """Writes the document beside the output folder and generates; returns {file: bytes}."""
    os.makedirs(folder, exist_ok=True)
    document, out = os.path.join(folder, name), os.path.join(folder, "out")
    with open(document, "wb") as file:
        file.write(spec if isinstance(spec, bytes) else spec.encode())
    done = subprocess.run([GEN, "generate", document, "-o", out, *options], capture_output=True, timeout=120,
                          env={**os.environ, **(env or {})})
    assert done.returncode == status, done.stderr.decode(errors="replace")[-4000:]
    return read_all(out)


def read_all(folder):
    files = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files


def compile_all(folder):
    """Every generated file under the strictest flags, without an object."""
    for path in sorted(glob.glob(os.path.join(folder, "*.c"))):
        done = subprocess.run(["gcc", *STRICT, "-DGATEWAY_BUILD_ID=\"x\"", f"-I{KIT}/include", "-fsyntax-only", path],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[:4000]


def hunks(before, after):
    lines = difflib.SequenceMatcher(None, before.decode().splitlines(), after.decode().splitlines(), autojunk=False)
    return [op for op in lines.get_opcodes() if op[0] != "equal"]


def test_same_in_two_folders_and_two_locales(tmp_path):
    one = generate(str(tmp_path / "one"), SPEC, env={"LC_ALL": "C", "TZ": "UTC"})
    two = generate(str(tmp_path / "deep" / "er" / "two"), SPEC, env={"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"})
    assert one == two
    assert str(tmp_path).encode() not in b"".join(one.values())


def test_same_executable_twice(tmp_path):
    made = []
    for name in ("a", "b"):
        generate(str(tmp_path / name), SPEC)
        done = subprocess.run([GEN, "build", str(tmp_path / name / "openapi.yaml"), "-o", str(tmp_path / name / "gw")],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        with open(tmp_path / name / "gw", "rb") as file:
            made.append(file.read())
    assert made[0] == made[1]


def test_second_run_touches_nothing(tmp_path):
    generate(str(tmp_path), SPEC)
    out = tmp_path / "out"
    before = {name: os.stat(out / name).st_ino for name in os.listdir(out)}
    generate(str(tmp_path), SPEC)
    assert before == {name: os.stat(out / name).st_ino for name in os.listdir(out)}


def test_one_operation_is_one_hunk(tmp_path):
    at = SPEC.index("  /old/{id}:")
    before = generate(str(tmp_path / "before"), SPEC)
    after = generate(str(tmp_path / "after"), SPEC[:at] + ADDED + SPEC[at:])
    for name in ("flow_items.c", "routes.txt", "gateway.lock"):
        changes = hunks(before[name], after[name])
        assert [change[0] for change in changes] == ["insert"], (name, changes)
    assert before["flow_old.c"] == after["flow_old.c"]


def test_group_that_left_takes_its_file_along(tmp_path):
    generate(str(tmp_path), SPEC)
    (tmp_path / "out" / "mine.c").write_text("int mine;\n")
    files = generate(str(tmp_path), SPEC.replace("tags: [old]", "tags: [items]"))
    assert "flow_old.c" not in files and "flow_items.c" in files and "mine.c" in files


def test_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Makefile").write_text("all:\n")
    assert set(generate(str(tmp_path), SPEC, status=3)) == {"Makefile"}


def test_clean_under_strict_flags(tmp_path):
    generate(str(tmp_path), SPEC)
    compile_all(str(tmp_path / "out"))


@pytest.mark.skipif(not shutil.which("clang-format"), reason="needs clang-format")
@pytest.mark.parametrize("source", ["inline"] + sorted(glob.glob(os.path.join(TOP, "examples/*/openapi.yaml"))),
                         ids=lambda source: source.split(os.sep)[-2:][0])
def test_is_its_own_clang_format(tmp_path, source):
    spec = SPEC
    if source != "inline":
        with open(source, encoding="utf-8") as file:
            spec = file.read()
    files = generate(str(tmp_path), spec)
    for name, text in files.items():
        if name.endswith((".c", ".h")):
            done = subprocess.run(["clang-format", f"--style=file:{TOP}/.clang-format", f"--assume-filename={name}"],
                                  input=text, capture_output=True, timeout=60, check=True)
            assert done.stdout.decode().splitlines() == text.decode().splitlines(), name


def test_folder_is_a_project(tmp_path):
    generate(str(tmp_path), SPEC)
    done = subprocess.run(["make", "-C", str(tmp_path / "out"), f"GW={KIT}", "-j2"], capture_output=True, text=True,
                          timeout=300, env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
    assert done.returncode == 0, done.stderr
    told = subprocess.run([str(tmp_path / "out" / "shop"), "--version"], capture_output=True, text=True, timeout=10)
    assert told.returncode == 0 and told.stdout.startswith("shop 1.0.0")


def test_relink_kit(tmp_path):
    (tmp_path / "openapi.yaml").write_text(SPEC)
    done = subprocess.run([GEN, "build", str(tmp_path / "openapi.yaml"), "-o", str(tmp_path / "gw"),
                           "--relink-kit", str(tmp_path / "kit.tar")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    subprocess.run(["tar", "-xf", "kit.tar"], cwd=tmp_path, check=True)
    done = subprocess.run(["make", "-C", str(tmp_path / "relink")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = subprocess.run([str(tmp_path / "relink" / "shop"), "--version"], capture_output=True, text=True, timeout=10)
    assert told.stdout.startswith("shop 1.0.0")


# ---- documents that would like to be programs ----

EVIL = {
    "quotes": 'a"); system("touch owned"); ("',
    "comment": "*/ int owned; /* x",
    "newline": "a\n#include <owned.h>\nint owned;\n",
    "trigraph": "??/\n??' owned ??)??(",
    "splice": "a\\\nint owned;\\",
    "make": "$(shell touch owned) `touch owned` $$(touch owned) %s %n",
    "return": "a\r\nX-Owned: yes\r\n\r\n",
    "nul": "a\0b",
    "bidi": "a\u202e\u2066 owned \u2069\u202c",
    "unicode": "é\u2028ü\ufeff\U000e0041 \U0001f600",
    "keyword": "int",
    "path": "../../../../tmp/owned",
    "shell": "a'; touch owned; '",
    "format": "%s%s%s%n",
}


def hostile(text):
    """A document that says `text` wherever a document may say something."""
    return {
        "openapi": "3.1.0",
        "info": {"title": text, "version": text, "description": text},
        "security": [],
        "tags": [{"name": text}],
        "servers": [{"url": "/api"}],
        "x-gateway": {"upstreams": {"items": {"targets": [{"url": "http://127.0.0.1:9000"}]}}, "upstream": "items"},
        "paths": {
            "/a": {"get": {
                "operationId": text, "tags": [text], "summary": text, "description": text,
                "responses": {"200": {"description": text, "content": {"application/json": {"example": {text: text}}}}},
                "x-gateway": {"mock": True}}},
            "/b/{x}": {
                "parameters": [{"name": "x", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"operationId": "two", "tags": [text], "responses": {"200": {"description": text}}}},
            "/r": {"get": {
                "operationId": "three", "responses": {"200": {"description": text}},
                "x-gateway": {"respond": {"status": 200, "body": text}}}},
            "/s": {"get": {
                "operationId": "four", "responses": {"200": {"description": text}},
                "x-gateway": {"route": [{"match": {"query": {"q": [text.replace("\0", "")]}}, "upstream": "items"},
                                        {"upstream": "items"}]}}},
        },
    }


def strings_of(source):
    """A C text without its string literals and comments."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/', "", source, flags=re.S)


@pytest.mark.parametrize("name", sorted(EVIL))
def test_text_never_becomes_code(tmp_path, name):
    text = EVIL[name]
    files = generate(str(tmp_path), json.dumps(hostile(text)), name="openapi.json")
    for file, content in files.items():
        source = content.decode()
        if file.endswith((".c", ".h")):
            assert not re.search(r"\bowned\b", strings_of(source))
            assert "??/" not in source
        elif file == "Makefile":
            assert "touch owned" not in source and "owned.h" not in source and "`" not in source
        assert not re.search("[\u202a-\u202e\u2066-\u2069\ufeff\u2028\x00]", source), file
    for line in files["routes.txt"].decode().splitlines() + files["gateway.lock"].decode().splitlines():
        assert not line.startswith(("#include", "int owned", "X-Owned"))
    compile_all(str(tmp_path / "out"))
    assert not glob.glob(str(tmp_path / "**" / "owned"), recursive=True)


@pytest.mark.parametrize("name", ["quotes", "make", "trigraph", "nul", "bidi"])
def test_text_arrives_as_it_was(gateway, name):
    """The answer that a hostile `respond` gives is the document's text, byte for byte."""
    answer = gateway(json.dumps(hostile(EVIL[name]))).ask(b"GET /api/r HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.status == 200 and answer.body == EVIL[name].encode()


def test_long_names(tmp_path):
    long = "x" * 1_000_000
    spec = hostile("fine")
    spec["info"]["title"] = long
    spec["paths"]["/a"]["get"]["operationId"] = long
    spec["paths"]["/a"]["get"]["tags"] = [long]
    files = generate(str(tmp_path), json.dumps(spec), name="openapi.json")
    assert all(len(name) < 100 for name in files)
    compile_all(str(tmp_path / "out"))


@pytest.mark.parametrize("name", ["clean", "kit", "relink", "all", "PHONY", "gateway", "flow", "main"])
def test_names_of_programs(tmp_path, name):
    generate(str(tmp_path), SPEC.replace("name: shop", f"name: {name}"))
    done = subprocess.run(["make", "-n", "-C", str(tmp_path / "out"), f"GW={KIT}"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and " -o " in done.stdout, done.stderr


@pytest.mark.parametrize("ids", [["main", "malloc", "getaddrinfo", "gw_reply", "rq"],
                                 ["route", "enum", "index", "at", "next"],
                                 ["default", "count", "COUNT", "Count", "ROUTE_COUNT"],
                                 ["getPet", "get_pet", "GetPet", "get-pet", "get pet"],
                                 ["1", "_", "__", "é", "-"]], ids=lambda ids: ids[0])
def test_names_that_mean_something_in_c(tmp_path, ids):
    spec = json.loads(json.dumps(hostile("fine")))
    spec["paths"] = {f"/p{i}": {"get": {"operationId": name, "tags": [name],
                                       "responses": {"200": {"description": "ok"}}}} for i, name in enumerate(ids)}
    generate(str(tmp_path), json.dumps(spec), name="openapi.json")
    compile_all(str(tmp_path / "out"))


@pytest.mark.parametrize("folder", sorted(glob.glob(os.path.join(TOP, "examples/*/expected"))),
                         ids=lambda folder: str(folder).split(os.sep)[-2:][0])
def test_examples_are_as_committed(tmp_path, folder):
    spec = os.path.join(os.path.dirname(folder), "openapi.yaml")
    done = subprocess.run([GEN, "generate", spec, "-o", str(tmp_path / "out")], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert read_all(folder) == read_all(str(tmp_path / "out"))
    compile_all(folder)


def test_templates_readme_names_every_value():
    folder = os.path.join(TOP, "templates")
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        told = set(re.findall(r"`([a-z_0-9]+)`", file.read()))
    for path in glob.glob(os.path.join(folder, "**", "*.mustache"), recursive=True):
        with open(path, encoding="utf-8") as file:
            names = set(re.findall(r"\{\{[{#^]*([a-z_0-9]+)\}", file.read()))
        if not path.endswith("match.c.mustache"):
            assert names <= told, (path, names - told)
