"""An RFB 3.8 server (RFC 6143) that shows the test card: VNC authentication, raw encoding, updates only on request."""

import asyncio
import contextlib
import secrets
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from devcluster import card_clipboard
from devcluster.card_picture import HEIGHT, WIDTH, Picture, PixelFormat
from devcluster.vncauth import response

VERSION = b"RFB 003.008\n"
VNC_AUTHENTICATION = 2
SHOWN_PER_S = 30
MAX_CLIPBOARD_BYTES = 1 << 20
POINTER, KEY, CLIPBOARD = "pointer", "key", "clipboard"


class ClientError(Exception):
    """The client left the protocol; its connection ends."""


@dataclass(frozen=True)
class Input:
    """A key (keysym, down), the pointer (x, y, buttons) or a clipboard (text)."""

    kind: str
    keysym: int = 0
    down: bool = False
    x: int = 0
    y: int = 0
    buttons: int = 0
    text: str = ""


class Host(Protocol):
    """The machine the screen belongs to."""

    repaints_per_s: int

    @property
    def picture(self) -> Picture: ...

    @property
    def screen_name(self) -> str: ...

    def password(self) -> str | None:
        """The one password, or None when there is none or its time is over."""

    def take(self, event: Input) -> None: ...

    def claim(self, session: "Session") -> None:
        """This client wants the screen for itself."""


class Session:
    """One client, from the version to its end."""

    def __init__(self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._planes = PixelFormat().planes()
        self._wanted: str | None = None
        self._dirty: tuple[int, int] | None = None
        self._awake = asyncio.Event()
        self._copied = ""
        self._is_extended = False

    async def run(self) -> None:
        """Returns when the connection is over, whoever ended it."""
        with contextlib.suppress(ClientError, asyncio.IncompleteReadError, ConnectionError):
            if await self._greet():
                await self._show()
        self.close()

    def close(self) -> None:
        self._writer.close()

    def wake(self) -> None:
        self._awake.set()

    def copy(self, text: str) -> None:
        """The machine copied something: the client gets notice where it knows the extended clipboard, else the text."""
        self._copied = text
        self._writer.write(card_clipboard.notice() if self._is_extended else card_clipboard.plain(text))

    # handshake, 7.1 to 7.3

    async def _greet(self) -> bool:
        self._writer.write(VERSION)
        if await self._reader.readexactly(12) != VERSION:
            raise ClientError("only version 3.8")
        self._writer.write(bytes((1, VNC_AUTHENTICATION)))
        if await self._byte() != VNC_AUTHENTICATION:
            raise ClientError("security type not offered")
        if not await self._authenticated():
            return False
        shared = await self._byte()
        if not shared:
            self._host.claim(self)
        self._writer.write(self._server_init())
        return True

    async def _authenticated(self) -> bool:
        challenge = secrets.token_bytes(16)
        self._writer.write(challenge)
        given = await self._reader.readexactly(16)
        password = self._host.password()
        if password is not None and secrets.compare_digest(given, response(password, challenge)):
            self._writer.write(struct.pack("!I", 0))
            return True
        reason = b"Authentication failed"
        self._writer.write(struct.pack("!II", 1, len(reason)) + reason)
        await self._writer.drain()
        return False

    def _server_init(self) -> bytes:
        name = self._host.screen_name.encode()
        pixel = struct.pack("!BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        return struct.pack("!HH", WIDTH, HEIGHT) + pixel + struct.pack("!I", len(name)) + name

    # screen and input, 7.5 and 7.6

    async def _show(self) -> None:
        self._host.picture.watchers.add(self._changed)
        painter = asyncio.create_task(self._paint())
        try:
            while True:
                await self._message()
        finally:
            painter.cancel()
            self._host.picture.watchers.discard(self._changed)

    def _changed(self, first: int, end: int) -> None:
        held = self._dirty or (first, end)
        self._dirty = min(held[0], first), max(held[1], end)
        self._awake.set()

    def _due(self) -> bool:
        moved = self._dirty is not None or self._host.repaints_per_s > 0
        return self._wanted == "full" or (self._wanted == "change" and moved)

    async def _paint(self) -> None:
        """Answers requests, several at once if they came close together, never more often than the screen moves."""
        with contextlib.suppress(ConnectionError):
            while True:
                while not self._due():
                    self._awake.clear()
                    await self._awake.wait()
                self._writer.write(self._update())
                await self._writer.drain()
                await asyncio.sleep(1 / (self._host.repaints_per_s or SHOWN_PER_S))

    def _update(self) -> bytes:
        whole = self._wanted == "full" or self._host.repaints_per_s > 0
        first, end = (0, HEIGHT) if whole or self._dirty is None else self._dirty
        self._wanted = self._dirty = None
        if self._host.repaints_per_s:
            self._host.picture.roll()
        head = struct.pack("!BxH", 0, 1) + struct.pack("!HHHHi", 0, first, WIDTH, end - first, 0)
        return head + self._host.picture.pixels(first, end, self._planes)

    async def _message(self) -> None:
        kind = await self._byte()
        handler = self._handlers().get(kind)
        if handler is None:
            raise ClientError(f"unknown message {kind}")
        await handler()

    def _handlers(self) -> dict[int, Callable[[], Awaitable[None]]]:
        return {
            0: self._set_pixel_format,
            2: self._set_encodings,
            3: self._request,
            4: self._key,
            5: self._pointer,
            6: self._clipboard,
        }

    async def _byte(self) -> int:
        return (await self._reader.readexactly(1))[0]

    async def _set_pixel_format(self) -> None:
        body = await self._reader.readexactly(19)
        bits, _, big, true_colour, *rest = struct.unpack("!xxxBBBBHHHBBBxxx", body)
        if not true_colour or bits not in (8, 16, 32):
            raise ClientError("only true colour in 8, 16 or 32 bits")
        red, green, blue, red_shift, green_shift, blue_shift = rest
        shape = PixelFormat(bits // 8, bool(big), (red, green, blue), (red_shift, green_shift, blue_shift))
        self._planes = shape.planes()

    async def _set_encodings(self) -> None:
        """Raw is always allowed, and raw is all there is; the extended clipboard is no encoding."""
        (count,) = struct.unpack("!xH", await self._reader.readexactly(3))
        asked = struct.unpack(f"!{count}i", await self._reader.readexactly(4 * count))
        if card_clipboard.EXTENDED in asked and not self._is_extended:
            self._is_extended = True
            self._writer.write(card_clipboard.abilities())

    async def _request(self) -> None:
        incremental = (await self._reader.readexactly(9))[0]
        if not incremental:
            self._wanted = "full"
        elif self._wanted is None:
            self._wanted = "change"
        self._awake.set()

    async def _key(self) -> None:
        down, keysym = struct.unpack("!BxxI", await self._reader.readexactly(7))
        self._host.take(Input(KEY, keysym=keysym, down=bool(down)))

    async def _pointer(self) -> None:
        buttons, x, y = struct.unpack("!BHH", await self._reader.readexactly(5))
        self._host.take(Input(POINTER, x=x, y=y, buttons=buttons))

    async def _clipboard(self) -> None:
        (length,) = struct.unpack("!xxxi", await self._reader.readexactly(7))
        if abs(length) > MAX_CLIPBOARD_BYTES:
            raise ClientError("clipboard too long")
        content = await self._reader.readexactly(abs(length))
        text = content.decode("latin-1") if length >= 0 else card_clipboard.provided(content)
        if text is not None:
            self._host.take(Input(CLIPBOARD, text=text))
        else:
            self._writer.write(card_clipboard.answer(content, self._copied))
