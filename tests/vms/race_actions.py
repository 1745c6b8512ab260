"""The ten actions that make a pool's use grow, each as a race: what is there before, and what every client asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count as numbers
from typing import Any

from accounts.models import Pool, PoolMembership, User
from accounts.roles import PoolKind, Role
from quotas.models import Policy
from vms.models import IsoImage, VirtualMachine
from vms.operations import (
    FromIso,
    FromMachine,
    Size,
    request_add_disk,
    request_create,
    request_grow_disk,
    request_move,
    request_power,
    request_resize,
    request_snapshot,
)
from vms.states import Lifecycle, OperationKind, Power

#: Far from those that a creation takes.
SLOTS = numbers(500_000)
#: So many of a round's clients find room.
ROOM = 4
SMALL = Size(cores=1, memory_mib=512, disk_gib=4)
DISK = {
    "slot": "scsi0", "volume": "shared:disk", "storage": "shared", "size_bytes": 4 * 1024**3, "is_cdrom": False,
    "is_cloud_init": False, "is_unused": False, "is_pending": False, "is_leaving": False,
}  # fmt: skip
UNLIMITED = {"cores": None, "memory_mib": None, "disk_gib": None}
Asks = Callable[..., Any]


@dataclass(frozen=True)
class Race:
    """One action. `limited` is the resource that runs out, `unit` what one client takes of it, `power` of its machines.

    `unit` 0: it takes nothing, because it is counted already; then everybody is let in, though nothing is free.
    """

    limited: str
    unit: int
    ask: Asks
    power: Power | None = None
    moves: bool = False

    @property
    def counted_before(self) -> int:
        """What one machine of the pool counts of the limited resource before the race."""
        if self.power is None or self.moves:
            return 0
        size = {"cores": 1, "memory_mib": 512, "disk_gib": 4}[self.limited]
        return size if self.limited == "disk_gib" or self.power != Power.STOPPED else 0

    def limit(self, clients: int) -> int:
        """Room for ROOM of the clients."""
        return self.counted_before * clients + self.unit * ROOM

    def fitting(self, clients: int) -> int:
        """How many have to be let in."""
        return min(ROOM, clients) if self.unit else clients


def _create(stage: "Stage", vm: VirtualMachine | None, pool: Pool, **who: Any) -> None:
    request_create(pool=pool, name=who["key"][:11], size=SMALL, source=FromIso(stage.iso_id), **who)


def _copy(stage: "Stage", vm: VirtualMachine | None, pool: Pool, **who: Any) -> None:
    request_create(pool=pool, name=who["key"][:11], size=SMALL, source=FromMachine(stage.source_id), **who)


def _on_machine(request: Asks, *values: Any, **asked: Any) -> Asks:
    return lambda _stage, vm, _pool, **who: request(vm, *values, **asked, **who)


RACES: dict[str, Race] = {
    "create": Race("cores", 1, _create),
    "copy": Race("cores", 1, _copy),
    "start": Race("cores", 1, _on_machine(request_power, OperationKind.START), Power.STOPPED),
    "resume": Race("cores", 0, _on_machine(request_power, OperationKind.RESUME), Power.PAUSED),
    "grow_cpu": Race("cores", 1, _on_machine(request_resize, cores=2, memory_mib=512), Power.RUNNING),
    "grow_memory": Race("memory_mib", 512, _on_machine(request_resize, cores=1, memory_mib=1024), Power.RUNNING),
    "add_disk": Race("disk_gib", 1, _on_machine(request_add_disk, size_gib=1), Power.RUNNING),
    "grow_disk": Race("disk_gib", 1, _on_machine(request_grow_disk, slot="scsi0", size_gib=5), Power.RUNNING),
    "snapshot": Race("disk_gib", 1, _on_machine(request_snapshot, name="s1", with_memory=True), Power.RUNNING),
    "move": Race(
        "disk_gib", 4, lambda _stage, vm, pool, **who: request_move(vm, into=pool, **who), Power.STOPPED, moves=True
    ),
}


@dataclass
class Stage:
    """The rows of all rounds: for each action a policy, for each round a pool, for each client a machine."""

    person: User
    iso_id: int
    source_id: int
    #: (action, the pool that grows, each client's machine or None), round by round.
    rounds: list[tuple[str, int, list[int]]] = field(default_factory=list)


def set_up(clients: int, rounds: int, iso: IsoImage) -> Stage:
    """Everything in the database; the person manages every pool."""
    person = User.objects.create_user("alice")
    Policy.objects.create(name="none", is_default=True, **UNLIMITED)
    home = _pool("sources", person)
    stage = Stage(person, iso.pk, _machines(home, "source", 1, Power.STOPPED)[0])
    policies = {
        action: Policy.objects.create(name=action, **UNLIMITED | {race.limited: race.limit(clients)})
        for action, race in RACES.items()
    }
    for number in range(rounds):
        for action, race in RACES.items():
            pool, machines = _round(f"{action}-{number}", race, clients, person)
            policies[action].pools.add(pool)
            stage.rounds.append((action, pool.pk, machines))
    return stage


def _round(name: str, race: Race, clients: int, person: User) -> tuple[Pool, list[int]]:
    """What moves comes from a pool with a smaller id and from one with a larger: locks go by id, both ways."""
    if not race.moves:
        pool = _pool(name, person)
        return pool, _machines(pool, name, clients, race.power) if race.power else []
    before, pool, after = (_pool(f"{name}-{part}", person) for part in ("from", "into", "from-too"))
    half = clients // 2
    found = _machines(before, f"{name}-a", half, race.power) + _machines(after, f"{name}-b", clients - half, race.power)
    return pool, found


def _pool(name: str, person: User) -> Pool:
    pool = Pool.objects.create(kind=PoolKind.SHARED, name=name, proxmox_poolid=name)
    PoolMembership.objects.create(pool=pool, user=person, role=Role.MANAGER)
    return pool


def _machines(pool: Pool, name: str, count: int, power: Power | None) -> list[int]:
    rows = [
        VirtualMachine(
            pool=pool, name=f"{name.replace('_', '-')}-{n}", lifecycle=Lifecycle.READY, node="pve1",
            power=power or Power.STOPPED, last_known_power=power or Power.STOPPED, cores=1, memory_mib=512, disk_gib=4,
            hardware={"disks": [DISK | {"volume": f"shared:{name}-{n}"}]}, vmid=next(SLOTS),
        )
        for n in range(count)
    ]  # fmt: skip
    return [vm.pk for vm in VirtualMachine.objects.bulk_create(rows)]
