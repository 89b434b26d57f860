"""Tokens whose issuer is asked (RFC 7662): what he says, how often he is asked, and what happens when he does not answer."""
import base64
import json
import re
import threading
import time
import urllib.parse

import pytest
from http_peer import Origin, free_ports, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {{title: tokens, version: "1"}}
security: [{{oauth: []}}]
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pets: {{targets: [{{url: "{pets}"}}]}}, issuer: {{targets: [{{url: "{issuer}"}}], timeouts: {{connect: 1s}}}}}}
  upstream: pets
  consumers: {{app: {{id: "42", groups: [users], keys: [{{env: APP_KEY}}]}}}}
components:
  securitySchemes:
    key: {{type: apiKey, in: header, name: X-API-Key}}
    oauth:
      type: oauth2
      flows: {{clientCredentials: {{tokenUrl: "https://a/token", scopes: {{read: r, write: w}}}}}}
      x-gateway:
        introspection:
          url: "{issuer}/introspect?x=1"
          client_id: "gate way"
          client_secret: {{env: CLIENT_SECRET}}
          token_type_hint: access_token
          timeout: 1s
          consumer_claim: client_id
          groups_claim: roles
          forward_claims: {{sub: X-User-Id}}
          {more}
    strict: {{type: http, scheme: bearer, x-gateway: {{introspection: {{upstream: issuer, path: /introspect, issuer: me, audiences: api, cache: false, negative_cache: false, header_names: X-Token, uri_param_names: tok}}}}}}
paths:
  /a: {{get: {{responses: &any {{default: {{description: any}}}}}}}}
  /write: {{get: {{security: [{{oauth: [write]}}], responses: *any}}}}
  /groups: {{get: {{security: [{{oauth: []}}], x-gateway: {{acl: {{allow: [users], claims: {{level: ["2", "3"]}}}}}}, responses: *any}}}}
  /either: {{get: {{security: [{{oauth: []}}, {{key: []}}], responses: *any}}}}
  /strict: {{get: {{security: [{{strict: []}}], responses: *any}}}}
  /public: {{get: {{security: [], responses: *any}}}}
"""
ENV = {"CLIENT_SECRET": "s:e%c r/et", "APP_KEY": "app-key"}


class Issuer:
    """known: what is said of a token; others are not active. .asked: the tokens that were asked about, with their requests."""

    def __init__(self):
        self.known, self.asked, self.status, self.text = {}, [], 200, None
        self.awake = threading.Event()
        self.awake.set()
        self.origin = Origin(self._answer)
        self.origin.may_break = True
        self.url = self.origin.url

    def _answer(self, connection, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        self.asked.append((form.get("token"), form, request))
        self.awake.wait()
        body = self.text if self.text is not None else json.dumps(self.known.get(form.get("token"), {"active": False})).encode()
        connection.send(b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (self.status, len(body), body))


@pytest.fixture
def issuer():
    one = Issuer()
    yield one
    one.awake.set()
    one.origin.close()


@pytest.fixture
def running(gateway, issuer, origin):
    return start(gateway, issuer.url, origin)


def start(gateway, url, origin, more="", workers=1):
    return gateway(DOCUMENT.format(pets=origin.url, issuer=url, more=more), "--workers", str(workers), env=ENV)


def ask(running, token=None, path="/a", *fields):
    fields = [*fields, *([f"Authorization: Bearer {token}"] if token else [])]
    lines = "".join(field + "\r\n" for field in ("Host: a", *fields))
    return running.ask(f"GET {path} HTTP/1.1\r\n{lines}\r\n")


def detail(answer):
    return json.loads(answer.body)["detail"]


def test_an_active_token(running, issuer, origin):
    issuer.known["t-1/+="] = {"active": True, "client_id": "app", "sub": "ann", "scope": "read write", "roles": ["staff"]}
    assert ask(running, "t-1/+=", "/write", "X-User-Id: evil", "x_consumer_groups: evil").status == 200
    request = origin.request()
    assert request["x-consumer-username"] == "app" and request["x-consumer-id"] == "42"
    assert request["x-consumer-groups"] == "users, staff" and request["x-authenticated-scope"] == "read write"
    assert request["x-user-id"] == "ann" and "evil" not in str(request.fields)
    token, form, asked = issuer.asked[0]
    assert form == {"token": "t-1/+=", "token_type_hint": "access_token"} and asked.method == "POST"
    assert asked.target == "/introspect?x=1" and asked["content-type"] == "application/x-www-form-urlencoded"
    said = base64.b64decode(asked["authorization"].removeprefix("Basic ")).decode()
    assert tuple(map(urllib.parse.unquote, said.split(":"))) == ("gate way", ENV["CLIENT_SECRET"])
    assert ENV["CLIENT_SECRET"] not in running.log + running.out and "t-1/" not in running.log + running.out


def test_a_token_that_is_not_active(running, issuer, origin):
    for token, said in (("unknown", None), ("false", {"active": False, "scope": "write"}), ("expired", {"active": True, "exp": 1}),
                        ("later", {"active": True, "nbf": time.time() + 600}), ("odd", {"active": True, "exp": "never"})):
        if said:
            issuer.known[token] = said
        answer = ask(running, token)
        assert answer.status == 401 and 'error="invalid_token"' in answer["www-authenticate"], token
    answer = ask(running)
    assert answer.status == 401 and answer["www-authenticate"] == 'Bearer realm="tokens"'
    assert ask(running, None, "/a", "Authorization: Basic eDp5").status == 401
    assert len(issuer.asked) == 5 and origin.got_nothing()


def test_scopes_and_groups(running, issuer):
    issuer.known["r"] = {"active": True, "scope": "read", "roles": ["users"], "level": 2}
    issuer.known["w"] = {"active": True, "scope": "write", "roles": ["x"], "level": 2}
    issuer.known["l"] = {"active": True, "roles": "users", "level": 1}
    assert ask(running, "w", "/write").status == 200
    answer = ask(running, "r", "/write")
    assert answer.status == 403 and 'scope="write"' in answer["www-authenticate"]
    assert ask(running, "r", "/groups").status == 200
    assert ask(running, "w", "/groups").status == 403 and ask(running, "l", "/groups").status == 403


def test_for_whom_and_from_whom(running, issuer):
    for token, said, status in (("good", {"iss": "me", "aud": ["x", "api"]}, 200), ("aud", {"iss": "me", "aud": "x"}, 401),
                                ("iss", {"iss": "you", "aud": "api"}, 401), ("none", {}, 401)):
        issuer.known[token] = {"active": True, **said}
        assert ask(running, None, "/strict", f"X-Token: {token}").status == status, token
    assert ask(running, None, "/strict?tok=good").status == 200
    assert ask(running, "good", "/strict").status == 401
    assert ask(running, None, "/strict?tok=good", "X-Token: aud").status == 401
    wait_until(lambda: '"query":"tok=***"' in running.out, "the log")


def test_asked_once(running, issuer):
    issuer.known["t"] = {"active": True}
    for _ in range(5):
        assert ask(running, "t").status == 200
        assert ask(running, "bad").status == 401
    assert [token for token, _, _ in issuer.asked] == ["t", "bad"]
    for _ in range(2):
        assert ask(running, None, "/strict", "X-Token: t").status == 401
    assert len(issuer.asked) == 4  # another scheme's findings are not ours, and this one remembers nothing


def test_asked_once_by_many_at_a_time(running, issuer):
    issuer.known["t"] = {"active": True}
    issuer.awake.clear()
    clients = [running.client() for _ in range(10)]
    for client in clients:
        client.send("GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n\r\n")
    wait_until(lambda: issuer.asked, "the question")
    clients[0].reset()
    clients[1].reset()
    issuer.awake.set()
    for client in clients[2:]:
        assert client.answer().status == 200
    assert len(issuer.asked) == 1


def test_all_leave_while_it_is_asked(running, issuer):
    issuer.known["t"] = {"active": True}
    issuer.awake.clear()
    for _ in range(3):
        client = running.client()
        client.send("GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n\r\n")
        asked = len(issuer.asked)
        wait_until(lambda: len(issuer.asked) > asked or asked > 0, "the question")
        client.reset()
    issuer.awake.set()
    wait_until(lambda: ask(running, "t").status == 200, "an answer")


def test_forgotten_in_time(gateway, issuer, origin):
    running = start(gateway, issuer.url, origin, "cache: 1s, negative_cache: 1s".replace(", ", "\n          "))
    issuer.known["t"] = {"active": True}
    assert ask(running, "t").status == 200 and ask(running, "later").status == 401
    issuer.known = {"later": {"active": True}}
    wait_until(lambda: ask(running, "t").status == 401, "it to be forgotten")
    wait_until(lambda: ask(running, "later").status == 200, "it to be asked about again")


def test_never_beyond_its_end(running, issuer):
    issuer.known["t"] = {"active": True, "exp": int(time.time()) + 2}
    assert ask(running, "t").status == 200
    wait_until(lambda: ask(running, "t").status == 401, "its end")


@pytest.mark.parametrize("status,text", [(500, None), (401, b"{}"), (302, b""), (200, b""), (200, b"{"), (200, b"[]"), (200, b"{}"),
                                         (200, b'{"active":"true"}'), (200, b'{"active":1}'), (200, b'{"active":true,"active":true}'),
                                         (200, b"true"), (200, b'{"active":true,"x":"' + b"x" * 70_000 + b'"}')],
                         ids=lambda said: str(said)[:24])
def test_an_issuer_who_makes_no_sense(running, issuer, origin, status, text):
    issuer.known["t"] = {"active": True}
    issuer.status, issuer.text = status, text
    answer = ask(running, "t")
    assert answer.status == 503 and "issuer of tokens" in detail(answer) and answer["retry-after"] == "5"
    assert ask(running, "t", "/either", "X-API-Key: app-key").status == 200
    assert ask(running, None, "/public").status == 200
    issuer.status, issuer.text = 200, None
    assert ask(running, "t").status == 200


def test_an_issuer_who_is_not_there(gateway, origin):
    port, = free_ports(1)
    running = start(gateway, f"http://127.0.0.1:{port}", origin)
    assert ask(running, "t").status == 503 and ask(running).status == 401


def test_an_issuer_who_is_silent(running, issuer):
    issuer.awake.clear()
    answer = ask(running, "t")
    assert answer.status == 503 and "does not answer" in detail(answer)


@pytest.mark.parametrize("token", ["t" * 8193, "t\x01"])
def test_tokens_that_are_none(running, issuer, token):
    assert ask(running, token).status in (400, 401) and not issuer.asked


def test_a_secret_that_is_missing(gateway, issuer, origin):
    with pytest.raises(pytest.fail.Exception, match="introspection of oauth: .*CLIENT_SECRET"):
        gateway(DOCUMENT.format(pets=origin.url, issuer=issuer.url, more=""), env={"APP_KEY": "x"})
