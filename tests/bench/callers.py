"""S14: what it costs to know who calls: API keys and tokens, remembered and not, beside HAProxy's jwt_verify and nginx with
njs; and what ten thousand consumers cost."""
import atexit
import base64
import functools
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import tempfile
import time

SECRET = "0123456789abcdef" * 2
KEY = "the-key-of-a-kiosk"
NJS = "/usr/lib/nginx/modules/ngx_http_js_module.so"

CALLERS = {
    "none": dict(what="nobody is asked"),
    "key": dict(what="API key", scheme="key"),
    "key of 10,000": dict(what="API key of one of 10,000 consumers", scheme="key", consumers=10000),
    "HS256": dict(what="HS256, token remembered", scheme="jwt", algorithm="HS256"),
    "HS256 cold": dict(what="HS256, verified each time", scheme="jwt", algorithm="HS256", cache=False),
    "RS256": dict(what="RS256, token remembered", scheme="jwt", algorithm="RS256"),
    "RS256 cold": dict(what="RS256, verified each time", scheme="jwt", algorithm="RS256", cache=False),
}
# The others remember nothing, and know no keys of consumers.
OTHERS = {"haproxy": ("none", "HS256 cold", "RS256 cold"), "nginx": ("none", "HS256 cold")}


def serves(contender, name):
    has_njs = contender != "nginx" or name == "none" or os.path.exists(NJS)
    return has_njs and name in OTHERS.get(contender, CALLERS)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def folder():
    """With rs.key and rs.pem, and the consumers of a file."""
    path = tempfile.mkdtemp(prefix="apigw-callers-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    for words in (["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", f"{path}/rs.key"],
                  ["pkey", "-in", f"{path}/rs.key", "-pubout", "-out", f"{path}/rs.pem"]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return path


@functools.cache
def consumers_file(count):
    path = f"{folder()}/consumers-{count}.json"
    names = {f"consumer-{n}": {"groups": ["users"], "keys": [KEY if n == count // 2 else f"key-{n}"]} for n in range(count)}
    with open(path, "w") as file:
        json.dump({"consumers": names}, file)
    return path


@functools.cache
def token(algorithm):
    claims = {"iss": "https://id.example.com", "aud": "bench", "sub": "ann", "scope": "read write", "exp": int(time.time()) + 36000}
    signed = f"{b64(json.dumps({'alg': algorithm, 'typ': 'JWT'}).encode())}.{b64(json.dumps(claims).encode())}"
    if algorithm == "HS256":
        signature = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    else:
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", f"{folder()}/rs.key"], input=signed.encode(), check=True,
                                   capture_output=True).stdout
    return f"{signed}.{b64(signature)}"


def header(name):
    """What clients bring; None: nothing."""
    caller = CALLERS[name]
    if "scheme" not in caller:
        return None
    return f"X-API-Key: {KEY}" if caller["scheme"] == "key" else f"Authorization: Bearer {token(caller['algorithm'])}"


def secure(doc, name):
    """The document with the scheme that it takes."""
    caller = CALLERS[name]
    if "scheme" not in caller:
        return
    if caller["scheme"] == "key":
        scheme = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        doc["x-gateway"]["consumers_file"] = {"file": consumers_file(caller.get("consumers", 1))}
    else:
        source = {"secret": {"file": f"{folder()}/secret"}} if caller["algorithm"] == "HS256" else {"public_key": {"file": f"{folder()}/rs.pem"}}
        with open(f"{folder()}/secret", "w") as file:
            file.write(SECRET)
        scheme = {"type": "http", "scheme": "bearer", "x-gateway": {"jwt": {
            **source, "issuer": "https://id.example.com", "audiences": "bench", **({"cache": False} if caller.get("cache") is False else {})}}}
    doc["security"] = [{"caller": []}]
    doc["components"] = {"securitySchemes": {"caller": scheme}}


def haproxy_rules(name):
    """What HAProxy's documentation has for it: signature, issuer, audience and end."""
    algorithm = CALLERS[name].get("algorithm")
    if not algorithm:
        return ""
    key = SECRET if algorithm == "HS256" else f"{folder()}/rs.pem"
    return (f"  http-request set-var(txn.bearer) http_auth_bearer\n"
            f"  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')\n"
            f"  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')\n"
            f"  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')\n"
            f"  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')\n"
            f"  http-request set-var(txn.now) date()\n"
            f"  http-request deny deny_status 401 unless {{ var(txn.alg) -m str {algorithm} }}\n"
            f"  http-request deny deny_status 401 unless {{ var(txn.iss) -m str https://id.example.com }} {{ var(txn.aud) -m str bench }}\n"
            f"  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}\n"
            f"  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify(txn.alg,\"{key}\") 1 }}\n")


NJS_CODE = """
import crypto from 'crypto';
function check(r) {
  const said = r.headersIn['Authorization'] || '';
  const parts = said.slice(7).split('.');
  if (parts.length != 3) return '0';
  if (JSON.parse(Buffer.from(parts[0], 'base64url').toString()).alg !== 'HS256') return '0';
  const h = crypto.createHmac('sha256', '%s').update(parts[0] + '.' + parts[1]).digest('base64url');
  if (h !== parts[2]) return '0';
  const c = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
  return c.iss === 'https://id.example.com' && c.aud === 'bench' && c.exp > Date.now() / 1000 ? '1' : '0';
}
export default {check};
"""


def nginx_words(name, to):
    """(outside of http, inside of http, inside of the location)."""
    if "algorithm" not in CALLERS[name]:
        return "", "", ""
    with open(to + "/jwt.js", "w") as file:
        file.write(NJS_CODE % SECRET)
    return f"load_module {NJS};", f"js_path {to}; js_import jwt.js; js_set $jwt_good jwt.check;", "if ($jwt_good = 0) { return 401; }"


# ---- consumers: to be ready, and in memory

def start(program, memory):
    """Seconds from the start to the word that it is ready, and bytes of memory then."""
    began = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", "0", program, "--workers", "1"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in process.stderr:
        if " ready" in line:
            break
    took = time.monotonic() - began
    used = memory(process.pid)
    process.terminate()
    process.wait()
    return took, used
