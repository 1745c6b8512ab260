"""R-40: an RTP who watches is seen by everybody in the console, within two seconds, each time; and cannot type."""

import asyncio
import struct
import time

from asgiref.sync import sync_to_async
from django.utils import timezone

from consoles import grants
from consoles.models import ConsoleVisit
from tests.consoles.browser import Browser, headers
from tests.consoles.conftest import House
from tests.consoles.portal import cookie_of
from tests.consoles.streams import eventually
from tests.figures import figure, scaled

JOINS = scaled(10, 100)
WITHIN_S = 2.0
RITAS_KEY, ALICES_KEY = 0x1000200, 0x1000300


def names(browser: Browser) -> list[tuple[str, str, bool]]:
    """Who is there, as the page was told last."""
    told = [each["people"] for each in browser.notices if "people" in each]
    return [(person["name"], person["mode"], person["you"]) for person in told[-1]] if told else []


async def watch(house: House, cookie: str) -> Browser:
    """Rita's socket, as her page opens it."""

    def grant() -> str:
        return grants.issue(house.cast.rita, cookie, house.vm, address="", now=timezone.now(), is_watch=True)

    known = headers(house.portal.origin, cookie, await sync_to_async(grant)())
    browser = await Browser.open(house.portal.port, house.path, known)
    await browser.start_console(struct.pack(">BBHI", 4, 1, 0, RITAS_KEY))
    return browser


def test_every_watch_is_seen_within_two_seconds_and_its_keys_end_in_the_proxy(house: House) -> None:
    cookie = cookie_of(house.cast.rita)
    took: list[float] = []

    async def sees(alice: Browser, people: list[tuple[str, str, bool]]) -> None:
        async def seen() -> list[tuple[str, str, bool]]:
            return names(alice)

        await eventually(seen, lambda found: found == people, within_s=10)

    async def scenario() -> list[int]:
        alice = await house.open()
        await alice.start_console()
        reading = asyncio.ensure_future(alice.read_to_end(600))
        await sees(alice, [("alice", "control", True)])
        for _ in range(JOINS):
            began = time.monotonic()
            rita = await watch(house, cookie)
            await sees(alice, [("alice", "control", True), ("rita", "watch", False)])
            took.append(time.monotonic() - began)
            rita.close()
            await sees(alice, [("alice", "control", True)])
        alice.send(struct.pack(">BBHI", 4, 1, 0, ALICES_KEY))
        await eventually(house.keys, lambda keys: ALICES_KEY in keys)
        reading.cancel()
        return await house.keys()

    keys = house.run(scenario())

    figure("R-40", "watch joins", JOINS, "seen", len(took), "slowest_s", round(max(took), 2))
    assert (len(took), max(took) <= WITHIN_S, keys) == (JOINS, True, [ALICES_KEY])
    assert ConsoleVisit.objects.filter(user_name="rita", mode="watch").count() == JOINS
