"""The same for what joins the readers: the session, the bridge with its streams, the node's socket with its upgrade.

The bytes are a little program: a byte says what happens, one how many bytes go with it, then those.
"""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from consoles.bridge import Bridge, Limits, NodeLink
from consoles.node_socket import _READ_BUFFER, NodeError, NodeSocket
from consoles.rfb import BrowserBroke, NodeBroke, RfbSession
from devcluster.websocket import GUID, FrameReader
from tests.consoles.fuzz.readers import GREETING, PASSWORD, held_bytes, kinds_of
from tests.consoles.streams import MemoryEnd
from vms.cluster.tls import TlsTrust
from vms.cluster.types import ConsoleEndpoint

#: A clipboard under way and what one read may bring beside it, twice.
MOST_HELD_BYTES = 5 * 1024 * 1024
LOOP = asyncio.new_event_loop()


def steps_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(what happens, the bytes with it)."""
    at = 0
    while at + 2 <= len(data):
        size = data[at + 1]
        yield data[at], data[at + 2 : at + 2 + size]
        at += 2 + size


def program(*steps: tuple[int, bytes]) -> bytes:
    """The bytes of such a program."""
    return b"".join(bytes((kind, len(body))) + body for kind, body in steps)


def told_by_the_book(sent: bytes, *, is_open: bool) -> None:
    """A node is sent a version, a type, an answer; once both sides are ready ClientInit and whole messages."""
    after = 13 + (16 if sent[12:13] == b"\x02" else 0)
    if not is_open:
        assert len(sent) in {0, 12, 13, 29}
        return
    assert sent[after : after + 1] == b"\x01"
    kinds_of(sent[after + 1 :])


# the session

NODE, BROWSER, HOLD, RELEASE, ALIVE, ATTACH = range(6)


def session(data: bytes) -> None:
    """Whatever either side says and when: only a declared breach, and nothing out of turn."""
    one, sent = RfbSession(view_only=len(data) % 2 == 1), b""
    seen = one.greeting()
    one.attach_node(PASSWORD)
    for kind, body in steps_of(data):
        was_open = one.is_open
        sent = b"" if kind % 6 == ATTACH else sent
        try:
            answer = _happens(one, kind % 6, body)
        except (BrowserBroke, NodeBroke):
            return
        sent += one.to_node()
        told_by_the_book(sent, is_open=one.is_open)
        if was_open:
            assert answer == (body if kind % 6 == NODE else b"")
        else:
            seen += answer
        assert seen[: len(GREETING)] == GREETING[: len(seen)]
        assert one.is_open or len(seen) <= len(GREETING)
        assert held_bytes(one) <= MOST_HELD_BYTES


def _happens(one: RfbSession, kind: int, body: bytes) -> bytes:
    if kind == NODE:
        return one.from_node(body)
    if kind == BROWSER:
        return one.from_browser(body)
    if kind == ATTACH:
        one.attach_node(PASSWORD)
    elif kind == ALIVE:
        one.keep_alive()
    else:
        (one.hold_requests if kind == HOLD else one.release_requests)()
    return b""


# the bridge


class Clock:
    """Seconds that pass when told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def bridge(data: bytes) -> None:
    """Any order of everything that either stream can tell: it ends with an End, and sends nothing after it."""
    browser, clock = MemoryEnd(), Clock()
    one = Bridge(browser, Limits(idle_s=20.0, max_s=200.0, warn_s=5.0), view_only=len(data) % 2 == 1)
    one._now = clock
    one.greet()
    link, node = one.new_link(PASSWORD), MemoryEnd()
    one.node_opened(link, node)
    for kind, body in steps_of(data):
        was = (one.ended.done(), len(browser.sent), len(browser.notices))
        if kind % 12 == 7:
            link, node = _dialled_again(one, link, node)
        _tells(one, link, kind % 12, body, clock)
        assert one.bytes_to_browser == len(browser.sent)
        assert not was[0] or was[1:] == (len(browser.sent), len(browser.notices))
        assert not one.ended.done() or one.ended.result().sentence
        assert node.is_aborted or not one.ended.done() or one._node is None
    link.fail(NodeBroke(""))


def _dialled_again(one: Bridge, link: NodeLink, node: MemoryEnd) -> tuple[NodeLink, MemoryEnd]:
    """As `dialing` does: only after the password was refused."""
    if not link.authenticated.done() or one.ended.done() or one._session.is_open:
        return link, node
    link, node = one.new_link(PASSWORD), MemoryEnd()
    one.node_opened(link, node)
    return link, node


def _tells(one: Bridge, link: NodeLink, kind: int, body: bytes, clock: Clock) -> None:
    tellings: tuple[Callable[[], object], ...] = (
        lambda: link.node_bytes(body), lambda: one.browser_bytes(body), lambda: one.browser_text(body),
        lambda: one.browser_behind(True), lambda: one.browser_behind(False),
        lambda: link.node_writable(False), lambda: link.node_writable(True),
        lambda: None, one._look_at_clocks, lambda: link.node_ended("the end") if len(body) > 9 else None,
        lambda: one.browser_gone() if len(body) > 9 else None, lambda: one.tell("people", []),
    )  # fmt: skip
    clock.now_s += len(body) / 50
    tellings[kind]()


# the node's socket

ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @@\r\n\r\n"
)
ENDPOINT = ConsoleEndpoint(
    host="127.0.0.1", port=8006, path="/api2/json/x", trust=TlsTrust(), vnc_port=5900, ticket="t", password="p",
    authorization="a",
)  # fmt: skip


class Wire:
    """A transport that keeps what is written, and the socket and certificate below it."""

    def __init__(self) -> None:
        self.written, self.is_aborted = bytearray(), False

    def get_extra_info(self, name: str) -> "Wire":
        return self

    def getpeercert(self, *, binary_form: bool) -> bytes:
        return b""

    def setsockopt(self, *what: int) -> None: ...

    def set_write_buffer_limits(self, high: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def write(self, data: bytes) -> None:
        assert not self.is_aborted
        self.written += data

    def abort(self) -> None:
        self.is_aborted = True


class Ear:
    """Who hears the node; nothing may come after the end."""

    def __init__(self) -> None:
        self.heard, self.ends = 0, 0

    def node_bytes(self, data: bytes) -> None:
        assert not self.ends
        self.heard += len(data)

    def node_broke(self, why: str) -> None:
        self.ends += 1

    def node_ended(self, why: str) -> None:
        self.ends += 1

    def node_writable(self, writable: bool) -> None:
        assert not self.ends


async def node_socket(data: bytes) -> None:
    """Whatever a node answers to the upgrade and after it: an end with a reason, and never a frame that kills it."""
    wire, ear = Wire(), Ear()
    one = NodeSocket(ENDPOINT, ear, 60.0)
    one.connection_made(wire)  # type: ignore[arg-type]
    request, wire.written = bytes(wire.written), bytearray()
    given = 0
    for kind, body in steps_of(data):
        said = body.replace(b"@@", _accept(request))
        given += len(said)
        _node_does(one, kind % 8, said)
        assert ear.heard <= given
        assert ear.ends <= 1
        assert held_bytes(one) <= 32 * 1024
    FrameReader().feed(bytes(wire.written))
    if one.upgraded.done() and (error := one.upgraded.exception()):
        assert isinstance(error, NodeError)
        assert wire.is_aborted
    one.abort()


def _accept(request: bytes) -> bytes:
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


def _node_does(one: NodeSocket, kind: int, body: bytes) -> None:
    if kind < 4:
        for part in (body[:kind], body[kind:]) if kind else (body,):
            _READ_BUFFER[: len(part)] = part
            one.buffer_updated(len(part))
    elif kind == 4:
        (one.write if one.upgraded.done() else len)(body * 300)
    elif kind == 5:
        (one.pause_writing if len(body) % 2 else one.resume_writing)()
    elif kind == 6:
        (one.pause_reading if len(body) % 2 else one.resume_reading)()
    elif len(body) > 9:
        one.eof_received()


def looped(check: Callable[[bytes], Coroutine[Any, Any, None]]) -> Callable[[bytes], None]:
    """The same in an event loop."""
    return lambda data: LOOP.run_until_complete(check(data))


JOINTS: dict[str, Callable[[bytes], None]] = {
    "session": session, "bridge": looped(bridge), "node_socket": looped(node_socket),
}  # fmt: skip
