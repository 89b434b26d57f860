"""`explain` judges tokens by the code that gateways run: what it foretells of a request the gateway does, with the same
sentence; it names what is not at hand, and never repeats a token or a secret."""
import json
import os
import re
import subprocess
import time

import jose
import pytest
from fixtures import GEN

SECRET = b"0123456789abcdef" * 4
HS, APP = jose.Key("HS256", secret=SECRET), jose.Key("HS256", secret=b"app" * 20)
ENV = {"SECRET": SECRET.decode(), "SECRET64": jose.b64(SECRET), "APP_KEY": "app-api-key", "APP_SECRET": "app" * 20}
STRICT = {"iss": "me", "aud": "api", "nbf": 1, "iat": 1}
DOCUMENT = """
openapi: 3.1.0
info: {{title: tokens, version: "1"}}
security: [{{hs: []}}]
x-gateway:
  access_log: false
  respond: {{body: fine}}
  consumers:
    app: {{groups: [users], keys: [{{env: APP_KEY}}], jwt: [{{key: app-key, algorithm: HS256, secret: {{env: APP_SECRET}}}}]}}
    web: {{groups: [admins], jwt: [{{key: web-key, algorithm: ES256, public_key: {{file: {folder}/web.pem}}}}]}}
components:
  securitySchemes:
    key: {{type: apiKey, in: header, name: X-API-Key}}
    hs: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: SECRET}}, algorithms: [HS256, HS384, HS512]}}}}}}
    coded: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: SECRET64}}, secret_is_base64: true}}}}}}
    file: {{type: http, scheme: bearer, x-gateway: {{jwt: {{audiences: any, jwks: {{file: {{file: {folder}/jwks.json}}}}}}}}}}
    pem: {{type: http, scheme: bearer, x-gateway: {{jwt: {{audiences: [any, other], public_key: {{file: {folder}/rs.pem}}}}}}}}
    whose: {{type: http, scheme: bearer, x-gateway: {{jwt: {{key_claim_name: iss}}}}}}
    kid: {{type: http, scheme: bearer, x-gateway: {{jwt: {{key_claim_name: kid}}}}}}
    strict:
      type: oauth2
      flows: {{clientCredentials: {{tokenUrl: "https://a/token", scopes: {{read: r, write: w}}}}}}
      x-gateway:
        jwt: {{secret: {{env: SECRET}}, issuer: [me, "https://idp.test"], audiences: api, claims_to_verify: [exp, nbf, iat], leeway: 10s,
              maximum_expiration: 1h, consumer_claim: client_id, groups_claim: [realm_access, roles]}}
    places:
      type: http
      scheme: bearer
      x-gateway: {{jwt: {{secret: {{env: SECRET}}, header_names: [Authorization, X-Token], cookie_names: jwt_token, uri_param_names: jwt}}}}
paths:
  /hs: {{get: {{responses: &any {{default: {{description: any}}}}}}}}
  /coded: {{get: {{security: [{{coded: []}}], responses: *any}}}}
  /file: {{get: {{security: [{{file: []}}], responses: *any}}}}
  /pem: {{get: {{security: [{{pem: []}}], responses: *any}}}}
  /whose: {{get: {{security: [{{whose: []}}], responses: *any}}}}
  /kid: {{get: {{security: [{{kid: []}}], responses: *any}}}}
  /strict: {{get: {{security: [{{strict: []}}], responses: *any}}}}
  /scoped: {{get: {{security: [{{strict: [read, write]}}], responses: *any}}}}
  /either: {{get: {{security: [{{strict: [read]}}, {{key: []}}], responses: *any}}}}
  /both: {{get: {{security: [{{strict: [], key: []}}], responses: *any}}}}
  /optional: {{get: {{security: [{{hs: []}}, {{}}], responses: *any}}}}
  /groups: {{get: {{security: [{{strict: []}}], x-gateway: {{acl: {{allow: [admins, users], deny: banned}}}}, responses: *any}}}}
  /claims: {{get: {{security: [{{strict: []}}], x-gateway: {{acl: {{claims: {{role: [admin, boss], /address/city: Berlin}}}}}}, responses: *any}}}}
  /places:
    get: {{security: [{{places: []}}], responses: *any}}
    options: {{security: [{{places: []}}], responses: *any}}
  /public: {{get: {{security: [], responses: *any}}}}
"""
LOCAL = [jose.key(algorithm, f"kid-{algorithm}") for algorithm in jose.ALGORITHMS if not algorithm.startswith("HS")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("explained")
    (path / "jwks.json").write_text(jose.jwks(*LOCAL, {"kty": "new", "kid": "future"}))
    (path / "rs.pem").write_text(jose.key("RS256").pem)
    (path / "web.pem").write_text(jose.key("ES256").pem)
    (path / "openapi.yaml").write_text(DOCUMENT.format(folder=path))
    return path


@pytest.fixture(scope="module")
def running(module_gateway, folder):
    return module_gateway(DOCUMENT.format(folder=folder), env=ENV)


def explain(folder, path, *headers, method="GET", env=ENV, words=(), document="openapi.yaml"):
    words = [*words, *[word for header in headers for word in ("-H", header)]]
    kept = {name: value for name, value in os.environ.items() if name not in ENV}
    return subprocess.run([GEN, "explain", "-q", document, method, path, *words], cwd=folder, capture_output=True, text=True,
                          timeout=60, env={**kept, **env})


def compare(running, folder, path, *headers, method="GET"):
    """What `explain` says and what the gateway does; the lines that are told of the caller."""
    lines = "".join(f"{header}\r\n" for header in ("Host: a", *headers))
    answer = running.ask(f"{method} {path} HTTP/1.1\r\n{lines}\r\n")
    told = explain(folder, path, *headers, method=method)
    shown = told.stdout[told.stdout.index("security "):told.stdout.index("body limit")]
    found = re.search(r"^(?:caller)? +(let in|\d\d\d: )(.*)$", shown, re.M)
    status = 200 if not found or found.group(1) == "let in" else int(found.group(1)[:3])
    assert found or answer.status in (200, 401), f"the gateway says {answer.status}:\n{told.stdout}{told.stderr}"
    if found:
        assert status == answer.status, f"the gateway says {answer.status} {answer.body}:\n{told.stdout}"
        assert status == 200 or found.group(2) == json.loads(answer.body)["detail"]
        assert told.returncode == (status != 200), told
    for header in headers:
        assert len(secret := header.split()[-1].split("=")[-1]) < 9 or secret not in told.stdout.split("\n", 1)[1]
    return answer.status, shown


def strict(**claims):
    return HS.token({**STRICT, **claims})


def bearer(token):
    return f"Authorization: Bearer {token}"


def swapped(token):
    return token[:-6] + ("AAAAA" if token[-6:-1] != "AAAAA" else "BBBBB") + token[-1]


NOW = int(time.time())
CASES = [
    *[("/file", [bearer(made)]) for key in LOCAL for made in
      (key.token(aud="any"), key.token(aud=["x", "any"], header={"typ": "at+jwt"}), key.token(aud="any", header={"kid": None}),
       key.token(aud="other"), swapped(key.token(aud="any")), key.token(aud="any", header={"kid": "nobody"}),
       key.token(aud="any", signature=b""))],
    *[("/hs", [bearer(jose.Key(algorithm, secret=secret).token())]) for algorithm in ("HS256", "HS384", "HS512")
      for secret in (SECRET, b"x" * 64)],
    *[("/hs", [bearer(HS.token(header=header))]) for header in
      ({"alg": "none"}, {"alg": "hs256"}, {"alg": None}, {"alg": "HS512"}, {"crit": ["exp"]}, {"b64": False}, {"zip": "DEF"},
       {"typ": "logout+jwt"}, {"typ": "application/at+jwt"}, {"kid": 1}, {"kid": "x" * 300}, {"jku": "https://evil"},
       {"jwk": {"kty": "oct", "k": "AA"}}, {"cty": "JWT"})],
    *[("/hs", [bearer(made)]) for made in
      ("", "x", "a.b.c", "..", HS.token() + "=", HS.token() + ".x", HS.token(raw_claims=b"[]"), HS.token(raw_claims=b'{"a":1,"a":2}'),
       HS.token(raw_claims=b"{"), HS.token(pad="x" * 8000), HS.token(exp=NOW - 60), HS.token(exp=None), HS.token(exp="1"),
       HS.token(nbf=NOW + 600), HS.token(iat=NOW + 600), HS.token(exp=1e300))],
    ("/coded", [bearer(HS.token())]), ("/coded", [bearer(jose.Key("HS384", secret=SECRET).token())]),
    ("/pem", [bearer(jose.key("RS256").token(aud="other"))]), ("/pem", [bearer(jose.key("RS256").token(aud="none"))]),
    ("/pem", [bearer(jose.key("RS256", "another").token(aud="any"))]),
    ("/pem", [bearer(jose.Key("HS256", secret=jose.key("RS256").pem.encode()).token(aud="any"))]),
    *[("/whose", [bearer(made)]) for made in
      (APP.token(iss="app-key"), jose.key("ES256").token(iss="web-key"), APP.token(iss="web-key"), jose.key("ES256").token(iss="app-key"),
       APP.token(iss="nobody"), APP.token(), APP.token(iss=["app-key"]), APP.token(iss="app-key", exp=1),
       jose.Key("HS512", secret=b"app" * 20).token(iss="app-key"))],
    ("/kid", [bearer(jose.key("ES256").token(header={"kid": "web-key"}))]), ("/kid", [bearer(APP.token(kid="app-key"))]),
    ("/kid", [bearer(APP.token())]),
    *[("/strict", [bearer(made)]) for made in
      (strict(), strict(iss="https://idp.test"), strict(iss="Me"), strict(iss=None), strict(aud=["x", "api"]), strict(aud=[]),
       strict(aud=None), strict(exp=None), strict(nbf=None), strict(iat=None), strict(exp=NOW - 5), strict(exp=NOW - 3000),
       strict(exp=NOW + 7200), strict(iat=NOW + 600), strict(client_id="app"), strict(client_id="somebody"), strict(client_id="a\nb"),
       strict(client_id=7), strict(client_id=""))],
    *[("/scoped", [bearer(strict(**claims))]) for claims in
      ({}, {"scope": "read"}, {"scope": "write read"}, {"scp": ["read", "write", "x"]}, {"scope": "readwrite"}, {"scope": 7},
       {"scope": "read\nwrite"}, {"scope": "read", "scp": ["read", "write"]})],
    ("/either", [bearer(strict(scope="read"))]), ("/either", [bearer(strict()), "X-API-Key: app-api-key"]),
    ("/either", [bearer("x"), "X-API-Key: app-api-key"]), ("/either", [bearer("x"), "X-API-Key: wrong"]), ("/either", [bearer("x")]),
    ("/either", [bearer(strict())]), ("/either", ["X-API-Key: app-api-key"]), ("/either", [bearer(strict()), "X-API-Key: wrong"]),
    ("/both", [bearer(strict()), "X-API-Key: app-api-key"]), ("/both", [bearer(strict(client_id="web")), "X-API-Key: app-api-key"]),
    ("/both", [bearer(strict(client_id="app")), "X-API-Key: app-api-key"]), ("/both", [bearer(strict())]),
    ("/both", ["X-API-Key: app-api-key"]),
    ("/optional", []), ("/optional", [bearer("x")]), ("/optional", [bearer(HS.token())]), ("/optional", ["Authorization: Basic eDp5"]),
    *[("/groups", [bearer(strict(**claims))]) for claims in
      ({}, {"client_id": "app"}, {"client_id": "nobody"}, {"realm_access": {"roles": ["users"]}}, {"realm_access": {"roles": "admins"}},
       {"realm_access": {"roles": ["users", "banned"]}}, {"realm_access": {"roles": [["users"]]}}, {"realm_access": "users"},
       {"client_id": "web", "realm_access": {"roles": ["banned"]}})],
    *[("/claims", [bearer(strict(**claims))]) for claims in
      ({}, {"role": "admin"}, {"role": "boss", "address": {"city": "Berlin"}}, {"role": ["x", "admin"], "address": {"city": ["Berlin"]}},
       {"role": "admin", "address": {"city": "Bonn"}}, {"role": {"admin": 1}, "address": {"city": "Berlin"}})],
    ("/places", [f"X-Token: {HS.token()}"]), ("/places", [f"x-token: Bearer {HS.token()}"]), ("/places", [f"authorization: bEARER  {HS.token()}"]),
    ("/places", [f"Cookie: a=b; jwt_token={HS.token()}"]), (f"/places?a=b&jwt={HS.token()}", []), (f"/places?jwt={swapped(HS.token())}", []),
    (f"/places?%6awt={HS.token()}", []), ("/places", [bearer(HS.token()), f"X-Token: {HS.token(other=1)}"]),
    ("/places", [f"Authorization: Basic {HS.token()}"]), ("/places", [f"Authorization: {HS.token()}"]), ("/places", ["Authorization: Bearer"]),
    ("/places", [f"Authorization: Bearer{HS.token()}"]), ("/places", [f"Cookie: other={HS.token()}"]), ("/public", [bearer("x")]),
]


@pytest.mark.parametrize("path,headers", CASES, ids=[f"{i}{path.split('?')[0]}" for i, (path, _) in enumerate(CASES)])
def test_tokens_are_judged_as_by_the_gateway(running, folder, path, headers):
    compare(running, folder, path, *headers)


def test_the_cases_are_of_all_kinds(running, folder):
    statuses = [running.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n" + "".join(f"{header}\r\n" for header in headers) + "\r\n").status
                for path, headers in CASES]
    assert min(statuses.count(status) for status in (200, 401, 403)) > 8 and len(CASES) > 180


def test_preflights(running, folder):
    fields = ["Origin: https://a.test", "Access-Control-Request-Method: GET"]
    token = HS.token()
    assert compare(running, folder, "/places", *fields, method="OPTIONS")[0] == 200
    assert compare(running, folder, "/places", *fields, bearer(token), method="OPTIONS")[0] == 200
    assert compare(running, folder, "/places", *fields, "Authorization: x", method="OPTIONS")[0] == 200
    assert compare(running, folder, "/places", fields[0], "Authorization: x", method="OPTIONS")[0] == 401


def told(folder, path, *headers, status=0, **more):
    done = explain(folder, path, *headers, **more)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_what_is_told(folder):
    exp = int(time.time()) + 1500
    shown = told(folder, "/scoped", bearer(strict(exp=exp, client_id="app", sub="anna", scope="read write",
                                                  realm_access={"roles": ["x", "y"]})))
    assert "caller       strict: a good token, scopes read write, groups x y\n" in shown
    assert re.search(r"^ {13}  it says alg HS256, iss me, sub anna, aud api, scope read write, iat 1970-01-01T00:00:01Z \(\d+d ago\), "
                     r"nbf \S+ \(\d+d ago\), exp \S+Z \(in 2\dm\)$", shown, re.M), shown
    assert re.search(r"^ {13}let in as app$", shown, re.M)
    shown = told(folder, "/strict", bearer(strict(exp=exp - 5000)), status=1)
    assert "caller       strict: the token has expired\n" in shown and " ago)\n" in shown
    shown = told(folder, "/strict", bearer(strict(iss="you", aud=["a", "b"])), status=1)
    assert "issuer" in shown and 'iss you, aud ["a", "b"], ' in shown
    shown = told(folder, "/scoped", bearer(strict(scope="read")), status=1)
    assert "not all of the scopes read write are granted\n" in shown and "403: the token's scopes do not suffice\n" in shown


@pytest.mark.parametrize("path,callers", [("/hs", None), ("/strict", None), ("/groups", None), ("/public", None), ("/whose", "app, web"),
                                          ("/either", "app; others by the other schemes"), ("/both", "app")])
def test_who_may_call(folder, path, callers):
    found = re.search(r"^callers +(.*)$", told(folder, path), re.M)
    assert (found and found.group(1)) == callers


def test_without_credentials_nothing_is_foretold(folder):
    for headers in ([], ["Cookie: a=b"], ["X-Other: x"]):
        assert not re.search(r"^caller ", told(folder, "/hs", *headers), re.M)


# ---- what is not at hand ----

def test_what_is_missing_is_named(folder):
    env = {name: value for name, value in ENV.items() if name != "SECRET"}
    shown = told(folder, "/hs", bearer(HS.token()), env=env)
    assert "hs: cannot be told here: environment variable SECRET is not set\n" in shown
    assert "whether it is let in cannot be told here\n" in shown
    assert "the token's" not in shown and told(folder, "/hs", bearer("x"), env=env, status=1)  # malformed whatever the key
    shown = told(folder, "/whose", bearer(APP.token(iss="app-key")), env={})
    assert "whose: cannot be told here: environment variable APP_SECRET is not set\n" in shown


@pytest.mark.parametrize("secret,why", [("short", "32 bytes"), ("-----BEGIN PUBLIC KEY-----\n" + "A" * 64, "PEM")])
def test_keys_at_which_the_gateway_would_not_start(folder, secret, why):
    assert why in told(folder, "/hs", bearer(HS.token()), env={**ENV, "SECRET": secret}, status=1)


FETCHED = """
openapi: 3.1.0
info: {{title: fetched, version: "1"}}
x-gateway: {{access_log: false, respond: {{body: fine}}}}
components:
  securitySchemes:
    idp: {{type: openIdConnect, openIdConnectUrl: "https://idp.test/.well-known/openid-configuration", x-gateway: {{jwt: {{audiences: any}}}}}}
    other: {{type: http, scheme: bearer, x-gateway: {{jwt: {{audiences: any, jwks: {{url: "https://keys.test/jwks"{initial}}}}}}}}}
paths:
  /idp: {{get: {{security: [{{idp: []}}], responses: &any {{default: {{description: any}}}}}}}}
  /other: {{get: {{security: [{{other: []}}], responses: *any}}}}
"""
RS, ES = jose.key("RS256", "one"), jose.key("ES256", "two")


@pytest.fixture
def fetched(tmp_path):
    (tmp_path / "rs.json").write_text(jose.jwks(RS))
    (tmp_path / "es.json").write_text(jose.jwks(ES))
    (tmp_path / "openapi.yaml").write_text(FETCHED.format(initial=""))
    (tmp_path / "initial.yaml").write_text(FETCHED.format(initial=f', initial: {{file: "{tmp_path}/rs.json"}}'))
    return tmp_path


def test_keys_that_the_gateway_fetches(fetched):
    token = bearer(RS.token(aud="any"))
    shown = told(fetched, "/other", token)
    assert "other: cannot be told here: the gateway fetches the keys: --jwks FILE gives them here\n" in shown
    assert "let in without a name" in told(fetched, "/other", token, words=["--jwks", "rs.json"])
    assert "let in without a name" in told(fetched, "/other", token, words=["--jwks=other=rs.json", "--jwks", "idp=es.json"])
    assert "--jwks FILE" in told(fetched, "/other", token, words=["--jwks", "idp=rs.json"])
    assert "401: the token's key is not known\n" in told(fetched, "/other", token, words=["--jwks", "es.json"], status=1)
    assert "cannot read none.json" in told(fetched, "/other", token, words=["--jwks", "none.json"])
    (fetched / "bad.json").write_text("{}")
    assert "401: " in told(fetched, "/other", token, words=["--jwks", "bad.json"], status=1)
    idp = bearer(RS.token(aud="any", iss="https://idp.test"))
    assert "let in" in told(fetched, "/idp", idp, words=["--jwks", "rs.json"])
    assert "issuer" in told(fetched, "/idp", token, words=["--jwks", "rs.json"], status=1)


def test_keys_to_begin_with(fetched):
    assert "let in without" in told(fetched, "/other", bearer(RS.token(aud="any")), document="initial.yaml")
    assert "the gateway would fetch younger ones" in told(fetched, "/other", bearer(ES.token(aud="any")), document="initial.yaml")
    assert "401: " in told(fetched, "/other", bearer(RS.token(aud="no")), document="initial.yaml", status=1)
    assert "let in" in told(fetched, "/other", bearer(ES.token(aud="any")), document="initial.yaml", words=["--jwks", "es.json"])


def test_consumers_of_a_file_are_not_looked_at(folder, tmp_path):
    (tmp_path / "openapi.yaml").write_text(DOCUMENT.format(folder=folder).replace(
        "  consumers:\n", "  consumers_file: {file: /etc/more.yaml}\n  consumers:\n"))
    assert "/etc/more.yaml is not looked at" in told(tmp_path, "/whose", bearer(APP.token(iss="nobody")))
    assert "let in as app" in told(tmp_path, "/whose", bearer(APP.token(iss="app-key")))
    assert "the groups of more stand in /etc/more.yaml" in told(tmp_path, "/groups", bearer(strict(client_id="more")))
    assert "let in as more" in told(tmp_path, "/strict", bearer(strict(client_id="more")))


# ---- hostile tokens ----

@pytest.mark.parametrize("text", ["\x1b[2J", "\u202eevil", "a\nlet in as root", "\r\n", "\x00x", "\x9b31m", "\u2028"], ids=ascii)
def test_nothing_of_a_token_reaches_the_terminal_or_begins_a_line(folder, text):
    made = HS.token(raw_claims=json.dumps({**STRICT, "exp": NOW + 900, "sub": text, "client_id": text, "scope": text, "aud": ["api", text],
                                           "realm_access": {"roles": [text]}}, indent=1, ensure_ascii=False).encode(),
                    header={"kid": text})
    for path in ("/strict", "/groups", "/scoped"):
        done = explain(folder, path, bearer(made))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", done.stdout + done.stderr)
        for line in done.stdout.splitlines():
            assert re.match(r"[a-z ]{12} ", line) and not line.lstrip().startswith("let in as root"), done.stdout
