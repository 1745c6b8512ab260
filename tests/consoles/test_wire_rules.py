"""Proxmox's rules of the wire, kept by us for its sake: one password a machine, one connection a port, in time."""

import asyncio
import time
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import PoolMembership
from accounts.roles import Role
from consoles import close_codes, grants
from tests.cast import person
from tests.consoles.browser import Browser, headers
from tests.consoles.conftest import House
from tests.consoles.portal import Portal, cookie_of, serving
from tests.figures import figure
from vms.models import VirtualMachine

pytestmark = [pytest.mark.slow]

MEMBERS, WITHIN_S = 20, 60.0
#: As long as a node's Perl takes to start `qm vncproxy`.
START_S = 1.5


def members(house: House) -> list[tuple[str, str]]:
    """(session, grant) of twenty operators of the machine's pool."""
    pool = house.cast.shared
    VirtualMachine.objects.filter(pk=house.vm.pk).update(pool=pool)
    house.vm.refresh_from_db()
    house.cluster.change(house.vm.vmid or 0, pool=pool.proxmox_poolid)
    return [_member(house, number) for number in range(MEMBERS)]


def _member(house: House, number: int) -> tuple[str, str]:
    user = person(f"member{number}")
    PoolMembership.objects.create(pool=house.cast.shared, user=user, role=Role.OPERATOR)
    cookie = cookie_of(user)
    return cookie, grants.issue(user, cookie, house.vm, address="", now=timezone.now())


async def enters(house: House, portal: Portal, cookie: str, grant: str, after_s: float) -> float:
    """Seconds until the screen is there. ConnectionError where the console was closed before."""
    await asyncio.sleep(after_s)
    began = time.monotonic()
    browser = await Browser.open(portal.port, house.path, headers(portal.origin, cookie, grant))
    house.browsers.append(browser)
    await browser.start_console(within_s=WITHIN_S)
    return time.monotonic() - began


def test_twenty_members_at_one_machine_within_a_second_all_get_its_screen(house: House, tmp_path: Path) -> None:
    house.cluster.control("POST", "/windows", {"vnc_start_delay": START_S})
    pairs = members(house)

    async def scenario(portal: Portal) -> list[float | BaseException]:
        tries = [enters(house, portal, *pair, number / MEMBERS) for number, pair in enumerate(pairs)]
        return await asyncio.gather(*tries, return_exceptions=True)

    with serving(house.cluster, tmp_path, LOG_LEVEL="INFO") as portal:
        took = house.run(scenario(portal))
        log = portal.log.read_text()

    waits = [one for one in took if isinstance(one, float)]
    refused = log.count("another viewer was given a password")
    deaths = house.cluster.state("worker_deaths")["worker_deaths"]
    figure("wire rules at once", "members", MEMBERS, "in", len(waits), "slowest_s", round(max(waits, default=0), 1),
           "passwords lost on the way", refused, "workers ended", deaths)  # fmt: skip
    assert [str(one) for one in took if not isinstance(one, float)] == []
    assert max(waits) <= WITHIN_S
    assert close_codes.BUSY.word not in log
    assert deaths == 0
