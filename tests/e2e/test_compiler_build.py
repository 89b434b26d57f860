"""`build` and what it leaves to others: how it links, the emitted folder, the kit to link again."""
import os
import subprocess
import tarfile

import pytest
from fixtures import GEN

KIT = os.path.join(os.path.dirname(GEN), "kit")
SPEC = """openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
security: []
paths:
  /items:
    get: {operationId: listItems, responses: {"200": {description: ok}},
          x-gateway: {respond: {body: "first"}}}
"""


@pytest.fixture
def made(tmp_path):
    """Runs a command in a folder of its own with openapi.yaml in it; returns its standard output and error."""
    (tmp_path / "openapi.yaml").write_text(SPEC)

    def run(*words, cwd=tmp_path):
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


def test_linking_is_quick_and_silent(made):
    """The kit's objects can be optimised across files, which takes its time: only --release does."""
    said = made(GEN, "build", "openapi.yaml", "-o", "gw")
    assert len(said.splitlines()) == 1, said
    assert "-fno-lto" in made(GEN, "build", "-v", "openapi.yaml", "-o", "gw2")


def test_release_says_one_line_too(made):
    said = made(GEN, "build", "--release", "openapi.yaml", "-o", "gw")
    assert len(said.splitlines()) == 1, said


def test_emitted_folder_builds_without_the_compiler(made, tmp_path):
    made(GEN, "build", "openapi.yaml", "-o", "gw", "--emit", "kept")
    made("env", "-i", "PATH=/usr/bin:/bin", "make", "-s", f"GW={KIT}", cwd=tmp_path / "kept")
    routes = made(str(tmp_path / "kept" / "shop"), "--routes")
    assert routes == made(str(tmp_path / "gw"), "--routes")


def test_relink_kit_links_again_as_its_note_says(made, tmp_path):
    made(GEN, "build", "openapi.yaml", "-o", "gw", "--relink-kit", "kit.tar")
    with tarfile.open(tmp_path / "kit.tar") as tar:
        tar.extractall(tmp_path / "empty")
    folder = tmp_path / "empty" / "relink"
    assert "make" in (folder / "README").read_text()
    made("make", "-s", cwd=folder)
    assert made(str(folder / "shop"), "--routes") == made(str(tmp_path / "gw"), "--routes")


def fails(folder, *words, **env):
    (folder / "openapi.yaml").write_text(SPEC)
    done = subprocess.run([GEN, "build", "openapi.yaml", *words], cwd=folder, capture_output=True, text=True, timeout=300,
                          env={**os.environ, **env})
    assert done.returncode == 3, done
    return done.stderr


@pytest.mark.parametrize("words", [("-o", "no/such/gw"), ("-o", "folder"), ("-o", "gw", "--relink-kit", "no/kit.tar")])
def test_what_cannot_be_written_is_said_before_the_compiler_runs(tmp_path, words):
    (tmp_path / "folder").mkdir()
    said = fails(tmp_path, *words, CC="false")
    assert f"cannot write {words[-1]}: " in said and "make" not in said


def test_what_is_missing_is_said_with_what_to_do(tmp_path):
    said = fails(tmp_path, "-o", "gw", CC="no-such-compiler")
    assert "no-such-compiler: No such file" in said and "apt-get install gcc libc6-dev" in said
    linker = tmp_path / "linker"
    linker.write_text('#!/bin/sh\ncase "$*" in *-levent*) echo "ld: cannot find -lcares: No such file or directory" >&2; '
                      'exit 1;; esac\nexec gcc "$@"\n')
    linker.chmod(0o755)
    said = fails(tmp_path, "-o", "gw", CC=str(linker))
    assert "cannot find -lcares" in said and "libc-ares-dev" in said and "a C compiler" not in said


def test_what_make_says_is_passed_on(tmp_path):
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / "libgw.a").write_text("")  # and no flags.mk
    (tmp_path / "apigw-gen").write_bytes(open(GEN, "rb").read())
    (tmp_path / "apigw-gen").chmod(0o755)
    (tmp_path / "openapi.yaml").write_text(SPEC)
    done = subprocess.run([tmp_path / "apigw-gen", "build", "openapi.yaml", "-o", "gw"], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 3 and "*** The runtime kit is not in kit" in done.stderr, done.stderr


def test_a_generated_project_asks_for_the_kit(made, tmp_path):
    made(GEN, "generate", "openapi.yaml", "-o", "out")
    done = subprocess.run(["make", "GW=/nowhere"], cwd=tmp_path / "out", capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "The runtime kit is not in /nowhere: say where with GW=FOLDER" in done.stderr
