"""What a Consul agent answers to /v1/health/service/NAME: blocking queries with an index that grows."""
import json
import threading
import urllib.parse

from http_peer import Origin


def entry(address, port, weight=1, meta=None, tags=(), node=None):
    """One instance as the agent has it; address None: that of its node."""
    return {"Node": {"Node": "n", "Address": node or "127.0.0.1", "Datacenter": "dc1"},
            "Service": {"ID": f"{address}:{port}", "Service": "s", "Address": address or "", "Port": port,
                        "Tags": list(tags), "Meta": meta or {}, "Weights": {"Passing": weight, "Warning": 1}},
            "Checks": [{"Status": "passing"}]}


class Consul:
    """entries: what is there; .set(...) changes it and wakes who waits. .questions: what was asked, with its fields.

    status, text: another answer than usual; index_from: where the index begins (None: it says none)."""

    def __init__(self, *entries):
        self.entries, self.index, self.status, self.text, self.has_index = list(entries), 10, 200, None, True
        self.questions = []
        self.changed = threading.Condition()
        self.origin = Origin(self._answer)
        self.origin.may_break = True
        self.url = self.origin.url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.set()
        self.origin.close()

    def set(self, *entries, **said):
        with self.changed:
            self.entries = list(entries)
            self.index = said.pop("index", self.index + 1)
            self.__dict__.update(said)
            self.changed.notify_all()

    def _answer(self, connection, request):
        path, _, query = request.target.partition("?")
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.questions.append((path, asked, request))
        with self.changed:
            wait = min(int(asked["wait"].removesuffix("ms")) / 1000, 30)
            if int(asked["index"]) > 0:
                self.changed.wait_for(lambda: self.index != int(asked["index"]), wait)
            body = self.text if self.text is not None else json.dumps(self.entries).encode()
            index = f"X-Consul-Index: {self.index}\r\n" if self.has_index else ""
            status = self.status
        connection.send(f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{index}"
                        f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
