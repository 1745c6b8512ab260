"""Many consoles at once: parties of one person, pool and machine each, who type without end into several processes."""

import asyncio
import struct
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import Pool, PoolMembership, User
from accounts.roles import PoolKind, Role
from consoles import grants
from consoles.models import ConsoleShare
from tests.cast import person
from tests.consoles.browser import Browser, headers
from tests.consoles.portal import Portal, cookie_of, running_guest
from tests.devcluster.cluster import DevCluster
from vms.models import VirtualMachine

T = TypeVar("T")
#: What takes a party's right away; the second is an RTP.
Cause = Callable[["Party", User], object]
FIRST_KEY = 0x1000000
PER_RUN = 0x10000
TYPE_S = 0.2


@dataclass
class Typist:
    """One console of a party. Types numbered keys, also after its socket has ended."""

    browser: Browser
    first: int
    last: int = 0
    last_before: int = 0
    ended_at: float = 0.0
    reading: "asyncio.Task[None] | None" = None

    @property
    def code(self) -> int | None:
        """How it ended; None while it goes on, and for a connection that broke."""
        return self.browser.close_code

    async def read_on(self) -> None:
        """As a page does, which answers pings, until the socket ends."""
        await self.browser.read_to_end(600)
        self.last_before, self.ended_at = self.last, time.monotonic()

    async def type_on(self) -> None:
        self.last = self.first
        while not self.browser.is_gone:
            self.last += 1
            self.browser.send(struct.pack(">BBHI", 4, 1, 0, self.last))
            await asyncio.sleep(TYPE_S)

    def late(self, arrived: list[int]) -> int:
        """How many of these keys were sent after the end."""
        return sum(self.last_before < key < self.first + PER_RUN for key in arrived)


@dataclass
class Party:
    """One operator of a pool of their own, and its running machine."""

    user: User
    pool: Pool
    vm: VirtualMachine
    cookie: str
    share: ConsoleShare | None = None
    typists: list[Typist] = field(default_factory=list)
    lost_at: float = 0.0

    def grant(self) -> str:
        return grants.issue(self.user, self.cookie, self.vm, address="", now=timezone.now(), share=self.share)

    async def open(self, portal: Portal) -> Typist:
        """One more console, through this process."""
        grant = await sync_to_async(self.grant)()
        known = headers(portal.origin, self.cookie, grant)
        browser = await Browser.open(portal.port, f"/ws/console/{self.vm.pk}/", known)
        await browser.start_console(within_s=60)
        typist = Typist(browser, FIRST_KEY + PER_RUN * len(self.typists))
        typist.reading = asyncio.ensure_future(typist.read_on())
        self.typists.append(typist)
        return typist

    async def lose(self, cause: Cause, rita: User) -> None:
        """The right goes while all type, and they type on for a while."""
        typing = [asyncio.ensure_future(typist.type_on()) for typist in self.typists]
        await asyncio.sleep(3 * TYPE_S)
        await sync_to_async(cause)(self, rita)
        self.lost_at = time.monotonic()
        await asyncio.gather(*(typist.reading for typist in self.typists if typist.reading))
        await asyncio.sleep(3 * TYPE_S)
        for task in typing:
            task.cancel()

    @property
    def slowest_s(self) -> float:
        """From the cause to the last of its ends."""
        return max(typist.ended_at for typist in self.typists) - self.lost_at


def make_party(cluster: DevCluster, name: str) -> Party:
    """All of one party, in the database and in the stand-in."""
    user = person(name)
    pool = Pool.objects.create(kind=PoolKind.SHARED, name=f"pool-{name}", proxmox_poolid=f"pool-{name}")
    PoolMembership.objects.create(pool=pool, user=user, role=Role.OPERATOR)
    return Party(user, pool, running_guest(cluster, pool), cookie_of(user))


def play(scenario: Coroutine[Any, Any, T], *parties: Party) -> T:
    """Runs it, and hangs up whatever consoles of these parties it left open."""

    async def tidily() -> T:
        try:
            return await scenario
        finally:
            typists = [typist for party in parties for typist in party.typists]
            for typist in typists:
                typist.browser.close()
            await asyncio.gather(*(typist.reading for typist in typists if typist.reading), return_exceptions=True)
            await asyncio.sleep(0)

    return asyncio.run(tidily())


def arrived(cluster: DevCluster, vm: VirtualMachine) -> list[int]:
    """Keys that reached the machine, pressed."""
    events = cluster.control("GET", f"/guests/{vm.vmid}/keys")
    return [event["keysym"] for event in events if event["kind"] == "key" and event["down"]]
