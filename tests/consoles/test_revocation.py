"""A right that is taken away ends the console within two seconds; no key arrives after that."""

import asyncio
import struct
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Pool, PoolMembership, User
from accounts.roles import Role
from accounts.signals import membership_removed, user_deactivated
from consoles import close_codes
from consoles.close_codes import End
from consoles.groups import user_group, vm_group
from consoles.models import ConsoleVisit
from consoles.receivers import LOOK
from tests.cast import PASSWORD
from tests.consoles.browser import Browser
from tests.consoles.conftest import House
from tests.consoles.portal import cookie_of
from tests.consoles.streams import eventually
from tests.figures import figure
from vms.models import VirtualMachine
from vms.signals import pool_changed, vm_gone
from vms.states import Lifecycle

WITHIN_S = 2.0
FIRST_KEY = 0x1000000

CAUSES: dict[str, tuple[Callable[[House], object], End]] = {
    "membership removed": (lambda h: PoolMembership.objects.filter(user=h.cast.carol).delete(), close_codes.RIGHT_LOST),
    "role lowered": (
        lambda h: PoolMembership.objects.filter(user=h.cast.carol).update(role=Role.VIEWER), close_codes.NARROWED),
    "machine moved": (lambda h: VirtualMachine.objects.update(pool=h.cast.bobs), close_codes.RIGHT_LOST),
    "pool unbound": (
        lambda h: Pool.objects.filter(pk=h.cast.shared.pk).update(proxmox_poolid=None), close_codes.RIGHT_LOST),
    "person deactivated": (
        lambda h: User.objects.filter(pk=h.cast.carol.pk).update(is_active=False), close_codes.SIGNED_OUT),
    "machine locked": (
        lambda h: VirtualMachine.objects.update(locked_at=timezone.now(), lock_reason="Mining."), close_codes.LOCKED),
    "member left": (
        lambda h: User.objects.filter(pk=h.cast.carol.pk).update(departed_at=timezone.now()), close_codes.RIGHT_LOST),
    "session ended": (lambda h: Session.objects.filter(pk=h.cookie).delete(), close_codes.SIGNED_OUT),
    "password changed": (lambda h: _new_password(h.cast.carol), close_codes.SIGNED_OUT),
    "machine gone": (lambda h: VirtualMachine.objects.update(lifecycle=Lifecycle.GONE), close_codes.GONE),
    "machine replaced": (lambda h: VirtualMachine.objects.update(smbios_uuid=uuid.uuid4()), close_codes.GONE),
}  # fmt: skip


def _new_password(user: User) -> None:
    user.set_password(PASSWORD + " new")
    user.save(update_fields=["password"])


@pytest.fixture
def carols(house: House) -> House:
    """Carol operates the machine of a shared pool, and it is her session."""
    VirtualMachine.objects.filter(pk=house.vm.pk).update(pool=house.cast.shared)
    house.vm.refresh_from_db()
    house.cluster.change(house.vm.vmid or 0, pool=house.cast.shared.proxmox_poolid)
    house.cookie = cookie_of(house.cast.carol)
    return house


class Typist:
    """Types numbered keys without end, also after the socket has ended."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.last = browser, FIRST_KEY

    async def type_on(self) -> None:
        while True:
            self.last += 1
            self.browser.send(struct.pack(">BBHI", 4, 1, 0, self.last))
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_lost_right_ends_the_console_and_no_key_follows(carols: House, cause: str) -> None:
    take_away, end = CAUSES[cause]

    async def scenario() -> tuple[float, int | None, int]:
        browser = await carols.open(await sync_to_async(lambda: carols.grant(carols.cast.carol))())
        await browser.start_console()
        typist = Typist(browser)
        typing = asyncio.ensure_future(typist.type_on())
        await sync_to_async(take_away)(carols)
        started = time.monotonic()
        code = await browser.read_to_end()
        took_s, last = time.monotonic() - started, typist.last
        await eventually(carols.keys, lambda keys: keys)
        await asyncio.sleep(0.3)
        typing.cancel()
        assert typist.last > last + 5
        return took_s, code, sum(key > last for key in await carols.keys())

    took_s, code, keys_after = carols.run(scenario())

    figure("R-36", cause.replace(" ", "_"), "ended_s", round(took_s, 2), "keys_after", keys_after)
    assert (code, keys_after) == (end.code, 0)
    assert took_s <= WITHIN_S


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
