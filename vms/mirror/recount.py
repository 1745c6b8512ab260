"""Counts the use of every pool afresh from Proxmox and compares it with what the rows count."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from accounts.models import Pool
from quotas.footprint import Usage
from quotas.models import Reservation
from quotas.states import ReservationState
from vms.cluster import Cluster
from vms.cluster.types import GuestConfig, GuestFacts
from vms.mirror import snapshots
from vms.mirror.facts import Known
from vms.mirror.fetch import fetch
from vms.mirror.known import known_rows
from vms.mirror.read import sized
from vms.models import Operation
from vms.states import Lifecycle, Power
from vms.units import gib
from vms.usage import Shape, count_usage


@dataclass(frozen=True)
class Disagreement:
    """A pool, what its rows count, what Proxmox has, and machines that could not be compared."""

    pool: str
    rows: Usage
    proxmox: Usage

    def __str__(self) -> str:
        return f"{self.pool}: the rows count {_words(self.rows)}, Proxmox has {_words(self.proxmox)}"


@dataclass(frozen=True)
class Recount:
    """`unread`: names of machines that did not answer or that an operation is changing, whose pools cannot be compared
    now: such an operation holds its room until its end is known. `idle`: reservations that hold
    room although no operation needs it."""

    pools: int
    machines: int
    disagreements: tuple[Disagreement, ...]
    unread: tuple[str, ...]
    idle: int = 0


def recount(cluster: Cluster) -> Recount:
    """Reads every counted machine's settings, a few at a time, and its snapshots.

    Raises ClusterError where the cluster's list, or the snapshots of a machine that has some, is not answered.
    """
    known = [row for row in known_rows() if row.lifecycle in {Lifecycle.READY, Lifecycle.DELETING}]
    guests = {guest.vmid: guest for guest in cluster.read().guests}
    places = [(guests[row.vmid].node, row.vmid) for row in known if row.vmid in guests and row.vmid]
    configs = sized(cluster, fetch(cluster, places, settings.PENDING_SWEEP_PARALLEL).configs)
    counted: dict[str, Usage] = defaultdict(Usage)
    unread: dict[str, list[str]] = defaultdict(list)
    for row in known:
        config, guest = configs.get(row.vmid or 0), guests.get(row.vmid or 0)
        if config is None or guest is None or config.uuid != row.uuid or row.is_busy:
            unread[row.poolid].append(row.name)
        else:
            counted[row.poolid] += _use(config, guest, row, _memory_gib(cluster, config, row))
    pools = list(Pool.objects.bound())
    found = tuple(_compare(pools, counted, unread))
    names = tuple(sorted(name for poolid, each in unread.items() if poolid for name in each))
    return Recount(len(pools), sum(bool(row.poolid) for row in known), found, names, _idle())


def _idle() -> int:
    """A reservation ends in the transaction that ends its operation, so this is 0 at any moment."""
    needed = Operation.objects.blocking().filter(reservation__isnull=False)
    held = Reservation.objects.filter(state=ReservationState.HELD)
    return held.exclude(pk__in=needed.values("reservation_id")).count()


def _compare(pools: list[Pool], counted: dict[str, Usage], unread: dict[str, list[str]]) -> Iterator[Disagreement]:
    for pool in pools:
        poolid = pool.proxmox_poolid or ""
        rows, proxmox = count_usage(pool.pk), counted.get(poolid, Usage())
        if rows != proxmox and not unread.get(poolid):
            yield Disagreement(pool.name, rows, proxmox)


def _memory_gib(cluster: Cluster, config: GuestConfig, row: Known) -> int:
    """What memory in snapshots takes, as Proxmox lists them. Asked only where there are some."""
    if not (config.snapshot_parent or row.snapshot_gib):
        return 0
    return sum(one["memory_gib"] for one in snapshots.read(cluster, config, []))


def _use(config: GuestConfig, guest: GuestFacts, row: Known, memory_gib: int) -> Usage:
    """By the same rule as vms.usage, from what Proxmox has; only the trash is the portal's own word."""
    shape = Shape(
        cores=config.most_cores,
        memory_mib=config.most_memory_mib,
        disk_gib=gib(sum(disk.size_bytes or 0 for disk in config.disks if disk.is_counted)) + memory_gib,
        is_awake=guest.power != Power.STOPPED or config.start_at_boot,
        is_kept=not row.is_trashed,
    )
    return Usage(running=shape.counted(always=False), always=shape.counted(always=True))


def _words(use: Usage) -> str:
    now, most = use.running, use.always
    return (
        f"{now.vms} VMs, {now.cores} of {most.cores} cores, {now.memory_mib} of {most.memory_mib} MiB run, "
        f"{now.disk_gib} GiB"
    )
