"""The two ends of a gateway under test, down to the byte.

RawClient says exactly the bytes it is told to and reads answers strictly (RFC 9112): what a lenient client
would forgive is a failed test. Origin is the upstream: it records what reached it and answers as a test says.
"""
import queue
import random
import re
import select
import socket
import struct
import threading
import time

WAIT = 10  # seconds until something that should come is missing


class Broken(AssertionError):
    """The other side did not speak HTTP/1.1, or stopped within a message."""


class Fields(list):
    """(name, value) pairs in order, as they were written."""

    def all(self, name):
        return [v for n, v in self if n.lower() == name.lower()]

    def one(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None


class Message:
    """A request (method, target) or an answer (status, reason)."""

    def __init__(self, line, fields):
        self.line, self.fields = line, fields
        self.body, self.trailers, self.interim = b"", Fields(), []
        self.raw = b""
        self.chunks = None  # sizes, when the body came chunked
        self.complete = False  # an origin has read all of the body
        self.connection = None  # by which it reached an origin

    @property
    def status(self):
        return int(self.line.split(" ")[1])

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def target(self):
        return self.line.split(" ")[1]

    @property
    def version(self):
        return self.line.split(" ")[0] if self.line.startswith("HTTP/") else self.line.split(" ")[2]

    def __getitem__(self, name):
        return self.fields.one(name)

    def __repr__(self):
        return f"<{self.line} {self.fields} {self.body[:200]!r}>"


class Wire:
    """Bytes from a socket with a look ahead, and the grammar of RFC 9112 on them."""

    FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\Z", re.S)
    BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

    def __init__(self, sock):
        self.sock, self.ahead, self.taken = sock, b"", b""

    def more(self):
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise Broken(f"nothing came for {self.sock.gettimeout()} s behind {self.ahead[-200:]!r}") from None
        self.ahead += data
        return bool(data)

    def take(self, count):
        data, self.ahead = self.ahead[:count], self.ahead[count:]
        self.taken += data
        return data

    def exactly(self, count):
        while len(self.ahead) < count:
            if not self.more():
                raise Broken(f"closed {count - len(self.ahead)} bytes too early, behind {self.ahead[-200:]!r}")
        return self.take(count)

    def line(self):
        while b"\n" not in self.ahead:
            if not self.more():
                raise Broken(f"closed within a line: {self.ahead!r}" if self.ahead else "closed")
        line = self.take(self.ahead.index(b"\n") + 1)
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise Broken(f"a line does not end with CRLF: {line!r}")
        return line[:-2]

    def fields(self):
        found = Fields()
        while True:
            line = self.line()
            if not line:
                return found
            match = self.FIELD.match(line)
            if not match or self.BAD_VALUE.search(match.group(2)):
                raise Broken(f"not a field line: {line!r}")
            found.append((match.group(1).decode(), match.group(2).decode("latin-1")))

    def chunked(self, message):
        message.chunks = []
        while True:
            size = self.line()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size):
                raise Broken(f"not a chunk size: {size!r}")
            size = int(size, 16)
            if size == 0:
                message.trailers = self.fields()
                return
            message.chunks.append(size)
            message.body += self.exactly(size)
            if self.line():
                raise Broken("a chunk does not end with CRLF")

    def until_close(self):
        try:
            while self.more():
                pass
        except ConnectionResetError:
            raise Broken(f"reset behind {self.ahead[-200:]!r}") from None
        return self.take(len(self.ahead))

    def framed(self, message):
        """The body, when the head says how long it is; False: it does not."""
        codings, lengths = message.fields.all("Transfer-Encoding"), message.fields.all("Content-Length")
        if codings and lengths:
            raise Broken("both Transfer-Encoding and Content-Length")
        if codings:
            if codings != ["chunked"]:
                raise Broken(f"Transfer-Encoding {codings}")
            self.chunked(message)
        elif lengths:
            if len(lengths) > 1 or not re.fullmatch(r"\d+", lengths[0]):
                raise Broken(f"Content-Length {lengths}")
            message.body = self.exactly(int(lengths[0]))
        return bool(codings or lengths)


class RawClient:
    """One connection to a gateway, from an address of its own or on a socket made elsewhere. Everything is sent as it
    stands."""

    def __init__(self, port=None, host="127.0.0.1", source="", sock=None):
        # Without an address of its own the kernel picks the port when it connects, of all that are free towards this peer.
        self.sock = sock or socket.create_connection((host, port), WAIT, source_address=(source, 0) if source else None)
        if not sock:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = Wire(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)
        return self

    def dribble(self, data, step=1, pause=0.001):
        """The bytes in pieces, each in a segment of its own."""
        data = data.encode() if isinstance(data, str) else data
        for at in range(0, len(data), step):
            self.send(data[at:at + step])
            time.sleep(pause)
        return self

    def head(self):
        """The next status line and fields, 1xx included."""
        line = self.wire.line().decode("latin-1")
        if not re.fullmatch(r"HTTP/1\.1 [1-5]\d\d [\t -~\x80-\xff]*", line):
            raise Broken(f"not a status line: {line!r}")
        return Message(line, self.wire.fields())

    def answer(self, method="GET"):
        """The next final answer with its body; interim ones are in .interim."""
        interim = []
        message = self.head()
        while 100 <= message.status < 200 and message.status != 101:
            interim.append(message)
            message = self.head()
        message.interim = interim
        if message.status in (101, 204):
            assert not message.fields.all("Content-Length") and not message.fields.all("Transfer-Encoding")
        elif method != "HEAD" and message.status != 304 and not self.wire.framed(message):
            message.body = self.wire.until_close()
        return message

    def ask(self, data, method=None):
        """Sends a request, reads its answer."""
        self.send(data)
        data = data.encode() if isinstance(data, str) else data
        return self.answer(method or data.split(b" ", 1)[0].decode("latin-1"))

    def rest(self):
        """All bytes until the other side closes, in order or by reset."""
        try:
            return self.wire.until_close()
        except Broken:
            return self.wire.take(len(self.wire.ahead))

    def is_closed(self):
        """True when the other side closes, without another byte."""
        return self.rest() == b""

    def is_quiet(self, seconds=0.2):
        """True when nothing comes, not even the end, for a moment."""
        return not self.wire.ahead and not select.select([self.sock], [], [], seconds)[0]

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


class OriginConnection:
    """What a handler of Origin has in its hands."""

    def __init__(self, sock, number):
        self.sock, self.number = sock, number
        self.wire = Wire(sock)
        self.open = True
        self.may_break = False
        self.idle = False  # waits for the next request

    def is_settled(self):
        """Nothing is under way: closed, or waiting while nothing has come."""
        try:
            return self.sock.fileno() < 0 or self.idle and not select.select([self.sock], [], [], 0)[0]
        except (OSError, ValueError):
            return True  # closed in this very moment

    def read_head(self):
        """The next request's line and fields without its body; None when the gateway has closed."""
        self.wire.taken = b""
        if not self.wire.ahead:
            self.idle = True
            came = self.wire.more()
            self.idle = False
            if not came:
                return None
        line = self.wire.line().decode("latin-1")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.1", line):
            raise Broken(f"not a request line: {line!r}")
        request = Message(line, self.wire.fields())
        request.raw = self.wire.taken
        return request

    def read_body(self, request):
        self.wire.framed(request)
        request.raw = self.wire.taken
        request.complete = True
        return request.body

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def dribble(self, data, step=1, pause=0.001):
        for at in range(0, len(data), step):
            self.send(data[at:at + step])
            time.sleep(pause)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.open = False
        self.sock.close()

    def reset(self):
        self.open = False
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def until_closed(self):
        """Waits until the gateway closes; returns what it still said."""
        try:
            return self.wire.until_close()
        except Broken:
            return self.wire.take(len(self.wire.ahead))


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"


class Origin:
    """A threaded upstream on a free port. By default it reads each request and says OK.

    origin.answer      bytes, or fn(connection, request) that answers after head and body were read
    origin.on_head     fn(connection, request), called before the body is read; returns True when it did all
    origin.may_break   requests from now on may break off; else that is a failure of the test
    origin.requests    what came, in order; .raw has the very bytes
    origin.connections how many were accepted

    `listener`: a listening socket to be used, of whatever family, instead of a free port.
    """

    def __init__(self, answer=OK, listener=None):
        self.answer, self.on_head, self.may_break = answer, None, False
        self.requests, self.failures, self.connections = [], [], 0
        self.arrived = queue.Queue()
        self.lock = threading.Lock()
        self.open_ones = []
        self.listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.is_unix = self.listener.family == socket.AF_UNIX
        self.port = None if self.is_unix else self.listener.getsockname()[1]
        self.url = f"unix:{self.listener.getsockname()}" if self.is_unix else f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(WAIT * 3)
            if not self.is_unix:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                connection = OriginConnection(sock, self.connections)
                self.open_ones = [c for c in self.open_ones if c.sock.fileno() >= 0] + [connection]
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while connection.open and self._serve_one(connection):
                pass
        except (OSError, Broken, AssertionError) as error:
            if connection.open and not connection.may_break:
                self.failures.append(error)
        finally:
            connection.sock.close()

    def _serve_one(self, connection):
        try:
            request = connection.read_head()
        except (ConnectionResetError, BrokenPipeError):
            return False
        if request is None:
            return False
        on_head, answer, connection.may_break = self.on_head, self.answer, self.may_break
        request.connection = connection
        self._record(request)
        if on_head and on_head(connection, request):
            return connection.open
        connection.read_body(request)
        if callable(answer):
            answer(connection, request)
        else:
            connection.send(answer)
        return True

    def _record(self, request):
        with self.lock:
            self.requests.append(request)
        self.arrived.put(request)

    def request(self, timeout=WAIT):
        """The next request that this was not asked for yet; waits for it."""
        try:
            return self.arrived.get(timeout=timeout)
        except queue.Empty:
            raise Broken("no request reached the origin") from None

    def got_nothing(self):
        self.settle()
        return not self.requests

    def settle(self):
        """Waits until nothing is under way here: what reached the sockets was read and counted."""
        for _ in range(2):
            wait_until(lambda: not select.select([self.listener], [], [], 0)[0] and
                       all(c.is_settled() for c in self.open_ones), "the origin to settle")
            time.sleep(0.002)

    def forget(self):
        """As new, for the next test; connections stay."""
        self.settle()
        self.answer, self.on_head, self.may_break = OK, None, False
        self.requests, self.failures = [], []
        self.arrived = queue.Queue()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # close alone would leave it to the waiting accept
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for connection in self.open_ones:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def chunked(*parts, trailers=b""):
    """A chunked body of these parts."""
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n" + trailers + b"\r\n"


def free_ports(count):
    """Ports of loopback for programs that cannot say which one they got: below those that the kernel hands out, so that
    nobody else is given one meanwhile."""
    found = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        if port not in found:
            found.append(port)
    return found


def wait_until(condition, what, timeout=WAIT):
    """Polls; no test waits for a fixed time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.01)
