"""The near end of the benchmarks, a child: opens consoles as a browser would and measures what comes.

Reads one command a line as JSON from standard input, {"do": name, ...its arguments}, and answers each with one line.
Times are seconds by a clock that only this process reads.
"""

import asyncio
import json
import socket
import ssl
import sys
import time
from typing import Any, cast

import uvloop

from devcluster.vncauth import response
from tests.bench import web, wire

BUFFER = memoryview(bytearray(512 * 1024))
HANDSHAKE_S = 20.0


class Console(asyncio.BufferedProtocol):
    """One open console; `incoming` counts RFB bytes after the handshake."""

    def __init__(self, target: dict[str, Any]) -> None:
        self.incoming = wire.Incoming()
        self._target = target
        self._keep = True
        self._upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._response = b""
        self._unframer = wire.Unframer(lambda piece: self.incoming.put(piece, keep=self._keep), self._control)

    @classmethod
    async def open(cls, target: dict[str, Any]) -> "Console":
        """To the picture's size: the console is open for the person."""
        loop = asyncio.get_running_loop()
        trust = ssl.create_default_context(cafile=target["ca"]) if target.get("ca") else None
        at = (target["host"], target["port"])
        name = target["host"] if trust else None
        async with asyncio.timeout(HANDSHAKE_S):
            _, console = await loop.create_connection(lambda: cls(target), *at, ssl=trust, server_hostname=name)
            await console._upgraded
            await console._handshake()
        return console

    async def _handshake(self) -> None:
        seen = self.incoming
        await seen.until(12)
        self.send(wire.VERSION)
        await seen.until(13)
        await seen.until(13 + seen.kept[12])
        until = 13 + seen.kept[12]
        if password := self._target.get("password"):
            self.send(b"\x02")
            await seen.until(until + 16)
            self.send(response(password, bytes(seen.kept[until : until + 16])))
            until += 16
        else:
            self.send(b"\x01")
        await seen.until(until + 4)
        self.send(b"\x01")
        await seen.until(until + 4 + 24)
        await seen.until(until + 4 + 24 + int.from_bytes(seen.kept[until + 24 : until + 28]))
        self._keep = False

    def send(self, data: bytes) -> None:
        """One message in one frame."""
        self._transport.write(wire.masked(data))

    async def round_trip(self, answer_bytes: int) -> float:
        """A key and its answer; the seconds between."""
        until = self.incoming.count + answer_bytes
        begun = time.perf_counter()
        self.send(wire.key(answer_bytes))
        await self.incoming.until(until)
        return time.perf_counter() - begun

    def close(self) -> None:
        """Hangs up."""
        self._transport.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = f"{self._target['host']}:{self._target['port']}"
        self._transport.write(wire.upgrade(at, self._target["path"], self._target["headers"]))

    def get_buffer(self, sizehint: int) -> memoryview:
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self._upgraded.done():
            self._unframer.feed(BUFFER[:nbytes])
            return
        self._response += bytes(BUFFER[:nbytes])
        head, end, rest = self._response.partition(b"\r\n\r\n")
        if not end:
            return
        if b" 101 " in head[:20]:
            self._upgraded.set_result(None)
            self._unframer.feed(memoryview(rest))
        else:
            self._upgraded.set_exception(ConnectionError(head[:60].decode("latin-1")))

    def eof_received(self) -> bool:
        self.incoming.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.incoming.end()
        if not self._upgraded.done():
            self._upgraded.set_exception(ConnectionError("no answer to the upgrade"))

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._transport.write(bytes((0x8A, 0x80 | len(payload))) + bytes(4) + payload)


class Load:
    """The commands. Consoles are kept under the name of their group until `close`."""

    def __init__(self) -> None:
        self._groups: dict[str, list[Console]] = {}

    async def open(self, group: str, targets: list[dict[str, Any]], at_once: int = 4) -> dict[str, Any]:
        """Opens them, so many at a time; the seconds that each took."""
        gate, took = asyncio.Semaphore(at_once), []

        async def one(target: dict[str, Any]) -> None:
            async with gate:
                begun = time.perf_counter()
                self._groups.setdefault(group, []).append(await Console.open(target))
                took.append(time.perf_counter() - begun)

        await asyncio.gather(*map(one, targets))
        return {"open": len(took), "took": took}

    async def flood(self, group: str, mib: int) -> dict[str, Any]:
        """So many MiB at the group's first console."""
        console = self._groups[group][0]
        until = console.incoming.count + mib * wire.MIB
        begun = time.perf_counter()
        console.send(wire.flood(mib))
        await console.incoming.until(until)
        return {"seconds": time.perf_counter() - begun, "bytes": mib * wire.MIB}

    async def echo(
        self, group: str, count: int, answer_bytes: int = 32, pause_s: float = 0.0, warm_up: int = 20
    ) -> dict[str, Any]:
        """`count` keys at each console of the group, side by side; their seconds, without the first ones."""

        async def one(console: Console) -> list[float]:
            took = []
            for _ in range(count + warm_up):
                took.append(await console.round_trip(answer_bytes))
                await asyncio.sleep(pause_s)
            return took[warm_up:]

        found = await asyncio.gather(*map(one, self._groups[group]))
        return {"took": [seconds for each in found for seconds in each]}

    async def stream(self, group: str, kib: int, per_s: int) -> dict[str, Any]:
        """Every console of the group repaints from now on."""
        for console in self._groups[group]:
            console.send(wire.stream(kib, per_s))
        return {"streaming": len(self._groups[group])}

    async def count(self, group: str) -> dict[str, Any]:
        """Bytes that came so far, and how many consoles ended."""
        consoles = self._groups[group]
        return {
            "bytes": sum(one.incoming.count for one in consoles),
            "ended": sum(one.incoming.ended for one in consoles),
        }

    async def click(self, click: dict[str, Any]) -> dict[str, Any]:
        """From the click to the last byte of the first picture, by a portal or, with "bare", without one."""
        begun = time.perf_counter()
        console = await Console.open(await (web.vncproxied if click["bare"] else web.granted)(click))
        until = console.incoming.count + click["width"] * click["height"] * 4
        console.send(wire.picture(click["width"], click["height"]))
        async with asyncio.timeout(HANDSHAKE_S):
            await console.incoming.until(until)
        took = time.perf_counter() - begun
        console.close()
        return {"seconds": took}

    async def browse(self, site: web.Site, people: list[web.Person], every_s: float, rounds: int) -> dict[str, Any]:
        """People on pages; the seconds of each page."""
        return {"took": await web.browse(site, people, every_s, rounds)}

    async def close(self, group: str) -> dict[str, Any]:
        """Hangs up."""
        for console in self._groups.pop(group, []):
            console.close()
        await asyncio.sleep(0.05)
        return {}


async def serve() -> None:
    """Until standard input ends."""
    loop, load = asyncio.get_running_loop(), Load()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        try:
            answer = await getattr(load, command.pop("do"))(**command)
        except Exception as error:  # whoever asked hears what it was
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve())
