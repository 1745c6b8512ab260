"""A browser that reads late still reads why its console ended."""

import asyncio

from asgiref.sync import sync_to_async
from django.utils import timezone

from consoles import close_codes, visits
from consoles.receivers import look_at_vm
from tests.consoles.conftest import House
from tests.consoles.rfb.conversations import KEY_A
from tests.consoles.streams import eventually

LATE_S = 2.5  # longer than autobahn waits by itself for the answer to a close frame


def test_the_reason_waits_for_a_browser_on_a_slow_line(house: House) -> None:
    async def scenario() -> tuple[int | None, list[dict[str, object]]]:
        browser = await house.open()
        await browser.start_console()
        browser.stop_reading()
        visit = await house.visit()
        await sync_to_async(end)(house, visit.pk)
        await eventually(house.visit, lambda visit: visit.closed_at)
        await asyncio.sleep(LATE_S)
        for _ in range(2):  # to a server that hung up the first key breaks the connection, and what waits in it is lost
            browser.send(KEY_A)
            await asyncio.sleep(0.1)
        browser.resume_reading()
        return await browser.read_to_end(), browser.notices

    code, notices = house.run(scenario())

    assert code == close_codes.BY_RTP.code
    assert {"ended": {"by": "rita", "reason": "Maintenance"}} in notices


def end(house: House, visit_id: int) -> None:
    visits.ask_to_end_with(house.cast.rita, visit_id, "Maintenance", address="", now=timezone.now())
    look_at_vm(None, vm_id=house.vm.pk)
