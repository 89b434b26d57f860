"""API keys: schemes of type apiKey, their AND and OR, consumers and their groups, and what upstreams and the log learn."""
import itertools
import json
import os
import random
import signal

import pytest
from http_peer import wait_until

HEAD = """
openapi: 3.1.0
info: {{title: keys, version: "1"}}
security: [{{key: []}}]
x-gateway:
  version: 1
  upstreams: {{pets: {{targets: [{{url: "{url}"}}]}}}}
  upstream: pets
  consumers:
    app: {{id: "42", groups: [users], keys: [{{env: APP_KEY}}]}}
    admin: {{groups: [users, admins], keys: [{{env: ADMIN_KEY}}, {{env: ADMIN_OTHER}}]}}
    banned: {{groups: [users, banned], keys: [{{env: BANNED_KEY}}]}}
  consumers_file: {{file: {file}}}
components:
  securitySchemes:
    key: {{type: apiKey, in: header, name: X-API-Key, x-gateway: {{key_auth: {{key_names: [X-API-Key, apikey], key_in_query: true}}}}}}
    hidden: {{type: apiKey, in: header, name: X-Hidden, x-gateway: {{key_auth: {{key_in_query: true, key_in_cookie: true, hide_credentials: true}}}}}}
    cookie: {{type: apiKey, in: cookie, name: session}}
paths:
  /a:
    get: {{responses: &any {{default: {{description: any}}}}}}
    put: {{x-gateway: {{acl: {{allow: [admins]}}}}, responses: *any}}
    post: {{x-gateway: {{acl: {{deny: banned, hide_groups_header: true}}}}, responses: *any}}
  /hidden: {{get: {{security: [{{hidden: []}}], responses: *any}}}}
  /hidden-or: {{get: {{security: [{{hidden: [], cookie: []}}, {{hidden: []}}], responses: *any}}}}
  /both: {{get: {{security: [{{key: [], cookie: []}}], responses: *any}}}}
  /either: {{get: {{security: [{{key: []}}, {{cookie: []}}], responses: *any}}}}
  /optional: {{get: {{security: [{{}}, {{key: []}}], responses: *any}}}}
  /optional-acl: {{get: {{security: [{{key: []}}, {{}}], x-gateway: {{acl: {{allow: admins}}}}, responses: *any}}}}
  /public: {{get: {{security: [], responses: *any}}}}
  /here: {{get: {{x-gateway: {{respond: {{status: 204}}}}, responses: *any}}}}
"""
KEYS = {"APP_KEY": "one two+three%41", "ADMIN_KEY": "admin-key", "ADMIN_OTHER": "admin-other", "BANNED_KEY": "banned-key"}
FILE = "consumers:\n  filed: {keys: [from-file], groups: [users]}\n"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("consumers") / "consumers.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def running(module_gateway, module_origin, file):
    return module_gateway(HEAD.format(url=module_origin.url, file=file), "--workers", "1", env=KEYS)


@pytest.fixture
def pets(module_origin):
    module_origin.forget()
    return module_origin


def ask(running, path="/a", *fields, method="GET"):
    lines = "".join(field + "\r\n" for field in ("Host: a", *fields))
    return running.ask(f"{method} {path} HTTP/1.1\r\n{lines}\r\n")


def test_a_key_names_its_consumer(running, pets):
    assert ask(running, "/a", "X-API-Key: admin-key").status == 200
    request = pets.request()
    assert request["x-consumer-username"] == "admin" and request["x-consumer-id"] == "admin"
    assert request["x-consumer-groups"] == "users, admins" and request["x-api-key"] == "admin-key"
    wait_until(lambda: '"consumer":"admin"' in running.out, "the log")
    assert ask(running, "/a", "APIKEY: admin-other").status == 200
    assert pets.request()["x-consumer-username"] == "admin"
    assert ask(running, "/a", f"x-api-key: {KEYS['APP_KEY']}").status == 200
    assert pets.request()["x-consumer-id"] == "42"
    assert ask(running, "/a", "X-API-Key: from-file").status == 200
    assert pets.request()["x-consumer-username"] == "filed"


@pytest.mark.parametrize("query", ["apikey=one+two%2Bthree%2541", "x=1&X-API-Key=one%20two%2bthree%2541&y", "%61pikey=one+two%2Bthree%2541"])
def test_a_key_in_the_query_is_decoded_and_not_logged(running, pets, query):
    assert ask(running, f"/a?{query}").status == 200
    assert pets.request().target == f"/a?{query}"
    wait_until(lambda: "***" in running.out, "the log")
    assert "three" not in running.out and "three" not in running.log


@pytest.mark.parametrize("path,fields,reason", [
    ("/a", [], "an API key is needed"),
    ("/a", ["X-API-Key:"], "an API key is needed"),
    ("/a?apikey=", [], "an API key is needed"),
    ("/a", ["X-API-Key: wrong"], "the API key is not known"),
    ("/a", ["X-API-Key: Admin-Key"], "the API key is not known"),
    ("/a", ["X-API-Key: admin-key, admin-key"], "the API key is not known"),
    ("/a", ["X-API-Key: admin-key", "X-API-Key: from-file"], "there are two API keys"),
    ("/a?apikey=from-file", ["X-API-Key: admin-key"], "there are two API keys"),
    ("/a?apikey=from-file&apikey=wrong", [], "there are two API keys"),
    ("/a", ["Authorization: admin-key"], "an API key is needed"),
    ("/a", ["Cookie: X-API-Key=admin-key"], "an API key is needed"),
    ("/both", ["X-API-Key: admin-key"], "an API key is needed"),
    ("/both", ["Cookie: session=admin-key"], "an API key is needed"),
    ("/both", ["X-API-Key: admin-key", "Cookie: session=from-file"], "the credentials are of two consumers"),
    ("/either", ["X-API-Key: wrong", "Cookie: a=b"], "the API key is not known"),
    ("/optional", ["X-API-Key: wrong"], "the API key is not known"),
    ("/here", [], "an API key is needed"),
])
def test_who_is_not_let_in(running, pets, path, fields, reason):
    answer = ask(running, path, *fields)
    assert answer.status == 401 and json.loads(answer.body)["detail"] == reason
    assert answer["www-authenticate"] == 'Key realm="keys"' and pets.got_nothing()
    wait_until(lambda: f'"status":401,"reason":"security: {reason}"' in running.out, "the log")


def test_the_same_key_twice_is_one(running, pets):
    assert ask(running, "/a?apikey=admin-key", "X-API-Key: admin-key").status == 200


@pytest.mark.parametrize("path,fields,consumer", [
    ("/both", ["X-API-Key: admin-key", "Cookie: session=admin-other"], "admin"),
    ("/either", ["X-API-Key: admin-key"], "admin"), ("/either", ["Cookie: a=1; session=from-file"], "filed"),
    ("/either", ["X-API-Key: wrong", "Cookie: session=from-file"], "filed"),
    ("/either", ["X-API-Key: admin-key", "Cookie: session=from-file"], "admin"),
    ("/optional", ["X-API-Key: admin-key"], "admin"), ("/optional", [], None), ("/public", ["X-API-Key: wrong"], None),
])
def test_who_is_let_in(running, pets, path, fields, consumer):
    assert ask(running, path, *fields).status == 200
    assert pets.request()["x-consumer-username"] == consumer


def test_nobody_says_it_in_our_place(running, pets):
    """In no spelling that a CGI-like backend takes for ours, on no route."""
    forged = ["X-Consumer-Username: root", "x-consumer-id: 0", "X_Consumer_Groups: admins", "X.Consumer-Groups: admins",
              "X-Consumer-Custom: 1", "X_Authenticated_Scope: all"]
    for path, fields in ("/public", []), ("/optional", []), ("/a", ["X-API-Key: from-file"]):
        assert ask(running, path, *forged, *fields).status == 200
        names = [name.lower() for name, _ in pets.request().fields]
        assert [n for n in names if "consumer" in n.replace("_", "-") or "scope" in n] == \
            (["x-consumer-username", "x-consumer-id", "x-consumer-groups"] if fields else [])


def test_hidden_from_the_upstream(running, pets):
    assert ask(running, "/hidden?a=1&x-hidden=no&X-Hidden=admin-key&b=2").status == 200
    assert pets.request().target == "/hidden?a=1&x-hidden=no&b=2"
    assert ask(running, "/hidden?X-Hidden=admin-key").status == 200
    assert "admin-key" not in pets.request().target
    assert ask(running, "/hidden", "X-Hidden: admin-key", "X-Other: 1").status == 200
    request = pets.request()
    assert request["x-hidden"] is None and request["x-other"] == "1"
    assert ask(running, "/hidden", "Cookie: a=1; X-Hidden=admin-key; b=2").status == 200
    assert pets.request()["cookie"] == "a=1; b=2"
    assert ask(running, "/hidden", "Cookie: X-Hidden=admin-key").status == 200
    assert pets.request()["cookie"] is None


def test_what_one_way_hides_another_one_finds(running, pets):
    """The first way fails behind its hidden key; the second one needs the same."""
    assert ask(running, "/hidden-or", "X-Hidden: admin-key").status == 200
    request = pets.request()
    assert request["x-consumer-username"] == "admin" and request["x-hidden"] is None


def test_every_cookie_counts(running, pets):
    for fields in (["Cookie: session=from-file; session=wrong"], ["Cookie: session=from-file", "Cookie: session=wrong"]):
        answer = ask(running, "/either", *fields)
        assert answer.status == 401 and b"two API keys" in answer.body
    pets.forget()
    assert ask(running, "/hidden", "Cookie: a=1; X-Hidden=admin-key", "Cookie: b=2").status == 200
    assert pets.request()["cookie"] == "a=1; b=2"


def test_groups(running, pets):
    assert ask(running, "/a", "X-API-Key: admin-key", method="PUT").status == 200
    pets.request()
    for key in f"X-API-Key: {KEYS['APP_KEY']}", "X-API-Key: from-file":
        answer = ask(running, "/a", key, method="PUT")
        assert answer.status == 403 and answer["www-authenticate"] is None
    pets.forget()
    assert ask(running, "/a", "X-API-Key: banned-key", method="POST").status == 403
    assert pets.got_nothing()
    assert ask(running, "/a", "X-API-Key: admin-key", "Content-Length: 0", method="POST").status == 200
    request = pets.request()
    assert request["x-consumer-username"] == "admin" and request["x-consumer-groups"] is None
    assert ask(running, "/optional-acl").status == 403, "nobody in particular is in no group"
    assert ask(running, "/optional-acl", "X-API-Key: admin-key").status == 200


def test_denials_are_counted(module_gateway, module_origin, file):
    document = HEAD.format(url=module_origin.url, file=file).replace("  upstream: pets\n", "  upstream: pets\n  admin: {address: \"127.0.0.1:0\"}\n")
    running = module_gateway(document, "--workers", "2", env=KEYS)
    for _ in range(3):
        assert ask(running, "/a").status == 401
    assert ask(running, "/a", "X-API-Key: from-file", method="PUT").status == 403
    text = running.ask_admin("/metrics").body.decode()
    assert 'apigw_denied_total{policy="security"} 3\n' in text and 'apigw_denied_total{policy="acl"} 1\n' in text


def test_secrets_are_nowhere(running, pets):
    ask(running, "/a", "X-API-Key: admin-key")
    ask(running, "/a", "X-API-Key: a-wrong-secret")
    with open(f"/proc/{running.pid}/exe", "rb") as binary:
        text = binary.read()
    for secret in *KEYS.values(), "from-file", "a-wrong-secret":
        assert secret.encode() not in text and secret not in running.log and secret not in running.out


# ---- the file


def change(running, file, text, said, told=True):
    """told: by HUP; else it has to notice by itself."""
    before = running.log.count(said)
    new = str(file) + ".new"
    with open(new, "w") as out:
        out.write(text)
    os.rename(new, file)
    if told:
        os.kill(running.pid, signal.SIGHUP)
    wait_until(lambda: running.log.count(said) > before, said, 20)


def test_the_file_is_followed(running, pets, file):
    try:
        change(running, file, 'consumers: {new: {id: "7", keys: [new-key, {sha256: '
               '"a591a6d40bf420404a011733cfb7b190d62c65bf0bcda32b57b277d9ad9f146e"}]}}', "reloaded", told=False)
        assert ask(running, "/a", "X-API-Key: from-file").status == 401
        assert ask(running, "/a", "X-API-Key: new-key").status == 200
        assert ask(running, "/a", "X-API-Key: Hello World").status == 200, "by its digest"
        assert [pets.request()["x-consumer-id"] for _ in range(2)] == ["7", "7"]
    finally:
        change(running, file, FILE, "reloaded")


@pytest.mark.parametrize("text,why", [
    ("consumers: [", "did not find"), ("", "a map named 'consumers' is missing"), ("consumers: []", "a map named"),
    ("consumers: {}\nmore: 1", "is not all there is"), ("consumers: {x: 1}", "a consumer is a name and a map"),
    ("consumers: {x: {key: a}}", "a consumer has"), ("consumers: {x: {keys: a}}", "a consumer has"),
    ("consumers: {x: {keys: [\"\"]}}", "a key is a text"), ("consumers: {x: {keys: [{sha256: ABC}]}}", "'sha256' is 64"),
    ("consumers: {x: {groups: [\"a,b\"]}}", "a group is a text"), ("consumers: {x: {id: \"a\\nb\"}}", "'id' is a text"),
    ("consumers: {app: {keys: [a]}}", "this consumer is the document's"),
    ("consumers: {x: {keys: [a]}, x: {keys: [b]}}", "a key stands twice"),
    ("consumers: {x: {keys: [a]}, y: {keys: [a]}}", "consumers x and y have the same key"),
    ("consumers: {x: {keys: [admin-key]}}", "consumers admin and x have the same key"),
])
def test_a_bad_file_changes_nothing(running, pets, file, text, why):
    try:
        change(running, file, text, "keeping the old data")
        assert why in running.log
        assert ask(running, "/a", "X-API-Key: from-file").status == 200
    finally:
        change(running, file, FILE, "reloaded")


@pytest.mark.parametrize("env,text,why", [
    ({**KEYS, "APP_KEY": ""}, FILE, "consumer app: a key is empty"),
    ({k: v for k, v in KEYS.items() if k != "APP_KEY"}, FILE, "APP_KEY"),
    ({**KEYS, "APP_KEY": "admin-key"}, FILE, "consumers app and admin have the same key"),
    (KEYS, "consumers: 1", "a map named 'consumers' is missing"), (KEYS, None, "No such file"),
])
def test_what_is_bad_at_start_keeps_it_from_starting(gateway, origin, tmp_path, env, text, why):
    if text is not None:
        (tmp_path / "c").write_text(text)
    with pytest.raises(pytest.fail.Exception, match=why.replace("(", "\\(")):
        gateway(HEAD.format(url=origin.url, file=tmp_path / "c"), env=env)


# ---- AND and OR, against a reference

SCHEMES = {"h": "in: header, name: X-H", "q": "in: query, name: q", "c": "in: cookie, name: c"}
STATES = ["absent", "right", "wrong"]


def reference(ways, states):
    """Who is let in: the first way that holds; without proofs only if nothing that was asked for is wrong."""
    wrong = False
    for way in [w for w in ways if w] + [w for w in ways if not w][:1]:
        if not way:
            return not wrong
        for scheme in way:
            wrong |= states[scheme] == "wrong"
            if states[scheme] != "right":
                break
        else:
            return True
    return not ways


def trees():
    chance = random.Random(20261130)
    every = [list(c) for n in range(4) for c in itertools.combinations("hqc", n)]
    return [chance.sample(every, chance.randint(1, 4)) for _ in range(40)]


def test_every_tree_and_every_state(gateway, origin):
    all_trees = trees()
    paths = "".join(f"  /t{i}: {{get: {{security: {json.dumps([{s: [] for s in way} for way in tree])}, "
                    f"responses: {{default: {{description: any}}}}}}}}\n" for i, tree in enumerate(all_trees))
    schemes = "".join(f"    {name}: {{type: apiKey, {where}}}\n" for name, where in SCHEMES.items())
    document = (f"openapi: 3.1.0\ninfo: {{title: trees, version: '1'}}\nsecurity: []\nx-gateway:\n  version: 1\n"
                f"  upstreams: {{o: {{targets: [{{url: \"{origin.url}\"}}]}}}}\n  upstream: o\n  access_log: false\n"
                f"  consumers: {{one: {{keys: [{{env: ONE}}]}}}}\ncomponents:\n  securitySchemes:\n{schemes}paths:\n{paths}")
    running = gateway(document, "--workers", "1", env={"ONE": "right"})
    with running.client() as client:
        for i, tree in enumerate(all_trees):
            for values in itertools.product(STATES, repeat=3):
                states = dict(zip("hqc", values))
                query = f"?q={states['q']}" if states["q"] != "absent" else ""
                fields = "".join(f"{name}{states[s]}\r\n" for s, name in (("h", "X-H: "), ("c", "Cookie: c="))
                                 if states[s] != "absent")
                answer = client.ask(f"GET /t{i}{query} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
                assert (answer.status == 200) == reference(tree, states), (tree, states, answer.status)
                assert answer.status in (200, 401)
