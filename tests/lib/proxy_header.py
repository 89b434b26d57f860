"""PROXY protocol headers as a balancer writes them, and read as an upstream does."""
import re
import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
UNKNOWN = b"PROXY UNKNOWN\r\n"


def v1(source="203.0.113.7", port=4711, to="198.51.100.1", to_port=443):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {to} {port} {to_port}\r\n".encode()


def v2(source="203.0.113.7", port=4711, to="198.51.100.1", to_port=443, tlvs=b""):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    block = socket.inet_pton(family, source) + socket.inet_pton(family, to) + struct.pack(">HH", port, to_port) + tlvs
    return SIGNATURE + struct.pack(">BBH", 0x21, 0x21 if ":" in source else 0x11, len(block)) + block


def checked(header):
    """The header of v2 with a CRC32C."""
    size = struct.unpack(">H", header[14:16])[0] + 7
    header = header[:14] + struct.pack(">H", size) + header[16:] + b"\x03\x00\x04"
    return header + struct.pack(">I", crc32c(header + bytes(4)))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read(wire):
    """The header at the start of a connection: (version, source, port, destination, port); Nones: nobody is named."""
    nobody = (None, None, None, None)
    if wire.exactly(5) == b"PROXY":
        line = wire.line().decode()
        if line == " UNKNOWN":
            return (1, *nobody)
        match = re.fullmatch(r" TCP[46] (\S+) (\S+) (\d+) (\d+)", line)
        assert match, line
        return 1, match.group(1), int(match.group(3)), match.group(2), int(match.group(4))
    assert wire.taken[-5:] + wire.exactly(7) == SIGNATURE
    command, family, size = struct.unpack(">BBH", wire.exactly(4))
    block = wire.exactly(size)
    if command == 0x20:
        return (2, *nobody)
    assert command == 0x21 and family in (0x11, 0x21)
    kind, len_ = (socket.AF_INET, 4) if family == 0x11 else (socket.AF_INET6, 16)
    ports = struct.unpack(">HH", block[2 * len_:])
    return (2, socket.inet_ntop(kind, block[:len_]), ports[0], socket.inet_ntop(kind, block[len_:2 * len_]), ports[1])
