"""A browser that stops reading and one that floods, through a real Daphne: memory stays bounded everywhere."""

import asyncio
import struct
import time
from pathlib import Path

import pytest

from consoles import close_codes
from tests.consoles.browser import Browser
from tests.consoles.conftest import House
from tests.consoles.portal import Portal, serving
from tests.consoles.rfb.conversations import request
from tests.consoles.streams import eventually
from tests.figures import figure

pytestmark = pytest.mark.bench

MIB = 1024 * 1024
GROWTH_BYTES = 8 * 1000 * 1000
WAITING_BYTES = 1 * MIB
CONTROL_BYTES = 100 * 1000 * 1000
STALLED_S, FLOODED_S = 4.0, 3.0
PICTURE_BYTES = 640 * 400 * 4


async def watched(browser: Browser) -> None:
    """A console that has shown a few pictures: what it needs for itself is allocated."""
    await browser.start_console()
    for n in range(1, 6):
        browser.send(request(incremental=0))
        await browser.read_until(lambda payload, n=n: len(payload) > n * PICTURE_BYTES)  # type: ignore[misc]


async def growth(portal: Portal, seconds: float, act: "asyncio.Task[None]", enough: int | None = None) -> int:
    """The most that the process grew while `act` went on, until `enough` or for `seconds`."""
    before, most, until = portal.memory_bytes(), 0, time.monotonic() + seconds
    while time.monotonic() < until and (enough is None or most < enough):
        await asyncio.sleep(0.05)
        most = max(most, portal.memory_bytes() - before)
    act.cancel()
    return most


async def keep_asking(browser: Browser) -> None:
    """Asks for whole pictures without end."""
    while True:
        browser.send(request(incremental=0))
        await asyncio.sleep(0.005)


async def flood(browser: Browser) -> None:
    """Clipboards as fast as the kernel takes them."""
    clipboard = struct.pack(">B3xI", 6, 60_000) + bytes(60_000)
    while True:
        browser.send(clipboard)
        await browser.drain()


async def stall(
    house: House, portal: Portal, enough: int | None = None, seconds: float = STALLED_S
) -> tuple[Browser, int]:
    """The browser, and the most that the portal grew while it did not read."""
    browser = await house.open_at(portal)
    await watched(browser)
    house.screen(mode="firehose", fps=1000)
    browser.stop_reading()
    return browser, await growth(portal, seconds, asyncio.ensure_future(keep_asking(browser)), enough)


async def overflow(
    house: House, portal: Portal, enough: int | None = None, seconds: float = FLOODED_S
) -> tuple[Browser, int]:
    """The browser, and the most that the portal grew while it flooded a machine that takes nothing."""
    browser = await house.open_at(portal)
    await watched(browser)
    house.screen(mode="deaf")
    return browser, await growth(portal, seconds, asyncio.ensure_future(flood(browser)), enough)


def test_a_browser_that_stops_reading_costs_nobody_memory_and_can_go_on(house: House) -> None:
    async def scenario() -> int:
        browser, grown = await stall(house, house.portal)
        browser.resume_reading()
        seen = len(browser.payload)
        await browser.read_until(lambda payload: len(payload) > seen + 5 * PICTURE_BYTES)
        browser.close()
        return grown

    grown = house.run(scenario())
    waiting = house.cluster.state("bytes_waiting_max")["bytes_waiting_max"]

    figure("C-03", "stalled_s", STALLED_S, "grown_mb", round(grown / 1e6, 1), "waiting_kib", waiting // 1024)
    assert grown <= GROWTH_BYTES
    assert waiting <= WAITING_BYTES


def test_a_browser_that_floods_a_machine_that_does_not_listen_costs_no_memory(house: House) -> None:
    async def scenario() -> tuple[int, int]:
        browser, grown = await overflow(house, house.portal)
        sent, visit = browser.sent_bytes, await house.visit()
        assert visit.closed_at is None
        return grown, sent

    grown, sent = house.run(scenario())

    figure("C-03", "flooded_s", FLOODED_S, "sent_mb", round(sent / 1e6, 1), "grown_mb", round(grown / 1e6, 1))
    assert sent > MIB
    assert grown <= GROWTH_BYTES


def test_without_the_wrapper_either_browser_fills_the_process(house: House, tmp_path: Path) -> None:
    async def scenario(portal: Portal) -> tuple[int, int]:
        enough = CONTROL_BYTES * 12 // 10
        _, flooded = await overflow(house, portal, enough, 20)
        house.screen(mode="listen")
        # What the flood took is kept by the process and used again, so this one starts from there.
        _, stalled = await stall(house, portal, enough, 30)
        return stalled, flooded

    with serving(house.cluster, tmp_path, "tests.consoles.unguarded:application") as portal:
        stalled, flooded = house.run(scenario(portal))

    figure("C-03", "control", "stalled_mb", round(stalled / 1e6), "flooded_mb", round(flooded / 1e6))
    assert min(stalled, flooded) > CONTROL_BYTES


def test_a_browser_that_stays_stalled_is_ended_as_too_slow(house: House, tmp_path: Path) -> None:
    async def scenario(portal: Portal) -> str:
        browser, _ = await stall(house, portal, seconds=0.2)
        visit = await eventually(house.visit, lambda visit: visit.closed_at, within_s=10)
        browser.resume_reading()
        await browser.read_to_end()
        return str(visit.end)

    with serving(house.cluster, tmp_path, CONSOLE_PAUSED_S=1) as portal:
        assert house.run(scenario(portal)) == close_codes.TOO_SLOW.word
