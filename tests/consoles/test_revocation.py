"""Who tells consoles to look at once, and people who end their own. Every cause: test_revocation_at_once.py."""

import asyncio
import struct
import time
import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.signals import membership_removed, user_deactivated
from consoles import close_codes
from consoles.groups import user_group, vm_group
from consoles.models import ConsoleVisit
from consoles.receivers import LOOK
from tests.consoles.browser import Browser
from tests.consoles.conftest import House
from vms.signals import pool_changed, vm_gone

WITHIN_S = 2.0
FIRST_KEY = 0x1000000


class Typist:
    """Types numbered keys without end, also after the socket has ended."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.last = browser, FIRST_KEY

    async def type_on(self) -> None:
        while True:
            self.last += 1
            self.browser.send(struct.pack(">BBHI", 4, 1, 0, self.last))
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("signal", "words", "group"),
    [
        (user_deactivated, {"user_id": 5}, user_group(5)),
        (membership_removed, {"user_id": 5, "pool_id": 1}, user_group(5)),
        (vm_gone, {"vm_id": 7}, vm_group(7)),
        (pool_changed, {"vm_id": 7}, vm_group(7)),
    ],
)
async def test_what_other_apps_tell_makes_consoles_look_at_once(signal, words, group) -> None:  # type: ignore[no-untyped-def]
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group, channel)

    await sync_to_async(signal.send)(sender=None, **words)

    assert await asyncio.wait_for(layer.receive(channel), 2) == LOOK


def test_its_person_ends_a_console_from_the_account_page(house: House) -> None:
    async def scenario() -> tuple[float, int | None, Any]:
        browser = await house.open()
        await browser.start_console()
        visit = await house.visit()
        client = Client()
        await sync_to_async(client.force_login)(house.cast.alice)
        answer = await sync_to_async(client.post)(f"/consoles/{visit.pk}/end/")
        started = time.monotonic()
        code = await browser.read_to_end()
        assert answer.status_code == 302
        return time.monotonic() - started, code, await sync_to_async(AuditEvent.objects.get)(verb="console.ended")

    took_s, code, event = house.run(scenario())

    assert (code, event.actor) == (close_codes.ENDED.code, house.cast.alice)
    assert took_s <= WITHIN_S


def test_nobody_ends_a_console_of_somebody_else(house: House, client: Client) -> None:
    now = timezone.now()
    visit = ConsoleVisit.objects.create(
        user=house.cast.alice, user_name="alice", vm=house.vm, machine_uuid=uuid.uuid4(), opened_at=now, seen_at=now
    )
    client.force_login(house.cast.rita)

    foreign, missing = (client.post(f"/consoles/{number}/end/").status_code for number in (visit.pk, 987_654))

    visit.refresh_from_db()
    assert (foreign, missing, visit.end_asked_at) == (404, 404, None)
