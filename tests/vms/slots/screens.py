"""Console sockets in a loop of their own thread, so that a test may use the database beside them."""

import asyncio
import struct
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from tests.consoles.browser import Browser, Refused, headers
from tests.consoles.portal import Portal

T = TypeVar("T")
WITHIN_S = 20.0


class Screens:
    """Browsers at one portal."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._opened: list[Browser] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, vm_id: int, cookie: str, grant: str) -> Browser | None:
        """A socket as the page opens it; None where the upgrade is refused."""
        browser = self._wait(_open(self.portal, vm_id, headers(self.portal.origin, cookie, grant)))
        self._opened += [browser] if browser else []
        return browser

    def see(self, browser: Browser) -> bool:
        """Whether the machine's screen comes."""
        return self._wait(_see(browser))

    def type(self, browser: Browser, keysym: int) -> None:
        """One key, whatever has become of the socket."""
        keys = b"".join(struct.pack(">BBHI", 4, down, 0, keysym) for down in (1, 0))
        self._wait(_send(browser, keys))

    def ending(self, browser: Browser) -> "Future[int | None]":
        """Reads on until the socket ends; its close code."""
        return asyncio.run_coroutine_threadsafe(_end(browser), self._loop)

    async def _hang_up(self) -> None:
        mine = asyncio.current_task()
        reading = [task for task in asyncio.all_tasks() if task is not mine]
        for browser in self._opened:
            browser.close()
        await asyncio.wait(reading, timeout=WITHIN_S) if reading else await asyncio.sleep(0)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WITHIN_S)


async def _open(portal: Portal, vm_id: int, sent: list[tuple[str, str]]) -> Browser | None:
    try:
        return await Browser.open(portal.port, f"/ws/console/{vm_id}/", sent)
    except Refused:
        return None


async def _see(browser: Browser) -> bool:
    try:
        await browser.start_console()
    except (ConnectionError, TimeoutError):
        return False
    return True


async def _send(browser: Browser, data: bytes) -> None:
    browser.send(data)


async def _end(browser: Browser) -> int | None:
    try:
        return await browser.read_to_end(WITHIN_S)
    finally:
        browser.close()
