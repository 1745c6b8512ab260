"""A viewer of a pool sees the screen, and nothing they send reaches the machine: the proxy decides, not the page."""

import asyncio
import struct

import pytest
from asgiref.sync import sync_to_async

from accounts.models import AuditEvent, PoolMembership
from accounts.roles import Role
from tests.consoles.conftest import House
from tests.consoles.portal import cookie_of
from tests.consoles.streams import eventually
from vms.models import VirtualMachine

KEYS = range(0x1000100, 0x1000200)


@pytest.fixture
def shared(house: House) -> House:
    """The machine is one of the pool that carol is in."""
    VirtualMachine.objects.filter(pk=house.vm.pk).update(pool=house.cast.shared)
    house.vm.refresh_from_db()
    house.cluster.change(house.vm.vmid or 0, pool=house.cast.shared.proxmox_poolid)
    house.cookie = cookie_of(house.cast.carol)
    return house


def typed(house: House, *, then: int) -> list[int]:
    """Carol opens the console and types 256 keys; alice opens it and types `then`. What reached the machine."""

    async def scenario() -> list[int]:
        carols = await house.open(await sync_to_async(lambda: house.grant(house.cast.carol))())
        await carols.start_console()
        for key in KEYS:
            carols.send(struct.pack(">BBHI", 4, 1, 0, key))
        await asyncio.sleep(0)
        house.cookie = await sync_to_async(cookie_of)(house.cast.alice)
        alices = await house.open(await sync_to_async(lambda: house.grant(house.cast.alice))())
        await alices.start_console()
        alices.send(struct.pack(">BBHI", 4, 1, 0, then))
        await eventually(house.keys, lambda keys: then in keys)
        return await house.keys()

    return house.run(scenario())


def test_what_a_viewer_types_ends_in_the_proxy(shared: House) -> None:
    PoolMembership.objects.filter(user=shared.cast.carol).update(role=Role.VIEWER)

    assert typed(shared, then=0x1000300) == [0x1000300]

    opened = AuditEvent.objects.filter(verb="console.opened").order_by("pk").values_list("actor_name", "detail")
    assert [(name, detail["mode"]) for name, detail in opened] == [("carol", "view"), ("alice", "control")]


def test_what_an_operator_types_arrives(shared: House) -> None:
    assert set(KEYS) <= set(typed(shared, then=0x1000300))
