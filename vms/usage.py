"""Counts what machines use, and what one machine takes of a limit: the one place that knows the rule.

Disk always counts: every disk, and memory that snapshots keep. CPU and memory count while a machine is awake, and of
every machine where the policy says so. Of current and pending the larger counts. What lies in the trash takes its disk
alone, unless somebody started it in Proxmox.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest

from quotas.footprint import Footprint, Usage
from quotas.prepared import Prepared
from vms.models import VirtualMachine
from vms.states import Power

#: Powers that count. What nobody ever saw may run; a node that went silent changes nothing: the last known one counts.
COUNTED = frozenset({Power.RUNNING, Power.PAUSED, Power.UNKNOWN})
#: CPU and memory count while running or paused, while start at boot is set, and while nobody ever saw that it is off.
AWAKE = Q(last_known_power__in=sorted(COUNTED)) | Q(start_at_boot=True)
#: What is added up, in this order.
SUMS = ("running_cores", "running_memory_mib", "all_cores", "all_memory_mib", "disks_gib", "vms")
#: Machines that take one of the number of machines.
KEPT = Q(trashed_at=None)


@dataclass(frozen=True)
class Shape:
    """One machine as limits see it: sizes, whether it counts as awake, whether it is kept (not in the trash)."""

    cores: int
    memory_mib: int
    disk_gib: int
    disks: int = 1
    snapshots: int = 0
    is_awake: bool = True
    is_kept: bool = True

    def counted(self, *, always: bool) -> Footprint:
        """What it takes of its pool's limit."""
        counts = self.is_awake or (always and self.is_kept)
        return Footprint(
            cores=self.cores if counts else 0,
            memory_mib=self.memory_mib if counts else 0,
            disk_gib=self.disk_gib,
            vms=1 if self.is_kept else 0,
        )


def is_awake(vm: VirtualMachine) -> bool:
    """The rule of AWAKE for one row."""
    return vm.start_at_boot or vm.last_known_power in COUNTED


def shape_of(vm: VirtualMachine) -> Shape:
    """The machine as its row says."""
    disks = [disk for disk in vm.hardware.get("disks", []) if not (disk.get("is_cdrom") or disk.get("is_cloud_init"))]
    return Shape(
        cores=max(vm.cores, vm.pending_cores or 0),
        memory_mib=max(vm.memory_mib, vm.pending_memory_mib or 0),
        disk_gib=vm.disk_gib + vm.snapshot_gib,
        disks=len(disks),
        snapshots=len(vm.snapshots),
        is_awake=is_awake(vm),
        is_kept=vm.trashed_at is None,
    )


def count_usage(pool_id: int) -> Usage:
    """The pool's use from its machine rows. A machine that was not seen keeps counting with what was last known."""
    return next((_usage(row[1:]) for row in OF_POOL.rows(pool_id)), Usage())


def usages_of(pool_ids: Iterable[int]) -> dict[int, Usage]:
    """The use of many pools, by their keys, in one query."""
    wanted = list(pool_ids)
    found = dict.fromkeys(wanted, Usage())
    for line in _sums(VirtualMachine.objects.filter(pool_id__in=wanted).counted()):
        found[line[0]] = _usage(line[1:])
    return found


def _usage(sums: tuple[int, ...]) -> Usage:
    """In the order of SUMS."""
    running_cores, running_memory_mib, all_cores, all_memory_mib, disk_gib, vms = map(int, sums)
    return Usage(
        running=Footprint(running_cores, running_memory_mib, disk_gib, vms),
        always=Footprint(all_cores, all_memory_mib, disk_gib, vms),
    )


def _sums(machines: QuerySet[VirtualMachine]) -> QuerySet[VirtualMachine, tuple[int, ...]]:
    cores = Greatest(F("cores"), Coalesce(F("pending_cores"), F("cores")))
    memory_mib = Greatest(F("memory_mib"), Coalesce(F("pending_memory_mib"), F("memory_mib")))
    sums = machines.order_by().values("pool_id").annotate(
        running_cores=_while(AWAKE, cores),
        running_memory_mib=_while(AWAKE, memory_mib),
        all_cores=_while(AWAKE | KEPT, cores),
        all_memory_mib=_while(AWAKE | KEPT, memory_mib),
        disks_gib=Sum(F("disk_gib") + F("snapshot_gib"), default=0),
        vms=Count("pk", filter=KEPT),
    )  # fmt: skip
    return sums.values_list("pool_id", *SUMS)


def _while(rule: Q, amount: Combinable) -> Sum:
    return Sum(Case(When(rule, then=amount), default=0, output_field=IntegerField()), default=0)


OF_POOL = Prepared(lambda pool_id: _sums(VirtualMachine.objects.filter(pool_id=pool_id).counted()))
