"""Secrets stay where they are: not in the program, not in what it says of itself, not in logs, answers and pages, and not in
its memory when they were replaced."""
import base64
import hashlib
import os
import signal
import subprocess
import time
import urllib.parse

import jose
import pytest
from aws_signer import Signer
from fixtures import GEN, IS_SANITIZED
from http_peer import RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: secrets, version: "1"}}
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0", token: {{file: {folder}/admin-token}}}}
  log: {{level: debug}}
  upstreams: {{o: {{targets: [{{url: "{url}"}}]}}}}
  upstream: o
  consumers:
    env:
      keys: [{{env: THE_KEY}}]
      basic: [{{username: env, password_hash: {{env: THE_HASH}}}}]
      jwt: [{{key: env, algorithm: HS256, secret: {{env: THE_SECRET}}}}]
      aws: [{{access_key: AKIDENV, secret_key: {{env: THE_AWS}}}}]
    file:
      keys: [{{file: {folder}/key}}]
      basic: [{{username: file, password_hash: {{file: {folder}/hash}}}}]
      jwt: [{{key: file, algorithm: HS256, secret: {{file: {folder}/secret}}}}]
      aws: [{{access_key: AKIDFILE, secret_key: {{file: {folder}/aws}}}}]
  consumers_file: {{file: {folder}/consumers}}
components:
  securitySchemes:
    key: {{type: apiKey, in: header, name: X-Key, x-gateway: {{key_auth: {{key_in_query: true, key_in_cookie: true}}}}}}
    basic: {{type: http, scheme: basic}}
    whose: {{type: http, scheme: bearer, x-gateway: {{jwt: {{key_claim_name: iss, header_names: X-Token}}}}}}
    ours: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{file: {folder}/shared}}, header_names: X-Token}}}}}}
    theirs: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: THE_SHARED}}, header_names: X-Token}}}}}}
    aws: {{type: http, scheme: aws4-hmac-sha256, x-gateway: {{aws_sigv4: {{region: eu-west-1}}}}}}
paths:
  /key: {{get: {{security: [{{key: []}}], responses: &any {{default: {{description: any}}}}}}}}
  /basic: {{get: {{security: [{{basic: []}}], responses: *any}}}}
  /whose: {{get: {{security: [{{whose: []}}], responses: *any}}}}
  /ours: {{get: {{security: [{{ours: []}}], responses: *any}}}}
  /theirs: {{get: {{security: [{{theirs: []}}], responses: *any}}}}
  /aws: {{get: {{security: [{{aws: []}}], responses: *any}}}}
  /all: {{get: {{security: [{{key: [], basic: [], whose: []}}], responses: *any}}}}
"""
NAMES = {"THE_KEY": "key", "THE_HASH": "hash", "THE_SECRET": "secret", "THE_AWS": "aws", "THE_SHARED": "shared"}


def scrypt(password):
    def b64(data):
        return base64.b64encode(data).decode().rstrip("=")

    salt = hashlib.sha256(password.encode()).digest()[:16]
    return f"$scrypt$ln=10,r=8,p=1${b64(salt)}${b64(hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1, dklen=32))}"


class Secrets:
    """Of one generation and one home: what is secret, by kind."""

    def __init__(self, who, generation="first"):
        self.who = who
        self.password = f"{generation}-password-of-{who}"
        self.kinds = {kind: hashlib.sha256(f"{generation} {kind} of {who}".encode()).hexdigest()[:48] for kind in NAMES.values()}
        self.kinds["hash"] = scrypt(self.password)

    def values(self):
        return list(self.kinds.values())

    def requests(self, goods=True):
        """Targets and fields, good ones or slightly wrong ones."""
        tail = "" if goods else "x"
        key, secret = self.kinds["key"] + tail, jose.Key("HS256", secret=(self.kinds["secret"] + tail).encode())
        shared = jose.Key("HS256", secret=(self.kinds["shared"] + tail).encode())
        basic = "Authorization: Basic " + base64.b64encode(f"{self.who}:{self.password}{tail}".encode()).decode()
        signed = Signer(f"AKID{self.who.upper()}", self.kinds["aws"] + tail).head("GET", "/aws")
        token = "X-Token: " + secret.token(iss=self.who)
        yield from [("/key", [f"X-Key: {key}"]), (f"/key?a=b&X-Key={key}", []), ("/key", [f"Cookie: X-Key={key}"])] + [
            ("/basic", [basic]), ("/whose", [token]), ("/all", [f"X-Key: {key}", basic, token])]
        yield {"env": "/theirs", "file": "/ours"}.get(self.who, "/nowhere"), ["X-Token: " + shared.token()]
        yield "/aws", [f"{name}: {value}" for name, value in signed if name != "Host"]


def write(folder, of_file, of_consumers, admin):
    for kind, value in [*of_file.kinds.items(), ("admin-token", admin)]:
        (folder / kind).write_text(value + "\n")
    c = of_consumers.kinds
    (folder / "consumers").write_text(
        f"consumers:\n  listed:\n    keys: [{c['key']}]\n    basic: [{{username: listed, password_hash: \"{c['hash']}\"}}]\n"
        f"    jwt: [{{key: listed, algorithm: HS256, secret: {c['secret']}}}]\n"
        f"    aws: [{{access_key: AKIDLISTED, secret_key: {c['aws']}}}]\n")


def statuses(running, secrets, goods=True):
    """Of each request; those who are no consumers of a file or the environment have no shared secret."""
    answers = [running.ask("GET %s HTTP/1.1\r\n%s\r\n" % (target, "".join(f"{f}\r\n" for f in ["Host: a", *fields])))
               for target, fields in secrets.requests(goods) if target != "/nowhere"]
    return {answer.status for answer in answers}, b"".join(answer.body for answer in answers)


def forms(secret):
    raw = secret.encode()
    yield from (raw, base64.b64encode(raw)[:-4], raw.hex().encode(), raw.hex().upper().encode(),
                urllib.parse.quote(secret, safe="").encode(), raw[:len(raw) // 2], raw[len(raw) // 2:])


def stands_in(text, secrets):
    return [(secret, form) for secret in secrets for form in forms(secret) if form in text]


@pytest.fixture
def made(gateway, origin, tmp_path, monkeypatch):
    """The secrets are known where the program is made: nothing but its start may look at them."""
    env = Secrets("env")
    told = {name: env.kinds[kind] for name, kind in NAMES.items()}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    of_file, listed, admin = Secrets("file"), Secrets("listed"), hashlib.sha256(b"first").hexdigest()
    write(tmp_path, of_file, listed, admin)
    document = DOCUMENT.format(folder=tmp_path, url=origin.url)
    return gateway(document, "--workers", "2", env=told), document, [env, of_file, listed], admin


def pages(running, token):
    port = next(int(line.rpartition(":")[2]) for line in running.log.splitlines() if "admin on " in line)
    for target in ("/manifest", "/routes", "/runtime", "/upstreams", "/metrics", "/healthz", "/readyz", "/nothing"):
        for field in (f"Authorization: Bearer {token}\r\n", f"Authorization: Bearer {token}x\r\n", ""):
            with RawClient(port) as client:
                answer = client.ask(f"GET {target} HTTP/1.1\r\nHost: a\r\n{field}\r\n")
            assert answer.status in ((200, 404) if field.endswith(f"{token}\r\n") else (401,)), (target, field, answer)
            yield repr(answer.fields).encode() + answer.body


def test_secrets_are_shown_nowhere(made, tmp_path):
    running, document, people, admin = made
    secrets = [value for one in people for value in one.values()] + [admin]
    passwords = [one.password for one in people]
    shown = {}
    for one in people:
        status, shown[f"answers to {one.who}"] = statuses(running, one)
        assert status == {200}
        status, shown[f"refusals of {one.who}"] = statuses(running, one, goods=False)
        assert status == {401}
    shown["admin"] = b"".join(pages(running, admin))
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in running.log, "the reload")
    wait_until(lambda: running.out.count('"path":"/all"') == 6, "the log")
    shown["log"], shown["access log"] = running.log.encode(), running.out.encode()
    binary = os.readlink(f"/proc/{running.pid}/exe")
    with open(binary, "rb") as file:
        shown["program"] = file.read()
    for words in ("--manifest", "--routes", "--version", "--help"):
        done = subprocess.run([binary, words], capture_output=True, timeout=60)
        assert done.returncode == 0
        shown[words] = done.stdout + done.stderr
    (tmp_path / "openapi.yaml").write_text(document)
    done = subprocess.run([GEN, "generate", "-v", str(tmp_path / "openapi.yaml"), "-o", str(tmp_path / "made")], check=True,
                          capture_output=True, timeout=60)
    shown["generate"] = done.stdout + done.stderr
    for folder, _, names in os.walk(tmp_path / "made"):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                shown[name] = file.read()
    assert "gateway.lock" in shown and "gateway.c" in shown
    for where, text in shown.items():
        assert not stands_in(text, secrets + passwords), where
    with open(f"/proc/{running.pid}/cmdline", "rb") as file:
        assert not stands_in(file.read(), secrets + passwords)


def memory(pid):
    """All that the process can write to."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            where, rights = line.split()[:2]
            if "w" not in rights or "[v" in line:
                continue
            start, end = (int(part, 16) for part in where.split("-"))
            mem.seek(start)
            at, data = start, bytearray()
            while at < end:
                more = mem.read(end - at)
                if not more:
                    break
                data += more
                at += len(more)
            yield line.split()[5:] or [where], bytes(data)


def found(pid, secrets):
    """Where in memory, and behind what, which may tell who has forgotten it there. What was freed begins with words of the
    allocator, in place of the first 16 bytes."""
    hits = []
    for name, data in memory(pid):
        for secret in secrets:
            at = data.find(secret[16:].encode())
            if at >= 0:
                hits.append((name[0], secret, data[max(0, at - 40):at + len(secret) + 20]))
    return hits


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitizer keeps what was freed")
def test_replaced_secrets_leave_memory(made, tmp_path):
    """Those that no client sends; what clients send goes through buffers of connections."""
    running, _, people, admin = made
    try:
        with open(f"/proc/{running.pid}/mem", "rb"):
            pass
    except PermissionError:
        pytest.skip("only root may look into the memory of a process that is not dumpable")
    old = people[1:]
    secrets = [value for one in old for value in one.values()] + [admin]
    secrets.remove(old[1].kinds["shared"])  # nobody has it
    there = {secret for _, secret, _ in found(running.pid, secrets)}
    assert old[0].kinds["aws"] in there and admin in there, "the search finds what there is"
    for one in old:
        for target, fields in one.requests():
            if target in ("/basic", "/whose", "/ours", "/aws"):
                lines = "".join(f"{field}\r\n" for field in ["Host: a", *fields])
                assert running.ask(f"GET {target} HTTP/1.1\r\n{lines}\r\n").status == 200
    new = [Secrets(one.who, "second") for one in old]
    write(tmp_path, *new, hashlib.sha256(b"second").hexdigest())
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in running.log, "the reload")
    end = time.monotonic() + 5
    while (left := found(running.pid, secrets)) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left, "\n".join(map(repr, left))
    for one in new:
        assert statuses(running, one)[0] == {200}
    for one in old:
        assert statuses(running, one)[0] == {401}
