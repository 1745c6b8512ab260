"""A node that misbehaves: it answers the API as the stand-in does, and plays what it likes on `vncwebsocket`."""

import asyncio
import base64
import contextlib
import hashlib
import random
import re
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from consoles import close_codes
from consoles.close_codes import End
from devcluster.websocket import GUID, frame
from tests.consoles.browser import Browser
from tests.consoles.portal import free_port
from tests.consoles.rfb.conversations import (
    BROWSER_HELLO,
    BROWSER_INIT,
    BROWSER_TYPE,
    CHALLENGE,
    NODE_FAILED,
    NODE_HELLO,
    NODE_OK,
    NODE_TYPES,
    REASON,
    SERVER_INIT,
)
from tests.devcluster.cluster import DevCluster

OPEN_TYPES = b"\x01\x01"  # no password wanted
SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
PICTURE = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 640, 400, 0) + bytes(640 * 400 * 4)


class Line:
    """The node's end of one `vncwebsocket`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes) -> None:
        self.reader, self._writer, self._key = reader, writer, key

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)

    @property
    def is_over(self) -> bool:
        """Whether the portal hung up; asyncio's TLS may take, and drop, what is written after that for minutes."""
        return self._writer.is_closing()

    async def drain(self) -> None:
        """Until the kernel takes them. The loop has its turn in any case, or it never hears that the line broke."""
        await self._writer.drain()
        await asyncio.sleep(0)

    def switch(self, *, accept: bytes = b"", more: str = "Sec-WebSocket-Protocol: binary\r\n") -> None:
        """101."""
        proof = base64.b64encode(hashlib.sha1(self._key + GUID, usedforsecurity=False).digest())
        self.raw(f"{SWITCHING}Sec-WebSocket-Accept: {(accept or proof).decode()}\r\n{more}\r\n".encode())

    def say(self, data: bytes) -> None:
        """One frame."""
        self.raw(frame(data))

    async def hear(self, count: int) -> None:
        """That many frames of the portal, unread."""
        for _ in range(count):
            head = await self.reader.readexactly(2)
            await self.reader.readexactly((head[1] & 0x7F) + 4)

    async def open(self) -> None:
        """All of the handshake, without a password."""
        self.switch()
        self.say(NODE_HELLO)
        await self.hear(1)
        self.say(OPEN_TYPES)
        await self.hear(1)
        self.say(NODE_OK)
        await self.hear(1)


Play = Callable[[Line, random.Random], Awaitable[None]]


@dataclass(frozen=True)
class Attack:
    """What the node plays, what the browser does meanwhile (waits, reads, stalls, floods), and how it has to end."""

    play: Play
    end: End
    browser: str = "waits"


def _head(data: bytes) -> Play:
    async def play(line: Line, chance: random.Random) -> None:
        line.raw(data)

    return play


def _said(*data: bytes, stays: bool = False) -> Play:
    """101, then these frames, then the end or silence."""

    async def play(line: Line, chance: random.Random) -> None:
        line.switch()
        for one in data:
            line.say(one)
        await line.drain()
        await asyncio.sleep(20 if stays else 0.05)

    return play


def _opened(data: bytes, *, stays: bool = False) -> Play:
    """The handshake, then these bytes, then the end or silence."""

    async def play(line: Line, chance: random.Random) -> None:
        await line.open()
        line.raw(data)
        await line.drain()
        await asyncio.sleep(20 if stays else 0.05)

    return play


async def _dribbles_its_head(line: Line, chance: random.Random) -> None:
    for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"a" * 200:
        line.raw(bytes((byte,)))
        await line.drain()
        await asyncio.sleep(0.05)


async def _dribbles_its_reason(line: Line, chance: random.Random) -> None:
    line.switch()
    line.say(NODE_HELLO + b"\0" + struct.pack(">I", 4000))
    for _ in range(400):
        line.say(b"a")
        await line.drain()
        await asyncio.sleep(0.05)


async def _repaints(line: Line, chance: random.Random) -> None:
    await line.open()
    line.say(SERVER_INIT)
    while not line.is_over:
        line.say(PICTURE)
        await line.drain()


async def _wrong_accept(line: Line, chance: random.Random) -> None:
    line.switch(accept=b"bm90IHRoZSByaWdodCBvbmU=")


async def _other_protocol(line: Line, chance: random.Random) -> None:
    line.switch(more="Sec-WebSocket-Protocol: chat\r\n")


async def _compresses(line: Line, chance: random.Random) -> None:
    line.switch(more="Sec-WebSocket-Extensions: permessage-deflate\r\n")


async def _noise(line: Line, chance: random.Random) -> None:
    line.switch()
    line.say(chance.randbytes(chance.randrange(12, 3000)))
    await asyncio.sleep(5)


async def _is_silent(line: Line, chance: random.Random) -> None:
    await asyncio.sleep(20)


ATTACKS: dict[str, Attack] = {
    # before the upgrade
    "401": Attack(_head(b"HTTP/1.1 401 No ticket\r\n\r\n"), close_codes.REFUSED),
    "a page instead": Attack(_head(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), close_codes.REFUSED),
    "garbage for HTTP": Attack(_head(bytes(range(14, 250)) * 3), close_codes.UNREACHABLE),
    "a head without end": Attack(_head(b"HTTP/1.1 101 X\r\n" + b"X-A: b\r\n" * 100_000), close_codes.REFUSED),
    "the end at once": Attack(_head(b""), close_codes.UNREACHABLE),
    "silence": Attack(_is_silent, close_codes.UNREACHABLE),
    "a head byte by byte": Attack(_dribbles_its_head, close_codes.UNREACHABLE),
    "a wrong proof": Attack(_wrong_accept, close_codes.REFUSED),
    "another protocol": Attack(_other_protocol, close_codes.REFUSED),
    "compression": Attack(_compresses, close_codes.REFUSED),
    # the handshake
    "the end before a byte": Attack(_said(), close_codes.STOPPED),
    "the end after the version": Attack(_said(NODE_HELLO), close_codes.NODE_ENDED),
    "the end after the types": Attack(_said(NODE_HELLO, NODE_TYPES), close_codes.NODE_ENDED),
    "the end after the challenge": Attack(_said(NODE_HELLO, NODE_TYPES, CHALLENGE), close_codes.NODE_ENDED),
    "silence after 101": Attack(_said(stays=True), close_codes.UNREACHABLE),
    "silence after the version": Attack(_said(NODE_HELLO, stays=True), close_codes.UNREACHABLE),
    "a reason byte by byte": Attack(_dribbles_its_reason, close_codes.UNREACHABLE),
    "another version": Attack(_said(b"RFB 003.003\n", stays=True), close_codes.NODE_BROKE),
    "noise": Attack(_noise, close_codes.NODE_BROKE),
    "no type we speak": Attack(_said(NODE_HELLO, b"\x02\x10\x13", stays=True), close_codes.NODE_BROKE),
    "no type but a reason": Attack(
        _said(NODE_HELLO, b"\0" + struct.pack(">I", len(REASON)) + REASON, stays=True), close_codes.NODE_BROKE),
    "a reason of 4 GiB": Attack(_said(NODE_HELLO, b"\0\xff\xff\xff\xff", stays=True), close_codes.NODE_BROKE),
    "a wrong password": Attack(_said(NODE_HELLO, NODE_TYPES, CHALLENGE, NODE_FAILED, stays=True), close_codes.BUSY),
    "more than may wait": Attack(_said(b"x" * 60_000, stays=True), close_codes.NODE_BROKE),
    # frames
    "masked": Attack(_opened(b"\x82\x81\0\0\0\0a", stays=True), close_codes.NODE_BROKE),
    "reserved bits": Attack(_opened(b"\xc2\x01a", stays=True), close_codes.NODE_BROKE),
    "unknown kind": Attack(_opened(b"\x83\x01a", stays=True), close_codes.NODE_BROKE),
    "2^63 bytes": Attack(_opened(b"\x82\x7f" + (2**63).to_bytes(8) + bytes(99), stays=True), close_codes.NODE_BROKE),
    "a gigabyte": Attack(_opened(b"\x82\x7f" + (2**30).to_bytes(8) + bytes(99), stays=True), close_codes.NODE_BROKE),
    "a ping too long": Attack(_opened(b"\x89\x7e\x00\x7e" + bytes(126), stays=True), close_codes.NODE_BROKE),
    "ping storm": Attack(_opened(b"\x89\x00" * 8000), close_codes.NODE_ENDED),
    "a close frame": Attack(_opened(b"\x88\x02\x03\xe8", stays=True), close_codes.NODE_ENDED),
    "the end inside a frame": Attack(_opened(b"\x82\x7e\xff\xff" + bytes(1000)), close_codes.NODE_ENDED),
    # an open screen
    "an absurd screen": Attack(
        _opened(frame(struct.pack(">HH16sI", 65_535, 65_535, bytes(16), 2**32 - 1) + bytes(5000))),
        close_codes.NODE_ENDED),
    "65,535 rectangles": Attack(
        _opened(frame(SERVER_INIT + struct.pack(">BxH", 0, 65_535) + bytes(5000))), close_codes.NODE_ENDED),
    "repaints without end": Attack(_repaints, close_codes.LEFT, "reads"),
    "repaints for nobody": Attack(_repaints, close_codes.TOO_SLOW, "stalls"),
    "takes nothing": Attack(_opened(frame(SERVER_INIT), stays=True), close_codes.NODE_ENDED, "floods"),
}  # fmt: skip


class HostileNode:
    """`plays` says by machine what comes next."""

    def __init__(self, cluster: DevCluster) -> None:
        self._cluster, self.port = cluster, free_port()
        self.plays: dict[int, Play] = {}
        self.seed = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._trust = ssl.create_default_context(cafile=cluster.ca_file)
        self._own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._own.load_cert_chain(cluster.data / "pve-ssl.pem", cluster.data / "pve-ssl.key")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """It answers for the length of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._own)
        try:
            yield
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            # What serves a connection hears of its end, and closes what it opened.
            await asyncio.sleep(0.2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.match(rb"GET \S+/qemu/(\d+)/vncwebsocket", head)
            if found and int(found[1]) in self.plays:
                key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
                self.seed += 1
                line = Line(reader, writer, key[1] if key else b"")
                await self.plays[int(found[1])](line, random.Random(self.seed))
            else:
                await self._relay(head, reader, writer)
        self._writers.discard(writer)
        writer.transport.abort()

    async def _between(self, head: bytes, there: asyncio.StreamReader) -> bytes:
        """What is done before a relayed request goes on; what was read of its answer meanwhile."""
        return b""

    async def _relay(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(self._cluster.host, self._cluster.port, ssl=self._trust)
        self._writers.add(to_there)
        to_there.write(head)
        writer.write(await self._between(head, there))
        await asyncio.gather(_copied(reader, to_there), _copied(there, writer))


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


async def met(browser: Browser, way: Attack) -> int | None:
    """The browser's part; the code it was closed with, 1000 where it left itself, None where it did not read."""
    browser.send(BROWSER_HELLO)
    browser.send(BROWSER_TYPE + BROWSER_INIT)
    if way.browser == "reads":
        await browser.read_until(lambda payload: len(payload) > 3_000_000)
        browser.close()
        return close_codes.LEFT.code
    if way.browser == "stalls":
        await browser.read_until(lambda payload: len(payload) > 100)
        browser.stop_reading()
        return None
    if way.browser == "floods":
        await browser.read_until(lambda payload: len(payload) > 18 + 24)
        with contextlib.suppress(ConnectionError):
            for _ in range(300):
                browser.send(struct.pack(">B3xI", 6, 60_000) + bytes(60_000))
                await asyncio.wait_for(browser.drain(), 3)
        return None
    return await browser.read_to_end(within_s=20)
