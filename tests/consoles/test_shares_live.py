"""A guest at a real socket: what the link gives reaches the machine, and its end is felt within two seconds."""

import asyncio
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, PoolMembership, User
from accounts.roles import Role
from consoles import close_codes, grants, shares
from consoles.close_codes import End
from consoles.models import ConsoleShare, ConsoleVisit
from tests.consoles.browser import Browser
from tests.consoles.conftest import House
from tests.consoles.portal import cookie_of
from tests.consoles.streams import eventually
from tests.consoles.test_revocation import WITHIN_S, Typist
from tests.figures import figure
from vms.models import VirtualMachine

KEYS = range(0x1000100, 0x1000200)


@dataclass
class Guests:
    """Carol operates the machine of a shared pool; bob is nobody there, and has a link of hers."""

    house: House

    def take(self, *, may_control: bool) -> ConsoleShare:
        """Carol makes the link, bob takes it."""
        now, cast = timezone.now(), self.house.cast
        ref = shares.make(cast.carol, self.house.vm, may_control=may_control, minutes=15, now=now)
        share = shares.take(ref, cast.bob, address="", now=now)
        assert share is not None
        return share

    async def open(self, share: ConsoleShare) -> Browser:
        """The guest's screen."""
        bob, vm = self.house.cast.bob, self.house.vm
        grant = await sync_to_async(grants.issue)(
            bob, self.house.cookie, vm, address="192.0.2.9", now=timezone.now(), share=share
        )
        browser = await self.house.open(grant)
        await browser.start_console()
        return browser

    async def open_carols(self) -> Browser:
        """The maker's own screen of the same machine."""
        carol, bobs = self.house.cast.carol, self.house.cookie
        self.house.cookie = await sync_to_async(cookie_of)(carol)
        browser = await self.house.open(await sync_to_async(lambda: self.house.grant(carol))())
        self.house.cookie = bobs
        await browser.start_console()
        return browser


@pytest.fixture
def guests(house: House) -> Guests:
    """The session is bob's."""
    VirtualMachine.objects.filter(pk=house.vm.pk).update(pool=house.cast.shared)
    house.vm.refresh_from_db()
    house.cluster.change(house.vm.vmid or 0, pool=house.cast.shared.proxmox_poolid)
    house.cookie = cookie_of(house.cast.bob)
    return Guests(house)


def revoke(guests: Guests) -> None:
    """Carol presses the button."""
    client = Client()
    client.force_login(guests.house.cast.carol)
    answer = client.post(f"/consoles/shares/{ConsoleShare.objects.get().pk}/revoke/")
    assert answer.status_code == 302


def carol_is(**columns: object) -> Callable[[Guests], object]:
    """Something of carol's account changes."""
    return lambda guests: User.objects.filter(pk=guests.house.cast.carol.pk).update(**columns)


CAUSES: dict[str, tuple[Callable[[Guests], object], End]] = {
    "revoked": (revoke, close_codes.SHARE_OVER),
    "expired": (lambda g: ConsoleShare.objects.update(expires_at=timezone.now()), close_codes.SHARE_OVER),
    "maker lowered": (
        lambda g: PoolMembership.objects.filter(user=g.house.cast.carol).update(role=Role.VIEWER),
        close_codes.SHARE_OVER),
    "maker taken out": (
        lambda g: PoolMembership.objects.filter(user=g.house.cast.carol).delete(), close_codes.SHARE_OVER),
    "maker deactivated": (carol_is(is_active=False), close_codes.SHARE_OVER),
    "machine moved": (lambda g: VirtualMachine.objects.update(pool=g.house.cast.alices), close_codes.SHARE_OVER),
    "machine replaced": (lambda g: VirtualMachine.objects.update(smbios_uuid=uuid.uuid4()), close_codes.SHARE_OVER),
    "guest signed out": (lambda g: Session.objects.filter(pk=g.house.cookie).delete(), close_codes.SIGNED_OUT),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_what_ends_a_link_ends_its_console_and_no_key_follows(guests: Guests, cause: str) -> None:
    take_away, end = CAUSES[cause]
    share = guests.take(may_control=True)

    async def scenario() -> tuple[float, int | None, int]:
        browser = await guests.open(share)
        typist = Typist(browser)
        typing = asyncio.ensure_future(typist.type_on())
        await eventually(guests.house.keys, lambda keys: keys)
        await sync_to_async(take_away)(guests)
        started = time.monotonic()
        code = await browser.read_to_end()
        took_s, last = time.monotonic() - started, typist.last
        await asyncio.sleep(0.3)
        typing.cancel()
        assert typist.last > last + 5
        return took_s, code, sum(key > last for key in await guests.house.keys())

    took_s, code, keys_after = guests.house.run(scenario())

    figure("share", cause.replace(" ", "_"), "ended_s", round(took_s, 2), "keys_after", keys_after)
    assert (code, keys_after) == (end.code, 0)
    assert took_s <= WITHIN_S


@pytest.mark.parametrize("may_control", [False, True])
def test_a_guest_who_may_look_reaches_the_machine_with_no_key(guests: Guests, may_control: bool) -> None:
    share, last = guests.take(may_control=may_control), 0x1000300

    async def scenario() -> set[int]:
        bobs = await guests.open(share)
        for key in KEYS:
            bobs.send(struct.pack(">BBHI", 4, 1, 0, key))
        await bobs.drain()
        carols = await guests.open_carols()
        carols.send(struct.pack(">BBHI", 4, 1, 0, last))
        await eventually(guests.house.keys, lambda keys: last in keys)
        return set(await guests.house.keys())

    reached = guests.house.run(scenario())

    figure("share", "control" if may_control else "look", "keys_sent", len(KEYS), "reached", len(reached - {last}))
    assert reached - {last} == (set(KEYS) if may_control else set())


def test_maker_and_guest_see_each_other(guests: Guests) -> None:
    share = guests.take(may_control=False)
    both = {("carol", "control"), ("bob", "view")}

    async def seen_by(browser: Browser) -> dict[str, Any]:
        def told() -> dict[str, str]:
            last = [one["people"] for one in browser.notices if "people" in one][-1:]
            return {one["name"]: one["mode"] for people in last for one in people}

        async with asyncio.timeout(10):
            while set(told().items()) != both:
                assert await browser._frame()
        return told()

    async def scenario() -> list[dict[str, Any]]:
        carols, bobs = await guests.open_carols(), await guests.open(share)
        return [await seen_by(carols), await seen_by(bobs)]

    seen = guests.house.run(scenario())

    assert [set(each.items()) for each in seen] == [both, both]


def test_each_opening_is_in_the_audit_and_takes_the_guests_own_seat(guests: Guests) -> None:
    share = guests.take(may_control=True)

    async def scenario() -> None:
        await (await guests.open(share)).read_until(lambda payload: payload)

    guests.house.run(scenario())

    used = AuditEvent.objects.get(verb="console.share_used")
    visit = ConsoleVisit.objects.get()
    assert (used.actor, used.address, used.detail["visit"]) == (guests.house.cast.bob, "192.0.2.9", visit.pk)
    assert (visit.user, visit.share, visit.mode) == (guests.house.cast.bob, share, "control")
    assert AuditEvent.objects.get(verb="console.opened").detail["share"] == share.pk
