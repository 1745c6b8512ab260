"""Somebody who works at a screen while others misbehave: each key is to change the picture, and how long that takes."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.consoles.browser import Browser
from tests.consoles.rfb.conversations import request

#: The stand-in shows 30 pictures a second at most; keys come slower, so that it never waits for that.
PAUSE_S = 0.06
LINE = 40
RETURN = 0xFF0D
BYTES_A_PIXEL = 4


class Neighbour:
    """One console in use. `waits_s` holds what each key took; `unanswered` counts keys that nothing followed."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.waits_s: list[float] = []
        self.unanswered = 0
        self._typed = 0

    @property
    def p95_ms(self) -> float:
        """Of all waits."""
        return percentile(self.waits_s, 95) * 1000

    async def start(self) -> None:
        """Opens the screen and takes the first picture."""
        await self._browser.start_console()
        await self._browser.read_until(lambda payload: len(payload) > 18 + 24)
        self._browser.payload.clear()
        self._browser.send(request(incremental=0, width=640))
        await self._picture()

    async def press(self) -> float:
        """One key, until its picture is there; seconds. A line is ended before it gets long."""
        self._typed += 1
        keysym = RETURN if self._typed % LINE == 0 else 0x61 + self._typed % 26
        began = time.perf_counter()
        self._browser.send(request(width=640) + struct.pack(">BBHI", 4, 1, 0, keysym))
        self._browser.send(struct.pack(">BBHI", 4, 0, 0, keysym))
        await self._picture()
        return time.perf_counter() - began

    async def work(self, pause_s: float = PAUSE_S) -> None:
        """Types until cancelled."""
        while True:
            try:
                self.waits_s.append(await self.press())
            except TimeoutError:
                self.unanswered += 1
            await asyncio.sleep(pause_s)

    async def _picture(self) -> None:
        """One update, whole (RFC 6143 section 7.6.1), all of it raw."""
        await self._browser.read_until(_is_whole)
        self._browser.payload.clear()


def _is_whole(payload: bytes) -> bool:
    if len(payload) < 4:
        return False
    at = 4
    for _ in range(int.from_bytes(payload[2:4])):
        if len(payload) < at + 12:
            return False
        width, height = struct.unpack_from(">4xHH", payload, at)
        at += 12 + width * height * BYTES_A_PIXEL
    return len(payload) >= at


@asynccontextmanager
async def working(browser: Browser, pause_s: float = PAUSE_S) -> AsyncIterator[Neighbour]:
    """A neighbour that types for the length of the block."""
    neighbour = Neighbour(browser)
    await neighbour.start()
    task = asyncio.ensure_future(neighbour.work(pause_s))
    try:
        yield neighbour
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def percentile(values: list[float], share: int) -> float:
    """Of values in any order; the nearest above."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)] if values else 0.0
