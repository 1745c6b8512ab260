"""What load and node of the benchmarks say to each other: RFB messages that a console lets through, and frames.

A key asks for an answer of as many bytes as its keysym says. An update request asks for a flood or a stream: its x says
which, its width how much. Standard library only: both ends start in a moment.
"""

import asyncio
import base64
import os
import struct
from collections.abc import Callable

VERSION = b"RFB 003.008\n"
SERVER_INIT = struct.pack(">HH", 720, 400) + bytes((32, 24, 0, 1)) + struct.pack(">HHH", 255, 255, 255) + bytes(6)
SERVER_INIT += struct.pack(">I", 5) + b"bench"
#: x of an update request: a picture of width x height x 4 bytes, or the two below.
PICTURE, FLOOD, STREAM = 0, 1, 2
KEY_BYTES, REQUEST_BYTES = 8, 10
MIB = 1024 * 1024


def key(answer_bytes: int) -> bytes:
    """A key that is answered by so many bytes."""
    return struct.pack(">BBHI", 4, 1, 0, answer_bytes)


def flood(mib: int) -> bytes:
    """Asks for so many MiB as fast as they go."""
    return struct.pack(">BBHHHH", 3, 0, FLOOD, 0, mib, 1)


def stream(kib: int, per_s: int) -> bytes:
    """Asks for so many KiB, `per_s` times a second, until the connection ends."""
    return struct.pack(">BBHHHH", 3, 0, STREAM, 0, kib, per_s)


def picture(width: int, height: int) -> bytes:
    """Asks for a whole screen, as a browser does at first."""
    return struct.pack(">BBHHHH", 3, 0, PICTURE, 0, width, height)


def masked(payload: bytes) -> bytes:
    """A binary client frame. A mask of zeros is one, and leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, 0x80 | size)) + bytes(4) + payload
    return struct.pack(">BBH", 0x82, 0xFE, size) + bytes(4) + payload


def framed(payload: bytes) -> bytes:
    """A binary server frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    head = struct.pack(">BBH", 0x82, 126, size) if size < 65536 else struct.pack(">BBQ", 0x82, 127, size)
    return head + payload


def upgrade(host: str, path: str, headers: list[list[str]]) -> bytes:
    """The request that turns a connection into a WebSocket."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
    return "\r\n".join([*lines, *(f"{name}: {text}" for name, text in headers), "", ""]).encode("latin-1")


class Unframer:
    """Calls `payload(piece)` for the bytes of binary frames and `control(opcode, payload)` for the others."""

    def __init__(self, payload: Callable[[memoryview], None], control: Callable[[int, bytes], None]) -> None:
        self._payload, self._control = payload, control
        self._left, self._opcode, self._mask = 0, 2, b""
        self._head = b""

    def feed(self, data: memoryview) -> None:
        """Bytes as they come, of either side's frames."""
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._hand_on(piece)
            else:
                self._head += bytes(data[at : at + 1])
                at += 1
                self._begin()

    def _begin(self) -> None:
        head = self._head
        if len(head) < 2:
            return
        size, masks = head[1] & 0x7F, 4 if head[1] & 0x80 else 0
        long = {126: 2, 127: 8}.get(size, 0)
        if len(head) < 2 + long + masks:
            return
        self._opcode, self._mask = head[0] & 0x0F, head[2 + long :]
        self._left = int.from_bytes(head[2 : 2 + long]) if long else size
        self._head = b""
        if not self._left and self._opcode >= 8:
            self._control(self._opcode, b"")

    def _hand_on(self, piece: memoryview) -> None:
        if self._mask and any(self._mask):
            piece = memoryview(self._unmasked(bytes(piece)))
        if self._opcode in (0, 2):
            self._payload(piece)
        else:
            self._control(self._opcode, bytes(piece))

    def _unmasked(self, piece: bytes) -> bytes:
        keys = (self._mask * (len(piece) // 4 + 1))[: len(piece)]
        turn = len(piece) % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return (int.from_bytes(piece) ^ int.from_bytes(keys)).to_bytes(len(piece))


class Incoming:
    """Bytes that are awaited by number, and counted."""

    def __init__(self) -> None:
        self.count = 0
        self.kept = bytearray()
        self.ended = False
        self._wanted: tuple[int, asyncio.Future[None]] | None = None

    def put(self, piece: memoryview, *, keep: bool) -> None:
        """More came; `keep` for what will be looked at."""
        self.count += len(piece)
        if keep:
            self.kept += piece
        if self._wanted and self.count >= self._wanted[0] and not self._wanted[1].done():
            self._wanted[1].set_result(None)

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        if self._wanted and not self._wanted[1].done():
            self._wanted[1].set_exception(ConnectionError(f"ended after {self.count} bytes"))

    async def until(self, count: int) -> None:
        """Returns once so many have come in all. Raises ConnectionError."""
        if self.count >= count:
            return
        if self.ended:
            raise ConnectionError(f"ended after {self.count} bytes")
        self._wanted = (count, asyncio.get_running_loop().create_future())
        await self._wanted[1]
