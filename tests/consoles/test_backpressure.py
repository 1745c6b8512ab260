"""The browser's stream under a server that is not Daphne."""

import asyncio
from collections.abc import MutableMapping
from functools import partial
from typing import Any

from consoles.backpressure import HIGH_BYTES, SCOPE_KEY, AsgiBrowser, Backpressure, daphne_protocol


class Ear:
    """What the bridge would be told."""

    def __init__(self) -> None:
        self.behind: list[bool] = []

    def browser_behind(self, behind: bool) -> None:
        self.behind.append(behind)

    def browser_bytes(self, data: bytes) -> None: ...

    def browser_text(self, data: bytes) -> None: ...

    def browser_broke(self, why: str) -> None: ...

    def browser_gone(self) -> None: ...

    def browser_vanished(self) -> None: ...


async def test_a_send_that_waits_tells_the_bridge_to_stop_and_then_to_go_on() -> None:
    may_send, sent, ear = asyncio.Event(), bytearray(), Ear()

    async def send(message: MutableMapping[str, Any]) -> None:
        await may_send.wait()
        sent.extend(message["bytes"])

    browser = AsgiBrowser(send)
    browser.listen(ear)
    running = asyncio.ensure_future(browser.run())
    for _ in range(3):
        browser.send(bytes(HIGH_BYTES // 2))
    assert ear.behind == [True]

    may_send.set()
    await asyncio.sleep(0)
    while len(sent) < 3 * HIGH_BYTES // 2:  # noqa: ASYNC110 (each turn of the loop sends one)
        await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert ear.behind == [True, False]
    running.cancel()


async def test_reading_waits_while_the_node_does_not_keep_up() -> None:
    browser = AsgiBrowser(lambda message: asyncio.sleep(0))
    browser.pause_reading()
    waiting = asyncio.ensure_future(browser.may_read())
    await asyncio.sleep(0)
    assert not waiting.done()

    browser.resume_reading()

    await asyncio.wait_for(waiting, 1)


async def test_only_daphnes_own_send_is_taken_apart() -> None:
    async def send(message: MutableMapping[str, Any]) -> None: ...

    async def reply(protocol: object, message: MutableMapping[str, Any]) -> None: ...

    seen: list[bool] = []

    async def app(scope: MutableMapping[str, Any], receive: object, send: object) -> None:
        seen.append(SCOPE_KEY in scope)

    assert (daphne_protocol(send), daphne_protocol(partial(reply, object()))) == (None, None)
    await Backpressure(app)({"type": "websocket"}, None, send)  # type: ignore[arg-type]
    assert seen == [False]
