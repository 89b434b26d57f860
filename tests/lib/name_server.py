"""A name server for one test: answers A, AAAA and SRV questions as the test says, and counts them."""
import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33


def packed(kind, value):
    if kind == SRV:
        priority, weight, port, host = value
        name = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".") if label) + b"\0"
        return struct.pack(">HHH", priority, weight, port) + name
    return socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, value)


class NameServer:
    """zone: {name: {A: [addresses], AAAA: [addresses], SRV: [(priority, weight, port, host)]}}; ttl in seconds;
    silent: says nothing at all; garbles: says what is no message."""

    def __init__(self, zone, ttl=1):
        self.zone, self.ttl, self.silent, self.refuses, self.garbles = zone, ttl, False, False, False
        self.asked = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.sock.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(2000)
                if not self.silent:
                    self.sock.sendto(self._answer(data), peer)
            except OSError:
                return

    def _answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        question = data[12:at + 5]
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.append((name, kind))
        known = self.zone.get(name)
        found = (known or {}).get(kind, [])
        code = 5 if self.refuses else 3 if known is None else 0
        if code:
            found = []
        records = b""
        for value in found:
            data_of = packed(kind, value)[:3 if self.garbles else None]
            records += struct.pack(">HHHIH", 0xc00c, kind, 1, self.ttl, len(data_of)) + data_of
        return data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found), 0, 0) + question + records
