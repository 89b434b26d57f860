"""examples/secured as its page says: keys by its script, and every caller by the commands of the page."""
import os
import re
import shutil
import subprocess

import pytest
from fixtures import GEN, TOP
from http_peer import Origin

BODY = b'{"answered": true}\n'
ANSWER = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
SOURCE = os.path.join(TOP, "examples/secured")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy with keys, and apigw-gen on the path of its commands."""
    copy = shutil.copytree(SOURCE, tmp_path_factory.mktemp("secured") / "secured", ignore=shutil.ignore_patterns("keys"))
    os.makedirs(copy / "bin")
    os.symlink(GEN, copy / "bin/apigw-gen")
    subprocess.run(["./keys.sh", "keys"], cwd=copy, check=True, env={**os.environ, "APIGW_GEN": GEN}, timeout=60)
    return copy


def answer(connection, request):
    """With the status of the document's examples, as --mock has it."""
    connection.send(ANSWER % (b"201 Created" if request.method == "POST" else b"200 OK", len(BODY), BODY))


@pytest.fixture(scope="module")
def origin_of_all():
    with Origin() as one:
        yield one


@pytest.fixture
def library(origin_of_all):
    origin_of_all.forget()
    origin_of_all.answer = answer
    return origin_of_all


@pytest.fixture(scope="module")
def running(module_gateway, folder, origin_of_all):
    document = (folder / "openapi.yaml").read_text().replace("keys/", f"{folder}/keys/")
    return module_gateway(document.replace("http://127.0.0.1:9000", origin_of_all.url))


def commands():
    """The shell of the page, block by block."""
    page = open(os.path.join(SOURCE, "README.md")).read()
    return ["\n".join(lines) for lines in (block.splitlines() for block in re.findall(r"```sh\n(.*?)```", page, re.S))]


def shell(folder, running, text):
    words = text.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{running.port}")
    return subprocess.run(["sh", "-euc", words], cwd=folder, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})


def test_everybody_gets_in_as_the_page_says(folder, running, library):
    tokens, others, offline = commands()
    done = shell(folder, running, tokens + "\n" + others)
    promised = re.findall(r"# (\d+)$", tokens + "\n" + others, re.M)
    assert promised == ["200", "201", "200", "200", "201"]
    assert re.findall(r"^HTTP/1.1 (\d+)", done.stdout, re.M) == promised, done.stdout + done.stderr
    seen = [(request.method, request.target, request["x-user-id"], request["x-consumer-username"], request["x-consumer-groups"],
             request["x-authenticated-scope"]) for request in library.requests]
    assert seen == [("GET", "/loans", "ann", None, "desk", "loans loans:write"), ("POST", "/loans", "ann", None, "desk", "loans loans:write"),
                    ("GET", "/loans", None, "kiosk", "members", None), ("GET", "/settings", None, "keeper", "keepers", None),
                    ("POST", "/reports", None, "nightly", "jobs", None)]
    assert library.requests[2]["x-api-key"] is None and library.requests[4].body == b'{"month": 11}'
    assert running.ask("GET /books HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    assert running.ask("GET /loans HTTP/1.1\r\nHost: a\r\n\r\n").status == 401
    done = shell(folder, running, tokens.split("curl")[0] + offline)
    assert done.returncode == 0 and "desk" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("change,status", [
    (("loans loans:write", "loans"), 403), (("desk", "trainees"), 403), (("desk", "guests"), 403), (("--audience library", "--audience shop"), 401),
    (("https://id.example.com", "https://id.example.org"), 401), (("--subject ann", "--expires=-1m"), 401), (("'loans loans:write'", "other"), 403)])
def test_what_the_staff_may_not(folder, running, library, change, status):
    done = shell(folder, running, commands()[0].replace(*change))
    assert re.findall(r"^HTTP/1.1 (\d+)", done.stdout, re.M)[-1] == str(status), done.stdout + done.stderr
    assert all(request.method == "GET" for request in library.requests)


@pytest.mark.parametrize("change,status", [(("$(cat keys/kiosk.key)", "guess"), 401), (("open sesame", "open barley"), 401),
                                           (("$(cat keys/nightly.secret)", "guess"), 401), (("eu-west-1", "eu-west-2"), 401)])
def test_what_others_may_not(folder, running, library, change, status):
    page = commands()[1]
    done = shell(folder, running, page.replace(*change))
    promised, seen = re.findall(r"# (\d+)$", page, re.M), re.findall(r"^HTTP/1.1 (\d+)", done.stdout, re.M)
    assert [other for one, other in zip(promised, seen, strict=True) if one != other] == [str(status)], done.stdout + done.stderr
