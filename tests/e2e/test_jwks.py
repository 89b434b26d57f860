"""Keys that a provider publishes: fetched once for all workers, fetched anew for keys that are unknown, kept while it is down."""
import json
import re
import signal
import threading
import time

import jose
import pytest
from certificates import Authority, SecureOrigin
from http_peer import free_ports, wait_until
from provider import Provider

DOCUMENT = """
openapi: 3.1.0
info: {{title: keys, version: "1"}}
security: [{{idp: []}}]
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  access_log: false
components:
  securitySchemes:
    idp: {scheme}
paths:
  /here: {{get: {{x-gateway: {{respond: {{status: 200, body: here}}}}, responses: {{default: {{description: any}}}}}}}}
  /public: {{get: {{security: [], x-gateway: {{respond: {{status: 200, body: here}}}}, responses: {{default: {{description: any}}}}}}}}
"""
FIRST, SECOND, THIRD = (jose.key("ES256", kid) for kid in ("first", "second", "third"))


@pytest.fixture
def provider():
    with Provider(FIRST) as one:
        yield one


def bearer(place, more=""):
    return f'{{type: http, scheme: bearer, x-gateway: {{jwt: {{audiences: api, jwks: {{url: "{place}", {more}}}}}}}}}'


def openid(place, more=""):
    return f'{{type: openIdConnect, openIdConnectUrl: "{place}/.well-known/openid-configuration", x-gateway: {{jwt: {{audiences: api, {more}}}}}}}'


def start(gateway, scheme, workers=2):
    return gateway(DOCUMENT.format(scheme=scheme), "--workers", str(workers))


def by_jwks(gateway, provider, more="", workers=2):
    return start(gateway, bearer(f"{provider.url}/jwks", more), workers)


def ask(running, token, path="/here"):
    fields = f"Authorization: Bearer {token}\r\n" if token else ""
    return running.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")


def token(key, **more):
    return key.token(aud="api", **more)


def metric(running, result):
    return int(re.search(rf'^apigw_jwks_fetches_total{{scheme="idp",result="{result}"}} (\d+)$',
                         running.ask_admin("/metrics").body.decode(), re.M).group(1))


def is_ready(running):
    return running.ask_admin("/readyz").status == 200


def test_fetched_once_for_all_workers(gateway, provider):
    running = by_jwks(gateway, provider)
    for _ in range(12):
        assert ask(running, token(FIRST)).status == 200
    assert provider.fetches == 1 and metric(running, "good") == 1 and is_ready(running)
    assert ask(running, token(jose.key("ES256", "nobody"), header={"kid": "first"})).status == 401
    assert ask(running, None).status == 401
    assert provider.fetches == 1
    request = provider.origin.requests[0]
    assert request["accept"] == "application/json" and "authorization" not in str(request.fields).lower()


def test_an_unknown_key_is_asked_for_once(gateway, provider):
    """Many at a time, on both workers: one question."""
    running = by_jwks(gateway, provider)
    assert ask(running, token(FIRST)).status == 200
    wait_until(lambda: provider.fetches == 1, "the first keys")
    provider.keys = [FIRST, SECOND]
    provider.awake.clear()
    answers = []
    crowd = [threading.Thread(target=lambda: answers.append(ask(running, token(SECOND)).status)) for _ in range(20)]
    for one in crowd:
        one.start()
    # Nobody may ask again so soon after the first question; from then on one does.
    wait_until(lambda: len(answers) == 20 or provider.fetches == 2, "an answer or a question")
    provider.awake.set()
    for one in crowd:
        one.join()
    assert set(answers) <= {200, 401} and provider.fetches <= 2
    wait_until(lambda: ask(running, token(SECOND)).status == 200, "the new key", 20)
    assert provider.fetches == 2
    for _ in range(10):
        assert ask(running, token(SECOND)).status == 200 and ask(running, token(FIRST)).status == 200
    assert provider.fetches == 2


def test_rotation_under_traffic(gateway, provider):
    """Whoever brings a token of a key that is published gets in, and the provider is not run over."""
    running = by_jwks(gateway, provider, workers=2)
    assert ask(running, token(FIRST)).status == 200
    asked_at = time.monotonic()
    wrong, done = [], threading.Event()
    signer = [FIRST]

    def traffic():
        with running.client() as client:
            while not done.is_set():
                answer = client.ask(f"GET /here HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token(signer[0], jti=time.time_ns())}\r\n\r\n")
                if answer.status != 200:
                    wrong.append(answer)

    crowd = [threading.Thread(target=traffic) for _ in range(4)]
    for one in crowd:
        one.start()
    for key in (SECOND, THIRD):
        wait_until(lambda: time.monotonic() > asked_at + 5.2, "the pause between two questions")
        provider.keys = [*provider.keys, key]
        signer[0] = key
        wait_until(lambda: provider.fetches >= len(provider.keys), "a question")
        asked_at = time.monotonic()
    done.set()
    for one in crowd:
        one.join()
    assert not wrong and provider.fetches == 3


def test_keys_that_nobody_has_do_not_run_the_provider_over(gateway, provider):
    running = by_jwks(gateway, provider)
    assert ask(running, token(FIRST)).status == 200
    for n in range(50):
        assert ask(running, token(FIRST, header={"kid": f"random-{n}"})).status == 401
    assert provider.fetches == 1
    assert ask(running, token(FIRST)).status == 200


def test_refetch_may_be_off(gateway, provider):
    running = by_jwks(gateway, provider, "refetch_on_unknown_kid: false, refresh: 6s")
    assert ask(running, token(FIRST)).status == 200
    provider.keys = [FIRST, SECOND]
    assert ask(running, token(SECOND)).status == 401
    wait_until(lambda: ask(running, token(SECOND)).status == 200, "the next look", 20)
    assert provider.fetches == 2


def test_looked_at_again(gateway, provider):
    running = by_jwks(gateway, provider, "refresh: 1s")
    assert ask(running, token(FIRST)).status == 200
    provider.keys = [SECOND]
    wait_until(lambda: ask(running, token(FIRST)).status == 401, "the old key to go")
    assert ask(running, token(SECOND)).status == 200
    fetches = provider.fetches
    wait_until(lambda: provider.fetches > fetches + 1, "more looks")
    assert "2 came" not in running.log and running.log.count("1 came") == 2  # the same keys are no news


def test_hangup_asks_at_once(gateway, provider):
    running = by_jwks(gateway, provider)
    assert ask(running, token(FIRST)).status == 200
    provider.keys = [SECOND]
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: ask(running, token(SECOND)).status == 200, "the new key")
    assert ask(running, token(FIRST)).status == 401


def test_the_first_requests_wait(gateway, provider):
    provider.awake.clear()
    running = by_jwks(gateway, provider)
    assert not is_ready(running) and ask(running, None, "/public").status == 200 and ask(running, None).status == 401
    with running.client() as client:
        client.send(f"GET /here HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token(FIRST)}\r\n\r\n")
        assert client.is_quiet(0.1)
        provider.awake.set()
        assert client.answer().status == 200
    assert is_ready(running)


def test_clients_that_leave_while_they_wait(gateway, provider):
    provider.awake.clear()
    running = by_jwks(gateway, provider)
    for _ in range(5):
        client = running.client()
        client.send(f"GET /here HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token(FIRST)}\r\n\r\n")
        client.is_quiet(0.05)
        client.reset()
    provider.awake.set()
    wait_until(lambda: ask(running, token(FIRST)).status == 200, "the keys")


@pytest.mark.parametrize("status,text", [(500, None), (404, b"{}"), (301, b"{}"), (200, b""), (200, b"{"), (200, b"[]"), (200, b"{}"),
                                         (200, b'{"keys":{}}'), (200, b'{"keys":[]}'), (200, b"<html>"), (200, b" " * 300_000)],
                         ids=lambda said: str(said)[:12])
def test_nonsense_is_no_key(gateway, provider, status, text):
    provider.status, provider.text = status, text
    running = by_jwks(gateway, provider)
    wait_until(lambda: "warn" in running.log and "the keys of idp" in running.log, "a word about it")
    answer = ask(running, token(FIRST))
    assert answer.status == 503 and int(answer["retry-after"]) > 0 and "not known yet" in answer.body.decode()
    assert not is_ready(running) and metric(running, "good") == 0
    provider.status, provider.text = 200, None
    wait_until(lambda: ask(running, token(FIRST)).status == 200, "keys", 20)
    assert is_ready(running)


def test_down_at_the_start(gateway):
    port, = free_ports(1)
    running = start(gateway, bearer(f"http://127.0.0.1:{port}/jwks"))
    wait_until(lambda: metric(running, "failed") > 0, "a failure")
    answer = ask(running, token(FIRST))
    assert answer.status == 503 and not answer["www-authenticate"]
    assert ask(running, "x.y.z").status == 503 and ask(running, None).status == 401
    assert ask(running, None, "/public").status == 200


def test_down_later(gateway, provider):
    running = by_jwks(gateway, provider, "refresh: 1s")
    assert ask(running, token(FIRST)).status == 200
    provider.status = 500
    wait_until(lambda: "the last ones hold" in running.log, "a failure")
    assert ask(running, token(FIRST)).status == 200 and is_ready(running)
    assert ask(running, token(SECOND)).status == 401


def test_stale_keys_hold_no_longer(gateway, provider):
    running = by_jwks(gateway, provider, "refresh: 1s, stale_ok: 2s")
    assert ask(running, token(FIRST)).status == 200
    provider.status = 500
    wait_until(lambda: ask(running, token(FIRST)).status == 503, "them to be too old", 20)
    wait_until(lambda: "hold no longer" in running.log, "a word about it")
    provider.status = 200
    wait_until(lambda: ask(running, token(FIRST)).status == 200, "keys", 20)


def test_a_file_to_begin_with(gateway, provider, tmp_path):
    provider.status = 500
    (tmp_path / "jwks.json").write_text(jose.jwks(SECOND))
    running = by_jwks(gateway, provider, f'initial: {{file: "{tmp_path}/jwks.json"}}')
    assert is_ready(running) and ask(running, token(SECOND)).status == 200
    assert ask(running, token(FIRST)).status == 401
    provider.status = 200
    wait_until(lambda: ask(running, token(FIRST)).status == 200, "the provider's keys", 20)
    assert ask(running, token(SECOND)).status == 401


# ---- OpenID Connect

def test_the_configuration_says_where(gateway, provider):
    running = start(gateway, openid(provider.url))
    assert ask(running, token(FIRST, iss=provider.url)).status == 200
    assert ask(running, token(FIRST, iss="https://other.test")).status == 401
    assert ask(running, token(FIRST)).status == 401
    assert provider.fetches == 1


@pytest.mark.parametrize("configuration,why", [
    (lambda url: {"issuer": "https://other.test", "jwks_uri": f"{url}/jwks"}, "another issuer"),
    (lambda url: {"issuer": f"{url}/", "jwks_uri": f"{url}/jwks"}, "another issuer"),
    (lambda url: {"jwks_uri": f"{url}/jwks"}, "another issuer"),
    (lambda url: {"issuer": url, "jwks_uri": "http://127.0.0.1:1/jwks"}, "same place"),
    (lambda url: {"issuer": url, "jwks_uri": f"{url}@evil.test/jwks"}, "same place"),
    (lambda url: {"issuer": url, "jwks_uri": "file:///etc/passwd"}, "same place"),
    (lambda url: {"issuer": url, "jwks_uri": 1}, "same place"),
    (lambda url: {"issuer": url}, "same place"),
    (lambda url: [], "")])
def test_a_configuration_that_is_none(gateway, provider, configuration, why):
    provider.configuration = json.dumps(configuration(provider.url)).encode()
    running = start(gateway, openid(provider.url))
    wait_until(lambda: "the keys of idp" in running.log, "a word about it")
    assert why in running.log and provider.fetches == 0
    assert ask(running, token(FIRST, iss=provider.url)).status == 503


def test_replaced_by_hand(gateway, provider):
    """The place is an upstream like any other."""
    running = gateway(DOCUMENT.format(scheme=bearer("http://idp.test/jwks")), "--upstream", f"idp.test={provider.url}")
    wait_until(lambda: "the keys of idp" in running.log, "an answer")
    assert ask(running, token(FIRST)).status == 200
    assert "idp.test" in running.ask_admin("/upstreams").body.decode()


def test_a_token_that_names_no_key_may_be_of_a_new_one(gateway, provider):
    provider.keys = [jose.key("ES256")]
    running = by_jwks(gateway, provider)
    assert ask(running, token(jose.key("ES256"))).status == 200
    other = jose.Key("ES256")
    provider.keys = [other]
    wait_until(lambda: ask(running, token(other)).status == 200, "the new key", 20)
    assert provider.fetches == 2


# ---- TLS

def test_over_tls(gateway, tmp_path):
    authority = Authority(str(tmp_path))
    pair = authority.issue("localhost", "DNS:localhost")
    body = jose.jwks(FIRST).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with SecureOrigin(pair, answer=answer) as secure:
        running = start(gateway, bearer(f"{secure.url}/jwks", f"tls: {{ca: {{file: {authority.cert}}}}}"))
        assert ask(running, token(FIRST)).status == 200
        # Nobody vouches for it among those that are trusted by default.
        stranger = start(gateway, bearer(f"{secure.url}/jwks"))
        wait_until(lambda: "the keys of idp" in stranger.log, "a failure")
        assert ask(stranger, token(FIRST)).status == 503
        secure.failures.clear()
