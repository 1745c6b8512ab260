"""Literal conversations, sections of RFC 6143 beside the bytes, and ways to cut them up."""

import struct
from collections.abc import Callable, Iterable

PASSWORD = b"s3cr3t!&"
CHALLENGE = bytes(range(16))
REASON = b"Authentication failed\0"

NODE_HELLO = b"RFB 003.008\n"  # 7.1.1
NODE_TYPES = b"\x01\x02"  # 7.1.2: one type, VNC authentication
NODE_OK = b"\0\0\0\0"  # 7.1.3
NODE_FAILED = b"\0\0\0\x01" + struct.pack(">I", len(REASON)) + REASON
SERVER_INIT = struct.pack(">HH16sI", 720, 400, bytes(16), 10) + b"QEMU (vm1)"  # 7.3.2

BROWSER_HELLO = b"RFB 003.008\n"
BROWSER_TYPE = b"\x01"
BROWSER_INIT = b"\x00"  # 7.3.1: asks for exclusive use

PIXEL_FORMAT = b"\0\0\0\0" + bytes((32, 24, 0, 1)) + struct.pack(">HHH", 255, 255, 255) + bytes((16, 8, 0, 0, 0, 0))
KEY_A = struct.pack(">BBHI", 4, 1, 0, 0x61)  # 7.5.4
POINTER = struct.pack(">BBHH", 5, 1, 10, 20)  # 7.5.5
QEMU_KEY = struct.pack(">BBHII", 255, 0, 1, 0x61, 30)
CLIPBOARD = struct.pack(">B3xI", 6, 5) + b"hello"  # 7.5.6


def encodings(*numbers: int) -> bytes:
    """SetEncodings (7.5.2)."""
    return struct.pack(f">BBH{len(numbers)}i", 2, 0, len(numbers), *numbers)


def request(*, incremental: int = 1, x: int = 0, y: int = 0, width: int = 720, height: int = 400) -> bytes:
    """FramebufferUpdateRequest (7.5.3)."""
    return struct.pack(">BBHHHH", 3, incremental, x, y, width, height)


def byte_wise(data: bytes) -> list[bytes]:
    """One byte at a time."""
    return [data[n : n + 1] for n in range(len(data))]


def cut_everywhere(data: bytes) -> list[list[bytes]]:
    """Every way to cut it in two, then byte-wise, then whole."""
    return [[data[:n], data[n:]] for n in range(len(data) + 1)] + [byte_wise(data), [data]]


def fed(receive: Callable[[bytes], bytes], pieces: Iterable[bytes]) -> bytes:
    """Everything a receiver gives back for these pieces."""
    return b"".join(receive(piece) for piece in pieces)
