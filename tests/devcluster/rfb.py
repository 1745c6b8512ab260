"""A small RFB client of the tests' own, over any pair of streams; it knows nothing of the code under test."""

import asyncio
import struct
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

DEADLINE_S = 10.0
SHIFT = 0xFFE1
T = TypeVar("T")


async def within(work: Awaitable[T], seconds: float = DEADLINE_S) -> T:
    return await asyncio.wait_for(work, seconds)


class Bytes(Protocol):
    """Where RFB comes from and goes to: a socket, or a WebSocket."""

    async def read_exactly(self, size: int) -> bytes: ...

    def write(self, data: bytes) -> None: ...


class Streams:
    """Plain asyncio streams as Bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read_exactly(self, size: int) -> bytes:
        return await within(self._reader.readexactly(size))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def until(self, mark: bytes) -> bytes:
        """Up to and including the mark; what there is if the connection ends before."""
        try:
            return await within(self._reader.readuntil(mark))
        except asyncio.IncompleteReadError as short:
            return short.partial

    async def rest(self) -> bytes:
        """Everything until the connection ends; a reset is an end too."""
        received = b""
        try:
            while chunk := await within(self._reader.read(65_536)):
                received += chunk
        except ConnectionError:
            pass
        return received

    async def at_eof(self) -> bool:
        return await within(self._reader.read(1)) == b""

    def stop_reading(self) -> None:
        transport = self._writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    def close(self) -> None:
        """At once: a polite end of TLS would still be under way when the test is over."""
        self._writer.transport.abort()


class VncRefused(Exception):
    """SecurityResult 1 with the server's words."""


@dataclass
class Screen:
    width: int
    height: int
    name: str


def des_answer(password: str, challenge: bytes) -> bytes:
    key = bytes(sum(((byte >> n) & 1) << (7 - n) for n in range(8)) for byte in password.encode()[:8].ljust(8, b"\0"))
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(challenge)


async def handshake(link: Bytes, password: str, *, shared: bool = True) -> Screen:
    """From the version to ServerInit. Raises VncRefused."""
    assert await link.read_exactly(12) == b"RFB 003.008\n"
    link.write(b"RFB 003.008\n")
    assert await link.read_exactly(2) == b"\x01\x02"
    link.write(b"\x02")
    link.write(des_answer(password, await link.read_exactly(16)))
    await _result(link)
    link.write(bytes([shared]))
    width, height, _, length = struct.unpack("!HH16sI", await link.read_exactly(24))
    return Screen(width, height, (await link.read_exactly(length)).decode())


async def _result(link: Bytes) -> None:
    if await link.read_exactly(4) == b"\0\0\0\0":
        return
    (length,) = struct.unpack("!I", await link.read_exactly(4))
    raise VncRefused((await link.read_exactly(length)).decode())


def request(link: Bytes, screen: Screen, *, incremental: bool = False) -> None:
    link.write(struct.pack("!BBHHHH", 3, incremental, 0, 0, screen.width, screen.height))


async def update(link: Bytes, bytes_per_pixel: int = 4) -> list[tuple[int, int, int, int, bytes]]:
    """The rectangles of one FramebufferUpdate in raw encoding: x, y, width, height, pixels."""
    (count,) = struct.unpack("!xxH", await link.read_exactly(4))
    rectangles = []
    for _ in range(count):
        x, y, width, height, encoding = struct.unpack("!HHHHi", await link.read_exactly(12))
        assert encoding == 0
        rectangles.append((x, y, width, height, await link.read_exactly(width * height * bytes_per_pixel)))
    return rectangles


def press(link: Bytes, text: str) -> None:
    """As a keyboard does it: capitals and upper signs with the Shift key held, Enter for a new line."""
    for character in text:
        shifted = character.isupper() or character in '~!@#$%^&*()_+{}|:"<>?'
        keysym = {"\n": 0xFF0D}.get(character, ord(character))
        strokes = [(1, keysym), (0, keysym)]
        for down, key in [(1, SHIFT), *strokes, (0, SHIFT)] if shifted else strokes:
            link.write(struct.pack("!BBxxI", 4, down, key))
