"""AWS signatures: requests signed by curl and by the documentation, everything that can be changed about them, bodies that
are taken in before the upstream is reached, and who signed."""
import json
import os
import subprocess
import time

import pytest
from aws_signer import EMPTY, Signer
from h2_peer import H2Client, request
from http_peer import chunked, wait_until

SECRET, OTHER, FILED = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "another-secret", "a-secret-of-a-file"
FILE = f"consumers:\n  filed: {{aws: [{{access_key: AKIDFILED, secret_key: {FILED}}}]}}\n"
DOCUMENT = """
openapi: 3.1.0
info: {{title: signed, version: "1"}}
security: [{{sigv4: []}}]
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  upstreams: {{pets: {{targets: [{{url: "{url}"}}]}}}}
  upstream: pets
  limits: {{body: 100k}}
  consumers:
    batch: {{id: "7", groups: [group-batch], aws: [{{access_key: AKIDEXAMPLE, secret_key: {{env: BATCH_SECRET}}}}]}}
    other: {{aws: [{{access_key: AKIDOTHER, secret_key: {{env: OTHER_SECRET}}}}], keys: [{{env: OTHER_KEY}}]}}
  consumers_file: {{file: {file}}}
components:
  securitySchemes:
    sigv4: {{type: http, scheme: aws4-hmac-sha256, x-gateway: {{aws_sigv4: {{region: eu-west-1}}}}}}
    typed: {{type: http, scheme: AWS4-HMAC-SHA256, x-gateway: {{aws_sigv4: {{region: eu-west-1, service: typed, signed_headers: Content-Type}}}}}}
    s3: {{type: http, scheme: aws4-hmac-sha256, x-gateway: {{aws_sigv4: {{region: eu-west-1, service: s3, unsigned_payload: true, clock_skew: 10m, max_expires: 1h}}}}}}
    hidden: {{type: http, scheme: aws4-hmac-sha256, x-gateway: {{aws_sigv4: {{region: eu-west-1, hide_credentials: true}}}}}}
    key: {{type: apiKey, in: header, name: X-API-Key}}
paths:
  /a: &all
    get: {{responses: &any {{default: {{description: any}}}}}}
    put: {{responses: *any}}
    post: {{responses: *any}}
    delete: {{x-gateway: {{acl: {{allow: group-batch}}}}, responses: *any}}
  /a/{{rest}}: {{get: {{x-gateway: {{match: {{prefix: true}}}}, responses: *any}}}}
  /files/{{name}}: {{get: {{security: [{{s3: []}}], responses: *any}}, put: {{security: [{{s3: []}}], responses: *any}}}}
  /hidden: {{get: {{security: [{{hidden: []}}], responses: *any}}}}
  /typed: {{post: {{security: [{{typed: []}}], responses: *any}}}}
  /either: {{post: {{security: [{{sigv4: []}}, {{key: []}}], responses: *any}}}}
  /both: {{get: {{security: [{{sigv4: [], key: []}}], responses: *any}}}}
  /optional: {{post: {{security: [{{}}, {{sigv4: []}}], responses: *any}}}}
  /small: {{post: {{x-gateway: {{limits: {{buffer: 1k}}}}, responses: *any}}}}
  /none: {{post: {{x-gateway: {{limits: {{buffer: false}}}}, responses: *any}}}}
  /held: {{post: {{x-gateway: {{buffering: {{request: 4k}}, retry: {{attempts: 2}}}}, responses: *any}}}}
  /slow: {{post: {{x-gateway: {{limits: {{upload_rate: 20k}}}}, responses: *any}}}}
  /here: {{post: {{x-gateway: {{respond: {{status: 204}}}}, responses: *any}}}}
"""

BATCH = Signer("AKIDEXAMPLE", SECRET)
S3 = Signer("AKIDEXAMPLE", SECRET, service="s3")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("consumers") / "consumers.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def running(module_gateway, module_origin, file):
    env = {"BATCH_SECRET": SECRET, "OTHER_SECRET": OTHER, "OTHER_KEY": "other-key"}
    return module_gateway(DOCUMENT.format(url=module_origin.url, file=file), "--workers", "1", env=env)


@pytest.fixture
def gw(running, module_upstream):
    return running


@pytest.fixture
def pets(module_upstream):
    return module_upstream


def ask(gw, method, target, fields, body=b"", framed=None):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    if framed is None and body:
        lines += f"Content-Length: {len(body)}\r\n"
    return gw.ask(f"{method} {target} HTTP/1.1\r\n{lines}".encode("latin-1") + (framed or b"\r\n" + body))


def reason(answer):
    return json.loads(answer.body)["detail"]


def refused(answer, pets, why):
    assert answer.status == 401 and reason(answer) == why
    assert answer["www-authenticate"] == 'AWS4-HMAC-SHA256 realm="signed"' and pets.got_nothing()


# ---- curl ----

def curl(gw, *args, user=f"AKIDEXAMPLE:{SECRET}", provider="aws:amz:eu-west-1:execute-api"):
    done = subprocess.run(["curl", "-sS", "-m", "20", "-w", "%{http_code}", "-o", "/dev/null", "--aws-sigv4", provider,
                           "--user", user, *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("args", [
    ["/a"],
    ["/a?b=1&c=%20x"],
    ["/a", "-d", "name=value"],
    ["/a", "-X", "PUT", "-H", "Content-Type: application/json", "-d", '{"a": 1}'],
    ["/a", "--http2-prior-knowledge"],
    ["/a", "--http2-prior-knowledge", "-d", "x" * 50000],
    ["/a", "-H", "X-Amz-Meta-Colour: light   blue", "-H", "Accept: text/html"],
])
def test_curl_signs(gw, pets, args):
    assert curl(gw, f"http://127.0.0.1:{gw.port}{args[0]}", *args[1:]) == 200
    asked = pets.request()
    assert asked["x-consumer-username"] == "batch" and asked["x-consumer-id"] == "7"
    assert asked["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


def test_curl_with_another_key_region_or_service_is_refused(gw, pets):
    url = f"http://127.0.0.1:{gw.port}/a"
    assert curl(gw, url, user="AKIDEXAMPLE:other") == 401
    assert curl(gw, url, user=f"AKIDEXAMPLF:{SECRET}") == 401
    assert curl(gw, url, provider="aws:amz:eu-west-2:execute-api") == 401
    assert curl(gw, url, provider="aws:amz:eu-west-1:s3") == 401
    assert pets.got_nothing()


# ---- what is signed ----

@pytest.mark.parametrize("method,target", [
    ("GET", "/a"), ("GET", "/a?"), ("GET", "/a?b=2&a=1&a=0&c"), ("GET", "/a?x=%e4%2f+%2B~*!&=y&&z="), ("GET", "/a?b=c=d&B=1&b-c=1"),
    ("GET", "/a/b%20c/%C3%A4"), ("GET", "/a/./b/../c"), ("GET", "/a/b@c:d"), ("GET", "/a/b/"), ("POST", "/a"), ("PUT", "/a"), ("DELETE", "/a"),
])
@pytest.mark.parametrize("way", ["head", "url"])
def test_targets_are_signed(gw, pets, method, target, way):
    if way == "head":
        answer = ask(gw, method, target, BATCH.head(method, target))
    else:
        target = BATCH.url(method, target)
        answer = ask(gw, method, target, [("Host", "a")])
    assert answer.status == 200, answer.body
    assert pets.request()["x-consumer-groups"] == "group-batch"


@pytest.mark.parametrize("size", [0, 1, 6000, 60000])
@pytest.mark.parametrize("claims", [True, False])
@pytest.mark.parametrize("how", ["length", "chunked", "h2"])
def test_bodies_are_signed(gw, pets, size, claims, how):
    body = os.urandom(size)
    fields = BATCH.head("POST", "/a", [("Content-Type", "a/b")], body, claims=claims)
    if how == "h2":
        with H2Client(gw.port) as client:
            more = [(name.lower(), value) for name, value in fields if name != "Host"]
            assert client.ask(request("POST", "/a", "a", more=more), body or None).status == 200
    elif how == "chunked":
        pieces = [body[i:i + 7000] for i in range(0, len(body), 7000)]
        framed = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*pieces)
        assert ask(gw, "POST", "/a", fields, framed=framed).status == 200
    else:
        assert ask(gw, "POST", "/a", fields, body).status == 200
    pets.settle()
    assert pets.request().body == body


def test_fields_are_signed_as_they_came(gw, pets):
    fields = BATCH.head("GET", "/a", [("X-B", " a   b\t c "), ("X-B", "d"), ("x-a_b", "e"), ("Connection", "X-C"), ("X-C", "f"),
                                      ("X-Forwarded-For", "192.0.2.1"), ("X-Amz-Security-Token", "token")])
    assert ask(gw, "GET", "/a", fields).status == 200
    assert pets.request()["x-amz-security-token"] == "token"


def test_the_date_field_will_do(gw, pets):
    assert ask(gw, "GET", "/a", BATCH.head("GET", "/a", date="Date")).status == 200
    moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time()))
    for _ in range(3):  # the second may have changed meanwhile
        fields = BATCH.head("GET", "/a", [("Date", moment)], date=None)
        answer = ask(gw, "GET", "/a", fields)
        if answer.status == 200:
            break
        moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time()))
    assert answer.status == 200


def test_an_absolute_target_is_signed_for_its_own_host(gw, pets):
    fields = BATCH.head("GET", "/a")
    assert ask(gw, "GET", "http://a/a", fields).status == 200
    pets.forget()
    assert ask(gw, "GET", "http://b/a", fields).status in (400, 401) and pets.got_nothing()


# ---- what is changed ----

def changed(fields, name, change):
    """The fields with the value of one changed; change None: without it."""
    return [(n, change(v) if n == name else v) for n, v in fields if change or n != name]


@pytest.mark.parametrize("method,target,name,change,why", [
    ("PUT", "/a", None, None, "the signature does not match the request"),
    ("GET", "/a?x=2", None, None, "the signature does not match the request"),
    ("GET", "/a?x=1&y", None, None, "the signature does not match the request"),
    ("GET", "/a/b?x=1", None, None, "the signature does not match the request"),
    ("GET", "/a", None, None, "the signature does not match the request"),
    ("GET", "/a?X=1", None, None, "the signature does not match the request"),
    ("GET", "/a?x=1", "Host", lambda v: "b", "the signature does not match the request"),
    ("GET", "/a?x=1", "X-Mine", lambda v: "theirs", "the signature does not match the request"),
    ("GET", "/a?x=1", "X-Mine", None, "a signed header field is missing"),
    ("GET", "/a?x=1", "X-Amz-Content-Sha256", lambda v: "0" * 64, "the signature does not match the request"),
    ("GET", "/a?x=1", "X-Amz-Content-Sha256", lambda v: "UNSIGNED-PAYLOAD", "the payload is not signed"),
    ("GET", "/a?x=1", "X-Amz-Content-Sha256", lambda v: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "payloads that are signed in pieces are not accepted"),
    ("GET", "/a?x=1", "X-Amz-Date", lambda v: v[:-2] + ("1Z" if v[-2] == "0" else "0Z"), "the signature does not match the request"),
    ("GET", "/a?x=1", "X-Amz-Date", lambda v: "2015" + v[4:], "the signature's credential is of another day than its date"),
    ("GET", "/a?x=1", "X-Amz-Date", lambda v: "now", "the date of the signature is malformed"),
    ("GET", "/a?x=1", "X-Amz-Date", None, "the request does not say when it was signed"),
    ("GET", "/a?x=1", "Authorization", lambda v: v[:-1] + ("0" if v[-1] == "1" else "1"), "the signature does not match the request"),
    ("GET", "/a?x=1", "Authorization", lambda v: v[:-1], "the signature is malformed"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace("AKIDEXAMPLE", "AKIDOTHER"), "the signature does not match the request"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace("AKIDEXAMPLE", "AKIDNOBODY"), "the access key is not known"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace("eu-west-1", "eu-west-2"), "the signature is for another region"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace("execute-api", "s3"), "the signature is for another service"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace("x-mine", "x-mind"), "a signed header field is missing"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace(";x-mine", ""), "the signature does not match the request"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace("host;", ""), "the Host field is not signed"),
    ("GET", "/a?x=1", "Authorization", lambda v: v.replace(";x-amz-content-sha256", ""), "a header field that must be signed is not"),
    ("GET", "/a?x=1", "Authorization", lambda v: v + ", a=b", "the Authorization field holds something that is no part of a signature"),
    ("GET", "/a?x=1", "Authorization", lambda v: "AWS4-HMAC-SHA256", "the Authorization field holds something that is no part of a signature"),
    ("GET", "/a?x=1", "Authorization", lambda v: "Basic YTpi", "an AWS signature is needed"),
    ("GET", "/a?x=1", "Authorization", None, "an AWS signature is needed"),
])
def test_nothing_can_be_changed(gw, pets, method, target, name, change, why):
    fields = BATCH.head("GET", "/a?x=1", [("X-Mine", "mine")])
    assert ask(gw, "GET", "/a?x=1", fields).status == 200
    pets.forget()
    answer = ask(gw, method, target, changed(fields, name, change) if name else fields)
    refused(answer, pets, why)


def test_empty_segments_are_not_covered(gw, pets):
    fields = BATCH.head("GET", "/a/b/c")
    assert ask(gw, "GET", "/a/b/c", fields).status == 200
    pets.forget()
    refused(ask(gw, "GET", "/a/b//c", fields), pets, "the path has empty segments, which a signature does not cover")


def test_nothing_can_be_added(gw, pets):
    fields = BATCH.head("POST", "/a")
    refused(ask(gw, "POST", "/a", [*fields, ("X-Amz-Target", "x")]), pets, "a header field that must be signed is not")
    refused(ask(gw, "POST", "/a", [*fields, ("Authorization", "Basic YTpi")]), pets, "there are two Authorization fields")
    refused(ask(gw, "POST", "/a", [*fields, ("X-Amz-Date", BATCH.moment())]), pets, "the request says more than once when it was signed")
    refused(ask(gw, "POST", BATCH.url("POST", "/a"), fields), pets, "the request is signed in its head and in its query")
    refused(ask(gw, "POST", "/a", fields, b"body"), pets, "the body is not the one that was signed")


def test_a_scheme_says_what_more_must_be_signed(gw, pets):
    typed = Signer("AKIDEXAMPLE", SECRET, service="typed")
    assert ask(gw, "POST", "/typed", typed.head("POST", "/typed")).status == 200
    assert ask(gw, "POST", "/typed", typed.head("POST", "/typed", [("content-TYPE", "x/y")])).status == 200
    pets.forget()
    answer = ask(gw, "POST", "/typed", [*typed.head("POST", "/typed"), ("content-type", "x/y")])
    refused(answer, pets, "a header field that must be signed is not")


@pytest.mark.parametrize("change", [lambda t: t.replace("x=1", "x=2"), lambda t: t.replace("/a?", "/a/b?"), lambda t: t + "&y",
                                    lambda t: t[:-1] + ("0" if t[-1] == "1" else "1"), lambda t: t.replace("Expires=60", "Expires=61"),
                                    lambda t: t.replace("AKIDEXAMPLE", "AKIDOTHER")])
def test_a_signed_url_cannot_be_changed(gw, pets, change):
    target = BATCH.url("GET", "/a?x=1")
    assert ask(gw, "GET", target, [("Host", "a")]).status == 200
    pets.forget()
    refused(ask(gw, "GET", change(target), [("Host", "a")]), pets, "the signature does not match the request")


@pytest.mark.parametrize("change,why", [
    (lambda t: t.replace("X-Amz-Expires=60&", ""), "a parameter of the signature is missing in the query"),
    (lambda t: t + "&X-Amz-Expires=60", "a parameter of the signature stands twice in the query"),
    (lambda t: t.replace("Expires=60", "Expires=604801"), "X-Amz-Expires is not within its bounds"),
    (lambda t: t.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "the signature's algorithm is not known"),
    (lambda t: t.replace("eu-west-1", "us-east-1"), "the signature is for another region"),
    (lambda t: t + "&a" * 600, "the query of a signed request has too many parameters"),
])
def test_a_signed_url_is_read_strictly(gw, pets, change, why):
    refused(ask(gw, "GET", change(BATCH.url("GET", "/a")), [("Host", "a")]), pets, why)


# ---- when ----

@pytest.mark.parametrize("skew,why", [(-290, None), (290, None), (-310, "the signature has expired"), (310, "the signature is from the future"),
                                      (-86400, "the signature has expired"), (86400, "the signature is from the future")])
def test_clocks_may_differ_by_five_minutes(gw, pets, skew, why):
    answer = ask(gw, "GET", "/a", Signer("AKIDEXAMPLE", SECRET, skew=skew).head("GET", "/a"))
    if why:
        refused(answer, pets, why)
    else:
        assert answer.status == 200


def test_a_scheme_says_how_far_clocks_and_urls_may_go(gw, pets):
    late = Signer("AKIDEXAMPLE", SECRET, service="s3", skew=-590)
    assert ask(gw, "GET", "/files/a", late.head("GET", "/files/a")).status == 200
    assert ask(gw, "GET", late.url("GET", "/files/a", payload="UNSIGNED-PAYLOAD", expires=600), [("Host", "a")]).status == 200
    pets.forget()
    answer = ask(gw, "GET", late.url("GET", "/files/a", payload="UNSIGNED-PAYLOAD", expires=580), [("Host", "a")])
    refused(answer, pets, "the signature has expired")
    answer = ask(gw, "GET", S3.url("GET", "/files/a", payload="UNSIGNED-PAYLOAD", expires=3601), [("Host", "a")])
    refused(answer, pets, "X-Amz-Expires is not within its bounds")


# ---- bodies ----

@pytest.mark.parametrize("claims", [True, False])
@pytest.mark.parametrize("h2", [False, True])
def test_another_body_never_reaches_the_upstream(gw, pets, claims, h2):
    fields = BATCH.head("POST", "/a", body=b"x" * 5000, claims=claims)
    why = "the body is not the one that was signed" if claims else "the signature does not match the request"
    for body in (b"x" * 4999 + b"y", b"x" * 4999, b"x" * 5001):
        if h2:
            with H2Client(gw.port) as client:
                more = [(name.lower(), value) for name, value in fields if name != "Host"]
                answer = client.ask(request("POST", "/a", "a", more=more), body)
                assert answer.status == 401 and json.loads(answer.body)["detail"] == why
        else:
            refused(ask(gw, "POST", "/a", fields, body), pets, why)
    assert pets.got_nothing()


def test_a_body_is_not_asked_for_when_the_head_is_wrong(gw, pets):
    """100 (Continue) is for who signed it."""
    fields = BATCH.head("POST", "/a", [("Expect", "100-continue"), ("Content-Length", "4")], b"body")
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    with gw.client() as client:
        client.send(f"POST /a HTTP/1.1\r\n{lines}\r\n")
        assert client.head().status == 100
        client.send(b"body")
        assert client.answer("POST").status == 200
    pets.forget()
    with gw.client() as client:
        client.send(f"POST /a?x HTTP/1.1\r\n{lines}\r\n")
        refused(client.answer("POST"), pets, "the signature does not match the request")


@pytest.mark.parametrize("path,limit", [("/a", 65536), ("/small", 1024), ("/none", 0)])
@pytest.mark.parametrize("how", ["length", "chunked"])
def test_what_is_taken_in_has_a_limit(gw, pets, path, limit, how):
    for size, status in ((limit, 200), (limit + 1, 413)):
        body = b"x" * size
        fields = BATCH.head("POST", path, body=body)
        framed = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body) if how == "chunked" and body else None
        answer = ask(gw, "POST", path, fields, body, framed)
        assert answer.status == status, (size, answer.body)
        if status == 200:
            assert pets.request().body == body
            pets.forget()
        else:
            assert reason(answer) == "the body is too long for what has to be known of it" and pets.got_nothing()


def test_all_bodies_together_have_a_limit(gateway, origin, file):
    env = {"BATCH_SECRET": SECRET, "OTHER_SECRET": OTHER, "OTHER_KEY": "other-key"}
    gw = gateway(DOCUMENT.format(url=origin.url, file=file).replace("{body: 100k}", "{buffers: 16k}"), "--workers", "1", env=env)
    for size, status in ((10000, 200), (60000, 503), (10000, 200)):
        body = b"x" * size
        lines = "".join(f"{n}: {v}\r\n" for n, v in [*BATCH.head("POST", "/a", body=body), ("Content-Length", size)])
        with gw.client() as client:
            client.send(f"POST /a HTTP/1.1\r\n{lines}\r\n".encode() + body[:20000])
            time.sleep(0.2)
            client.send(body[20000:])
            assert client.answer("POST").status == status
    assert len(origin.requests) == 2


def test_limits_of_bodies_hold_as_ever(gw, pets):
    fields = BATCH.head("POST", "/a", payload="0" * 64)
    assert ask(gw, "POST", "/a", [*fields, ("Content-Length", "200000")]).status == 413 and pets.got_nothing()


def test_a_client_that_leaves_within_its_body_leaves_nothing(gw, pets):
    for _ in range(5):
        fields = BATCH.head("POST", "/a", [("Content-Length", "100")], payload="0" * 64)
        with gw.client() as client:
            client.send("POST /a HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\nhalf")
            time.sleep(0.05)
    assert ask(gw, "GET", "/a", BATCH.head("GET", "/a")).status == 200
    assert len(pets.requests) == 1


def test_a_bad_chunk_is_the_clients_error(gw, pets):
    fields = BATCH.head("POST", "/a", body=b"x")
    assert ask(gw, "POST", "/a", fields, framed=b"Transfer-Encoding: chunked\r\n\r\nzz\r\n").status == 400 and pets.got_nothing()


@pytest.mark.parametrize("path,size", [("/held", 20000), ("/slow", 6000), ("/slow", 100)])
def test_held_and_slow_bodies_are_the_same(gw, pets, path, size):
    body = os.urandom(size)
    assert ask(gw, "POST", path, BATCH.head("POST", path, body=body), body).status == 200
    assert pets.request().body == body


def test_an_answer_of_the_gateway_takes_the_body_in_too(gw, pets):
    with gw.client() as client:
        for body, status in ((b"body", 204), (b"bodi", 401), (b"body", 204)):
            fields = BATCH.head("POST", "/here", body=b"body")
            lines = "".join(f"{n}: {v}\r\n" for n, v in fields)
            answer = client.ask(f"POST /here HTTP/1.1\r\n{lines}Content-Length: 4\r\n\r\n".encode() + body, "POST")
            assert answer.status == status


def test_payloads_are_unsigned_where_the_scheme_says_so(gw, pets):
    fields = S3.head("PUT", "/files/a%20b", payload="UNSIGNED-PAYLOAD")
    assert ask(gw, "PUT", "/files/a%20b", fields, b"x" * 90000).status == 200
    assert len(pets.request().body) == 90000
    target = S3.url("PUT", "/files/a", payload="UNSIGNED-PAYLOAD")
    assert ask(gw, "PUT", target, [("Host", "a")], b"anything").status == 200
    fields = S3.head("PUT", "/files/a", body=b"body")
    pets.forget()
    refused(ask(gw, "PUT", "/files/a", fields, b"bodi"), pets, "the body is not the one that was signed")


# ---- who ----

def test_consumers_sign_by_their_own_keys(gw, pets):
    for signer, name in ((BATCH, "batch"), (Signer("AKIDOTHER", OTHER), "other"), (Signer("AKIDFILED", FILED), "filed")):
        assert ask(gw, "GET", "/a", signer.head("GET", "/a")).status == 200
        assert pets.request()["x-consumer-username"] == name
    wait_until(lambda: '"consumer":"filed"' in gw.out, "the log")
    answer = ask(gw, "DELETE", "/a", Signer("AKIDOTHER", OTHER).head("DELETE", "/a"))
    assert answer.status == 403
    pets.forget()
    refused(ask(gw, "GET", "/a", Signer("AKIDOTHER", SECRET).head("GET", "/a")), pets, "the signature does not match the request")


def test_ways_in_are_tried_one_after_the_other(gw, pets):
    assert ask(gw, "POST", "/either", [("Host", "a"), ("X-API-Key", "other-key")], b"x" * 90000).status == 200
    assert pets.request()["x-consumer-username"] == "other"
    body = b"x" * 50000
    assert ask(gw, "POST", "/either", BATCH.head("POST", "/either", body=body), body).status == 200
    assert pets.request()["x-consumer-username"] == "batch"
    fields = [*BATCH.head("POST", "/either", body=b"y"), ("X-API-Key", "other-key")]
    assert ask(gw, "POST", "/either", fields, body).status == 200  # wrong signature, right key
    request = pets.request()
    assert request["x-consumer-username"] == "other" and request.body == body
    body = b"x" * 90000
    fields = [*BATCH.head("POST", "/either", body=body), ("X-API-Key", "other-key")]
    assert ask(gw, "POST", "/either", fields, body).status == 200  # too long to be looked at
    request = pets.request()
    assert request["x-consumer-username"] == "other" and request.body == body
    pets.forget()
    answer = ask(gw, "POST", "/either", BATCH.head("POST", "/either"))
    assert answer.status == 200
    answer = ask(gw, "POST", "/either", [("Host", "a")])
    assert answer.status == 401
    assert answer.fields.all("www-authenticate") == ['Key realm="signed"', 'AWS4-HMAC-SHA256 realm="signed"']


def test_proofs_of_one_way_are_of_one_consumer(gw, pets):
    both = lambda signer: ask(gw, "GET", "/both", [*signer.head("GET", "/both"), ("X-API-Key", "other-key")])
    assert both(Signer("AKIDOTHER", OTHER)).status == 200
    assert both(BATCH).status == 401


def test_who_brings_nothing_may_be_let_in(gw, pets):
    assert ask(gw, "POST", "/optional", [("Host", "a")], b"body").status == 200
    assert pets.request()["x-consumer-username"] is None
    assert ask(gw, "POST", "/optional", BATCH.head("POST", "/optional", body=b"body"), b"body").status == 200
    assert pets.request()["x-consumer-username"] == "batch"
    pets.forget()
    refused(ask(gw, "POST", "/optional", BATCH.head("POST", "/optional"), b"body"), pets, "the body is not the one that was signed")
    fields = BATCH.head("POST", "/optional", payload="0" * 64)
    assert ask(gw, "POST", "/optional", fields, b"x" * 90000).status == 413 and pets.got_nothing()


def test_signatures_can_be_hidden(gw, pets):
    assert ask(gw, "GET", "/hidden?a=b", BATCH.head("GET", "/hidden?a=b", [("X-Amz-Security-Token", "token")])).status == 200
    asked = pets.request()
    assert asked.target == "/hidden?a=b" and asked["authorization"] is None and asked["x-amz-security-token"] is None
    target = BATCH.url("GET", "/hidden?a=b", more="&X-Amz-Security-Token=token") + "&c=d"
    assert ask(gw, "GET", target, [("Host", "a")]).status == 401
    pets.forget()
    target = BATCH.url("GET", "/hidden?a=b&c", more="&X-Amz-Security-Token=token")
    assert ask(gw, "GET", target, [("Host", "a")]).status == 200
    assert pets.request().target == "/hidden?a=b&c"


def test_signatures_are_not_logged(gw, pets):
    target = BATCH.url("GET", "/a?visible=1", more="&X-Amz-Security-Token=s3cr3t-token")
    assert ask(gw, "GET", target, [("Host", "a")]).status == 200
    wait_until(lambda: "visible=1" in gw.out, "the log")
    signature = target.rpartition("=")[2]
    for secret in (signature, "s3cr3t-token", "Credential=AKID"):
        assert secret not in gw.out and secret not in gw.log
    assert "X-Amz-Signature=***" in gw.out


# ---- consumers that come and go ----

def test_secrets_are_read_again(gateway, origin, tmp_path):
    path = tmp_path / "consumers.yaml"
    path.write_text(FILE)
    env = {"BATCH_SECRET": SECRET, "OTHER_SECRET": OTHER, "OTHER_KEY": "other-key"}
    gw = gateway(DOCUMENT.format(url=origin.url, file=path), "--workers", "2", env=env)
    filed, renewed = Signer("AKIDFILED", FILED), Signer("AKIDFILED", "renewed")
    assert ask(gw, "GET", "/a", filed.head("GET", "/a")).status == 200
    path.write_text(FILE.replace(FILED, "renewed"))
    gw.process.send_signal(1)
    wait_until(lambda: ask(gw, "GET", "/a", renewed.head("GET", "/a")).status == 200, "the new secret")
    assert ask(gw, "GET", "/a", filed.head("GET", "/a")).status == 401
    # Taken away while a request waits for its body.
    fields = renewed.head("POST", "/a", [("Content-Length", "4")], b"body")
    with gw.client() as client:
        client.send("POST /a HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\nbo")
        time.sleep(0.2)
        path.write_text("consumers: {}\n")
        gw.process.send_signal(1)
        wait_until(lambda: ask(gw, "GET", "/a", renewed.head("GET", "/a")).status == 401, "the new file")
        client.send("dy")
        assert client.answer("POST").status == 401
    assert FILED not in gw.log and "renewed" not in gw.log


@pytest.mark.parametrize("secret,key,why", [("", "AKID", "a secret key is empty"), ("x" * 257, "AKID", "a secret key is longer than 256 bytes"),
                                            ("x", "AK/ID", "an access key is longer than 128 bytes, or has one that none can have"),
                                            ("x", "A" * 129, "an access key is longer than 128 bytes, or has one that none can have"),
                                            ("x", "AKIDEXAMPLE", "consumers batch and filed have the same access_key")])
def test_bad_credentials_keep_it_from_starting(build_cache, running, tmp_path, module_origin, file, secret, key, why):
    from fixtures import build
    path = tmp_path / "consumers.yaml"
    path.write_text(f'consumers:\n  filed: {{aws: [{{access_key: "{key}", secret_key: "{secret}"}}]}}\n')
    binary = build(build_cache, DOCUMENT.format(url=module_origin.url, file=path))
    env = {**os.environ, "BATCH_SECRET": SECRET, "OTHER_SECRET": OTHER, "OTHER_KEY": "other-key"}
    done = subprocess.run([binary, "--listen", "127.0.0.1:0"], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and why in done.stderr
