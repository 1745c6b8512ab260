"""The raw vncwebsocket: asks the API whether the ticket is good, switches protocols, then carries bytes both ways.

It has the real one's manners, good and bad: no close frame at the end, no limit on what waits for a slow client, no
HTTP answer where nobody listens on the port, and a frame it does not understand ends its whole worker.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from devcluster.consoles import Console, ConsoleDesk
from devcluster.machines import MachineError
from devcluster.websocket import BINARY, CLOSE, PING, TEXT, FrameReader, FrameRefused, accept_key, frame

READ_BYTES = 65_536

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
Scope = dict[str, Any]


@dataclass
class Answer:
    """What the API said to the request that wants to become a WebSocket."""

    status: int = 500
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    def port(self, path: str) -> int | None:
        if self.status != 200 or not path.endswith("/vncwebsocket"):
            return None
        return int(json.loads(self.body)["data"]["port"])


async def ask(app: App, scope: Scope) -> Answer:
    """Run the upgrade request through the API as the plain GET it also is."""
    answer = Answer()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = dict(message.get("headers", []))
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


class ConsoleSocket(asyncio.Protocol):
    def __init__(self, desk: ConsoleDesk, app: App, scope: Scope, listener: int) -> None:
        self._desk = desk
        self._app = app
        self._scope = scope
        self._listener = listener
        self._reader = FrameReader()
        self._console: Console | None = None
        self._guest_writer: asyncio.StreamWriter | None = None
        self._early: list[bytes] = []
        self._last_byte_at = desk.clock.now()
        self._tasks: list[asyncio.Task[None]] = []

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._desk.join(self)
        self._start(self._run())

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except FrameRefused:
            self._desk.count_death()
            self._desk.kill_worker_of(self)
            return
        for one in frames:
            self._take(one.opcode, one.payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self._desk.leave(self)
        for task in self._tasks:
            task.cancel()
        if self._guest_writer is not None:
            self._guest_writer.close()
        if self._console is not None:
            self._desk.finish(self._console)

    def drop(self) -> None:
        self._transport.abort()

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    # the upgrade

    async def _run(self) -> None:
        answer = await ask(self._app, self._scope)
        port = answer.port(self._scope["path"])
        if b"x-cut" in answer.headers:
            self._transport.close()
        elif port is None:
            self._refuse(answer)
        else:
            await self._upgrade(port)

    def _refuse(self, answer: Answer) -> None:
        reason = answer.headers.pop(b"x-reason", b"")
        answer.headers[b"connection"] = b"close"
        lines = [b"HTTP/1.1 %d %s" % (answer.status, reason)]
        lines += [b"%s: %s" % pair for pair in answer.headers.items()]
        self._transport.write(b"\r\n".join([*lines, b"", answer.body]))
        self._transport.close()

    async def _upgrade(self, port: int) -> None:
        key = self._header(b"sec-websocket-key")
        if key is None:
            self._refuse(Answer(400, {b"x-reason": b"missing Sec-WebSocket-Key"}))
            return
        console = self._desk.connect(self._listener, port, self)
        if console is None:
            await self._nobody_listens()
            return
        self._console = console
        self._transport.write(self._switching(key))
        await self._relay(console)

    async def _nobody_listens(self) -> None:
        """Late, or the second on this port: no HTTP answer ever, and the worker goes down with it."""
        self._desk.count_death()
        await self._desk.clock.sleep(self._desk.settings.windows.upgrade_silence)
        self._desk.kill_worker_of(self)

    def _switching(self, key: bytes) -> bytes:
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: upgrade",
            b"Sec-WebSocket-Accept: " + accept_key(key),
        ]
        offered = self._header(b"sec-websocket-protocol")
        if offered:
            lines.append(b"Sec-WebSocket-Protocol: " + offered.split(b",")[0].strip())
        return b"\r\n".join([*lines, b"", b""])

    def _header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self._scope["headers"] if key == name), None)

    # the console

    async def _relay(self, console: Console) -> None:
        windows = self._desk.settings.windows
        await self._desk.clock.sleep(windows.vnc_start_delay)
        try:
            reader = await self._reach_screen(console)
        except MachineError as failure:
            await self._desk.clock.sleep(windows.vnc_stopped_eof)
            self._desk.finish(console, str(failure))
            self._transport.close()
            return
        self._start(self._watch_idle())
        await self._pump(reader, console.row.vmid)

    async def _reach_screen(self, console: Console) -> asyncio.StreamReader:
        """The machine gets the console's password (one per machine) and a connection of its own."""
        vmid, guest = console.row.vmid, self._desk.guest_of(console)
        if guest is None or self._desk.room.machine(guest).power() == "stopped":
            raise MachineError(f"VM {vmid} not running")
        if guest.config.get("vga", "").partition(",")[0] in ("none", "type=none"):
            raise MachineError(f"VM {vmid} qmp command 'set_password' failed - Could not set password")
        machine = self._desk.room.machine(guest)
        await machine.set_vnc_password(console.password, self._desk.settings.windows.vnc_password_valid)
        reader, writer = await machine.vnc()
        self._guest_writer = writer
        for payload in self._early:
            writer.write(payload)
        self._early.clear()
        return reader

    async def _pump(self, reader: asyncio.StreamReader, vmid: int) -> None:
        """Screen to client, however much waits there; then only the end of TCP tells that it is over."""
        try:
            while not self._desk.loses_stream(vmid) and (data := await reader.read(READ_BYTES)):
                self._last_byte_at = self._desk.clock.now()
                self._transport.write(frame(data))
                self._desk.measure(self._transport.get_write_buffer_size())
        except ConnectionError:
            pass
        if self._console is not None:
            self._desk.finish(self._console)
        self._transport.close()

    async def _watch_idle(self) -> None:
        clock, allowed_s = self._desk.clock, self._desk.settings.windows.vnc_idle_cut
        while (left_s := self._last_byte_at + allowed_s - clock.now()) > 0:
            await clock.sleep(left_s)
        self._transport.close()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(frame(payload, opcode=10))
        elif opcode == CLOSE:
            self._transport.close()
        elif opcode in (BINARY, TEXT):
            self._to_guest(payload)

    def _to_guest(self, payload: bytes) -> None:
        self._last_byte_at = self._desk.clock.now()
        if self._console is not None and self._desk.is_deaf(self._console.row.vmid):
            self._transport.pause_reading()
        if self._guest_writer is None:
            self._early.append(payload)
        else:
            self._guest_writer.write(payload)
