"""Browsers share one process: who keeps it busy for long waits long."""

import asyncio
import time

import pytest

from consoles.browser_frames import LONG_S, REST_TIMES, BrowserFrames


class Autobahn:
    """As much of its protocol object as frames are read by; each read keeps the process busy for a while."""

    STATE_CLOSED, STATE_CLOSING, STATE_OPEN = range(3)
    state, current_frame, inside_message, data = STATE_OPEN, None, False, b""
    _sendAutoPing = None  # noqa: N815 (autobahn's name)

    def __init__(self, busy_s: float) -> None:
        self._busy_s = busy_s

    def consumeData(self) -> None: ...  # noqa: N802 (autobahn's name)

    def processData(self) -> bool:  # noqa: N802 (autobahn's name)
        until = time.thread_time() + self._busy_s
        while time.thread_time() < until:
            pass
        return False


class Bridge:
    def browser_broke(self, why: str) -> None: ...

    def browser_vanished(self) -> None: ...


@pytest.mark.parametrize(("busy_s", "rests"), [(4 * LONG_S, [True]), (0.0, [])])
async def test_who_kept_the_process_busy_is_not_read_for_a_while(busy_s: float, rests: list[bool]) -> None:
    heard: list[bool] = []
    frames, began = BrowserFrames(Autobahn(busy_s), Bridge(), heard.append), time.monotonic()

    frames._received(b"much")
    assert heard == rests
    while heard and heard[-1]:
        await asyncio.sleep(0.01)
        frames._protocol._busy_s = 0.0

    assert heard == rests + [False] * len(rests)
    assert time.monotonic() - began >= REST_TIMES * busy_s
