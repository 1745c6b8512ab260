"""The browser's stream under Daphne and under any other ASGI server.

Daphne neither waits when a browser does not read nor stops reading when nobody takes what a browser sends: one browser
can fill the process. `Backpressure`, outermost in the ASGI stack, finds Daphne's protocol object behind `send` and
hands the console a stream that talks to it directly. It leans on what Daphne 4.2, autobahn 26 and Twisted 26 do
(requirements.txt pins them); the tests of a stalled and of a flooding browser notice when that changes.
"""

import asyncio
import contextlib
import functools
import socket
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from consoles.browser_frames import BrowserFrames
from consoles.frames import Opcode, server_head

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Where the console's consumer finds Daphne's stream in its scope.
SCOPE_KEY = "vmportal.daphne"
#: noVNC sends 10 KiB at most. This many bytes of keys, taken apart at once, already hold others up for 50 ms.
MAX_MESSAGE_BYTES = 64 * 1024
HIGH_BYTES = 64 * 1024
#: How long a browser has to answer the close frame. autobahn's second would take the reason away from a slow one.
CLOSE_S = 10
TCP_NOTSENT_LOWAT = 25  # <linux/tcp.h>; Python has the name from 3.12 on


class Listener(Protocol):
    """Who hears the browser; `consoles.bridge.Bridge` is one."""

    def browser_bytes(self, data: bytes) -> None:
        """Bytes of the browser."""

    def browser_text(self, data: bytes) -> None:
        """A text frame of the browser."""

    def browser_broke(self, why: str) -> None:
        """It sent what it may not."""

    def browser_gone(self) -> None:
        """The socket is closed."""

    def browser_vanished(self) -> None:
        """It does not answer any more."""

    def browser_behind(self, behind: bool) -> None:
        """Whether what we send piles up."""


class Backpressure:
    """ASGI wrapper: puts a DaphneBrowser into the scope of each WebSocket that Daphne serves."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application."""
        protocol = daphne_protocol(send)
        if scope["type"] == "websocket" and protocol is not None:
            scope = {**scope, SCOPE_KEY: DaphneBrowser(protocol)}
        await self.app(scope, receive, send)


def daphne_protocol(send: Send) -> Any | None:
    """Daphne's protocol object, which it binds to `send`; None under another server or behind a wrapper."""
    if not isinstance(send, functools.partial) or not send.args:
        return None
    protocol = send.args[0]
    return protocol if hasattr(protocol, "sendMessage") and hasattr(protocol, "onMessage") else None


class DaphneBrowser:
    """The browser's stream: frames go straight between autobahn and the bridge, without a queue.

    It is its own Twisted producer: the transport pauses it above 64 KiB not sent, and resumes it when they are.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._listener: Listener | None = None
        self._frames: BrowserFrames | None = None
        self._is_open = self._is_paused = self._rests = False
        self._socket: socket.socket | None = None

    def listen(self, listener: Listener) -> None:
        """Before accept: messages go to the listener instead of Daphne's unbounded queue."""
        self._listener = listener
        self._frames = BrowserFrames(self._protocol, listener, self._rest)
        self._protocol.maxMessagePayloadSize = self._protocol.maxFramePayloadSize = MAX_MESSAGE_BYTES
        self._protocol.onMessage, self._protocol.onClose = self._on_message, self._on_close
        self._protocol.closeHandshakeTimeout = CLOSE_S

    def opened(self) -> None:
        """After accept: the transport tells us when what we send piles up."""
        transport = self._protocol.transport
        # The HTTP channel that took the upgrade request is still registered, and dead.
        transport.unregisterProducer()
        transport.registerProducer(self, True)
        self._is_open = True
        handle = transport.getHandle()
        if isinstance(handle, socket.socket):
            self._socket = handle
            with contextlib.suppress(OSError):
                handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                handle.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, 2 * HIGH_BYTES)

    def closing(self) -> None:
        """Before the close frame: the browser's answer to it must be read."""
        if self._is_open:
            self._is_open = False
            self._protocol.transport.unregisterProducer()
            self._protocol.transport.resumeProducing()

    def send(self, data: bytes) -> None:
        """One binary message; nothing where the socket is closing.

        Written at once where nothing waits: Twisted alone would first ask the loop whether the socket takes bytes.
        """
        if self._protocol.state != self._protocol.STATE_OPEN:
            return
        if self._socket is None:
            self._protocol.sendMessage(data, True)
            return
        head, transport = server_head(Opcode.BINARY, len(data)), self._protocol.transport
        if transport.dataBuffer or transport._tempDataLen:
            transport.writeSequence((head, data))
        elif (sent := self._sent(head, data)) < len(head) + len(data):
            transport.write((head + data)[sent:])

    def _sent(self, head: bytes, data: bytes) -> int:
        """How many bytes the kernel took; that the connection is gone, Twisted finds out."""
        try:
            return self._socket.sendmsg((head, data)) if self._socket else 0
        except OSError:
            return 0

    def tell(self, notice: bytes) -> None:
        """One text message; nothing where the socket is closing."""
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendMessage(notice, False)

    def pause_reading(self) -> None:
        """The browser's bytes wait in the kernel."""
        self._is_paused = True
        self._read()

    def resume_reading(self) -> None:
        """They flow again."""
        self._is_paused = False
        self._read()

    async def run(self) -> None:
        """Nothing to do: the transport does it."""

    async def may_read(self) -> None:
        """Nothing to wait for: only the disconnect comes by `receive`."""

    def _rest(self, rests: bool) -> None:
        self._rests = rests
        self._read()

    def _read(self) -> None:
        """Reads the socket, or does not."""
        if self._is_open:
            transport, waits = self._protocol.transport, self._is_paused or self._rests
            (transport.pauseProducing if waits else transport.resumeProducing)()

    def _behind(self, is_behind: bool) -> None:
        if self._frames is not None:
            self._frames.behind(is_behind)
        if self._listener is not None:
            self._listener.browser_behind(is_behind)

    def _on_message(self, payload: bytes, is_binary: bool) -> None:
        if self._listener is None:
            return
        if is_binary:
            self._listener.browser_bytes(payload)
        else:
            self._listener.browser_text(payload)

    def _on_close(self, *how: Any) -> None:
        """The socket is gone. What it, we and the node's end hold, unsent pictures and buffers of TLS among it, is free
        when nobody refers to it; a ring of references would keep it until a full collection, hundreds of sockets later.
        """
        protocol = self._protocol
        type(protocol).onClose(protocol, *how)
        if self._frames is not None:
            self._frames.let_go()
        self._frames = self._listener = None
        del protocol.onMessage, protocol.onClose
        protocol.is_closed = None  # it is resolved by now, with the protocol itself
        if self._socket is not None:
            # The HTTP channel that took the upgrade request holds the transport in a ring of its own.
            protocol.transport.dataBuffer = b""
            protocol.transport._tempDataBuffer.clear()

    # Twisted's names of a producer's methods

    def pauseProducing(self) -> None:  # noqa: N802
        """More than 64 KiB wait."""
        self._behind(True)

    def resumeProducing(self) -> None:  # noqa: N802
        """They are gone."""
        self._behind(False)

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost."""
        if self._listener is not None:
            self._listener.browser_gone()


class AsgiBrowser:
    """The browser's stream under a server whose `send` waits by itself, as uvicorn's does."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._listener: Listener | None = None
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._waiting_bytes = 0
        self._is_behind = False
        self._wake = asyncio.Event()
        self._readable = asyncio.Event()
        self._readable.set()

    def listen(self, listener: Listener) -> None:
        """Who is told that what we send piles up; messages are handed over by who receives them."""
        self._listener = listener

    def opened(self) -> None:
        """After accept."""

    def closing(self) -> None:
        """Before the close frame: what waits is dropped."""
        self._waiting.clear()
        self._readable.set()

    def send(self, data: bytes) -> None:
        """One binary message, as soon as the server takes it."""
        self._put(data, is_text=False)

    def tell(self, notice: bytes) -> None:
        """One text message, in its turn."""
        self._put(notice, is_text=True)

    def _put(self, data: bytes, *, is_text: bool) -> None:
        self._waiting.append((data, is_text))
        self._waiting_bytes += len(data)
        self._wake.set()
        self._tell(behind=self._waiting_bytes > HIGH_BYTES or self._is_behind)

    def pause_reading(self) -> None:
        """`may_read` waits."""
        self._readable.clear()

    def resume_reading(self) -> None:
        """`may_read` returns."""
        self._readable.set()

    async def may_read(self) -> None:
        """Returns when the next message may be received."""
        await self._readable.wait()

    async def run(self) -> None:
        """Sends what waits, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                data, is_text = self._waiting.popleft()
                what = {"text": data.decode()} if is_text else {"bytes": data}
                await self._send({"type": "websocket.send", **what})
                self._waiting_bytes -= len(data)
            self._waiting_bytes = 0
            self._tell(behind=False)

    def _tell(self, *, behind: bool) -> None:
        if behind != self._is_behind and self._listener is not None:
            self._is_behind = behind
            self._listener.browser_behind(behind)
