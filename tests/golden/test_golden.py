"""Compiler goldens: the smallest input beside what the compiler makes of it.

A case is a folder: in.yaml, perhaps `args` (more words for the command line) and further files. out.err is what
`apigw-gen check` says; out.ir (or out.api) is what --dump shows of a document without errors.
GOLDEN_ACCEPT=1 writes what is found instead of comparing.
"""
import os
import shlex
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
ACCEPT = os.environ.get("GOLDEN_ACCEPT")
CASES = sorted(c for c in os.listdir(HERE) if os.path.exists(os.path.join(HERE, c, "in.yaml")))


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def compare(path, found):
    if not ACCEPT:
        assert found == read(path), path
    elif found:
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(found)
    elif os.path.exists(path):
        os.remove(path)


@pytest.mark.parametrize("case", CASES)
def test_golden(case):
    folder = os.path.join(HERE, case)
    stage = "api" if os.path.exists(os.path.join(folder, "out.api")) else "ir"
    words = ["check", f"--dump={stage}", "in.yaml"] + shlex.split(read(os.path.join(folder, "args")))
    done = subprocess.run([GEN] + words, cwd=folder, capture_output=True, timeout=60)
    err = done.stderr.decode()
    assert done.returncode == (1 if "error: " in err else 0), err
    compare(os.path.join(folder, "out.err"), err)
    compare(os.path.join(folder, f"out.{stage}"), done.stdout.decode() if done.returncode == 0 else "")
