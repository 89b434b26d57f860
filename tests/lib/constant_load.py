"""Clients that never stop asking, each in its own way; whatever goes wrong is kept in .failures."""
import threading
import time

from certificates import SecureClient
from h2_peer import Gone, H2Client, request
from http_peer import Broken, RawClient


class Load:
    """Threads that call their function over and over until stopped."""

    def __init__(self):
        self.threads, self.failures, self.done, self.stopping = [], [], {}, False

    def add(self, name, ask, **state):
        self.done[name] = 0
        thread = threading.Thread(target=self._run, args=(name, ask, state), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _run(self, name, ask, state):
        while not self.stopping:
            try:
                ask(state)
                self.done[name] += 1
            except Exception as error:  # noqa: BLE001: everything is a failure of the gateway
                self.failures.append(f"{name}: {type(error).__name__}: {error}")
                state.clear()
                time.sleep(0.05)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs"


def keep_alive(connect, data="GET /a HTTP/1.1\r\nHost: x\r\n\r\n", body=None):
    """Asks on one connection until the answer says that it is the last."""
    def ask(state):
        client = state.get("client") or connect()
        state["client"] = None
        answer = client.ask(data)
        assert answer.status == 200 and (body is None or answer.body == body), answer
        if "close" in answer.fields.all("Connection"):
            client.close()
        else:
            state["client"] = client
    return ask


def each_anew(connect, data="GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
    def ask(state):
        with connect() as client:
            assert client.ask(data).status == 200
    return ask


def pipelined(connect):
    def ask(state):
        with connect() as client:
            client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            first = client.answer()
            assert first.status == 200
            # what stood behind a last answer was not taken, and its client knows it
            while "close" not in first.fields.all("Connection"):
                first = client.answer()
                assert first.status == 200
    return ask


def uploads(connect, size=2 << 20):
    body = bytes(size)

    def ask(state):
        with connect() as client:
            client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
            for at in range(0, size, 256 << 10):
                client.send(body[at:at + (256 << 10)])
                time.sleep(0.01)
            assert client.answer().status == 200
    return ask


def streams(connect):
    """HTTP/2: a connection until its GOAWAY, streams one after the other."""
    def ask(state):
        client = state.get("client")
        if client is None or client.goaways:
            if client:
                client.sock.close()
            client = state["client"] = connect()
        stream = client.begin(request(scheme="https" if hasattr(client.sock, "version") else "http"))
        try:
            answer = client.answer(stream)
        except Gone:
            state["client"] = None
            # RFC 9113 section 6.8: streams beyond the last one were not processed, and may be asked again
            assert client.goaways and client.last_stream < stream, "a stream was lost"
            return
        assert answer.status == 200, (answer.status, answer.reset)
    return ask


__all__ = ["Broken", "H2Client", "Load", "RawClient", "SecureClient", "each_anew", "keep_alive", "pipelined", "streams",
           "uploads"]
