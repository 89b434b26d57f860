"""Memory of idle connections: clients that have had one answer, over TLS when that is asked for, and stay."""
import socket
import ssl
import struct
import time


def client_of_tls(alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


def secured(plain, context, alpn):
    s = context.wrap_socket(plain, server_hostname="localhost")
    spoken = s.version(), s.cipher()[0], s.selected_alpn_protocol()
    if spoken != ("TLSv1.3", "TLS_AES_256_GCM_SHA384", alpn):
        raise RuntimeError(f"spoken is {spoken}")
    return s


def ask_h1(s, path):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    got = b""
    while len(got.partition(b"\r\n\r\n")[2]) < 1024:
        piece = s.recv(65536)
        if not piece:
            raise RuntimeError("closed")
        got += piece
    if not got.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError("answered " + repr(got[:40]))


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def ask_h2(s, path):
    """One request, its answer, and every frame that comes with it, SETTINGS acknowledged."""
    def literal(index, value):  # RFC 7541: a name of the static table, a value that no table keeps
        return bytes([index, len(value)]) + value.encode()

    fields = b"\x82\x87" + literal(4, path) + literal(1, "localhost")
    s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, fields))
    got, body, is_acknowledged, is_ok = b"", 0, False, False
    while body < 1024 or not is_acknowledged:
        while len(got) < 9 or len(got) < 9 + int.from_bytes(got[:3], "big"):
            piece = s.recv(65536)
            if not piece:
                raise RuntimeError("closed")
            got += piece
        size, kind, flags = int.from_bytes(got[:3], "big"), got[3], got[4]
        if kind == 0:
            body += size
        elif kind == 1:
            is_ok = got[9:9 + size].lstrip(b"\x20\x3f\xe1\x1f").startswith(b"\x88")  # :status 200, behind table sizes
        elif kind == 4 and flags & 1:
            is_acknowledged = True
        elif kind == 4:
            s.sendall(frame(4, 1, 0))
        elif kind in (3, 7):
            raise RuntimeError("reset or sent away")
        got = got[9 + size:]
    if not is_ok or body != 1024:
        raise RuntimeError(f"{body} bytes, status 200: {is_ok}")


def idle_bytes(scenario, port, memory):
    """Bytes for one; memory() tells what the proxy has."""
    alpn = scenario.get("alpn")
    context = client_of_tls(alpn) if alpn else None

    def connect():
        s = socket.create_connection(("127.0.0.1", port), 5)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if alpn:
            s = secured(s, context, alpn)
        (ask_h2 if alpn == "h2" else ask_h1)(s, scenario["path"])
        return socket.socket(fileno=s.detach())  # of TLS no more is needed: all that remains is to rest

    socks = [connect() for _ in range(200)]
    before = memory()
    socks += [connect() for _ in range(scenario["idle"])]
    time.sleep(0.5)
    after = memory()
    for s in socks:
        s.setblocking(False)
        try:
            if s.recv(1) == b"":
                raise RuntimeError("an idle connection was closed")
        except BlockingIOError:
            pass
    for s in socks:
        s.close()
    return (after - before) / scenario["idle"]
