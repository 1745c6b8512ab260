"""One clock for the whole stand-in: real time plus what a test has advanced it by."""

import asyncio
import time


class Clock:
    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch, as this cluster sees it."""
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Move time forward; every sleeper whose hour has come wakes."""
        self._ahead_s += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def reset(self) -> None:
        """Real time again. Nobody may be sleeping."""
        self._ahead_s = 0.0

    async def sleep(self, seconds: float) -> None:
        deadline = self.now() + seconds
        while (left := deadline - self.now()) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), timeout=left)
            except TimeoutError:
                continue
        if seconds <= 0:
            await asyncio.sleep(0)
