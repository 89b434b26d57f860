"""`apigw-gen token`: what it mints others verify, what others mint it shows; keys never stand on command lines, and nothing
in a token reaches a terminal as it is."""
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import time

import jwt
import pytest
from fixtures import GEN
from jwcrypto import jwk
from jwcrypto import jwt as crypto_jwt

SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
SECRETS = ["HS256", "HS384", "HS512"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALGS = SECRETS + ["RS256", "RS384", "RS512"] + list(CURVES)


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def hand_made(header, payload, signature=b"s" * 32):
    """A token of any bytes: dictionaries are written as JSON."""
    texts = [part if isinstance(part, (str, bytes)) else json.dumps(part) for part in (header, payload)]
    return ".".join([*map(b64, texts), b64(signature)])


def signed(header, payload):
    text = hand_made(header, payload).rsplit(".", 1)[0]
    return text + "." + b64(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.strip().split(".")[:2]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A folder of keys: name.pem is private, name.pub its public half."""
    folder = tmp_path_factory.mktemp("keys")
    made = {"rsa": jwk.JWK.generate(kty="RSA", size=2048), "small": jwk.JWK.generate(kty="RSA", size=1024),
            "ed": jwk.JWK.generate(kty="OKP", crv="Ed25519"), "k1": jwk.JWK.generate(kty="EC", crv="secp256k1"),
            **{crv: jwk.JWK.generate(kty="EC", crv=crv) for crv in CURVES.values()}}
    for name, key in made.items():
        (folder / f"{name}.pem").write_bytes(key.export_to_pem(private_key=True, password=None))
        (folder / f"{name}.pub").write_bytes(key.export_to_pem())
    (folder / "locked.pem").write_bytes(made["rsa"].export_to_pem(private_key=True, password=b"x"))
    (folder / "old.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAA==\n"
                                    "-----END RSA PRIVATE KEY-----\n")
    (folder / "torn.pem").write_text((folder / "rsa.pem").read_text()[:400] + "\n-----END PRIVATE KEY-----\n")
    (folder / "rsa.jwk").write_text(made["rsa"].export())
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "empty").write_text("\n")
    (folder / "bytes").write_bytes(bytes(range(256)))
    return folder


@pytest.fixture
def token(keys):
    """token(words…) runs the command in the folder of keys; the answer is its standard output."""
    def run(*words, status=0, stdin=b"", env=None, says=None):
        done = subprocess.run([GEN, "token", *words], cwd=keys, input=stdin.encode() if isinstance(stdin, str) else stdin,
                              capture_output=True, timeout=60, env={**os.environ, **(env or {})})
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == status, f"{words} gave {done.returncode}:\n{out}{err}"
        assert (says is None) == (err == ""), err
        assert says is None or says in err, err
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]",
                             out + err)
        return out
    return run


def key_of(alg):
    return "secret" if alg in SECRETS else "rsa.pem" if alg.startswith("RS") else f"{CURVES[alg]}.pem"


def public_of(keys, alg):
    return SECRET if alg in SECRETS else (keys / key_of(alg).replace(".pem", ".pub")).read_text()


# ---- mint ----

@pytest.mark.parametrize("alg", ALGS)
def test_what_is_minted_others_verify(token, keys, alg):
    made = token("mint", "--alg", alg, "--key", key_of(alg), "--issuer", "me", "--audience=shop", "--kid", "one").strip()
    claims = jwt.decode(made, public_of(keys, alg), algorithms=[alg], issuer="me", audience="shop")
    assert claims["exp"] - claims["iat"] == 3600 and abs(claims["iat"] - time.time()) < 60
    assert parts(made)[0] == {"alg": alg, "kid": "one", "typ": "JWT"}
    key = (jwk.JWK(kty="oct", k=b64(SECRET)) if alg in SECRETS else jwk.JWK.from_pem(public_of(keys, alg).encode()))
    assert json.loads(crypto_jwt.JWT(jwt=made, key=key, algs=[alg]).claims) == claims
    with pytest.raises(jwt.InvalidSignatureError):
        other = "another secret" if alg in SECRETS else None
        head, payload, signature = made.split(".")
        jwt.decode(made if other else ".".join([head, b64(json.dumps({**claims, "sub": "root"})), signature]),
                   other or public_of(keys, alg), algorithms=[alg], audience="shop")


@pytest.mark.parametrize("name,alg", [("secret", "HS256"), ("rsa.pem", "RS256"), ("P-256.pem", "ES256"), ("P-384.pem", "ES384"),
                                      ("P-521.pem", "ES512"), ("bytes", "HS256")])
def test_the_key_suggests_the_algorithm(token, name, alg):
    assert parts(token("mint", "--key", name))[0]["alg"] == alg


def test_where_keys_may_stand(token, keys):
    made = [token("mint", "--key", "secret", "--claim", "iat=1", "--expires=never"),
            token("mint", "--key", "env:THE_KEY", "--claim", "iat=1", "--expires=never", env={"THE_KEY": SECRET}),
            token("mint", "--key=-", "--claim", "iat=1", "--expires=never", stdin=SECRET + "\n"),
            token("mint", "--key=-", "--claim", "iat=1", "--expires=never", stdin=SECRET)]
    assert len(set(made)) == 1
    data = bytes(range(256))
    assert jwt.decode(token("mint", "--key", "bytes").strip(), data, algorithms=["HS256"])
    assert jwt.decode(token("mint", "--key=-", stdin=(keys / "rsa.pem").read_bytes()).strip(), (keys / "rsa.pub").read_text(),
                      algorithms=["RS256"])


def test_claims(token, keys):
    (keys / "claims.json").write_text(json.dumps({"sub": "file", "exp": 5, "nested": {"a": [1, None, "é\u202e"]}, "iss": "file"}))
    claims = parts(token("mint", "--key", "secret", "--claims", "claims.json", "--issuer", "word", "--claim", "sub=word",
                         "--claim", "admin=true", "--claim", "n=12", "--claim", "text=\"12\"", "--claim", "list=[1, {\"a\": 2}]",
                         "--claim", "words=a = b", "--claim", "https://shop.example/role=admin", "--claim", "empty=",
                         "--claim", "big=9007199254740993", "--scope", "read write"))[1]
    iat = claims.pop("iat")
    assert claims == {"sub": "word", "iss": "word", "exp": 5, "nested": {"a": [1, None, "é\u202e"]}, "admin": True, "n": 12,
                      "text": "12", "list": [1, {"a": 2}], "words": "a = b", "https://shop.example/role": "admin", "empty": "",
                      "big": 9007199254740993, "scope": "read write"}
    assert abs(iat - time.time()) < 60


@pytest.mark.parametrize("audiences,aud", [([], None), (["a"], "a"), (["a", "b"], ["a", "b"]), (["é\""], "é\"")])
def test_audiences(token, audiences, aud):
    assert parts(token("mint", "--key", "secret", *[f"--audience={name}" for name in audiences]))[1].get("aud") == aud


@pytest.mark.parametrize("words,seconds", [("5m", 300), ("1h", 3600), ("7d", 604800), ("0s", 0), ("-30s", -30),
                                           ("36525d", 36525 * 86400)])
def test_times_from_now(token, words, seconds):
    claims = parts(token("mint", "--key", "secret", "--expires", words, f"--not-before={words}"))[1]
    assert claims["exp"] - claims["iat"] == seconds and claims["nbf"] == claims["exp"]


def test_no_end(token):
    assert "exp" not in parts(token("mint", "--key", "secret", "--expires=never"))[1]


@pytest.mark.parametrize("words,says", [
    ([], "what to sign with?"), (["--key="], "what to sign with?"), (["--key"], "needs a value"),
    (["--key", "secret", "word"], "options only"),
    (["--key", "secret", "--alg", "PS256"], "does not sign by 'PS256', only by HS256, HS384"),
    (["--key", "ed.pem", "--alg", "EdDSA"], "does not sign by 'EdDSA'"), (["--key", "secret", "--alg", "none"], "by 'none'"),
    (["--key", "secret", "--alg", "hs256"], "by 'hs256'"), (["--key", "secret", "--alg="], "by ''"),
    (["--key", "secret", "--typ", "at+jwt"], "cannot write 'at+jwt'"), (["--key", "secret", "--typ", "jwt"], "cannot write 'jwt'"),
    (["--key", "secret", "--claim", "name"], "takes NAME=VALUE"), (["--key", "secret", "--claim", "=v"], "takes NAME=VALUE"),
    (["--key", "secret", "--claim", "a=1", "--claim", "a=2"], "'a' is said twice"),
    (["--key", "secret", "--claim", "iss=a", "--issuer", "b"], "'iss' is said twice"),
    (["--key", "secret", "--claim", "exp=1", "--expires", "1h"], "'exp' is said twice"),
    *[(["--key", "secret", f"--expires={time}"], "--expires takes a time") for time in
      ("", "1", "h", "1 h", "1w", "1.5h", "--1h", "1h30m", "36526d", "99999999999999999999s", "Never")],
    (["--key", "secret", "--not-before", "never"], "--not-before takes a time"),
    (["--key", "secret", "--claim", b"a=\xff"], "'a' is not UTF-8"), (["--key", "secret", "--issuer", b"\xff"], "'iss' is not"),
    (["--key", "secret", "--claim", "\x1b[31m"], "\\u{1b}[31m"), (["--secret", "x"], "unknown option '--secret'"),
    (["--key", "secret", "--format=json"], "unknown option"),
], ids=str)
def test_wrong_words(token, words, says):
    assert token("mint", *words, status=2, says=says) == ""


@pytest.mark.parametrize("words,says", [
    (["--key", "rsa.pub"], "has none"), (["--key", "P-256.pub", "--alg", "ES256"], "has none"),
    (["--key", "locked.pem"], "is encrypted"), (["--key", "old.pem"], "is encrypted"),
    (["--key", "torn.pem"], "this is none"), (["--key", "torn.pem", "--alg", "RS256"], "RS256 does not sign"),
    (["--key", "ed.pem"], "libjwt signs by RSA keys"), (["--key", "rsa.jwk"], "is a JWK"), (["--key", "empty"], "is empty"),
    (["--key", "secret", "--alg", "RS256"], "RS and ES take a private key"),
    (["--key", "secret", "--alg", "ES256"], "RS and ES take a private key"),
    (["--key", "rsa.pub", "--alg", "HS256"], "take a secret"), (["--key", "rsa.pem", "--alg", "HS512"], "take a secret"),
    (["--key", "P-384.pem", "--alg", "ES256"], "ES256 does not sign"), (["--key", "P-256.pem", "--alg", "ES512"], "does not sign"),
    (["--key", "rsa.pem", "--alg", "ES256"], "ES256 does not sign"), (["--key", "P-256.pem", "--alg", "RS256"], "does not sign"),
    (["--key", "secret", "--claim", "n=12345678901234567890"], "does not take these claims"),
    (["--key", "secret", "--claim", "n=1e999"], "does not take these claims"),
    (["--key", "secret", "--claim", "s=\"\\u0000\""], "does not take these claims"),
], ids=str)
def test_keys_and_claims_that_do_not_sign(token, words, says):
    assert token("mint", *words, status=1, says=says) == ""


@pytest.mark.parametrize("text,says", [("", "there is no value"), ("[]", "no JSON object"), ("{\"a\":1,\"a\":2}", "has 'a' twice"),
                                       ("{\"a\":1}x", "byte 8"), ("{a:1}", "byte 2"), ("{\"\x1b\":1}", "byte"),
                                       ("{\"\\u001b[2J\":1,\"\\u001b[2J\":1}", "\\u{1b}[2J"), ("[" * 100, "no JSON object"),
                                       ("{\"a\":" + "[" * 100, "byte")])
def test_wrong_files_of_claims(token, keys, text, says):
    (keys / "wrong.json").write_text(text)
    assert token("mint", "--key", "secret", "--claims", "wrong.json", status=1, says=says) == ""
    assert token("mint", "--key", "secret", "--claims", "wrong.json", status=1, says="wrong.json: ") == ""


@pytest.mark.parametrize("words", [["--key", "nowhere"], ["--key", "env:NOT_SET_ANYWHERE"], ["--key", "/"], ["--key", "/dev/zero"],
                                   ["--key", "secret", "--claims", "nowhere"]], ids=str)
def test_what_cannot_be_read(token, words):
    assert token("mint", *words, status=3, says="") == ""


def test_a_secret_as_a_word_is_not_repeated(token, keys):
    done = subprocess.run([GEN, "token", "mint", "--key", "hunter2hunter2"], cwd=keys, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "hunter2" not in done.stderr and "others see command lines" in done.stderr


@pytest.mark.parametrize("name,words,says", [("bytes8", ["--alg=HS256"], "8 bytes is too short for HS256: RFC 7518 asks for 32"),
                                             ("bytes8", [], "HS256"), ("bytes32", ["--alg=HS512"], "asks for 64"),
                                             ("small.pem", [], "1024 bits is too short: RFC 7518 asks for 2048")])
def test_short_keys_are_remarked_on(token, keys, name, words, says):
    (keys / "bytes8").write_text("x" * 8)
    (keys / "bytes32").write_text("x" * 32)
    assert token("mint", "--key", name, *words, says=f"warning: ").count(".") == 2
    assert token("mint", "--key", name, *words, says=says).count(".") == 2
    assert token("mint", "--key", name, *words, "-q").count(".") == 2


# ---- inspect ----

def inspect(token, text, **more):
    return json.loads(token("inspect", "--format=json", stdin=text, **more))


def codes(token, text):
    return [warning["code"] for warning in inspect(token, text)["warnings"]]


GOOD = {"iss": "me", "aud": "shop"}


def good(**more):
    now = int(time.time())
    return {**GOOD, "iat": now, "exp": now + 3600, **more}


@pytest.mark.parametrize("alg", ALGS + ["PS256", "PS384", "PS512", "EdDSA"])
def test_what_others_mint_is_shown(token, keys, alg):
    key = SECRET if alg in SECRETS else (keys / ("ed.pem" if alg == "EdDSA" else key_of(alg.replace("PS", "RS")))).read_text()
    claims = good(sub="é", roles=["a", {"b": None}], ratio=0.5)
    shown = inspect(token, jwt.encode(claims, key, algorithm=alg, headers={"kid": "k", "typ": "at+jwt"}))
    assert shown["header"] == {"alg": alg, "kid": "k", "typ": "at+jwt"} and shown["payload"] == claims
    assert shown["warnings"] == [] and shown["signature"]["verified"] is None
    assert 3500 <= shown["dates"]["exp"]["in_seconds"] <= 3600


def test_for_people(token):
    now = int(time.time())
    text = token("inspect", stdin=hand_made({"alg": "HS256"}, {**GOOD, "iat": now - 400, "nbf": now + 600, "exp": now - 180}))
    assert text.startswith('header\n  {\n    "alg": "HS256"\n  }\npayload\n  {\n    "iss": "me",\n')
    assert re.search(r"^iat          \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, 7m ago$", text, re.M)
    assert re.search(r"^exp          \S+Z, expired 3m ago$", text, re.M)
    assert re.search(r"^nbf          \S+Z, not yet valid, in 10m$", text, re.M)
    assert re.search(r"^signature    32 bytes, not verified", text, re.M)
    assert re.search(r"^exp .* in (57|58)m$", token("inspect", stdin=hand_made({"alg": "HS256"}, good(exp=now + 57 * 60 + 25))),
                     re.M)


@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}  \r\n", "Bearer {}", "bearer   {}", "Authorization: Bearer {}",
                                    "authorization:Bearer {}\r\n"])
def test_what_may_stand_around(token, around):
    text = around.format(hand_made({"alg": "HS256"}, good()))
    assert inspect(token, text)["payload"]["iss"] == "me"
    assert json.loads(token("inspect", text, "--format=json"))["payload"]["iss"] == "me"
    assert json.loads(token("inspect", "-", "--format=json", stdin=text))["payload"]["iss"] == "me"


def test_standard_input_may_be_a_socket(keys):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(hand_made({"alg": "HS256"}, good()).encode())
        ours.shutdown(socket.SHUT_WR)
        done = subprocess.run([GEN, "token", "inspect"], stdin=theirs, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and '"iss": "me"' in done.stdout


RISKS = {
    "alg-none": [({"alg": "none"}, {}), ({"alg": "None"}, {}), ({"alg": "nOnE"}, {})],
    "alg": [({}, {}), ({"alg": 1}, {}), ({"alg": "hs256"}, {}), ({"alg": "HS256\u0000"}, {}), ({"alg": ""}, {})],
    "embedded-key": [({"alg": "HS256", name: value}, {}) for name, value in
                     (("jku", "https://evil"), ("jwk", {}), ("x5u", "https://evil"), ("x5c", []))],
    "crit": [({"alg": "HS256", "crit": ["exp"]}, {}), ({"alg": "HS256", "crit": []}, {})],
    "b64": [({"alg": "HS256", "b64": False}, {})],
    "zip": [({"alg": "HS256", "zip": "DEF"}, {})],
    "kid": [({"alg": "HS256", "kid": kid}, {}) for kid in ("../../dev/null", "' OR 1=1", "a|b", "\u0000", 7, None, "a b")],
    "no-exp": [({"alg": "HS256"}, {"exp": ...})],
    "bad-date": [({"alg": "HS256"}, claims) for claims in ({"exp": "1"}, {"exp": None}, {"nbf": []}, {"iat": True}, {"exp": 1e300},
                                                           {"exp": 1790000000000}, {"iat": -1e16}, {"nbf": 4e9})],
    "lifetime": [({"alg": "HS256"}, {"exp": 4e9}), ({"alg": "HS256"}, {"iat": 0})],
    "future": [({"alg": "HS256"}, {"iat": 4e9, "exp": 4e9 + 60})],
    "no-iss": [({"alg": "HS256"}, {"iss": ...}), ({"alg": "HS256"}, {"iss": 1})],
    "no-aud": [({"alg": "HS256"}, {"aud": ...}), ({"alg": "HS256"}, {"aud": {}})],
    "signature": [({"alg": "HS512"}, {}), ({"alg": "RS256"}, {}), ({"alg": "ES256"}, {})],
    "size": [({"alg": "HS256"}, {"x": "y" * 9000})],
}


@pytest.mark.parametrize("code,header,changes", [(code, *case) for code, cases in RISKS.items() for case in cases], ids=str)
def test_risks(token, code, header, changes):
    claims = {name: value for name, value in good(**changes).items() if value is not ...}
    assert codes(token, hand_made(header, claims)) == [code]


@pytest.mark.parametrize("header,payload", [
    ({"alg": "HS256"}, good()), ({"alg": "HS256", "kid": "2026-01/a+b=.é"}, good()), ({"alg": "HS256"}, good(aud=["a"])),
    ({"alg": "HS256", "typ": "at+jwt", "cty": "x"}, good(nbf=0, auth_time=0)), ({"alg": "HS256"}, good(exp=time.time() + 0.5))])
def test_no_risk(token, header, payload):
    assert codes(token, hand_made(header, payload)) == []


@pytest.mark.parametrize("header,payload,where", [
    ('{"alg":"HS256","alg":"none"}', good(), "the header has 'alg' twice"),
    ('{"alg":"HS256","\\u0061lg":"none"}', good(), "the header has 'alg' twice"),
    ({"alg": "HS256"}, '{"iss":"a","aud":"b","exp":1,"exp":2}', "the payload has 'exp' twice")])
def test_duplicates(token, header, payload, where):
    warnings = inspect(token, hand_made(header, payload))["warnings"]
    assert [warning["code"] for warning in warnings] == ["duplicate-member"] and where in warnings[0]["text"]


def test_many_members_take_no_time(token):
    members = ",".join(f'"m{i}":{i}' for i in range(40000))
    assert "duplicate-member" not in codes(token, hand_made({"alg": "HS256"}, "{" + members + "}"))


def test_base64_that_is_not_canonical(token):
    head, payload, signature = hand_made({"alg": "HS256"}, good(), b"\xfb\xff" * 16).split(".")
    assert signature.endswith("8") and "-_" in signature and len(signature) == 43
    assert codes(token, f"{head}.{payload}.{signature}") == []
    assert codes(token, f"{head}.{payload}.{signature}=") == ["base64"]
    assert codes(token, f"{head}.{payload}.{signature[:-1]}9") == ["base64"]
    assert codes(token, f"{head}.{payload}.{signature.replace('-', '+').replace('_', '/')}") == ["base64"]
    assert codes(token, f"{head}.{payload}.{signature.replace('-', '+')[:-1]}9=") == ["base64"] * 3
    assert codes(token, f"{head}.{payload}.") == ["signature"]


@pytest.mark.parametrize("text,says", [
    ("", "there is none"), ("   \n", "there is none"), ("Bearer ", "not 1"), ("Bearer", "not 1"), ("opaque", "three parts"),
    ("a.b", "not 2"), ("a.b.c.d", "not 4"), ("..", "the header cannot be read"), ("a.b.c", "the header ends within a byte"),
    (f"{b64('{}')}.{b64('{}')}.a", "the signature ends within a byte"), (f"{b64('{}')}.{b64('{}')}.a\nb", "character 2 of the sig"),
    (f"{b64('{}')}.{b64('{}')}.é", "character 1 of the signature"), (f"{b64('{}')}.{b64('{}')}.ab===", "character"),
    (f"{b64('{}')}.{b64('{}')}.a\x00b", "character 2"), (f"{b64('[]')}.{b64('{}')}.", "it is no JSON object"),
    (f"{b64('{}')}.{b64('hello')}.", "the payload cannot be read: byte 1"), (f"{b64('{}')}.{b64('{}x')}.", "byte 3"),
    (f"{b64('{}')}.{b64(chr(0xfeff) + '{}')}.", "the payload cannot be read"), (f"{b64('{}')}.{b64(bytes([123, 255, 125]))}.", "byte 2"),
    (f"{b64('{')}.{b64('{}')}.", "the header cannot be read"), (f"{b64('{}')}..", "the payload cannot be read"),
    (f"{b64('{}')}.{b64('{' + chr(34) + 'a' + chr(34) + ':' + '[' * 64 + ']' * 64 + '}')}.", "the payload cannot be read"),
    ("x" * (1 << 20) + "y" * 99, "longer than 1 MiB"), (b"\xff\xfe\x1b[2J", "not 1"),
], ids=lambda value: str(value)[:40])
def test_what_is_no_token(token, text, says):
    token("inspect", stdin=text, status=1, says="this is no token: ")
    assert token("inspect", "--format=json", stdin=text, status=1, says=says) == ""


def test_an_encrypted_token_shows_its_header(token):
    text = hand_made({"alg": "RSA-OAEP", "enc": "A256GCM"}, "x") + ".YQ.YQ"
    assert '"enc": "A256GCM"' in token("inspect", stdin=text, status=1, says="an encrypted token (JWE)")


HOSTILE = ["\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\u202eevil", "\u2066a\u2069", "\u200bx", "\ufeff", "\U000e0041", "\r\nexp: fine",
           "\x7f", "\x00", "</script>", "\u2028", "\x85"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("is_escaped", [False, True], ids=["raw", "escaped"])
def test_nothing_reaches_the_terminal(token, text, is_escaped):
    """The fixture looks at every byte that is printed; and what is printed as JSON still means the same."""
    raw = {"\x1b": "\\u001b", "\r": "\\r", "\n": "\\n", "\x00": "\\u0000", "\x07": "\\u0007"}
    written = json.dumps(text) if is_escaped else '"' + "".join(raw.get(c, c) for c in text) + '"'
    made = hand_made(f'{{"alg":{written},{written}:1,{written}:2,"kid":{written}}}', f'{{{written}:{{"a":[{written}]}},"exp":1}}')
    shown = inspect(token, made)
    assert shown["header"]["alg"] == text and shown["payload"][text] == {"a": [text]}
    assert any(text.replace("\x00", "␀").replace("\n", "␤") in warning["text"] for warning in shown["warnings"])
    token("inspect", stdin=made)
    token("inspect", stdin=made + text, status=1, says="this is no token" if text != "\r\n" else None)


@pytest.mark.parametrize("words,says", [(["a.b.c", "d"], "takes one TOKEN"), (["--format=yaml"], "--format has no 'yaml'"),
                                        (["--alg", "HS256"], "unknown option"), (["--frob"], "unknown option")], ids=str)
def test_wrong_words_to_inspect(token, words, says):
    assert token("inspect", *words, status=2, says=says) == ""


# ---- inspect --key ----

def verdict(token, text, *words, good=True, **more):
    shown = json.loads(token("inspect", "--format=json", *words, stdin=text, status=0 if good else 1, **more))["signature"]
    assert shown["verified"] is good and ("why" in shown) == (not good)
    return shown.get("why")


@pytest.mark.parametrize("alg", ALGS + ["PS256", "PS384", "PS512", "EdDSA"])
def test_what_others_mint_is_verified(token, keys, alg):
    private = "ed.pem" if alg == "EdDSA" else key_of(alg.replace("PS", "RS"))
    public = private.replace(".pem", ".pub")
    made = jwt.encode(good(), SECRET if private == "secret" else (keys / private).read_text(), algorithm=alg, headers={"kid": "a"})
    verdict(token, made, "--key", public)
    head, payload, signature = made.split(".")
    assert verdict(token, f"{head}.{b64(json.dumps(good(sub='root')))}.{signature}", "--key", public, good=False)
    assert verdict(token, made, "--key", "P-521.pub" if alg == "ES256" else "P-256.pub", good=False)
    if private != "secret":
        key = json.loads(jwk.JWK.from_pem((keys / public).read_bytes()).export_public())
        key.pop("kid")
        (keys / "one.json").write_text(json.dumps(key))
        (keys / "set.json").write_text(json.dumps({"keys": [{**key, "kid": "a"}]}))
        (keys / "others.json").write_text(json.dumps({"keys": [{**key, "kid": "b"}]}))
        verdict(token, made, "--key", "one.json")
        verdict(token, made, "--key", "set.json")
        assert verdict(token, made, "--key", "others.json", good=False)
        assert token("inspect", "--key", private, stdin=made, status=1, says="openssl pkey -in FILE -pubout") == ""


@pytest.mark.parametrize("alg", ALGS)
def test_round_trip(token, keys, alg):
    public = key_of(alg).replace(".pem", ".pub")
    verdict(token, token("mint", "--alg", alg, "--key", key_of(alg)), "--key", public)
    assert "good" in token("inspect", token("mint", "--alg", alg, "--key", key_of(alg)).strip(), f"--key={public}")
    assert "expired" in verdict(token, token("mint", "--alg", alg, "--key", key_of(alg), "--expires=-1m"), "--key", public, good=False)
    assert verdict(token, token("mint", "--alg", alg, "--key", key_of(alg), "--not-before=1h"), "--key", public, good=False)


def test_a_public_key_is_no_secret(token, keys):
    """The oldest trick (RFC 8725 section 2.1): HS256 with the text of the RSA public key."""
    text = hand_made({"alg": "HS256"}, good()).rsplit(".", 1)[0]
    forged = text + "." + b64(hmac.digest((keys / "rsa.pub").read_bytes(), text.encode(), hashlib.sha256))
    assert verdict(token, forged, "--key", "rsa.pub", good=False) == "the token's algorithm is not allowed"


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "hs256"}, {}, {"alg": "HS256", "crit": ["x"], "x": 1},
                                    {"alg": "HS256", "b64": False}, {"alg": "HS256", "typ": "logout+jwt"},
                                    '{"alg":"HS256","alg":"HS256"}', {"alg": "HS256", "kid": 1}, {"alg": "HS256", "cty": "JWT"}], ids=str)
def test_what_gateways_refuse_although_it_is_signed(token, header):
    assert verdict(token, signed(header, good()), "--key", "secret", good=False)


@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "HS256", "typ": "at+jwt"}, {"alg": "HS256", "typ": "application/jwt"},
                                    {"alg": "HS256", "jku": "https://evil", "jwk": {}}], ids=str)
def test_what_they_take(token, header):
    verdict(token, signed(header, good()), "--key", "secret")


@pytest.mark.parametrize("key,says", [("short", "32 bytes"), ("torn.pub", ""), ("no.json", ""), ("k1.pub", ""), ("small.pub", ""),
                                      ("chain.pub", ""), ("ed.pem", "public key")])
def test_keys_that_are_none(token, keys, key, says):
    (keys / "short").write_text("hunter2")
    (keys / "torn.pub").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    (keys / "no.json").write_text('{"keys": []}')
    (keys / "chain.pub").write_text((keys / "rsa.pub").read_text() * 2)
    assert token("inspect", "--key", key, stdin=signed({"alg": "HS256"}, good()), status=1, says=says) == ""


def test_where_keys_to_verify_may_stand(token):
    made = signed({"alg": "HS256"}, good())
    verdict(token, made, "--key", "env:THE_KEY", env={"THE_KEY": SECRET})
    assert "32 bytes, good" in token("inspect", made, "--key", "-", stdin=SECRET + "\n")
    for words in (["--key=-"], ["-", "--key=-"]):
        assert token("inspect", *words, stdin=made, status=2, says="either the token or the key") == ""
    for key in ("nowhere", "env:NOT_SET_ANYWHERE", "/"):
        assert token("inspect", "--key", key, stdin=made, status=3, says="") == ""


# ---- the group ----

@pytest.mark.parametrize("words,says", [([], "token takes mint or inspect"), (["frob"], "token takes mint or inspect"),
                                        (["frob", "mint"], "token takes mint or inspect"), (["--key", "x"], "unknown option")],
                         ids=str)
def test_the_group_alone(token, words, says):
    assert token(*words, status=2, says=says) == ""


def test_help(token):
    assert "token mint" in token("--help") and "token inspect" in token("-h")
    assert token("mint", "--help").startswith("Usage: apigw-gen token mint --key FILE\n")

    def of(*words, status=0):
        done = subprocess.run([GEN, "help", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        return done.stdout

    assert of("token") == token("--help") and of("token", "mint") == token("mint", "--help")
    of("token", "frob", status=2)
    of("token", "mint", "more", status=2)
    of("build", "mint", status=2)


def test_standard_output_that_is_full(keys):
    with open("/dev/full", "w") as full:
        for words in (["mint", "--key", "secret"], ["inspect", hand_made({"alg": "HS256"}, good())]):
            assert subprocess.run([GEN, "token", *words], cwd=keys, stdout=full, timeout=60).returncode == 3
