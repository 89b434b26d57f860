"""Signs requests by AWS Signature Version 4, written down from its documentation; every piece can be made wrong."""
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote_plus

EMPTY = hashlib.sha256(b"").hexdigest()


def encoded(text):
    return quote(text.encode("latin-1"), safe="-._~")


def decoded(text):
    return unquote_plus(text, "latin-1")


def canonical_path(path, service):
    if service == "s3":
        return re.sub("%..", lambda m: m[0].upper(), path)
    segments = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            segments[-1:] = []
        elif segment not in ("", "."):
            segments.append(quote(segment, safe="-._~"))
    return "/" + "/".join(segments) + ("/" if segments and path.endswith("/") else "")


def canonical_query(query, leave_out=()):
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    pairs = sorted((encoded(decoded(name)), encoded(decoded(value))) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in pairs if name not in leave_out)


class Signer:
    def __init__(self, access_key, secret, region="eu-west-1", service="execute-api", skew=0):
        self.access_key, self.secret = access_key, secret
        self.region, self.service, self.skew = region, service, skew

    def moment(self):
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + self.skew))

    def scope(self, moment):
        return f"{moment[:8]}/{self.region}/{self.service}/aws4_request"

    def signature(self, method, target, fields, names, payload, moment, leave_out=()):
        path, _, query = target.partition("?")
        values = {}
        for name, value in fields:
            values.setdefault(name.lower(), []).append(re.sub("[ \t]+", " ", value.strip()))
        canonical = "\n".join([
            method, canonical_path(path, self.service), canonical_query(query, leave_out),
            *(f"{name}:{','.join(values[name])}" for name in names), "", ";".join(names), payload])
        digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{self.scope(moment)}\n{digest}"
        key = b"AWS4" + self.secret.encode()
        for piece in (*self.scope(moment).split("/"), to_sign):
            key = hmac.new(key, piece.encode(), hashlib.sha256).digest()
        return key.hex()

    def head(self, method, target, fields=(), body=b"", payload=None, claims=True, names=None, date="X-Amz-Date"):
        """The fields of the request, signed in Authorization."""
        moment = self.moment()
        fields = [("Host", "a"), *fields]
        if date:
            fields.append((date, moment))
        payload = payload or hashlib.sha256(body).hexdigest()
        if claims:
            fields.append(("X-Amz-Content-Sha256", payload))
        names = names or sorted({name.lower() for name, _ in fields})
        signature = self.signature(method, target, fields, names, payload, moment)
        return [*fields, ("Authorization", f"AWS4-HMAC-SHA256 Credential={self.access_key}/{self.scope(moment)}, "
                                           f"SignedHeaders={';'.join(names)}, Signature={signature}")]

    def url(self, method, target, fields=(), payload=EMPTY, expires=60, more=""):
        """The target, signed in its query."""
        moment = self.moment()
        fields = [("Host", "a"), *fields]
        names = sorted({name.lower() for name, _ in fields})
        target += ("&" if "?" in target else "?") + (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={encoded(self.access_key + '/' + self.scope(moment))}"
            f"&X-Amz-Date={moment}&X-Amz-Expires={expires}&X-Amz-SignedHeaders={encoded(';'.join(names))}{more}")
        return target + "&X-Amz-Signature=" + self.signature(method, target, fields, names, payload, moment)
