"""One stand-in inside the test's own loop, and a console client that speaks HTTP and WebSocket by hand."""

import asyncio
import base64
import json
import os
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from devcluster.access import built_in_roles
from devcluster.card import CardMachine, CardRoom
from devcluster.clock import Clock
from devcluster.http.app import build_app
from devcluster.jobs import Job
from devcluster.server import ApiServer
from devcluster.settings import Profile, Settings, Windows
from devcluster.site import Site, make_site
from devcluster.state import AclEntry, Cluster, Guest, Node, Token, User
from devcluster.tls import ensure_certificates
from tests.devcluster.rfb import Screen, Streams, handshake, within

OWNER, TOKEN, OTHER_TOKEN = "portal@pve", "PVEAPIToken=portal@pve!portal=one", "PVEAPIToken=portal@pve!console=two"
SHORT = {"vnc_start_delay": 0.0, "vnc_stopped_eof": 0.05, "auth_delay": 0.01, "upgrade_silence": 0.05}


class UpgradeRefused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status, self.reason = status, reason


class NoAnswer(Exception):
    """The connection ended without a byte of HTTP."""


class WebSocket:
    """The client's end: `read_exactly` and `write` carry what is inside binary frames."""

    def __init__(self, streams: Streams, subprotocol: str | None) -> None:
        self._streams = streams
        self.subprotocol = subprotocol
        self.received = bytearray()
        self.frames: list[tuple[int, int]] = []

    def write(self, data: bytes) -> None:
        self.write_frame(data)

    def write_frame(self, payload: bytes, *, first: int = 0x82, masked: bool = True) -> None:
        bit, length = 0x80 if masked else 0, len(payload)
        head = bytes((first, bit | length)) if length < 126 else struct.pack("!BBQ", first, bit | 127, length)
        if not masked:
            self.write_raw(head + payload)
            return
        mask = os.urandom(4)
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        self.write_raw(head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big"))

    def write_raw(self, data: bytes) -> None:
        self._streams.write(data)

    async def read_exactly(self, size: int) -> bytes:
        while len(self.received) < size:
            await self.read_frame()
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken

    async def read_frame(self) -> tuple[int, bytes]:
        first, second = await self._streams.read_exactly(2)
        length = second & 0x7F
        if length >= 126:
            form = "!H" if length == 126 else "!Q"
            (length,) = struct.unpack(form, await self._streams.read_exactly(struct.calcsize(form)))
        payload = await self._streams.read_exactly(length)
        self.frames.append((first, length))
        if first & 0x0F == 2:
            self.received += payload
        return first, payload

    async def ends(self) -> bytes:
        """What still comes until TCP ends, as raw bytes."""
        return await self._streams.rest()

    def stop_reading(self) -> None:
        self._streams.stop_reading()

    def close(self) -> None:
        self._streams.close()


@dataclass
class Caller:
    """A client of the API at one port, by default with one token."""

    port: int
    trust: ssl.SSLContext
    token: str = TOKEN

    async def call(self, method: str, path: str, token: str = "", **form: object) -> tuple[int, str, Any]:
        """Status, reason phrase and JSON (None if the body is empty)."""
        body = urlencode(form) if method != "GET" else ""
        target = f"/api2/json{path}" + (f"?{urlencode(form)}" if form and method == "GET" else "")
        streams = await self.connect()
        kind = "Content-Type: application/x-www-form-urlencoded"
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: pve1",
            f"Authorization: {token or self.token}",
            "Connection: close",
            kind,
        ]
        streams.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode())
        raw = await streams.rest()
        streams.close()
        head, _, text = raw.partition(b"\r\n\r\n")
        _, status, reason = head.split(b"\r\n")[0].split(b" ", 2)
        return int(status), reason.decode(), json.loads(text) if text else None

    async def connect(self) -> Streams:
        opening = asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, limit=1 << 20)
        return Streams(*await within(opening))

    async def vncproxy(self, vmid: int = 100, token: str = "", **form: object) -> dict[str, str]:
        status, reason, answer = await self.call("POST", f"/nodes/pve1/qemu/{vmid}/vncproxy", token, **form)
        assert status == 200, reason
        data: dict[str, str] = answer["data"]
        return data

    async def upgrade(
        self, told: dict[str, str], *, vmid: int = 100, token: str = "", query: str | None = None
    ) -> WebSocket:
        """Raises UpgradeRefused or NoAnswer."""
        query = query if query is not None else f"port={told['port']}&vncticket={quote(told['ticket'], safe='')}"
        target = f"/api2/json/nodes/pve1/qemu/{vmid}/vncwebsocket?{query}"
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {target} HTTP/1.1",
            "Host: pve1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: binary",
            f"Sec-WebSocket-Key: {key}",
            f"Authorization: {token or self.token}",
        ]
        streams = await self.connect()
        streams.write("\r\n".join([*lines, "", ""]).encode())
        try:
            status, reason, headers = await _head(streams)
        except NoAnswer:
            streams.close()
            raise
        if status != 101:
            streams.close()
            raise UpgradeRefused(status, reason)
        return WebSocket(streams, headers.get("sec-websocket-protocol"))

    async def console(self, vmid: int = 100) -> tuple[WebSocket, str]:
        """A fresh console and its password, before RFB has begun."""
        told = await self.vncproxy(vmid)
        return await self.upgrade(told, vmid=vmid), told["password"]


@dataclass
class House(Caller):
    """The stand-in itself, besides its client."""

    site: Site = field(kw_only=True)
    server: ApiServer = field(kw_only=True)

    def guest(self, vmid: int) -> Guest:
        return self.site.cluster.guests[vmid]

    def card(self, vmid: int) -> CardMachine:
        machine = self.site.room.machine(self.guest(vmid))
        assert isinstance(machine, CardMachine)
        return machine


async def _head(streams: Streams) -> tuple[int, str, dict[str, str]]:
    raw = await streams.until(b"\r\n\r\n")
    if not raw:
        raise NoAnswer
    first, *rest = raw.decode().strip().split("\r\n")
    _, status, reason = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return int(status), reason, headers


@asynccontextmanager
async def house(folder: Path, *, profile: Profile = "9.2", ports: int = 1, **windows: float) -> AsyncIterator[House]:
    """Node pve1 with the machines 100, 101 and 102 (running cards) and 103 (stopped)."""
    settings = Settings(profile=profile, windows=Windows.from_mapping({**SHORT, **windows}))
    clock = Clock()
    room = CardRoom(clock)
    site = make_site(settings, _cluster(settings), room, clock)
    for vmid in (100, 101, 102):
        guest = site.cluster.guests[vmid]
        await room.machine(guest).start(lambda: None)
        guest.power = "running"
    certificates = ensure_certificates(folder, ["pve1"])
    server = ApiServer(build_app(site), site.desk, certificates, [0] * ports)
    await server.start()
    try:
        trust = ssl.create_default_context(cafile=str(certificates.ca_file))
        yield House(server.ports[0], trust, site=site, server=server)
    finally:
        await server.stop()
        await site.jobs.close()
        await room.close()


def _cluster(settings: Settings) -> Cluster:
    tokens = {name: Token(name, value, privsep=False) for name, value in (("portal", "one"), ("console", "two"))}
    return Cluster(
        nodes={"pve1": Node("pve1", 1)},
        guests={vmid: Guest(vmid, "pve1", {"name": f"vm{vmid}"}) for vmid in (100, 101, 102, 103)},
        users={OWNER: User(OWNER, tokens=tokens)},
        roles=built_in_roles(settings.major),
        acl=[AclEntry("/", OWNER, "Administrator")],
    )


@pytest.fixture
async def pve(tmp_path: Path) -> AsyncIterator[House]:
    """One for a test."""
    async with house(tmp_path) as running:
        yield running


async def opened(pve: House, vmid: int = 100) -> tuple[WebSocket, Screen]:
    """A console whose screen is there."""
    socket, password = await pve.console(vmid)
    return socket, await handshake(socket, password)


async def task_of(pve: House, told: dict[str, str]) -> Job:
    """The vncproxy task, once it has ended."""
    job = pve.site.jobs.find(told["upid"])
    assert job is not None
    await within(job.ended.wait())
    return job
