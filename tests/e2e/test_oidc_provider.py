"""A real provider of OpenID Connect (oidc-provider of npm): discovery, tokens, keys that change under traffic, introspection.
Where node or npm's registry is not there, it is skipped."""
import base64
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest
from fixtures import TOP
from http_peer import free_ports, wait_until

SCRIPT = os.path.join(TOP, "tests/lib/oidc_provider.mjs")
PACKAGE = "oidc-provider@9"
DOCUMENT = """
openapi: 3.1.0
info: {{title: library, version: "1"}}
security: [{{oidc: [loans]}}]
x-gateway: {{version: 1, admin: {{address: "127.0.0.1:0"}}, access_log: false}}
components:
  securitySchemes:
    oidc:
      type: openIdConnect
      openIdConnectUrl: "{issuer}/.well-known/openid-configuration"
      x-gateway: {{jwt: {{audiences: library, consumer_claim: client_id}}}}
    opaque:
      type: oauth2
      flows: {{clientCredentials: {{tokenUrl: "{issuer}/token", scopes: {{loans: see, "loans:write": lend}}}}}}
      x-gateway:
        introspection: {{url: "{issuer}/token/introspection", client_id: app, client_secret: {{env: CLIENT_SECRET}}, audiences: opaque}}
paths:
  /loans:
    get: {{x-gateway: &here {{respond: {{status: 200, body: here}}}}, responses: &any {{default: {{description: any}}}}}}
    post: {{security: [{{oidc: ["loans:write"]}}], x-gateway: *here, responses: *any}}
  /opaque:
    get: {{security: [{{opaque: [loans]}}], x-gateway: *here, responses: *any}}
    post: {{security: [{{opaque: ["loans:write"]}}], x-gateway: *here, responses: *any}}
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A folder of this session with the package; one of its workers installs it for all."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not there")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "oidc-provider"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            done = subprocess.run(["timeout", "90", "npm", "install", "--silent", "--prefix", str(folder), PACKAGE],
                                  capture_output=True, stdin=subprocess.DEVNULL)
            (folder / "done").write_text(f"npm gave {done.returncode}" if done.returncode else "")
    if (folder / "done").read_text() or not (folder / "node_modules/oidc-provider").exists():
        pytest.skip(f"npm cannot install {PACKAGE}")
    shutil.copy(SCRIPT, folder)
    return folder


class Provider:
    def __init__(self, folder):
        self.port, = free_ports(1)
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(["node", os.path.basename(SCRIPT), str(self.port)], cwd=folder, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        if not any(line == "ready\n" for line in self.process.stdout):
            pytest.skip("this node does not run oidc-provider")

    def get(self, path):
        with urllib.request.urlopen(self.issuer + path, timeout=20) as answer:
            return answer.read().decode()

    def token(self, resource, scope):
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "resource": resource, "scope": scope}).encode()
        client = base64.b64encode(b"app:app-secret").decode()
        request = urllib.request.Request(self.issuer + "/token", form, {"Authorization": "Basic " + client})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)["access_token"]

    def close(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def provider(installed):
    one = Provider(installed)
    yield one
    one.close()


@pytest.fixture
def running(gateway, provider):
    one = gateway(DOCUMENT.format(issuer=provider.issuer), "--workers", "2", env={"CLIENT_SECRET": "app-secret"})
    wait_until(lambda: one.ask_admin("/readyz").status == 200, "the keys", 20)
    return one


def ask(running, token, path="/loans", method="GET"):
    return running.ask(f"{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n")


def test_its_tokens_are_taken(running, provider):
    token = provider.token("urn:library", "loans")
    assert ask(running, token).status == 200
    answer = ask(running, token, method="POST")
    assert answer.status == 403 and 'scope="loans:write"' in answer["www-authenticate"]
    assert ask(running, provider.token("urn:library", "loans loans:write"), method="POST").status == 200
    answer = ask(running, provider.token("urn:other", "loans"))
    assert answer.status == 401 and "audience" in answer.body.decode()
    assert ask(running, token[:-8] + "AAAAAAAA").status == 401
    assert int(provider.get("/fetches")) == 1


def test_its_keys_change_under_traffic(running, provider):
    """No token that it has just issued is refused, and its keys are asked for once for each of the new ones."""
    began = time.monotonic()
    tokens, refused, served, over = [provider.token("urn:library", "loans")], [], [], threading.Event()

    def traffic():
        count = 0
        with running.client() as client:
            while not over.is_set():
                count += 1
                answer = client.ask(f"GET /loans HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tokens[-1]}\r\n\r\n")
                if answer.status != 200:
                    refused.append(answer)
        served.append(count)

    crowd = [threading.Thread(target=traffic) for _ in range(4)]
    for one in crowd:
        one.start()
    for count in (2, 3):
        wait_until(lambda: time.monotonic() > began + 5.2, "the pause between two questions", 20)
        provider.get("/rotate")
        tokens.append(provider.token("urn:library", "loans"))
        wait_until(lambda: int(provider.get("/fetches")) == count, "a question", 20)
        began = time.monotonic()
        for old in tokens:
            assert ask(running, old).status == 200
    over.set()
    for one in crowd:
        one.join()
    assert not refused and int(provider.get("/fetches")) == 3
    assert len(served) == len(crowd) and min(served) > 100, served


def test_its_opaque_tokens_are_asked_about(running, provider):
    token = provider.token("urn:opaque", "loans")
    assert token.count(".") == 0
    for _ in range(3):
        assert ask(running, token, "/opaque").status == 200
    assert ask(running, token, "/opaque", "POST").status == 403
    assert ask(running, provider.token("urn:opaque", "loans:write"), "/opaque", "POST").status == 200
    assert ask(running, "no-such-token", "/opaque").status == 401
    assert ask(running, token).status == 401
