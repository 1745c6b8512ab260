"""Both ends of a console in memory, and a node that plays its part of the handshake."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from consoles.bridge import Bridge, Limits, NodeLink
from tests.consoles.rfb.conversations import (
    BROWSER_HELLO,
    BROWSER_INIT,
    BROWSER_TYPE,
    CHALLENGE,
    NODE_HELLO,
    NODE_OK,
    NODE_TYPES,
    PASSWORD,
    SERVER_INIT,
)

T = TypeVar("T")
BROWSER_SEES = b"RFB 003.008\n\x01\x01\0\0\0\0" + SERVER_INIT


async def until(condition: Callable[[], object], within_s: float = 5.0) -> None:
    """Returns as soon as the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (conditions of other processes raise no event)
            await asyncio.sleep(0.005)


async def eventually(ask: Callable[[], Awaitable[T]], is_so: Callable[[T], object], within_s: float = 5.0) -> T:
    """Asks until the answer is so; TimeoutError when it is not in time."""
    async with asyncio.timeout(within_s):
        while not is_so(found := await ask()):  # noqa: ASYNC110 (conditions of other processes raise no event)
            await asyncio.sleep(0.02)
    return found


class MemoryEnd:
    """One stream: what was sent, whether it is read, whether it was aborted."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.notices: list[bytes] = []
        self.is_read = True
        self.is_aborted = False

    def send(self, data: bytes) -> None:
        assert not self.is_aborted
        self.sent += data

    write = send

    def tell(self, notice: bytes) -> None:
        self.notices.append(notice)

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def abort(self) -> None:
        self.is_aborted = True

    def take(self) -> bytes:
        data = bytes(self.sent)
        self.sent.clear()
        return data


def bridged(limits: Limits | None = None, *, view_only: bool = False) -> tuple[Bridge, MemoryEnd]:
    """A greeted browser and no node yet."""
    browser = MemoryEnd()
    bridge = Bridge(browser, limits or Limits(), view_only=view_only)
    bridge.greet()
    return bridge, browser


def dialled(bridge: Bridge) -> tuple[NodeLink, MemoryEnd]:
    """A node whose stream is open and has said nothing."""
    link, node = bridge.new_link(PASSWORD), MemoryEnd()
    bridge.node_opened(link, node)
    return link, node


def opened(limits: Limits | None = None, *, view_only: bool = False) -> tuple[Bridge, MemoryEnd, MemoryEnd]:
    """An open console; what the handshake said is taken away."""
    bridge, browser = bridged(limits, view_only=view_only)
    link, node = dialled(bridge)
    bridge.browser_bytes(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT)
    link.node_bytes(NODE_HELLO + NODE_TYPES + CHALLENGE + NODE_OK + SERVER_INIT)
    assert browser.take() == BROWSER_SEES
    node.take()
    return bridge, browser, node
