"""`security` of all kinds together, AND within OR, against an evaluator that a page can hold: who is let in, who is not and
why, and whom the upstream is told of."""
import base64
import collections
import hashlib
import json
import random

import jose

CONSUMERS = ["ann", "bob"]
SCHEMES = ["key", "session", "token", "basic"]
SCOPES = [[], ["read"], ["write"], ["read", "write"]]
OTHERS = jose.Key("HS256", secret=b"nobody's secret " * 2)
Proof = collections.namedtuple("Proof", "consumer scopes field", defaults=[(), None])  # consumer None: a wrong one


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


def scrypt(word):
    salt = b"salt of " + word.encode() * 2
    return f"$scrypt$ln=10,r=8,p=1${b64(salt)}${b64(hashlib.scrypt(word.encode(), salt=salt, n=1024, r=8, p=1, dklen=32))}"


def reference(ways, proofs):
    """The status, and who calls; `proofs` has no entry for a scheme of which nothing was sent."""
    wrong = lacks_scopes = False
    for way in [way for way in ways if way] + [way for way in ways if not way]:
        who = None
        for scheme, scopes in way.items():
            if scheme not in proofs:
                break
            if proofs[scheme].consumer is None or who not in (None, proofs[scheme].consumer):
                wrong = True
                break
            who = proofs[scheme].consumer
            if not set(scopes) <= set(proofs[scheme].scopes):
                lacks_scopes = True
                break
        else:
            if way or not wrong:
                return 200, who
    return (200 if not ways else 403 if lacks_scopes else 401), None


def trees(chance):
    def way():
        names = chance.sample(SCHEMES, chance.choice([0, 1, 1, 1, 2, 2, 3, 4]))
        return {name: chance.choice(SCOPES) if name == "token" else [] for name in names}

    return [[]] + [[way() for _ in range(chance.randint(1, 4))] for _ in range(59)]


def word(who, scheme):
    return f"the {scheme} of {who}"


def signer(who):
    return jose.Key("HS256", secret=word(who, "secret").encode() * 2)


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def right(scheme, who, chance):
    if scheme == "key":
        return Proof(who, (), f"X-Key: {word(who, 'key')}")
    if scheme == "session":
        return Proof(who, (), f"Cookie: other=1; session={who}-session")
    if scheme == "basic":
        return Proof(who, (), basic(who, word(who, "password")))
    scopes = chance.choice(SCOPES)
    return Proof(who, scopes, "X-Token: " + signer(who).token(iss=who, scope=" ".join(scopes)))


def wrong(scheme, chance):
    other, who = chance.choice([CONSUMERS, CONSUMERS[::-1]])
    return Proof(None, (), chance.choice({
        "key": ["X-Key: nobody's", f"X-Key: {word(who, 'key')}x", f"X-Key: {word(who, 'key')}\r\nX-Key: {word(other, 'key')}"],
        "session": ["Cookie: session=nobodys", f"Cookie: session={who}-session; session={other}-session"],
        "basic": [basic(who, word(other, "password")), basic(who, ""), basic("nobody", word(who, "password")), "Authorization: Basic *"],
        "token": ["X-Token: a.b.c", "X-Token: " + signer(who).token(iss=who, exp=1), "X-Token: " + OTHERS.token(iss=who),
                  "X-Token: " + signer(who).token(iss=other), "X-Token: " + signer(who).token(iss="nobody")]}[scheme]))


def sent(chance):
    """Mostly of one consumer, so that ways of several schemes hold now and then."""
    favourite, proofs = chance.choice(CONSUMERS), {}
    for scheme in SCHEMES:
        kind = chance.choice(["none", "none", "wrong", "other"] + 5 * ["right"])
        if kind == "wrong":
            proofs[scheme] = wrong(scheme, chance)
        elif kind != "none":
            proofs[scheme] = right(scheme, favourite if kind == "right" else chance.choice(CONSUMERS), chance)
    return proofs


def document(url, all_trees):
    def consumer(who):
        return (f'{{keys: [{{env: {who}_key}}, {{env: {who}_session}}], basic: [{{username: {who}, password_hash: {{env: {who}_hash}}}}], '
                f'jwt: [{{key: {who}, algorithm: HS256, secret: {{env: {who}_secret}}}}]}}')

    paths = "".join(f"  /t{i}: {{get: {{security: {json.dumps(tree)}, responses: {{default: {{description: any}}}}}}}}\n"
                    for i, tree in enumerate(all_trees))
    return f"""
openapi: 3.1.0
info: {{title: trees, version: "1"}}
x-gateway:
  version: 1
  strict: {{redundant_security: off}}
  upstreams: {{o: {{targets: [{{url: "{url}"}}]}}}}
  upstream: o
  consumers: {{{", ".join(f"{who}: {consumer(who)}" for who in CONSUMERS)}}}
components:
  securitySchemes:
    key: {{type: apiKey, in: header, name: X-Key}}
    session: {{type: apiKey, in: cookie, name: session}}
    basic: {{type: http, scheme: basic}}
    token: {{type: http, scheme: bearer, x-gateway: {{jwt: {{key_claim_name: iss, header_names: X-Token}}}}}}
paths:
{paths}"""


def environment():
    env = {}
    for who in CONSUMERS:
        env |= {f"{who}_key": word(who, "key"), f"{who}_session": f"{who}-session", f"{who}_hash": scrypt(word(who, "password")),
                f"{who}_secret": word(who, "secret") * 2}
    return env


def test_every_kind_in_every_tree(gateway, origin):
    chance = random.Random(20270114)
    all_trees, seen = trees(chance), collections.Counter()
    running = gateway(document(origin.url, all_trees), "--workers", "1", env=environment())
    with running.client() as client:
        for _ in range(1200):
            i, proofs = chance.randrange(len(all_trees)), sent(chance)
            fields = [proof.field for proof in proofs.values()]
            chance.shuffle(fields)
            lines = "".join(field + "\r\n" for field in ["Host: a", *fields])
            status, who = reference(all_trees[i], proofs)
            before = len(origin.requests)
            answer = client.ask(f"GET /t{i} HTTP/1.1\r\n{lines}\r\n")
            told = [request["x-consumer-username"] for request in origin.requests[before:]]
            assert (answer.status, told) == (status, [who] if status == 200 else []), (all_trees[i], proofs, answer)
            seen[status, who] += 1
    assert min(seen[outcome] for outcome in [(200, None), (200, "ann"), (200, "bob"), (401, None), (403, None)]) > 20, seen
