"""WebSocket (RFC 6455) and other upgrades: what is checked before, what passes after, how it ends."""
import asyncio
import os
import signal
import threading
import time

import pytest
import websockets
from fixtures import IS_SANITIZED
from h2_peer import DATA, END_STREAM, Gone, H2Client, request
from http_peer import Broken, RawClient, WAIT, wait_until

SPEC = """
openapi: 3.1.0
info: {{title: sockets, version: 1.0.0}}
security: []
x-gateway:
  version: 1
  listeners: [{{address: "127.0.0.1:0", h2c: true}}]
  upstreams: {{origin: {{targets: [{{url: "http://127.0.0.1:{port}"}}]}}}}
  upstream: origin
  drain: {{grace: 10s}}
  timeouts: {{read: 1s, send: 1s, request: 2s}}
paths:
  /ws: {{get: {{operationId: ws, x-gateway: {{websocket: true}}, responses: {{"101": {{description: fine}}}}}}}}
  /limited:
    get:
      operationId: limited
      x-gateway: {{websocket: {{origins: ["https://example.com", "https://*.example.com"], protocols: [chat, talk]}}}}
      responses: {{"101": {{description: fine}}}}
  /idle: {{get: {{operationId: idle, x-gateway: {{websocket: {{idle_timeout: 300ms}}}}, responses: {{"101": {{description: fine}}}}}}}}
  /while: {{get: {{operationId: while, x-gateway: {{websocket: {{idle_timeout: 2s}}}}, responses: {{"101": {{description: fine}}}}}}}}
  /other: {{get: {{operationId: other, x-gateway: {{websocket: {{upgrade: [echo]}}}}, responses: {{"101": {{description: fine}}}}}}}}
  /plain:
    get: {{operationId: plain, responses: {{"200": {{description: fine}}}}}}
    post: {{operationId: post_plain, responses: {{"200": {{description: fine}}}}}}
"""

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
ASK = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" + KEY
SAID = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


class Peer:
    """A server of the websockets library, on a thread of its own."""

    def __init__(self, handler):
        self.handler, self.loop, self.seen = handler, asyncio.new_event_loop(), []
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        assert started.wait(WAIT)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)

        async def handle(socket):
            self.seen.append(socket)
            await self.handler(socket)

        server = self.loop.run_until_complete(
            websockets.serve(handle, "127.0.0.1", 0, max_size=None, subprotocols=["chat"], ping_interval=None))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


async def echo(socket):
    async for message in socket:
        await socket.send(message)


@pytest.fixture(scope="module")
def peer():
    one = Peer(echo)
    yield one
    one.close()


@pytest.fixture(scope="module")
def gw(module_gateway, peer):
    return module_gateway(SPEC.format(port=peer.port), "--workers", "1")


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def connect(gw, path="/ws", **more):
    return websockets.connect(f"ws://127.0.0.1:{gw.port}{path}", max_size=None, ping_interval=None, **more)


# ---- the plain road ----

def test_messages_come_back_as_they_went(gw):
    async def talk():
        async with connect(gw) as socket:
            for message in ("hello", "", b"\0\1\2", "x" * 125, "x" * 126, "x" * 65535, b"y" * 65536, os.urandom(3 << 20)):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(["a", "b", "c"])  # in fragments
            assert await socket.recv() == "abc"
            await (await socket.ping(b"mark"))
    run(talk())


def test_many_at_a_time(gw):
    async def one(n):
        async with connect(gw) as socket:
            for i in range(20):
                await socket.send(f"{n} {i}")
                assert await socket.recv() == f"{n} {i}"

    async def all_of_them():
        await asyncio.gather(*(one(n) for n in range(100)))
    run(all_of_them())


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4000])
def test_close_codes_pass(gateway, code):
    async def close(socket):
        await socket.recv()
        await socket.close(code, "because")

    peer = Peer(close)
    gw = gateway(SPEC.format(port=peer.port))

    async def talk():
        async with connect(gw) as socket:
            await socket.send("go")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, "because")
    run(talk())
    peer.close()


def test_times_for_answers_end_with_the_upgrade(gw):
    async def talk():
        async with connect(gw) as socket:
            await asyncio.sleep(2.3)  # longer than read, send and request
            await socket.send("still")
            assert await socket.recv() == "still"
    run(talk())


def test_the_log_tells_of_a_tunnel_when_it_has_ended(gateway, peer):
    gw = gateway(SPEC.format(port=peer.port))

    async def talk():
        async with connect(gw) as socket:
            await socket.send(os.urandom(2000))
            await socket.recv()
    run(talk())
    wait_until(lambda: '"status":101' in gw.out, "the line in the log")
    line = next(line for line in gw.out.splitlines() if '"status":101' in line)
    assert int(line.split('"bytes_received":')[1].split(",")[0]) > 1000
    assert int(line.split('"bytes_sent":')[1].split(",")[0]) > 1000


# ---- before the upgrade ----

def ask(gw, path="/ws", fields=ASK, method="GET", version="1.1"):
    with RawClient(gw.port) as client:
        client.send(f"{method} {path} HTTP/{version}\r\nHost: x\r\n{fields}\r\n")
        return client.answer(method)


@pytest.mark.parametrize("fields, status", [
    (ASK.replace("13", "8"), 426),
    (ASK.replace("Sec-WebSocket-Version: 13\r\n", ""), 426),
    (ASK.replace(KEY, ""), 400),
    (ASK.replace(KEY, "Sec-WebSocket-Key: short\r\n"), 400),
    (ASK + "Content-Length: 1\r\n\r\nx", 400),
])
def test_a_bad_handshake_is_refused_by_the_gateway(gw, peer, fields, status):
    before = len(peer.seen)
    answer = ask(gw, fields=fields)
    assert answer.status == status
    assert status != 426 or answer.fields.one("Sec-WebSocket-Version") == "13"
    assert len(peer.seen) == before


@pytest.mark.parametrize("origin, protocol, status", [
    ("https://example.com", "chat", 101), ("https://a.example.com", "x, chat", 101),
    ("https://a.b.example.com", "chat", 101), ("HTTPS://EXAMPLE.COM", "chat", 101),
    ("http://example.com", "chat", 403), ("https://example.com.evil", "chat", 403), ("https://evilexample.com", "chat", 403),
    ("https://evil/.example.com", "chat", 403), (None, "chat", 403), ("null", "chat", 403),
    ("https://example.com", "shout", 400), ("https://example.com", None, 400), ("https://example.com", "CHAT", 400),
])
def test_origins_and_protocols(gw, origin, protocol, status):
    fields = ASK + (f"Origin: {origin}\r\n" if origin else "") + (
        f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else "")
    assert ask(gw, "/limited", fields).status == status


def test_without_the_key_of_the_document_nothing_is_upgraded(gateway, origin):
    gw = gateway(SPEC.format(port=origin.port))
    assert ask(gw, "/plain").status == 200
    assert ask(gw, "/other").status == 200  # another protocol than the one that is allowed
    for asked in origin.requests:
        assert not asked.fields.all("Upgrade") and "Upgrade" not in asked.fields.all("Connection")


def test_old_versions_of_http_cannot_upgrade(gateway, origin):
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        client.send(f"GET /ws HTTP/1.0\r\nHost: x\r\n{ASK}\r\n")
        assert client.wire.line().startswith(b"HTTP/1.1 200")
    assert not origin.requests[0].fields.all("Upgrade")


# ---- what the upstream says to it ----

@pytest.mark.parametrize("said, status", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 200),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
    (SAID.replace(b"Upgrade: websocket", b"Upgrade: other"), 502),
    (SAID.replace(b"Upgrade: websocket\r\n", b""), 502),
    (SAID.replace(b"Connection: Upgrade\r\n", b""), 502),
])
def test_an_answer_that_is_no_upgrade(gateway, origin, said, status):
    origin.answer, origin.may_break = said, True
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        assert client.ask(f"GET /ws HTTP/1.1\r\nHost: x\r\n{ASK}\r\n").status == status


def test_what_follows_a_refused_upgrade_is_a_request_and_is_judged(gateway, origin):
    """The classic of smuggling: the client pretends that the tunnel stands."""
    origin.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        client.send(f"GET /ws HTTP/1.1\r\nHost: x\r\n{ASK}\r\nGET /secret HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.answer().status == 200
        assert client.answer().status == 404
    assert [r.target for r in origin.requests] == ["/ws"]


def test_an_upgrade_that_nobody_asked_for_is_refused(gateway, origin):
    origin.answer, origin.may_break = SAID, True
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        assert client.ask("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n").status == 502
    with RawClient(gw.port) as client:
        assert client.ask(f"POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{ASK}\r\n").status == 502


# ---- bytes ----

def tunnel(origin, then, said=SAID):
    """The origin agrees, and then does as it is told with the connection."""
    def on_head(connection, asked):
        connection.send(said)
        then(connection)
        return True

    origin.on_head, origin.may_break = on_head, True


def test_what_came_early_is_not_lost(gateway, origin):
    def then(connection):
        got = b""
        while len(got) < 5:
            got += connection.wire.exactly(1)
        connection.send(b"up:" + got)
        connection.close()

    tunnel(origin, then, SAID + b"early")
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        client.send(f"GET /ws HTTP/1.1\r\nHost: x\r\n{ASK}\r\nhasty")
        answer = client.answer()
        assert answer.status == 101
        assert (answer.fields.one("Upgrade"), answer.fields.one("Connection")) == ("websocket", "Upgrade")
        assert client.rest() == b"earlyup:hasty"


def test_another_protocol_is_passed_as_it_is(gateway, origin):
    tunnel(origin, lambda connection: (connection.send(b"hi"), connection.send(connection.wire.exactly(4)),
                                       connection.until_closed(), None)[-1], SAID.replace(b"websocket", b"echo"))
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        client.send("GET /other HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        assert client.answer().status == 101
        assert client.wire.exactly(2) == b"hi"
        client.send(b"\0\xff\0\xff")
        assert client.wire.exactly(4) == b"\0\xff\0\xff"


def test_who_does_not_read_stops_the_other_side(gateway, origin):
    sent = []

    def then(connection):
        connection.sock.settimeout(1)
        try:
            while len(sent) < 2000:
                connection.sock.sendall(b"\x82\x7e\xff\xff" + bytes(65535))
                sent.append(65539)
        except OSError:
            pass

    tunnel(origin, then)
    gw = gateway(SPEC.format(port=origin.port), "--workers", "1")
    with RawClient(gw.port) as client:
        client.send(f"GET /ws HTTP/1.1\r\nHost: x\r\n{ASK}\r\n")
        assert client.answer().status == 101
        wait_until(lambda: sent and time.sleep(0.5) is None and len(sent) < 2000, "the stop", WAIT)
        if not IS_SANITIZED:
            with open(f"/proc/{gw.pid}/statm") as file:
                assert int(file.read().split()[1]) * 4096 < 64 << 20


def test_a_client_that_leaves_ends_the_upstream(gateway, origin):
    gone = threading.Event()
    tunnel(origin, lambda connection: (connection.until_closed(), gone.set()))
    gw = gateway(SPEC.format(port=origin.port))
    for leave in (RawClient.close, RawClient.reset, RawClient.half_close):
        gone.clear()
        client = RawClient(gw.port)
        client.send(f"GET /ws HTTP/1.1\r\nHost: x\r\n{ASK}\r\n")
        assert client.answer().status == 101
        leave(client)
        assert gone.wait(WAIT)


def test_a_reset_that_comes_with_the_last_bytes_is_noticed_before_the_idle_time(gateway, origin):
    gone = []
    tunnel(origin, lambda connection: gone.append(connection.until_closed()))
    gw = gateway(SPEC.format(port=origin.port))
    client = RawClient(gw.port)
    client.send(f"GET /while HTTP/1.1\r\nHost: x\r\n{ASK}\r\n")
    assert client.answer().status == 101
    os.kill(gw.pid, signal.SIGSTOP)
    client.send(b"\x81\x82\0\0\0\0ok")
    client.reset()
    os.kill(gw.pid, signal.SIGCONT)
    wait_until(lambda: gone, "the end upstream")
    assert gone == [b"\x81\x82\0\0\0\0ok"]
    wait_until(lambda: '"status":101' in gw.out, "the line in the log")
    assert "idle" not in gw.out


def test_an_upstream_that_leaves_ends_the_client(gateway, origin):
    tunnel(origin, lambda connection: (connection.send(b"\x81\x02ok"), connection.close()))
    gw = gateway(SPEC.format(port=origin.port))
    with RawClient(gw.port) as client:
        client.send(f"GET /ws HTTP/1.1\r\nHost: x\r\n{ASK}\r\n")
        assert client.answer().status == 101
        assert client.rest() == b"\x81\x02ok"


# ---- the end ----

def test_a_tunnel_that_rests_is_closed(gw):
    async def talk():
        async with connect(gw, "/idle") as socket:
            for _ in range(4):
                await asyncio.sleep(0.15)
                await socket.send("busy")
                assert await socket.recv() == "busy"
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == 1001
    run(talk())


def test_a_drain_tells_both_sides_between_two_frames(gateway):
    codes = []

    async def handler(socket):
        try:
            async for message in socket:
                await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        codes.append(socket.close_code)

    peer = Peer(handler)
    gw = gateway(SPEC.format(port=peer.port), "--workers", "2")

    async def talk():
        async with connect(gw) as resting, connect(gw) as busy:
            await resting.send("x")
            await resting.recv()
            gw.process.send_signal(15)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                while True:
                    await busy.send("y" * 70000)
                    await busy.recv()
            assert closed.value.rcvd.code == 1001
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await resting.recv()
            assert closed.value.rcvd.code == 1001
    run(talk())
    assert gw.process.wait(WAIT) == 0
    wait_until(lambda: len(codes) == 2, "both ends")
    assert codes == [1001, 1001]
    peer.close()


# ---- over HTTP/2 (RFC 8441) ----

def extended(path="/ws", protocol="websocket", more=()):
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", path),
            (":authority", "x"), ("sec-websocket-version", "13"), *more]


def test_a_stream_becomes_a_tunnel(gw, peer):
    with H2Client(gw.port) as client:
        client.read()
        assert client.settings[8] == 1
        stream = client.begin(extended(), end=False)
        while not client.streams[stream].lists:
            client.read()
        answer = client.streams[stream]
        assert answer.status == 200
        assert not {"upgrade", "connection"} & set(answer.fields)
        client.frame(DATA, 0, stream, b"\x81\x85\0\0\0\0hello")
        while len(answer.body) < 7:
            client.read()
        assert answer.body == b"\x81\x05hello"
        client.frame(DATA, 0, stream, b"\x88\x82\0\0\0\0\x03\xe8")
        assert client.answer(stream).body[7:11] == b"\x88\x02\x03\xe8"


def test_a_success_that_is_no_tunnel_is_not_passed_on_as_one(gateway, origin):
    gw = gateway(SPEC.format(port=origin.port))
    with H2Client(gw.port) as client:
        for path in ("/plain", "/ws"):
            stream = client.begin(extended(path), end=False)
            assert client.answer(stream).status == 501
        assert client.ping()


@pytest.mark.parametrize("fields, status", [
    (extended(protocol="other"), 501), (extended("/none"), 404),
    (extended("/limited"), 403), ([f for f in extended() if f[0] != "sec-websocket-version"], 426),
])
def test_a_stream_that_may_not(gw, fields, status):
    with H2Client(gw.port) as client:
        stream = client.begin(fields, end=False)
        assert client.answer(stream).status == status
        assert client.ping()
