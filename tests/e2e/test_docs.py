"""The documents are tests: every YAML block of specs/ and the README compiles, every bad example of
diagnostics.md gives the code it stands under.

A fence says what its block is:   ```yaml           a fragment (x-gateway, paths, components …), completed below
                                  ```yaml document  a whole document
                                  ```yaml bad       a whole document or fragment that gives the heading's code
                                  ```yaml good      the same, mended
                                  ```yaml overlay, ```yaml skip   not a document (shown for the reader)
"""
import os
import re
import subprocess

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
    if kind in ("skip", "overlay"):
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


def test_every_code_is_documented():
    """Each code that the compiler can emit has its section in diagnostics.md."""
    code = re.compile(r'diag_(?:error|warn)\([^;]*?"([a-z0-9]+(?:-[a-z0-9]+)*)",', re.S)
    emitted = set()
    for folder, _, files in os.walk(os.path.join(TOP, "gen")):
        for file in files:
            if file.endswith((".c", ".re")):
                emitted |= set(code.findall(open(os.path.join(folder, file)).read()))
    text = open(os.path.join(TOP, "specs/diagnostics.md")).read()
    documented = set(re.findall(r"^### `?([a-z0-9-]+)`?", text, re.M))
    assert emitted, "the pattern found no code at all"
    assert emitted <= documented, sorted(emitted - documented)
