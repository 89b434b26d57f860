"""The documents are tests: every YAML block of specs/ and the README compiles, every bad example of
diagnostics.md gives the code it stands under.

A fence says what its block is:   ```yaml           a fragment (x-gateway, paths, components …), completed below
                                  ```yaml document  a whole document
                                  ```yaml bad       a whole document or fragment that gives the heading's code
                                  ```yaml good      the same, mended
                                  ```yaml overlay, ```yaml skip, ```yaml targets   not a document (shown for the reader)
"""
import glob
import os
import re
import shlex
import subprocess

import jsonschema
import pytest
import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
FENCE = re.compile(r"^```yaml([^\n]*)\n(.*?)^```$", re.M | re.S)


def pages():
    found = [os.path.join(TOP, "README.md")]
    for folder, _, files in os.walk(os.path.join(TOP, "specs")):
        found += [os.path.join(folder, f) for f in files if f.endswith(".md")]
    return sorted(found)


def blocks():
    for page in pages():
        text = open(page).read()
        for match in FENCE.finditer(text):
            headings = re.findall(r"^#+ `?([^`\n]+)`?", text[:match.start()], re.M)
            line = text[:match.start()].count("\n") + 1
            name = f"{os.path.relpath(page, TOP)}:{line}"
            yield pytest.param(match.group(1).strip(), match.group(2), headings[-1].strip() if headings else "", id=name)


BASE = {
    "openapi": "3.1.0",
    "info": {"title": "Example", "version": "1"},
    "security": [],
    "paths": {"/pets": {"get": {"operationId": "listPets", "responses": {"200": {"description": "ok"}}}}},
}


def complete(text):
    """A fragment becomes the smallest document that holds it."""
    if re.search(r"^openapi:", text, re.M):
        return text
    fragment = yaml.load(text, Loader=yaml.BaseLoader)
    assert isinstance(fragment, dict), "a fragment is a map"
    missing = {k: v for k, v in BASE.items() if k not in fragment}
    return yaml.safe_dump(missing, sort_keys=False) + text


def check(tmp_path, text):
    spec = tmp_path / "spec.yaml"
    spec.write_text(complete(text))
    return subprocess.run([GEN, "check", "--upstream", "http://127.0.0.1:9", str(spec)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("kind,text,heading", list(blocks()))
def test_block(tmp_path, kind, text, heading):
    if kind in ("skip", "overlay", "targets"):
        return
    done = check(tmp_path, text)
    if kind == "bad":
        assert f"[{heading}]" in done.stderr, done.stderr
        return
    assert kind in ("", "document", "good"), f"unknown kind of block: {kind}"
    assert done.returncode == 0, done.stderr


def test_readme_shows_what_is_generated(tmp_path):
    """The function in the README is the one that its document becomes."""
    text = open(os.path.join(TOP, "README.md")).read()
    document = re.search(r"^```yaml document\n(.*?)^```$", text, re.M | re.S).group(1)
    function = re.search(r"^```c\n(.*?)^```$", text, re.M | re.S).group(1)
    spec = tmp_path / "pets.yaml"
    spec.write_text(document)
    subprocess.run([GEN, "generate", str(spec), "-o", str(tmp_path / "out")], check=True, timeout=60)
    assert function in (tmp_path / "out" / "flow_pets.c").read_text()


def test_readme_shows_what_is_printed(tmp_path):
    """The complaint and the explanation in the README are what its document gets."""
    text = open(os.path.join(TOP, "README.md")).read()
    document = re.search(r"^```yaml document\n(.*?)^```$", text, re.M | re.S).group(1)
    complaint = re.search(r"^```\n(pets\.yaml:.*?)^```$", text, re.M | re.S).group(1)
    asked, explained = re.search(r"^```\n\$ apigw-gen (explain [^\n]*)\n(.*?)^```$", text, re.M | re.S).groups()

    def told(document, *words):
        (tmp_path / "pets.yaml").write_text(document)
        done = subprocess.run([GEN, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    assert told(document, *shlex.split(asked)) == explained
    wrong = document.replace("upstream: pets-next}\n", "upstream: pets-nxt}\n")
    assert told(wrong, "check", "pets.yaml") == complaint


def curls():
    for page in sorted(glob.glob(os.path.join(TOP, "examples/*/README.md"))):
        for url in re.findall(r"curl [^\n]*http://127\.0\.0\.1:8080(/\S*)", open(page).read()):
            yield pytest.param(os.path.dirname(page), url, id=os.path.basename(os.path.dirname(page)) + url)


@pytest.mark.parametrize("folder,url", curls())
def test_examples_answer_what_their_pages_ask(folder, url):
    """As `make run` starts them: with an answer that has something in it, or a redirect."""
    done = subprocess.run([GEN, "explain", "--mock", "openapi.yaml", "GET", url], cwd=folder, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    route = re.search(r"^route +(\S+)$", done.stdout, re.M).group(1)
    plan = subprocess.run([GEN, "check", "--mock", "--dump=ir", "openapi.yaml"], cwd=folder, capture_output=True, text=True,
                          timeout=60).stdout
    operation = re.search(rf'^operation "{route}" .*?(?=^\S|\Z)', plan, re.M | re.S).group(0)
    assert "\n    body " in operation or "\n  redirect " in operation, operation


def test_every_code_is_documented():
    """Each code that the compiler can emit has its section in diagnostics.md."""
    code = re.compile(r'(?:diag_error|diag_warn|report(?:_operation)?)\([^;]*?"([a-z0-9]+(?:-[a-z0-9]+)*)",', re.S)
    emitted = set()
    for folder, _, files in os.walk(os.path.join(TOP, "gen")):
        for file in files:
            if file.endswith((".c", ".re")):
                emitted |= set(code.findall(open(os.path.join(folder, file)).read()))
    text = open(os.path.join(TOP, "specs/diagnostics.md")).read()
    documented = set(re.findall(r"^### `?([a-z0-9-]+)`?", text, re.M))
    assert emitted, "the pattern found no code at all"
    assert emitted <= documented, sorted(emitted - documented)


# ---- the schema for editors ----

class Core(yaml.SafeLoader):
    """YAML 1.2's words alone, as the compiler and editors read them."""


Core.yaml_implicit_resolvers = {}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
Core.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$"),
                           list("-+0123456789"))
SCHEMA = os.path.join(TOP, "specs/x-gateway.schema.yaml")


@pytest.fixture(scope="module")
def validator():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = yaml.load(file, Loader=Core)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_schema_is_as_committed():
    made = subprocess.run([GEN, "schema"], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    assert made.stdout == open(SCHEMA, encoding="utf-8").read(), "make schema rewrites it"


@pytest.mark.parametrize("text", [pytest.param(b.values[1], id=b.id) for b in blocks()
                                  if b.values[0] in ("", "document", "good")])
def test_schema_takes_what_compiles(validator, text):
    validator.validate(yaml.load(complete(text), Loader=Core))


def goldens():
    for spec in sorted(glob.glob(os.path.join(TOP, "tests/golden/*/in.yaml")) +
                       glob.glob(os.path.join(TOP, "examples/*/openapi.yaml"))):
        told = os.path.join(os.path.dirname(spec), "out.err")
        if "hostile-long-names" in spec:  # keys that PyYAML does not read
            continue
        if not os.path.exists(told) or ": error: " not in open(told, encoding="utf-8", errors="replace").read():
            yield pytest.param(spec, id=os.path.relpath(spec, TOP))


@pytest.mark.parametrize("spec", goldens())
def test_schema_takes_what_the_compiler_takes(validator, spec):
    with open(spec, encoding="utf-8-sig") as file:
        validator.validate(yaml.load(file, Loader=Core))


# What the schema can know of an x-gateway block; not what depends on the rest of the document.
KNOWN = ("unknown-key", "unknown-value", "wrong-level", "wrong-type", "missing-key", "not-implemented",
         "bad-duration", "bad-size", "literal-secret", "ref-siblings")


@pytest.mark.parametrize("heading,text", [pytest.param(b.values[2], b.values[1], id=b.id) for b in blocks()
                                          if b.values[0] == "bad" and b.values[2] in KNOWN
                                          and "x-gateway" in b.values[1]])
def test_schema_refuses_what_it_can_know(validator, heading, text):
    assert not validator.is_valid(yaml.load(complete(text), Loader=Core)), heading


@pytest.mark.parametrize("block", [
    "x-gateway: {nmae: shop}", "x-gateway: {version: \"1\"}", "x-gateway: {cors: {origins: [a]}}",
    "x-gateway: {timeouts: {read: 5}}", "x-gateway: {timeouts: {connect: false}}", "x-gateway: {limits: {body: 1t}}",
    "x-gateway: {upstreams: {a: {targets: [{weight: 1}]}}}", "x-gateway: {upstreams: {a: {subsets: {b: c}}}}",
    "x-gateway: {upstreams: {a: {pool: true}}}", "x-gateway: {listeners: {address: \":80\"}}",
    "x-gateway: {listeners: [{adress: \":80\"}]}", "x-gateway: {admin: {address: \":80\", token: secret}}",
    "x-gateway: {strict: {explicit_security: false}}", "x-gateway: {upstream: true}", "x-gateway: {route: [{match: {}}]}",
    "x-gateway: {errors: {overrides: {\"404\": {status: nope}}}}", "x-gateway: {access_log: {fields: [statsu]}}",
    "x-gateway: {passthrough: true}", "paths: {/a: {x-gateway: {listeners: []}}}",
    "paths: {/a: {get: {x-gateway: {any_method: {}}}}}", "paths: {/a: {x-gateway: {limits: {uri: 1k}}}}",
    "components: {securitySchemes: {k: {x-gateway: {upstream: a}}}}",
    "paths: {/a: {x-gateway: {any_method: {x-gateway: {mock: 1}}}}}",
])
def test_schema_refuses(validator, block):
    assert not validator.is_valid(yaml.load(block, Loader=Core))
