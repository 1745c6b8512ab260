"""A browser's socket by hand: every byte that comes is kept, reading can stop, each header can be chosen."""

import asyncio
import base64
import json
import os
import struct
from collections.abc import Callable
from typing import Any

from consoles.authority import GRANT_PREFIX, PROTOCOL
from tests.consoles.rfb.conversations import BROWSER_HELLO, BROWSER_INIT, BROWSER_TYPE

TIMEOUT_S = 15.0
Headers = list[tuple[str, str]]


class Refused(Exception):
    """The upgrade was answered with another status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Browser:
    """One accepted socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.raw = bytearray()
        self.payload = bytearray()
        self.notices: list[dict[str, Any]] = []
        self.sent_bytes = 0
        self.close_code: int | None = None
        self.subprotocol = ""

    @classmethod
    async def open(cls, port: int, path: str, headers: Headers, host: str = "", own: str = "") -> "Browser":
        """Raises Refused when the answer is not 101. `host` lies about the Host header; `own`: its address."""
        local = (own, 0) if own else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22, local_addr=local)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {text}" for name, text in headers]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        browser = cls(reader, writer)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT_S)
        browser.raw += head
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            browser.raw += await asyncio.wait_for(reader.read(65536), TIMEOUT_S)
            writer.close()
            raise Refused(status)
        for line in head.decode("latin-1").split("\r\n"):
            if line.lower().startswith("sec-websocket-protocol:"):
                browser.subprotocol = line.partition(":")[2].strip()
        return browser

    def send(self, data: bytes, first: int = 0x82) -> None:
        """One masked frame."""
        size = len(data)
        # The shortest form of the length, or the server hangs up (RFC 6455 section 5.2).
        if size < 126:
            head = bytes((first, 0x80 | size))
        else:
            head = struct.pack(">BBH", first, 0xFE, size) if size < 65536 else struct.pack(">BBQ", first, 0xFF, size)
        self.sent_bytes += size
        # A zero mask is a mask, and leaves the payload as it is.
        self._writer.write(head + bytes(4) + data)

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are, framed or not."""
        self.sent_bytes += len(data)
        self._writer.write(data)

    @property
    def is_gone(self) -> bool:
        """The connection broke; what is sent goes nowhere."""
        return self._writer.is_closing() or self._reader.exception() is not None

    async def drain(self) -> None:
        """Waits until the kernel takes what was sent."""
        await self._writer.drain()

    async def read_until(self, enough: Callable[[bytes], object], within_s: float = TIMEOUT_S) -> bytes:
        """Reads frames until the payload is enough; ConnectionError when the socket ends first."""
        async with asyncio.timeout(within_s):
            while not enough(bytes(self.payload)):
                if not await self._frame():
                    raise ConnectionError(f"closed with {self.close_code}")
        return bytes(self.payload)

    async def read_to_end(self, within_s: float = TIMEOUT_S) -> int | None:
        """Reads until the socket ends; its close code."""
        async with asyncio.timeout(within_s):
            while await self._frame():
                pass
        return self.close_code

    async def start_console(self, more: bytes = b"", within_s: float = TIMEOUT_S) -> bytes:
        """The browser's part of the RFB handshake; returns once ServerInit is there."""
        self.send(BROWSER_HELLO)
        self.send(BROWSER_TYPE + BROWSER_INIT + more)
        return await self.read_until(lambda payload: len(payload) > 18 + 24, within_s)

    def stop_reading(self) -> None:
        """The kernel's buffer fills, then the sender's."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def resume_reading(self) -> None:
        """It goes on where it stopped."""
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Hangs up."""
        self._writer.transport.abort()

    async def _frame(self) -> bool:
        try:
            first, second = await self._take(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(await self._take(2 if size == 126 else 8))
            payload = await self._take(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        if first & 0x0F == 8:
            self.close_code = int.from_bytes(payload[:2]) if payload else None
            self.send(payload, 0x88)
            return False
        if first & 0x0F == 9:
            self.send(payload, 0x8A)
        elif first & 0x0F == 1:
            self.notices.append(json.loads(payload))
        else:
            self.payload += payload
        return True

    async def _take(self, size: int) -> bytes:
        data = await self._reader.readexactly(size)
        self.raw += data
        return data


def headers(origin: str, cookie: str, grant: str) -> Headers:
    """What the page's own script makes the browser send."""
    return [
        ("Origin", origin),
        ("Cookie", f"sessionid={cookie}"),
        ("Sec-WebSocket-Protocol", f"{PROTOCOL}, {GRANT_PREFIX}{grant}"),
    ]
