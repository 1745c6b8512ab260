"""The far end of the benchmarks, a child: as much of a Proxmox node as a console needs, and fast.

Two TLS ports: one answers `config`, `vncproxy` and `vncwebsocket`, the other is a bare RFB server for websockify. RFB
offers both VNC authentication, which the portal takes, and none, which everybody else takes.

    python -m tests.bench.node CERTIFICATE KEY PORT BARE_PORT
"""

import asyncio
import json
import re
import ssl
import sys
import uuid
from collections.abc import Callable, Coroutine
from typing import cast

import uvloop

from devcluster.vncauth import response
from devcluster.websocket import accept_key
from tests.bench import wire

CHUNK = bytes(64 * 1024)
FRAME = wire.framed(CHUNK)
CHALLENGE = bytes(range(16))
PASSWORD = "benchpwd"
TICKET = "PVEVNC:bench"


def uuid_of(vmid: int) -> str:
    """Each machine's, known without a word."""
    return str(uuid.UUID(int=vmid))


def data_of(path: str) -> object:
    """What the API says to a token for consoles, which sees the machine and nothing of pools; None: refused."""
    found = re.search(r"/qemu/(\d+)/(pending|vncproxy)", path)
    if found is None:
        return None
    if found[2] == "pending":
        known = {"name": "bench", "smbios1": f"uuid={uuid_of(int(found[1]))}", "digest": "0" * 40}
        return [{"key": key, "value": value} for key, value in known.items()]
    return {"ticket": TICKET, "port": "5900", "password": PASSWORD, "user": "bench@pve", "cert": ""}


class Rfb:
    """One viewer: the handshake, then answers to what `wire` names."""

    def __init__(self, send: "Sender") -> None:
        self._send = send
        self._in = bytearray()
        self._step: Callable[[], bool] = self._version
        self._tasks: list[asyncio.Task[None]] = []
        send(wire.VERSION)

    def receive(self, data: bytes) -> None:
        """Bytes of the viewer."""
        self._in += data
        while self._step():
            pass

    def end(self) -> None:
        """The viewer is gone."""
        for task in self._tasks:
            task.cancel()

    def _take(self, count: int) -> bytes:
        if len(self._in) < count:
            return b""
        taken = bytes(self._in[:count])
        del self._in[:count]
        return taken

    def _then(self, step: Callable[[], bool], said: bytes = b"") -> bool:
        self._step = step
        if said:
            self._send(said)
        return True

    def _version(self) -> bool:
        return bool(self._take(12)) and self._then(self._security, b"\x02\x02\x01")

    def _security(self) -> bool:
        chosen = self._take(1)
        if not chosen:
            return False
        return self._then(self._password, CHALLENGE) if chosen == b"\x02" else self._then(self._init, bytes(4))

    def _password(self) -> bool:
        given = self._take(16)
        if not given:
            return False
        if given != response(PASSWORD, CHALLENGE):
            raise ValueError("wrong password")
        return self._then(self._init, bytes(4))

    def _init(self) -> bool:
        return bool(self._take(1)) and self._then(self._message, wire.SERVER_INIT)

    def _message(self) -> bool:
        if not self._in:
            return False
        size = {0: 20, 3: wire.REQUEST_BYTES, 4: wire.KEY_BYTES, 5: 6}.get(self._in[0])
        if self._in[0] == 2:
            size = 4 + 4 * int.from_bytes(self._in[2:4]) if len(self._in) >= 4 else 4
        if size is None:
            raise ValueError(f"message {self._in[0]}")
        message = self._take(size)
        if message:
            self._answer(message)
        return bool(message)

    def _answer(self, message: bytes) -> None:
        if message[0] == 4:
            self._send(bytes(int.from_bytes(message[4:8])))
        if message[0] != 3 or message[1]:
            return
        what, amount, more = (int.from_bytes(message[at : at + 2]) for at in (2, 6, 8))
        if what == wire.FLOOD:
            self._start(self._flood(amount * 16))
        elif what == wire.STREAM:
            self._start(self._stream(bytes(amount * 1024), more))
        else:
            self._send(bytes(amount * more * 4))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.ensure_future(work))

    async def _flood(self, chunks: int) -> None:
        for _ in range(chunks):
            await self._send.room()
            self._send.chunk()

    async def _stream(self, data: bytes, per_s: int) -> None:
        loop = asyncio.get_running_loop()
        # Each connection at a moment of its own, so that a thousand do not speak at once.
        due = loop.time() + (id(self) // 64 % 997) / 997 / per_s
        while True:
            await asyncio.sleep(due - loop.time())
            await self._send.room()
            self._send(data)
            due += 1 / per_s


class Sender:
    """Where RFB bytes go: framed or bare, at the pace of the reader."""

    def __init__(self, transport: asyncio.Transport, *, is_framed: bool) -> None:
        self._transport, self._is_framed = transport, is_framed
        self._may = asyncio.Event()
        self._may.set()

    def __call__(self, data: bytes) -> None:
        for at in range(0, len(data), len(CHUNK)):
            piece = data[at : at + len(CHUNK)]
            self._transport.write(wire.framed(piece) if self._is_framed else piece)

    def chunk(self) -> None:
        """64 KiB, made beforehand."""
        self._transport.write(FRAME if self._is_framed else CHUNK)

    async def room(self) -> None:
        """Returns when the reader keeps up."""
        await self._may.wait()

    def pause(self, paused: bool) -> None:
        """What the transport says."""
        (self._may.clear if paused else self._may.set)()


class Viewer(asyncio.Protocol):
    """A connection to the bare port."""

    is_framed = False
    _sender: Sender
    _rfb: Rfb | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._sender = Sender(self._transport, is_framed=self.is_framed)
        if not self.is_framed:
            self._begin()

    def _begin(self) -> None:
        self._rfb = Rfb(self._sender)

    def data_received(self, data: bytes) -> None:
        if self._rfb is not None:
            self._rfb.receive(data)

    def pause_writing(self) -> None:
        self._sender.pause(True)

    def resume_writing(self) -> None:
        self._sender.pause(False)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rfb is not None:
            self._rfb.end()


class Api(Viewer):
    """A connection to the API's port: requests until one of them becomes a WebSocket."""

    is_framed = True

    def __init__(self) -> None:
        self._in = b""
        self._unframer = wire.Unframer(lambda piece: self._rfb.receive(bytes(piece)), self._control)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        if self._rfb is not None:
            self._unframer.feed(memoryview(data))
            return
        self._in += data
        while self._rfb is None and self._request():
            pass

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._transport.write(bytes((0x8A, len(payload))) + payload)
        if opcode == 8:
            self._transport.close()

    def _request(self) -> bool:
        """Answers the next one; False while it is not all there."""
        head, end, rest = self._in.partition(b"\r\n\r\n")
        size = int((re.search(rb"(?i)content-length: *(\d+)", head) or [b"", b"0"])[1])
        if not end or len(rest) < size:
            return False
        self._in = rest[size:]
        if key := re.search(rb"(?i)sec-websocket-key: *(\S+)", head):
            self._switch(key[1])
            return True
        path = head.split(b" ", 2)[1].decode()
        data = data_of(path)
        body = json.dumps({"data": data}).encode()
        status = "200 OK" if data else "403 Forbidden"
        answer = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(answer.encode() + body)
        return True

    def _switch(self, key: bytes) -> None:
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade"]
        lines += [f"Sec-WebSocket-Accept: {accept_key(key).decode()}", "Sec-WebSocket-Protocol: binary", "", ""]
        self._transport.write("\r\n".join(lines).encode())
        self._begin()
        early, self._in = self._in, b""
        if early:
            self._unframer.feed(memoryview(early))


async def serve(certificate: str, private_key: str, port: int, bare_port: int) -> None:
    """Until it is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(kind, "127.0.0.1", at, ssl=context, backlog=1024)
        for kind, at in ((Api, port), (Viewer, bare_port))
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
