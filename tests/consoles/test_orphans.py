"""R-39: rows say what is so. A process that dies, stalls or loses a browser leaves none open past its heartbeat."""

import asyncio
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent
from consoles import close_codes, visits
from consoles.models import ConsoleVisit
from tests.consoles.conftest import House
from tests.consoles.crowd import Party, Typist, make_party, play
from tests.consoles.lines import APPLICATION
from tests.consoles.portal import Portal, serving
from tests.consoles.streams import eventually
from tests.devcluster.cluster import DevCluster
from tests.figures import figure, scaled

CONSOLES = 10
HEARTBEAT_S, ORPHAN_S, SWEEP_S = 0.4, 2.0, 0.5
SHORT: dict[str, Any] = {
    "VMPORTAL_ROLE": "consoles", "CONSOLE_HEARTBEAT_S": HEARTBEAT_S, "CONSOLE_ORPHAN_S": ORPHAN_S,
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """One that carries consoles; the last test of this file kills it."""
    with serving(running_devcluster, tmp_path_factory.mktemp("orphans"), APPLICATION, **SHORT) as portal:
        yield portal


@pytest.fixture
def process(transactional_db: None, shared: Portal, settings: Settings, devcluster: DevCluster) -> Iterator[Portal]:
    """It runs; and the sweep goes by the same window."""
    settings.CONSOLE_ORPHAN_S = ORPHAN_S
    yield shared
    shared.process.send_signal(signal.SIGCONT)


def test_the_windows_of_a_house_close_a_row_within_a_minute() -> None:
    assert configured.CONSOLE_ORPHAN_S + configured.CONSOLE_SWEEP_S <= 60  # from the last word on
    assert 2 * configured.CONSOLE_HEARTBEAT_S < configured.CONSOLE_ORPHAN_S  # one word may be lost
    assert configured.CELERY_BEAT_SCHEDULE["close consoles left open"]["schedule"] == configured.CONSOLE_SWEEP_S


async def opened(portal: Portal, party: Party) -> list[Typist]:
    found = [await party.open(portal) for _ in range(CONSOLES)]
    await eventually(rows_open, lambda count: count == CONSOLES)
    return found


async def rows_open() -> int:
    return await sync_to_async(ConsoleVisit.objects.filter(closed_at=None).count)()


async def sweep_until_closed() -> None:
    """As beat does."""
    while await rows_open():
        await sync_to_async(visits.close_lost)(timezone.now())
        await asyncio.sleep(SWEEP_S)


def test_a_process_that_stalled_ends_its_consoles_when_it_wakes(process: Portal, devcluster: DevCluster) -> None:
    party = make_party(devcluster, "alice")

    async def scenario() -> list[int | None]:
        typists = await opened(process, party)
        process.process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(20):
            await sweep_until_closed()
        process.process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(10):
            await asyncio.gather(*(typist.reading for typist in typists if typist.reading))
        return [typist.code for typist in typists]

    assert play(scenario(), party) == [close_codes.UNCHECKED.code] * CONSOLES
    assert set(ConsoleVisit.objects.values_list("end", flat=True)) == {"lost"}
    assert AuditEvent.objects.filter(verb="console.closed").count() == CONSOLES


def test_a_process_whose_rows_nobody_closed_does_not_take_its_seats_back(
    process: Portal, devcluster: DevCluster
) -> None:
    """Beat was away, too: the seats were free meanwhile, so others may have them."""
    party = make_party(devcluster, "alice")

    async def scenario() -> list[int | None]:
        typists = await opened(process, party)
        process.process.send_signal(signal.SIGSTOP)
        await sync_to_async(ConsoleVisit.objects.update)(seen_at=timezone.now() - timedelta(seconds=ORPHAN_S + 1))
        process.process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(10):
            await asyncio.gather(*(typist.reading for typist in typists if typist.reading))
        return [typist.code for typist in typists]

    assert play(scenario(), party) == [close_codes.UNCHECKED.code] * CONSOLES


def test_a_console_that_goes_on_says_so(process: Portal, devcluster: DevCluster) -> None:
    party = make_party(devcluster, "alice")

    async def scenario() -> int:
        typists = await opened(process, party)
        for _ in range(3):
            await asyncio.sleep(ORPHAN_S / 2)
            await sync_to_async(visits.close_lost)(timezone.now())
        assert [typist.code for typist in typists] == [None] * CONSOLES
        return await rows_open()

    assert play(scenario(), party) == CONSOLES


def test_a_killed_process_leaves_no_row_open_and_each_is_in_the_audit(process: Portal, devcluster: DevCluster) -> None:
    party = make_party(devcluster, "alice")

    async def scenario() -> float:
        await opened(process, party)
        await asyncio.sleep(2 * HEARTBEAT_S)
        process.process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        async with asyncio.timeout(20):
            await sweep_until_closed()
        return time.monotonic() - began

    took_s = play(scenario(), party)

    closed = AuditEvent.objects.filter(verb="console.closed")
    assert [event.detail["end"] for event in closed] == ["lost"] * CONSOLES
    assert all(event.detail["to_browser"] > 0 for event in closed)  # as its last word said
    figure("R-39", "killed with consoles", CONSOLES, "open past the window", 0, "closed_after_s", round(took_s, 1))
    assert took_s <= ORPHAN_S + SWEEP_S + 1


def test_browsers_that_leave_while_it_opens_leave_no_row(house: House) -> None:
    """Its row is being written in a thread, which goes on."""
    count = scaled(20, 200)

    async def scenario() -> int:
        for _ in range(count):
            browser = await house.open()
            browser.close()
        last = await house.open()  # its row comes after theirs
        await last.start_console()
        last.close()
        await eventually(rows_open, lambda still: still == 0, within_s=10)
        return await rows_closed() - 1

    closed = house.run(scenario())
    ends = set(ConsoleVisit.objects.values_list("end", flat=True))
    figure("R-39", "left while opening", count, "rows", closed, "left open", 0)
    assert ends <= {close_codes.LEFT.word}


async def rows_closed() -> int:
    return await sync_to_async(ConsoleVisit.objects.exclude(closed_at=None).count)()
