"""A provider of identities: its configuration and its keys, which it may rotate, withhold, or answer nonsense for."""
import json
import threading

import jose
from http_peer import Origin


class Provider:
    """keys: what /jwks publishes; .fetches counts the questions for them. status, text: another answer than usual; silent: none
    until it is False again."""

    def __init__(self, *keys):
        self.keys, self.status, self.text, self.fetches = list(keys), 200, None, 0
        self.configuration = None
        self.awake = threading.Event()
        self.awake.set()
        self.origin = Origin(self._answer)
        self.origin.may_break = True
        self.url = self.origin.url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.awake.set()
        self.origin.close()

    @property
    def port(self):
        return self.origin.port

    def _body(self, request):
        if request.target == "/.well-known/openid-configuration":
            return self.configuration or json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}).encode()
        return self.text if self.text is not None else jose.jwks(*self.keys).encode()

    def _answer(self, connection, request):
        self.fetches += request.target == "/jwks"
        self.awake.wait()
        body = self._body(request)
        connection.send(b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                        % (self.status, len(body), body))
