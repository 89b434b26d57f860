"""Basic (RFC 7617): users' names and passwords, checked beside the loops, and what is remembered of that."""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest
from fixtures import SANITIZER, Gateway, build
from h2_peer import H2Client, request
from http_peer import wait_until

HEAD = """
openapi: 3.1.0
info: {{title: users, version: "1"}}
security: [{{basic: []}}]
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pets: {{targets: [{{url: "{url}"}}]}}}}
  upstream: pets
  consumers:
    ann: {{groups: [users], keys: [{{env: ANN_KEY}}], basic: [{{username: ann, password_hash: {{env: ANN}}}}, {{username: ann2, password_hash: {{env: ANN2}}}}]}}
    slow: {{basic: [{{username: slow, password_hash: {{env: SLOW}}}}]}}
  consumers_file: {{file: {file}}}
components:
  securitySchemes:
    basic: {{type: http, scheme: basic}}
    hidden: {{type: http, scheme: Basic, x-gateway: {{basic: {{hide_credentials: true, cache: {{size: 1, ttl: 1s}}}}}}}}
    key: {{type: apiKey, in: header, name: X-API-Key}}
paths:
  /a: {{get: {{responses: &any {{default: {{description: any}}}}}}}}
  /hidden: {{get: {{security: [{{hidden: []}}], responses: *any}}}}
  /either: {{get: {{security: [{{basic: []}}, {{key: []}}], responses: *any}}}}
  /both: {{get: {{security: [{{key: [], basic: []}}], responses: *any}}}}
  /optional: {{get: {{security: [{{basic: []}}, {{}}], responses: *any}}}}
  /twice: {{get: {{security: [{{basic: [], hidden: []}}], responses: *any}}}}
  /public: {{get: {{security: [], responses: *any}}}}
"""


def b64(data):
    return base64.b64encode(data).rstrip(b"=").decode()


def salt_of(word):
    """The same in every process that runs these tests."""
    return hashlib.sha256(word.encode()).digest()[:16]


def pbkdf2(word, iterations=10000, kind="sha256"):
    salt = salt_of(word)
    return f"$pbkdf2-{kind}$i={iterations}${b64(salt)}${b64(hashlib.pbkdf2_hmac(kind, word.encode(), salt, iterations))}"


def scrypt(word):
    salt = salt_of(word)
    return f"$scrypt$ln=10,r=8,p=1${b64(salt)}${b64(hashlib.scrypt(word.encode(), salt=salt, n=1024, r=8, p=1, dklen=32))}"


ENV = {"ANN_KEY": "ann-key", "ANN": scrypt("secret"), "ANN2": pbkdf2("sec:ret:"),
       "SLOW": "$pbkdf2-sha512$i=1500000$c2l4dGVlbiBieXRlcyBvaw$" + b64(bytes(64))}  # seconds; nobody's password
FILE = ("consumers:\n  carl: {id: '7', basic: [{username: carl, password_hash: \"%s\"}]}\n"
        "  zoe: {basic: [{username: zoë, password_hash: \"%s\"}]}\n" % (pbkdf2("filed", kind="sha512"), scrypt("pässword")))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("consumers") / "consumers.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def running(module_gateway, module_origin, file):
    return module_gateway(HEAD.format(url=module_origin.url, file=file), "--workers", "1", env=ENV)


@pytest.fixture
def pets(module_origin):
    module_origin.forget()
    return module_origin


@pytest.fixture
def fresh(gateway, origin, tmp_path):
    (tmp_path / "c").write_text(FILE)
    return gateway(HEAD.format(url=origin.url, file=tmp_path / "c"), "--workers", "1", env=ENV)


def basic(user, word):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


def ask(running, path="/a", *fields):
    return running.ask("GET %s HTTP/1.1\r\n%s\r\n" % (path, "".join(field + "\r\n" for field in ("Host: a", *fields))))


def counted(running, name="apigw_password_checks_total"):
    return int(re.search(rf"^{name} (\d+)$", running.ask_admin("/metrics").body.decode(), re.M).group(1))


def begin(running, user, word, path="/a"):
    """A client who waits for a check."""
    client = running.client()
    client.sock.settimeout(90)  # the machine may be busy
    client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n{basic(user, word)}\r\n\r\n".encode())
    return client


@pytest.mark.parametrize("user,word,name,number", [
    ("ann", "secret", "ann", "ann"), ("ann2", "sec:ret:", "ann", "ann"), ("carl", "filed", "carl", "7"),
    ("zoë", "pässword", "zoe", "zoe")])
def test_a_password_names_its_consumer(running, pets, user, word, name, number):
    assert ask(running, "/a", basic(user, word)).status == 200
    got = pets.request()
    assert got["x-consumer-username"] == name and got["x-consumer-id"] == number
    assert got["authorization"] == basic(user, word)[15:]
    wait_until(lambda: f'"consumer":"{name}"' in running.out, "the log")


def test_curl(running, pets):
    def curl(*args):
        return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *args, f"http://127.0.0.1:{running.port}/a"],
                              capture_output=True, text=True, check=True).stdout
    assert curl("-u", "ann:secret") == "200" and curl("-u", "zoë:pässword") == "200"
    assert curl("-u", "ann:wrong") == "401" and curl() == "401"
    assert curl("-u", "carl:filed", "--http2-prior-knowledge") == "200"
    assert curl("-u", "carl:wrong", "--http2-prior-knowledge") == "401"


LACKS = "a user's name and password are needed"
WRONG = "the user's name or the password is wrong"
UNREAD = "the Basic credentials cannot be read"
GOOD = "YW5uOnNlY3JldA=="  # ann:secret


@pytest.mark.parametrize("fields,reason", [
    ([], LACKS), (["Authorization:"], LACKS), (["Authorization: Bearer " + GOOD], LACKS),
    (["Authorization: Basically " + GOOD], LACKS), (["Proxy-Authorization: Basic " + GOOD], LACKS),
    (["X-API-Key: ann-key"], LACKS), ([basic("ann", "wrong")], WRONG), ([basic("ann", "secret ")], WRONG), ([basic("ann", "")], WRONG),
    ([basic("Ann", "secret")], WRONG), ([basic("nobody", "secret")], WRONG), ([basic("", "secret")], WRONG), ([basic("", "")], WRONG),
    ([basic("ann2", "sec:ret")], WRONG), ([basic("zoë", "passwort")], WRONG),
    ([basic("zoë", "pa\u0308ssword")], WRONG),
    (["Authorization: Basic"], UNREAD), (["Authorization: Basic !!!!"], UNREAD), (["Authorization: Basic YW5u"], UNREAD),
    (["Authorization: Basic YW5uOnNlY3JldA"], UNREAD), (["Authorization: Basic YW5uOnNlY3JldA="], UNREAD),
    (["Authorization: Basic YW5uOnNlY3JldB=="], UNREAD), (["Authorization: Basic YW5u OnNlY3JldA=="], UNREAD),
    (["Authorization: Basic YW5uOnNlY3JldA==, x=y"], UNREAD), (["Authorization: Basic username=ann"], UNREAD),
    ([basic("ann", "sec\tret")], UNREAD), ([basic("ann\0", "secret")], UNREAD), ([basic("ann", "secret\x7f")], UNREAD),
    (["Authorization: Basic " + base64.b64encode(b"ann:\xff\xfe").decode()], UNREAD), ([basic("ann", "x" * 1020)], UNREAD),
    ([basic("ann", "x" * 5000)], UNREAD),
    ([basic("ann", "secret"), basic("ann", "wrong")], "there are two Authorization fields"),
    ([basic("ann", "secret"), "Authorization: Bearer x"], "there are two Authorization fields"),
])
def test_who_is_not_let_in(running, pets, fields, reason):
    answer = ask(running, "/a", *fields)
    assert answer.status == 401 and json.loads(answer.body)["detail"] == reason
    assert answer["www-authenticate"] == 'Basic realm="users", charset="UTF-8"' and pets.got_nothing()
    assert f'"status":401,"reason":"security: {reason}"' in running.out or wait_until(lambda: reason in running.out, "the log") is None


@pytest.mark.parametrize("field", ["Authorization: basic ", "authorization: BASIC   ", "AUTHORIZATION:Basic "])
def test_how_it_may_be_written(running, pets, field):
    assert ask(running, "/a", field + GOOD).status == 200


def test_the_longest(running, pets):
    assert json.loads(ask(running, "/a", basic("ann", "x" * 1019)).body)["detail"] == WRONG


@pytest.mark.parametrize("path,fields,consumer", [
    ("/either", ["X-API-Key: ann-key"], "ann"), ("/either", [basic("carl", "filed")], "carl"),
    ("/either", [basic("carl", "wrong"), "X-API-Key: ann-key"], "ann"), ("/either", [basic("carl", "filed"), "X-API-Key: wrong"], "carl"),
    ("/both", [basic("ann", "secret"), "X-API-Key: ann-key"], "ann"), ("/twice", [basic("ann", "secret")], "ann"),
    ("/optional", [], None), ("/optional", [basic("ann", "secret")], "ann"), ("/public", [basic("ann", "wrong")], None)])
def test_with_others(running, pets, path, fields, consumer):
    assert ask(running, path, *fields).status == 200
    assert pets.request()["x-consumer-username"] == consumer


@pytest.mark.parametrize("path,fields,status", [
    ("/either", [basic("ann", "wrong")], 401), ("/either", [], 401), ("/both", [basic("carl", "filed"), "X-API-Key: ann-key"], 401),
    ("/both", [basic("ann", "secret")], 401), ("/both", ["X-API-Key: ann-key"], 401), ("/optional", [basic("ann", "wrong")], 401)])
def test_with_others_in_vain(running, pets, path, fields, status):
    assert ask(running, path, *fields).status == status and pets.got_nothing()


def test_all_challenges(running):
    assert [v for n, v in ask(running, "/either").fields if n.lower() == "www-authenticate"] == \
        ['Basic realm="users", charset="UTF-8"', 'Key realm="users"']


def test_hidden_from_the_upstream(running, pets):
    assert ask(running, "/hidden", basic("ann", "secret"), "X-Other: 1").status == 200
    got = pets.request()
    assert got["authorization"] is None and got["x-other"] == "1" and got["x-consumer-username"] == "ann"


# ---- what is remembered


def test_a_verdict_is_remembered(fresh):
    for word, status in ("secret", 200), ("wrong", 401):
        before = counted(fresh)
        for _ in range(5):
            assert ask(fresh, "/a", basic("ann", word)).status == status
        assert counted(fresh) == before + 1
    before = counted(fresh)
    for _ in range(2):
        assert ask(fresh, "/a", basic("nobody", "secret")).status == 401
    assert counted(fresh) == before + 1, "nobody costs what somebody does"
    assert ask(fresh, "/a", basic("ann2", "secret")).status == 401
    assert counted(fresh) == before + 2, "each user's password is another one"


def test_memory_is_short(fresh):
    """The scheme remembers one for a second."""
    def costs(user, word):
        before = counted(fresh)
        assert ask(fresh, "/hidden", basic(user, word)).status == 200
        return counted(fresh) - before
    began = time.monotonic()
    assert costs("ann", "secret") == 1
    again = costs("ann", "secret")
    assert again == 0 or time.monotonic() - began > 1
    assert costs("carl", "filed") == 1 and costs("ann", "secret") == 1, "the other one took its place"
    time.sleep(1.1)
    assert costs("ann", "secret") == 1


def test_one_check_serves_all_who_ask_the_same(fresh):
    clients = [begin(fresh, "slow", "wrong") for _ in range(100)]
    for client in clients:
        with client:
            assert client.answer().status == 401
    assert counted(fresh) == 1 and counted(fresh, "apigw_password_checks_refused_total") == 0


def test_others_go_on(fresh):
    """One worker: its loop does not wait for the hash, nor does the other thread."""
    with begin(fresh, "slow", "a") as waiting:
        wait_until(lambda: counted(fresh) == 1, "the check")
        assert ask(fresh, "/public").status == 200 and ask(fresh, "/a", basic("ann", "secret")).status == 200
        assert waiting.is_quiet(0)
        assert waiting.answer().status == 401


def test_too_many_passwords(fresh):
    clients = [begin(fresh, "slow", str(i)) for i in range(66)]  # two threads, and the queue
    wait_until(lambda: counted(fresh) == 66, "a full queue")
    with fresh.client() as client:
        answer = client.ask(f"GET /a HTTP/1.1\r\nHost: a\r\n{basic('carl', 'filed')}\r\n\r\n")
        assert answer.status == 503 and answer["retry-after"] == "1" and answer["www-authenticate"] is None
        assert json.loads(answer.body)["detail"] == "too many passwords wait to be checked"
        assert counted(fresh, "apigw_password_checks_refused_total") == 1
        assert client.ask("GET /public HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
    for client in clients:
        client.reset()
    wait_until(lambda: fresh.out.count('"status":499') == 66, "all to be gone")
    with begin(fresh, "carl", "filed") as client:
        assert client.answer().status == 200, "who left does not stand in the queue any more"


def test_a_client_leaves(fresh):
    for h2 in False, True:
        before = counted(fresh)
        if h2:
            client = H2Client(fresh.port)
            client.begin(request(path="/a", more=[("authorization", basic("slow", "h2")[15:])]))
        else:
            client = begin(fresh, "slow", "h1")
        wait_until(lambda: counted(fresh) == before + 1, "the check")
        if h2:
            client.reply(3, 0, 1, (8).to_bytes(4, "big"))  # RST_STREAM
        else:
            client.reset()
        wait_until(lambda: fresh.out.count('"status":499') == 1 + h2, "the end")
    assert ask(fresh, "/public").status == 200
    fresh.stop()  # while both are being hashed


def test_http2(fresh):
    with H2Client(fresh.port) as client:
        streams = [client.begin(request(path="/a", more=[("authorization", basic(user, word)[15:])]))
                   for user, word in (("ann", "secret"), ("ann", "wrong"), ("carl", "filed"), ("nobody", "x"))]
        assert [client.answer(stream).status for stream in streams] == [200, 401, 200, 401]
    assert counted(fresh) == 4


def test_draining_waits_for_a_check(fresh):
    with begin(fresh, "slow", "drained") as client:
        wait_until(lambda: counted(fresh) == 1, "the check")
        os.kill(fresh.pid, signal.SIGTERM)
        wait_until(lambda: "draining" in fresh.log, "the drain")
        assert client.answer().status == 401
    assert fresh.process.wait(30) == 0


def test_a_second_signal_cuts_it_off(build_cache, origin, tmp_path):
    (tmp_path / "c").write_text(FILE)
    binary = build(build_cache, HEAD.format(url=origin.url, file=tmp_path / "c"))
    running = Gateway(binary, str(tmp_path), ["--workers", "1"], ENV)
    with begin(running, "slow", "cut"):
        wait_until(lambda: counted(running) == 1, "the check")
        os.kill(running.pid, signal.SIGTERM)
        wait_until(lambda: "draining" in running.log, "the drain")
        os.kill(running.pid, signal.SIGTERM)
        assert running.process.wait(30) == 1
    assert "second signal" in running.log and not SANITIZER.search(running.log)


# ---- the file


def change(running, path, text, said="reloaded"):
    before = running.log.count(said)
    with open(str(path) + ".new", "w") as out:
        out.write(text)
    os.rename(str(path) + ".new", path)
    os.kill(running.pid, signal.SIGHUP)
    wait_until(lambda: running.log.count(said) > before, said, 20)


def users(*pairs):
    return "consumers:\n" + "".join(f"  {name}: {{basic: [{{username: {name}, password_hash: \"{hashed}\"}}]}}\n" for name, hashed in pairs)


def test_a_password_changes(gateway, origin, tmp_path):
    file, kept = tmp_path / "c", pbkdf2("kept")
    file.write_text(users(("dora", kept), ("emil", pbkdf2("old")), ("gone", pbkdf2("x"))))
    running = gateway(HEAD.format(url=origin.url, file=file), "--workers", "1", env=ENV)
    for user, word, status in ("dora", "kept", 200), ("emil", "old", 200), ("emil", "new", 401), ("gone", "x", 200), ("more", "y", 401):
        assert ask(running, "/a", basic(user, word)).status == status
    change(running, file, users(("dora", kept), ("emil", pbkdf2("new")), ("more", pbkdf2("y"))))
    before = counted(running)
    assert ask(running, "/a", basic("dora", "kept")).status == 200
    assert counted(running) == before, "hers is the same"
    for user, word, status in ("emil", "old", 401), ("emil", "new", 200), ("gone", "x", 401), ("more", "y", 200):
        assert ask(running, "/a", basic(user, word)).status == status, user


def test_a_password_changes_while_it_is_checked(gateway, origin, tmp_path):
    """What counts is what is so when the check is over."""
    file = tmp_path / "c"
    file.write_text(users(("emil", ENV["SLOW"])))
    running = gateway(HEAD.format(url=origin.url, file=file), "--workers", "1", env=ENV)
    with begin(running, "emil", "new") as client:
        wait_until(lambda: counted(running) == 1, "the check")
        change(running, file, users(("emil", pbkdf2("new"))))
        assert client.answer().status == 200
    assert counted(running) == 2


@pytest.mark.parametrize("text,why", [
    (users(("x", "secret")), "consumers.yaml:2: a password's hash begins with"), (users(("x", "$scrypt$ln=17,r=8,p=1$c2FsdHNhbHQ$c2l4dGVlbiBieXRlcyBvaw")), "64 MiB"),
    (users(("ann", pbkdf2("x"))), "this consumer is the document's"),
    ("consumers: {x: {basic: [{username: ann, password_hash: '%s'}]}}" % pbkdf2("x"), "consumers ann and x have the same username"),
    ("consumers: {x: {basic: [{username: x}]}}", "a credential is 'username' and 'password_hash'")])
def test_a_bad_file_changes_nothing(running, pets, file, text, why):
    try:
        change(running, file, text, "keeping the old data")
        assert why in running.log and ask(running, "/a", basic("carl", "filed")).status == 200
    finally:
        change(running, file, FILE)


@pytest.mark.parametrize("env,why", [({**ENV, "ANN": "secret"}, "consumer ann: a password's hash begins with"),
                                     ({**ENV, "ANN": ""}, "consumer ann: a password's hash"),
                                     ({k: v for k, v in ENV.items() if k != "ANN"}, "ANN")])
def test_what_is_bad_at_start_keeps_it_from_starting(gateway, origin, file, env, why):
    with pytest.raises(pytest.fail.Exception, match=re.escape(why)):
        gateway(HEAD.format(url=origin.url, file=file), env=env)


def test_secrets_are_nowhere(running, pets):
    ask(running, "/a", basic("ann", "secret"))
    ask(running, "/a", basic("ann", "a-wrong-secret"))
    with open(f"/proc/{running.pid}/exe", "rb") as binary:
        text = binary.read()
    for secret in ENV["ANN"], ENV["ANN2"], "a-wrong-secret", GOOD, base64.b64encode(b"ann:a-wrong-secret").decode():
        assert secret.encode() not in text and secret not in running.log and secret not in running.out
