"""A portal under attack: lanes that each attack by a machine of their own, beside a neighbour who goes on working."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async
from django.utils import timezone

from consoles import grants
from consoles.models import ConsoleVisit
from tests.consoles.browser import Browser, headers
from tests.consoles.conftest import House
from tests.consoles.neighbour import Neighbour, working
from tests.consoles.portal import Portal, guest_row
from tests.consoles.streams import eventually
from vms.models import VirtualMachine

LANES = 6
HANG_S = 45.0
#: One attack at a machine: what was wrong, or nothing.
Attack = Callable[[VirtualMachine, int], Awaitable[str]]


@dataclass
class Siege:
    """What came of it."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    growth_mb: float = 0.0
    crashes: int = 0
    neighbour: Neighbour | None = None

    @property
    def tried(self) -> int:
        """Connections."""
        return self.done.total()


class Field:
    """The machines, and sockets to them."""

    def __init__(self, house: House, portal: Portal, node: str = "") -> None:
        """`node`: where the attacked machines are; the neighbour's is elsewhere."""
        self.house, self.portal = house, portal
        self.machines = [self._machine({"node": node} if node else {}) for _ in range(LANES)]
        self.started_at = portal.log.stat().st_size

    def _machine(self, where: dict[str, str]) -> VirtualMachine:
        pool = self.house.cast.alices
        guest = self.house.cluster.guest(name="lane", pool=pool.proxmox_poolid, status="running", **where)
        return guest_row(guest, pool)

    async def open(self, vm: VirtualMachine) -> Browser:
        """A socket as the page opens it."""
        grant = await sync_to_async(self._grant)(vm)
        known = headers(self.portal.origin, self.house.cookie, grant)
        browser = await Browser.open(self.portal.port, f"/ws/console/{vm.pk}/", known)
        self.house.browsers.append(browser)
        return browser

    def _grant(self, vm: VirtualMachine) -> str:
        return grants.issue(self.house.cast.alice, self.house.cookie, vm, address="", now=timezone.now())

    async def besiege(self, names: list[str], attack: Attack, count: int, warm_up: int) -> Siege:
        """Attacks `count` times, in turn by each name; what memory the first `warm_up` took is not counted."""
        siege = Siege()
        async with working(await self.open(self.house.vm)) as siege.neighbour:
            await self._lanes(siege, names, attack, range(warm_up))
            before = self.portal.memory_bytes()
            await self._lanes(siege, names, attack, range(warm_up, count))
            await eventually(self.open_rows, lambda rows: rows == 1, within_s=15)
            siege.growth_mb = round((self.portal.memory_bytes() - before) / 1e6, 1)
        siege.crashes = int(self.portal.process.poll() is not None) + self.complaints().count("Traceback")
        return siege

    def complaints(self) -> str:
        """What the portal wrote since."""
        with self.portal.log.open("rb") as log:
            log.seek(self.started_at)
            return log.read().decode(errors="replace")

    async def _lanes(self, siege: Siege, names: list[str], attack: Attack, numbers: range) -> None:
        todo = iter(numbers)
        await asyncio.gather(*(self._lane(siege, vm, names, attack, todo) for vm in self.machines))

    async def _lane(self, siege: Siege, vm: VirtualMachine, names: list[str], attack: Attack, todo: Any) -> None:
        for number in todo:
            name = names[number % len(names)]
            siege.done[name] += 1
            try:
                async with asyncio.timeout(HANG_S):
                    wrong = await attack(vm, number)
            except TimeoutError:
                siege.hangs.append(name)
            except (ConnectionError, OSError) as error:
                siege.wrong.append(f"{name}: {type(error).__name__} {error}")
            else:
                siege.wrong += [wrong] if wrong else []
            del self.house.browsers[1:-LANES]  # the first is the neighbour

    async def open_rows(self) -> int:
        return await sync_to_async(ConsoleVisit.objects.filter(closed_at=None).count)()
