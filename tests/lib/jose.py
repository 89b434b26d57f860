"""Tokens and keys as others make them, and as nobody should: every part of a token can be said apart."""
import base64
import functools
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"256": ec.SECP256R1, "384": ec.SECP384R1, "512": ec.SECP521R1}
CURVE_NAMES = {"256": "P-256", "384": "P-384", "512": "P-521"}
ALGORITHMS = [kind + size for kind in ("HS", "RS", "PS", "ES") for size in HASHES] + ["EdDSA"]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """One key for one algorithm; kid None: it has none."""

    def __init__(self, algorithm, kid=None, secret=b"0123456789abcdef" * 4):
        self.algorithm, self.kid, self.secret, self.size = algorithm, kid, secret, algorithm[2:]
        self.private = self._private()

    def _private(self):
        if self.algorithm[:2] in ("RS", "PS"):
            return rsa.generate_private_key(65537, 2048)
        if self.algorithm.startswith("ES"):
            return ec.generate_private_key(CURVES[self.size]())
        return ed25519.Ed25519PrivateKey.generate() if self.algorithm == "EdDSA" else None

    @property
    def pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwk(self):
        said = {"kid": self.kid} if self.kid else {}
        if not self.private:
            return {"kty": "oct", "k": b64(self.secret), **said}
        public = self.private.public_key()
        if self.algorithm == "EdDSA":
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), **said}
        numbers = public.public_numbers()
        if self.algorithm.startswith("ES"):
            size = (public.curve.key_size + 7) // 8
            return {"kty": "EC", "crv": CURVE_NAMES[self.size], "x": number(numbers.x, size),
                    "y": number(numbers.y, size), **said}
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **said}

    def sign(self, data, algorithm=None):
        kind = (algorithm or self.algorithm)[:2]
        if kind == "HS":
            return hmac.new(self.secret, data, "sha" + (algorithm or self.algorithm)[2:]).digest()
        if kind == "Ed":
            return self.private.sign(data)
        hash_ = HASHES[(algorithm or self.algorithm)[2:]]()
        if kind == "RS":
            return self.private.sign(data, padding.PKCS1v15(), hash_)
        if kind == "PS":
            return self.private.sign(data, padding.PSS(padding.MGF1(hash_), hash_.digest_size), hash_)
        size = (self.private.curve.key_size + 7) // 8
        return b"".join(part.to_bytes(size, "big")
                        for part in decode_dss_signature(self.private.sign(data, ec.ECDSA(hash_))))

    def token(self, claims=None, header=None, signature=None, raw_claims=None, **more):
        """A token with these claims and, unless they say otherwise, an end in three quarters of an hour: some are made long
        before they are used. None leaves a claim out."""
        claims = {"exp": int(time.time()) + 2700, **(claims or {}), **more}
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": self.algorithm, **({"kid": self.kid} if self.kid else {}), **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        payload = raw_claims if raw_claims is not None else json.dumps(claims).encode()
        signed = f"{b64(json.dumps(head).encode())}.{b64(payload)}"
        return f"{signed}.{b64(self.sign(signed.encode()) if signature is None else signature)}"


@functools.cache
def key(algorithm, kid=None):
    """The same one for the same words: making some takes a while."""
    return Key(algorithm, kid)


def jwks(*keys):
    return json.dumps({"keys": [one if isinstance(one, dict) else one.jwk for one in keys]})


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
