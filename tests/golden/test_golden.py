"""Compiler goldens: the smallest input beside what it must give. Each folder here is a case:

    in.yaml or in.json   the document; other files may lie beside it
    args                 more words for the command line, optional
    out.err              what `check` says on standard error (missing: nothing, and it succeeds)
    out.tree out.api out.ir out.plan    what `check --dump=…` prints, where there is such a file
    flow_x.c routes.txt gateway.lock …  generated files, compared where they stand here

GOLDEN_ACCEPT=1 rewrites what is there; the reviewer sees the diff."""
import os
import shlex
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GEN = os.path.abspath(os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen")))
ACCEPT = os.environ.get("GOLDEN_ACCEPT") == "1"
STAGES = ["tree", "api", "ir", "plan"]
CASES = sorted(name for name in os.listdir(HERE) if os.path.isdir(os.path.join(HERE, name)) and name[0] not in "._")


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def compare(path, found):
    if ACCEPT and (os.path.exists(path) or found):
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(found)
    assert found == (read(path) if os.path.exists(path) else ""), f"{path} differs; make golden-accept rewrites it"


def gen(folder, *words):
    done = subprocess.run([GEN, *words], cwd=folder, capture_output=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C", "NO_COLOR": "1"})
    out, err = (s.decode("utf-8", "surrogateescape") for s in (done.stdout, done.stderr))
    assert done.returncode in (0, 1), f"ended with {done.returncode}:\n{err}"
    return done.returncode, out, err


@pytest.mark.parametrize("case", CASES)
def test_golden(case, tmp_path):
    folder = os.path.join(HERE, case)
    names = set(os.listdir(folder))
    spec = "in.yaml" if "in.yaml" in names else "in.json"
    args = shlex.split(read(os.path.join(folder, "args"))) if "args" in names else []

    status, _, err = gen(folder, "check", spec, *args)
    said_error = ": error: " in err
    assert status == (1 if said_error else 0), err
    compare(os.path.join(folder, "out.err"), err)

    for stage in STAGES:
        if f"out.{stage}" in names:
            _, out, _ = gen(folder, "check", spec, *args, f"--dump={stage}")
            compare(os.path.join(folder, f"out.{stage}"), out)

    generated = {name for name in names
                 if name in ("Makefile", "routes.txt", "gateway.lock") or name.endswith((".c", ".h"))}
    if generated:
        out = str(tmp_path / "out")
        status, _, err = gen(folder, "generate", spec, *args, "-o", out)
        assert status == 0, err
        for name in sorted(generated):
            compare(os.path.join(folder, name), read(os.path.join(out, name)))
