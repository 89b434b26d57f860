"""Tokens: every algorithm and every source of keys, what claims have to be, what they tell upstreams, and the attacks of
RFC 8725. Keys that providers publish: test_jwks.py."""
import json
import re
import signal
import time

import jose
import pytest
from http_peer import wait_until

HEAD = """
openapi: 3.1.0
info: {{title: tokens, version: "1"}}
security: [{{hs: []}}]
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pets: {{targets: [{{url: "{url}"}}]}}}}
  upstream: pets
  consumers:
    app: {{id: "42", groups: [users], keys: [{{env: APP_KEY}}], jwt: [{{key: app-key, algorithm: HS256, secret: {{env: APP_SECRET}}}}]}}
    web: {{groups: [admins], jwt: [{{key: web-key, algorithm: ES256, public_key: {{file: {folder}/web.pem}}}}]}}
components:
  securitySchemes:
    key: {{type: apiKey, in: header, name: X-API-Key}}
    hs: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: SECRET}}, algorithms: [HS256, HS384, HS512]}}}}}}
    short: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: SECRET}}, cache: {{size: 2, ttl: 1h}}}}}}}}
    uncached: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: SECRET}}, cache: false}}}}}}
    coded: {{type: http, scheme: bearer, x-gateway: {{jwt: {{secret: {{env: SECRET64}}, secret_is_base64: true}}}}}}
    file: {{type: http, scheme: bearer, x-gateway: {{jwt: {{audiences: any, jwks: {{file: {{file: {folder}/jwks.json}}}}, algorithms: {algorithms}}}}}}}
    pem: {{type: http, scheme: bearer, x-gateway: {{jwt: {{audiences: [any, other], public_key: {{file: {folder}/rs.pem}}}}}}}}
    whose: {{type: http, scheme: bearer, x-gateway: {{jwt: {{key_claim_name: iss}}}}}}
    kid: {{type: http, scheme: bearer, x-gateway: {{jwt: {{key_claim_name: kid}}}}}}
    strict:
      type: oauth2
      flows: {{clientCredentials: {{tokenUrl: "https://a/token", scopes: {{read: r, write: w}}}}}}
      x-gateway:
        jwt:
          secret: {{env: SECRET}}
          issuer: [me, "https://idp.test"]
          audiences: api
          claims_to_verify: [exp, nbf, iat]
          leeway: 10s
          maximum_expiration: 1h
          consumer_claim: client_id
          groups_claim: [realm_access, roles]
          forward_claims: {{sub: X-User-Id, /address/city: X-City, roles: X-Roles}}
    places:
      type: http
      scheme: bearer
      x-gateway: {{jwt: {{secret: {{env: SECRET}}, header_names: [Authorization, X-Token], cookie_names: jwt_token, uri_param_names: jwt}}}}
paths:
  /hs: {{get: {{responses: &any {{default: {{description: any}}}}}}}}
  /short: {{get: {{security: [{{short: []}}], responses: *any}}}}
  /uncached: {{get: {{security: [{{uncached: []}}], responses: *any}}}}
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
  /hidden: {{get: {{security: [{{strict: []}}], x-gateway: {{acl: {{deny: nobody, hide_groups_header: true}}}}, responses: *any}}}}
  /claims: {{get: {{security: [{{strict: []}}], x-gateway: {{acl: {{claims: {{role: [admin, boss], /address/city: Berlin}}}}}}, responses: *any}}}}
  /places:
    get: {{security: [{{places: []}}], responses: *any}}
    options: {{security: [{{places: [read]}}], x-gateway: {{acl: {{claims: {{role: admin}}}}}}, responses: *any}}
  /public: {{get: {{security: [], responses: *any}}}}
"""
SECRET = b"0123456789abcdef" * 4
HS = jose.Key("HS256", secret=SECRET)
STRICT = {"iss": "me", "aud": "api", "nbf": 1, "iat": 1}
LOCAL = [jose.key(algorithm, f"kid-{algorithm}") for algorithm in jose.ALGORITHMS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys")
    (path / "jwks.json").write_text(jose.jwks(*LOCAL, {"kty": "new", "kid": "future"}))
    (path / "rs.pem").write_text(jose.key("RS256").pem)
    (path / "web.pem").write_text(jose.key("ES256").pem)
    return path


@pytest.fixture(scope="module")
def running(module_gateway, module_origin, folder):
    document = HEAD.format(url=module_origin.url, folder=folder, algorithms="[" + ", ".join(jose.ALGORITHMS) + "]")
    return module_gateway(document, "--workers", "1",
                          env={"SECRET": SECRET.decode(), "SECRET64": jose.b64(SECRET), "APP_KEY": "app-api-key",
                               "APP_SECRET": "app" * 20})


@pytest.fixture
def pets(module_origin):
    module_origin.forget()
    return module_origin


def ask(running, path, token=None, *fields, method="GET"):
    fields = [*fields, *([f"Authorization: Bearer {token}"] if token is not None else [])]
    lines = "".join(field + "\r\n" for field in ("Host: a", *fields))
    return running.ask(f"{method} {path} HTTP/1.1\r\n{lines}\r\n")


def strict(**claims):
    return HS.token({**STRICT, **claims})


def detail(answer):
    return json.loads(answer.body)["detail"]


def refused(running, path, token, why, *fields):
    answer = ask(running, path, token, *fields)
    assert answer.status == 401 and why in detail(answer), answer.body
    assert f'error="invalid_token", error_description="{detail(answer)}"' in answer["www-authenticate"]
    return answer


def count(running, name):
    return int(re.search(rf"^apigw_jwt_{name}_total (\d+)$", running.ask_admin("/metrics").body.decode(), re.M).group(1))


# ---- what is good

@pytest.mark.parametrize("key", LOCAL, ids=lambda key: key.algorithm)
def test_every_algorithm(running, pets, key):
    assert ask(running, "/file", key.token(aud="any")).status == 200
    assert ask(running, "/file", key.token(aud=["x", "any"], header_typ=1, header={"typ": "at+jwt"})).status == 200
    assert ask(running, "/file", key.token(aud="any", header={"kid": None})).status == 200
    refused(running, "/file", key.token(aud="other"), "audience")
    good = key.token(aud="any")
    refused(running, "/file", good[:-6] + ("AAAAA" if good[-6:-1] != "AAAAA" else "BBBBB") + good[-1], "signature")
    refused(running, "/file", key.token(aud="any", header={"kid": "nobody"}), "key")
    refused(running, "/file", key.token(aud="any", signature=b""), "")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret(running, pets, algorithm):
    token = jose.Key(algorithm, secret=SECRET).token()
    assert ask(running, "/hs", token).status == 200
    assert pets.request()["authorization"] == f"Bearer {token}"
    assert ask(running, "/coded", jose.Key("HS256", secret=SECRET).token()).status == 200
    refused(running, "/hs", jose.Key(algorithm, secret=b"x" * 64).token(), "signature")
    refused(running, "/coded", jose.Key("HS384", secret=SECRET).token(), "algorithm")


def test_a_public_key(running, pets):
    key = jose.key("RS256")
    assert ask(running, "/pem", key.token(aud="other")).status == 200
    assert ask(running, "/pem", jose.Key.token(key, aud="other", header={"kid": "any at all"})).status == 200
    refused(running, "/pem", jose.key("RS256", "another").token(aud="any"), "signature")


def test_keys_of_consumers(running, pets):
    app, web = jose.Key("HS256", secret=b"app" * 20), jose.key("ES256")
    assert ask(running, "/whose", app.token(iss="app-key")).status == 200
    request = pets.request()
    assert request["x-consumer-username"] == "app" and request["x-consumer-id"] == "42"
    assert request["x-consumer-groups"] == "users"
    assert ask(running, "/whose", web.token(iss="web-key")).status == 200
    assert pets.request()["x-consumer-username"] == "web"
    assert ask(running, "/kid", web.token(header={"kid": "web-key"})).status == 200
    assert ask(running, "/kid", web.token(kid="web-key")).status == 200
    refused(running, "/whose", app.token(iss="web-key"), "algorithm")
    refused(running, "/whose", web.token(iss="app-key"), "algorithm")
    refused(running, "/whose", app.token(iss="nobody"), "names no key")
    refused(running, "/whose", app.token(), "names no key")
    refused(running, "/whose", app.token(iss=["app-key"]), "names no key")
    refused(running, "/whose", jose.Key("HS512", secret=b"app" * 20).token(iss="app-key"), "algorithm")
    refused(running, "/whose", jose.Key("HS256", secret=web.pem.encode()).token(iss="web-key"), "algorithm")


def test_where_tokens_stand(running, pets):
    token, other = HS.token(), HS.token(other=1)
    assert ask(running, "/places", token).status == 200
    assert ask(running, "/places", None, f"authorization: bEARER  {token} ").status == 200
    assert ask(running, "/places", None, f"X-Token: {token}").status == 200
    assert ask(running, "/places", None, f"X-Token: Bearer {token}").status == 200
    assert ask(running, "/places", None, f"Cookie: a=b; jwt_token={token}").status == 200
    assert ask(running, f"/places?a=b&jwt={token}").status == 200
    assert ask(running, f"/places?jwt={token}", token).status == 200
    for fields in ([f"X-Token: {other}"], [f"Cookie: jwt_token={other}"], [f"Authorization: Bearer {other}"]):
        answer = ask(running, "/places", token, *fields)
        assert answer.status == 401 and "two tokens" in detail(answer)
    for field in (f"Authorization: Basic {token}", f"Authorization: {token}", "Authorization: Bearer", "Authorization: Bearer ",
                  f"Authorization: Bearer{token}", f"X-Other: {token}", f"Cookie: other={token}"):
        answer = ask(running, "/places", None, field)
        assert answer.status == 401 and answer["www-authenticate"] == 'Bearer realm="tokens"'
    wait_until(lambda: running.out.count('"path":"/places"') > 15, "the log")
    assert token not in running.out and token not in running.log
    assert '"reason":"security: a token is needed"' in running.out and '"reason":"security: there are two tokens"' in running.out


def test_preflights_carry_none(running, pets):
    fields = ("Origin: https://a.test", "Access-Control-Request-Method: GET")
    assert ask(running, "/places", None, *fields, method="OPTIONS").status == 200
    assert ask(running, "/places", None, fields[0], method="OPTIONS").status == 401
    assert ask(running, "/places", None, fields[1], method="OPTIONS").status == 401
    assert ask(running, "/places", None, *fields).status == 401
    assert ask(running, "/places", "x.y.z", *fields, method="OPTIONS").status == 401
    assert ask(running, "/places", HS.token(role="admin"), *fields, method="OPTIONS").status == 403  # one who brings a token is asked
    assert ask(running, "/places", HS.token(scope="read", role="user"), *fields, method="OPTIONS").status == 403
    assert ask(running, "/places", HS.token(scope="read", role="admin"), *fields, method="OPTIONS").status == 200


# ---- claims

def test_what_claims_have_to_be(running, pets):
    now = int(time.time())
    for good in ({}, {"iss": "https://idp.test"}, {"aud": ["x", "api"]}, {"nbf": now + 5}, {"iat": now + 5}, {"exp": now - 5},
                 {"exp": now + 60.5}, {"exp": now + 3599}, {"iat": 1e9}, {"nbf": 0}):
        assert ask(running, "/strict", strict(**good)).status == 200, good
    for bad, why in (({"iss": "you"}, "issuer"), ({"iss": None}, "issuer"), ({"iss": ["me"]}, "issuer"), ({"iss": "ME"}, "issuer"),
                     ({"aud": "app"}, "audience"), ({"aud": None}, "audience"), ({"aud": []}, "audience"), ({"aud": 1}, "audience"),
                     ({"exp": None}, "no time of expiry"), ({"exp": now - 11}, "expired"), ({"exp": str(now + 60)}, "not a number"), ({"exp": True}, "not a number"),
                     ({"exp": now + 7300}, ""), ({"exp": 1e300}, ""), ({"exp": -1}, "expired"),
                     ({"nbf": None}, "from which"), ({"nbf": now + 60}, ""), ({"nbf": "1"}, "not a number"), ({"nbf": {}}, "not a number"),
                     ({"iat": None}, "time of issue"), ({"iat": now + 60}, ""), ({"iat": "1"}, "not a number")):
        refused(running, "/strict", strict(**bad), why)
    assert ask(running, "/hs", HS.token(nbf=None, iat=None, iss=None)).status == 200
    refused(running, "/hs", HS.token(exp=None), "no time of expiry")
    refused(running, "/hs", HS.token(nbf=now + 60), "")


def test_scopes(running, pets):
    for good in ("read write", "write  x read", ["read", "write"]):
        assert ask(running, "/scoped", strict(scope=good)).status == 200
        assert set(pets.request()["x-authenticated-scope"].split()) >= {"read", "write"}
    assert ask(running, "/scoped", strict(scp=["write", "read"])).status == 200
    for bad in ({"scope": "read"}, {}, {"scope": "readwrite"}, {"scope": ["read write"]}, {"scope": "READ WRITE"}, {"scope": 1},
                {"scope": {"read": 1, "write": 1}}, {"scope": "read", "scp": "write"}):
        answer = ask(running, "/scoped", strict(**bad))
        assert answer.status == 403 and detail(answer) == "the token's scopes do not suffice"
        assert answer["www-authenticate"] == 'Bearer realm="tokens", error="insufficient_scope", scope="read write"'
    refused(running, "/scoped", strict(scope="read write", exp=1), "expired")


def test_who_calls_goes_to_the_upstream(running, pets):
    forged = [f"{name}: evil" for name in ("X-User-Id", "x_user_id", "X.City", "X-Consumer-Groups", "X-Authenticated-Scope",
                                           "X-Consumer-Anything", "x_roles")]
    token = strict(client_id="app", sub="ann", realm_access={"roles": ["users", "staff", "a,b", "x\ny", 7]},
                   address={"city": "Köln"}, roles=["r1", "r2", "r,3"], scope="read")
    assert ask(running, "/strict", token, *forged, "X-User-Identity: mine").status == 200
    request = pets.request()
    assert "evil" not in str(request.fields)
    assert request["x-consumer-username"] == "app" and request["x-consumer-id"] == "42"
    assert request["x-consumer-groups"] == "users, staff, 7" and request["x-authenticated-scope"] == "read"
    assert request["x-user-id"] == "ann" and request["x-roles"] == "r1, r2" and request["x-user-identity"] == "mine"
    assert request["x-city"].encode("latin-1").decode() == "Köln"
    assert ask(running, "/public", None, *forged).status == 200
    assert "evil" not in str(pets.request().fields)
    assert ask(running, "/strict", strict(client_id="stranger", sub="a\r\nX-Evil: 1")).status == 200
    request = pets.request()
    assert request["x-consumer-username"] == "stranger" and request["x-user-id"] is None and request["x-evil"] is None
    assert ask(running, "/hidden", token).status == 200
    assert pets.request()["x-consumer-groups"] is None
    refused(running, "/strict", strict(client_id="a\nb"), "names no consumer")
    wait_until(lambda: '"consumer":"stranger"' in running.out, "the log")


def test_groups_of_consumers_and_tokens(running, pets):
    def roles(*names, **claims):
        return strict(realm_access={"roles": list(names)}, **claims)
    for good in (roles("admins"), roles("x", "users"), roles(client_id="app"), roles("x", client_id="web")):
        assert ask(running, "/groups", good).status == 200
    assert ask(running, "/groups", strict(realm_access={"roles": "users"})).status == 200
    for bad in (roles(), roles("x"), strict(), roles("users", "banned"), roles("banned", client_id="app"),
                strict(realm_access="users"), strict(realm_access={"roles": {"users": 1}}), roles("USERS"), roles(["users"])):
        answer = ask(running, "/groups", bad)
        assert answer.status == 403 and "groups" in detail(answer) and not answer["www-authenticate"]


def test_acl_by_claims(running, pets):
    def claims(role, city):
        return strict(role=role, address={"city": city})
    for good in (claims("admin", "Berlin"), claims(["x", "boss"], ["Berlin"])):
        assert ask(running, "/claims", good).status == 200
    for bad in (claims("user", "Berlin"), claims("admin", "Bonn"), claims(None, "Berlin"), claims({"admin": 1}, "Berlin"),
                claims([["admin"]], "Berlin"), strict(role="admin", address="Berlin")):
        answer = ask(running, "/claims", bad)
        assert answer.status == 403 and "claims" in detail(answer)


# ---- several ways

def test_one_of_several_ways(running, pets):
    assert ask(running, "/either", strict(scope="read")).status == 200
    assert ask(running, "/either", None, "X-API-Key: app-api-key").status == 200
    assert ask(running, "/either", strict(exp=1), "X-API-Key: app-api-key").status == 200
    assert ask(running, "/either", strict(scope="x"), "X-API-Key: app-api-key").status == 200
    answer = ask(running, "/either")
    assert answer.status == 401 and answer.fields.all("www-authenticate") == ['Bearer realm="tokens"', 'Key realm="tokens"']
    answer = ask(running, "/either", strict(exp=1))
    assert answer.fields.all("www-authenticate")[0].endswith('error_description="the token has expired"')
    assert ask(running, "/either", strict(scope="x"), "X-API-Key: wrong").status == 403
    answer = ask(running, "/either", strict(exp=1), "X-API-Key: wrong")
    assert answer.status == 401 and detail(answer) == "the token has expired"


def test_all_of_several_proofs(running, pets):
    assert ask(running, "/both", strict(client_id="app"), "X-API-Key: app-api-key").status == 200
    assert ask(running, "/both", strict(), "X-API-Key: app-api-key").status == 200
    assert ask(running, "/both", strict()).status == 401
    assert ask(running, "/both", None, "X-API-Key: app-api-key").status == 401
    answer = ask(running, "/both", strict(client_id="web"), "X-API-Key: app-api-key")
    assert answer.status == 401 and "two consumers" in detail(answer)


def test_who_brings_none_may_be_let_in_and_who_brings_a_wrong_one_not(running, pets):
    assert ask(running, "/optional").status == 200
    assert pets.request()["x-consumer-username"] is None
    assert ask(running, "/optional", HS.token()).status == 200
    refused(running, "/optional", HS.token(exp=1), "expired")


# ---- the cache

def test_a_token_is_verified_once(running, pets):
    token = HS.token(once=1)
    verified, recalled = count(running, "verified"), count(running, "recalled")
    for _ in range(5):
        assert ask(running, "/short", token).status == 200
    assert count(running, "verified") == verified + 1 and count(running, "recalled") == recalled + 4
    for n in range(4):  # the cache holds two
        assert ask(running, "/short", HS.token(n=n)).status == 200
    assert ask(running, "/short", token).status == 200
    assert count(running, "verified") == verified + 6
    for _ in range(2):
        refused(running, "/short", token[:-1], "")
        assert ask(running, "/uncached", token).status == 200
    assert count(running, "recalled") == recalled + 4
    refused(running, "/strict", token, "")  # another scheme's finding is not ours


def test_no_longer_than_it_lasts(running, pets):
    token = HS.token(exp=int(time.time()) + 2)
    assert ask(running, "/hs", token).status == 200
    wait_until(lambda: ask(running, "/hs", token).status == 401, "it to expire")
    refused(running, "/hs", token, "expired")


def test_what_is_remembered_still_tells_all(running, pets):
    token = strict(client_id="app", sub="ann", scope="read write", realm_access={"roles": ["staff"]})
    for _ in range(3):
        assert ask(running, "/scoped", token).status == 200
        request = pets.request()
        assert request["x-user-id"] == "ann" and request["x-consumer-groups"] == "users, staff"
    assert ask(running, "/either", token).status == 200


def test_keys_are_read_anew(gateway, origin, tmp_path):
    first, second = jose.key("ES256", "first"), jose.key("ES256", "second")
    (tmp_path / "jwks.json").write_text(jose.jwks(first))
    (tmp_path / "rs.pem").write_text(jose.key("RS256").pem)
    (tmp_path / "web.pem").write_text(jose.key("ES256").pem)
    running = gateway(HEAD.format(url=origin.url, folder=tmp_path, algorithms="ES256"), "--workers", "2",
                      env={"SECRET": SECRET.decode(), "SECRET64": jose.b64(SECRET), "APP_KEY": "x", "APP_SECRET": "app" * 20})
    assert ask(running, "/file", first.token(aud="any")).status == 200
    refused(running, "/file", second.token(aud="any"), "key")
    (tmp_path / "jwks.json").write_text("{")
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "keeping the old data: the keys of file" in running.log, "a word about it")
    assert ask(running, "/file", first.token(aud="any")).status == 200
    (tmp_path / "jwks.json").write_text(jose.jwks(second))
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in running.log, "the reload")
    for _ in range(8):  # both workers
        wait_until(lambda: ask(running, "/file", second.token(aud="any")).status == 200, "the new key")
        wait_until(lambda: ask(running, "/file", first.token(aud="any")).status == 401, "the old one to go")


def test_files_of_keys_are_watched(gateway, origin, tmp_path):
    first, second = jose.key("ES256", "first"), jose.key("ES256", "second")
    (tmp_path / "jwks.json").write_text(jose.jwks(first))
    (tmp_path / "rs.pem").write_text(jose.key("RS256").pem)
    (tmp_path / "web.pem").write_text(jose.key("ES256").pem)
    running = gateway(HEAD.format(url=origin.url, folder=tmp_path, algorithms="ES256"), "--workers", "1",
                      env={"SECRET": SECRET.decode(), "SECRET64": jose.b64(SECRET), "APP_KEY": "x", "APP_SECRET": "app" * 20})
    assert ask(running, "/file", first.token(aud="any")).status == 200
    (tmp_path / "new.json").write_text(jose.jwks(second))
    (tmp_path / "new.json").rename(tmp_path / "jwks.json")
    wait_until(lambda: ask(running, "/file", second.token(aud="any")).status == 200, "the new key", 20)
    assert ask(running, "/file", first.token(aud="any")).status == 401
    other = jose.Key("ES256")
    (tmp_path / "web.pem").write_text(other.pem)
    wait_until(lambda: ask(running, "/whose", other.token(iss="web-key")).status == 200, "the consumer's new key", 20)


# ---- attacks: RFC 8725 section 2, and what else tokens have been

def forged(header, claims=None, signature=b"", key=None):
    """A token of a key's owner who may sign what he likes; without one, with those bytes for a signature."""
    signed = f"{jose.b64(json.dumps(header).encode())}.{jose.b64(json.dumps(claims or {'exp': int(time.time()) + 60, 'aud': 'any'}).encode())}"
    return f"{signed}.{jose.b64(key.sign(signed.encode()) if key else signature)}"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "hs256", "HS1", "HS256 ", "HS257", "RS1", "dir", None, 1, ["HS256"]])
def test_no_other_algorithms(running, pets, alg):
    for path in ("/hs", "/file", "/pem", "/whose"):
        assert ask(running, path, forged({"alg": alg})).status == 401
        assert ask(running, path, forged({"alg": alg}, key=HS)).status == 401
        assert ask(running, path, forged({"alg": alg}, signature=b"x")).status == 401


def test_a_public_key_is_no_secret(running, pets, folder):
    for text in ((folder / "rs.pem").read_bytes(), (folder / "rs.pem").read_bytes().strip(), (folder / "jwks.json").read_bytes()):
        for kid in (None, "kid-RS256", "kid-HS256"):
            attacker = jose.Key("HS256", secret=text)
            for path in ("/pem", "/file"):
                assert ask(running, path, attacker.token(aud="any", header={"kid": kid} if kid else None)).status == 401


def test_a_key_is_for_its_own_algorithm(running, pets):
    for key in LOCAL:
        for algorithm in jose.ALGORITHMS:
            if algorithm[:2] == key.algorithm[:2] and (algorithm == key.algorithm or algorithm[:2] in ("RS", "PS", "HS")):
                continue
            header = {"alg": algorithm, "kid": key.kid}
            if {algorithm[:2], key.algorithm[:2]} == {"RS", "PS"}:
                continue
            assert ask(running, "/file", forged(header, key=key)).status == 401, (key.algorithm, algorithm)


def test_the_bearer_does_not_choose_the_key(running, pets):
    attacker = jose.key("RS256", "attacker")
    for header in ({"jwk": attacker.jwk}, {"jku": "http://127.0.0.1:1/jwks"}, {"x5u": "http://127.0.0.1:1/x"},
                   {"x5c": ["AAAA"]}, {"kid": "../../dev/null"}, {"kid": "' OR 1=1"}, {"kid": "http://127.0.0.1:1/"}):
        assert ask(running, "/file", forged({"alg": "RS256", "kid": "kid-RS256", **header}, key=attacker)).status == 401
        assert ask(running, "/pem", forged({"alg": "RS256", **header}, key=attacker)).status == 401


@pytest.mark.parametrize("size,order", [("256", 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551)])
def test_signatures_of_nothing(running, pets, size, order):
    width = 32
    for r, s in ((0, 0), (0, 1), (1, 0), (order, order), (order, 1), (1, order), (2 ** 256 - 1, 2 ** 256 - 1)):
        signature = r.to_bytes(width, "big") + s.to_bytes(width, "big")
        assert ask(running, "/file", forged({"alg": "ES256", "kid": "kid-ES256"}, signature=signature)).status == 401
    for length in (0, 1, 63, 65, 128):
        assert ask(running, "/file", forged({"alg": "ES256", "kid": "kid-ES256"}, signature=b"\0" * length)).status == 401


def test_forms_that_no_token_has(running, pets):
    good = HS.token()
    head, payload, signature = good.split(".")
    for bad in (f"{head}.{payload}", f"{head}.{payload}.", f".{payload}.{signature}", f"{head}..{signature}", "..", ".", "x",
                good + ".", "." + good, f"{good}.{signature}", good + "=", f"{head}=.{payload}.{signature}", good + "A",
                good[:-1], good.replace(".", "..", 1), good.upper(), json.dumps({"payload": payload, "signature": signature}),
                head + "." + payload + "." + signature[:-2] + "/+", good[:10] + " " + good[10:], "a" * 9000):
        assert ask(running, "/hs", bad).status == 401, bad
    last = signature[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for twin in (alphabet[alphabet.index(last) ^ bit] for bit in (1, 2)):  # the same bytes, otherwise written
        assert ask(running, "/hs", f"{head}.{payload}.{signature[:-1]}{twin}").status == 401


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"typ": "JOSE"},
                                    {"typ": 1}, {"cty": "JWT"}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"kid": 1}, {"kid": "k" * 257}])
def test_headers_that_are_not_understood(running, pets, header):
    refused(running, "/hs", HS.token(header=header), "")


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b'"x"', b"null", b"{", b"{}x", b'{"exp":9999999999,"exp":9999999999}',
                                     b'{"exp":9999999999,"a":{"b":1,"b":2}}', b'{"exp":9999999999,"a":"\xff"}', b'{"exp":1e999}',
                                     b'\xef\xbb\xbf{"exp":9999999999}', b"{'exp':9999999999}", b'{"exp":09999999999}',
                                     b'{"exp":9999999999,"a":' + b"[" * 100 + b"]" * 100 + b"}", b'{"exp":"9999999999"}'])
def test_payloads_that_are_no_claims(running, pets, payload):
    refused(running, "/hs", HS.token(raw_claims=payload), "")


def test_members_that_stand_twice(running, pets):
    signed = f'{jose.b64(b"""{"alg":"none","alg":"HS256"}""")}.{jose.b64(json.dumps({"exp": int(time.time()) + 60}).encode())}'
    assert ask(running, "/hs", f"{signed}.{jose.b64(HS.sign(signed.encode()))}").status == 401


# ---- starting

@pytest.mark.parametrize("env,why", [({}, "SECRET"), ({"SECRET": "short"}, "the keys of hs: "), ({"SECRET": ""}, "the keys of hs: ")])
def test_bad_keys_do_not_start(module_gateway, module_origin, folder, env, why):
    document = HEAD.format(url=module_origin.url, folder=folder, algorithms="ES256")
    with pytest.raises(pytest.fail.Exception, match=why) as failed:
        module_gateway(document, env={"SECRET64": jose.b64(SECRET), "APP_KEY": "x", "APP_SECRET": "app" * 20, **env})
    assert "short" not in str(failed.value)
