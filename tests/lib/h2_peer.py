"""A client of HTTP/2 that can be as wrong as a test wants: frames by hand, header lists by hpack."""
import socket
import ssl
import struct
import time

from hpack import Decoder, Encoder
from http_peer import WAIT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 5, 6, 7, 8, 9
ENHANCE_YOUR_CALM = 11


class Gone(Exception):
    """The connection has ended; .goaway is the error code of a GOAWAY before that, or None."""

    def __init__(self, goaway):
        super().__init__(f"the connection has ended, GOAWAY {goaway}")
        self.goaway = goaway


class Answer:
    """What came on one stream."""

    def __init__(self):
        self.lists, self.body, self.reset, self.ended = [], b"", None, False

    @property
    def interim(self):
        return [dict(fields)[":status"] for fields in self.lists if dict(fields).get(":status", "").startswith("1")]

    @property
    def finals(self):
        return [f for f in self.lists if not dict(f).get(":status", "").startswith("1")]

    @property
    def fields(self):
        return dict(self.finals[0])

    @property
    def status(self):
        return int(self.fields[":status"]) if self.finals else None

    @property
    def trailers(self):
        return dict(self.finals[1]) if len(self.finals) > 1 else {}


def request(method="GET", path="/a", authority="localhost", scheme="http", more=()):
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority), *more]


class H2Client:
    def __init__(self, port, context=None, name="localhost", settings=None, preface=True, window=None):
        self.sock = socket.create_connection(("127.0.0.1", port), WAIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.ahead, self.streams, self.settings, self.pings, self.goaways = b"", {}, {}, [], []
        self.next_stream, self.window_updates, self.block = 1, {}, b""
        self.gives_back = self.acks = True
        if preface:
            self.send(PREFACE + self.bytes(SETTINGS, 0, 0, b"".join(
                struct.pack(">HI", k, v) for k, v in (settings or {}).items())))
        if window:
            self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", window))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # ---- out ----

    def send(self, data):
        self.sock.sendall(data)

    @staticmethod
    def bytes(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def frame(self, kind, flags, stream, payload=b""):
        self.send(self.bytes(kind, flags, stream, payload))

    def reply(self, *frame):
        """What the protocol asks for; the other side may have left already."""
        try:
            self.frame(*frame)
        except OSError:
            pass

    def begin(self, fields, end=True, stream=None):
        """A request's header list; the stream's number."""
        stream = stream or self.next_stream
        self.next_stream = max(self.next_stream, stream + 2)
        self.streams[stream] = Answer()
        self.frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, self.encoder.encode(fields))
        return stream

    def data(self, stream, data, end=True):
        """Content within the windows; reads meanwhile."""
        self.window_updates.setdefault(stream, self.settings.get(4, 65535))
        self.window_updates.setdefault(0, 65535)
        while data:
            room = min(len(data), 16384, self.window_updates[stream], self.window_updates[0])
            if room <= 0:
                self.read()
                continue
            self.frame(DATA, END_STREAM if end and room == len(data) else 0, stream, data[:room])
            self.window_updates[stream] -= room
            self.window_updates[0] -= room
            data = data[room:]

    # ---- in ----

    def exactly(self, count):
        while len(self.ahead) < count:
            try:
                more = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                more = b""
            if not more:
                raise Gone(self.goaways[-1] if self.goaways else None)
            self.ahead += more
        data, self.ahead = self.ahead[:count], self.ahead[count:]
        return data

    def read(self):
        """One frame; what it means is noted."""
        head = self.exactly(9)
        size = struct.unpack(">I", b"\0" + head[:3])[0]
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self.exactly(size)
        answer = self.streams.setdefault(stream, Answer()) if stream else None
        if kind == DATA:
            answer.body += payload
            if self.gives_back and payload:
                self.reply(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload)))
                self.reply(WINDOW_UPDATE, 0, stream, struct.pack(">I", len(payload)))
        elif kind in (HEADERS, CONTINUATION):
            self.block += payload
            if flags & END_HEADERS:
                answer.lists.append(self.decoder.decode(self.block))
                self.block = b""
        elif kind == RST_STREAM:
            answer.reset = struct.unpack(">I", payload)[0]
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[at:at + 6])
                self.settings[key] = value
            if self.acks:
                self.reply(SETTINGS, ACK, 0)
        elif kind == PING and flags & ACK:
            self.pings.append(payload)
        elif kind == GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            self.goaways.append(code)
            self.last_stream = last
        elif kind == WINDOW_UPDATE:
            room = struct.unpack(">I", payload)[0]
            self.window_updates[stream] = self.window_updates.get(
                stream, 65535 if stream == 0 else self.settings.get(4, 65535)) + room
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            answer.ended = True
        return kind, flags, stream

    def answer(self, stream):
        """Reads on until the stream has ended or was reset."""
        answer = self.streams.setdefault(stream, Answer())
        while not answer.ended and answer.reset is None:
            self.read()
        return answer

    def ask(self, fields, content=None):
        stream = self.begin(fields, end=content is None)
        if content is not None:
            self.data(stream, content)
        return self.answer(stream)

    def until_gone(self):
        """Reads on to the end of the connection; the code of the last GOAWAY, or None."""
        end = time.monotonic() + WAIT
        try:
            while time.monotonic() < end:
                self.read()
        except Gone as gone:
            return gone.goaway
        raise AssertionError("the connection goes on")

    def ping(self):
        """True when the other side still answers."""
        mark = struct.pack(">Q", time.monotonic_ns())
        self.frame(PING, 0, 0, mark)
        while mark not in self.pings:
            self.read()
        return True
