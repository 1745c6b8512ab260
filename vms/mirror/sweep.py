"""Reads everybody's settings once an hour, a slice each cycle: finds what neither the list nor a task told."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from vms.cluster import Cluster
from vms.mirror import lock, snapshots
from vms.mirror.apply import apply_settings
from vms.mirror.fetch import fetch
from vms.mirror.read import sized
from vms.models import MirrorRun, Node, VirtualMachine
from vms.states import Lifecycle

JOB = "pending sweep"
JOB_LASTS_S = 180.0
#: So much longer than a sweep's length is late: cycles were left out.
LATE_FACTOR = 1.1
RUNS_KEPT = timedelta(days=2)


def slice_size(count: int, at: datetime) -> int:
    """How many of `count` machines this cycle reads: over the sweep's length exactly all of them."""
    cycles = max(1, round(settings.PENDING_SWEEP_S / max(settings.MIRROR_PERIOD_S, 0.001)))
    number = int(at.timestamp() / max(settings.MIRROR_PERIOD_S, 0.001))
    return count * (number + 1) // cycles - count * number // cycles


def due(at: datetime) -> list[VirtualMachine]:
    """The machines whose settings were read longest ago, on nodes that answer; more where cycles were skipped."""
    there = _there()
    latest = at - LATE_FACTOR * timedelta(seconds=settings.PENDING_SWEEP_S)
    overdue = there.filter(config_read_at__lt=latest).count()
    size = slice_size(there.count(), at)
    late = min(overdue, max(1, size))
    return list(there.order_by(F("config_read_at").asc(nulls_first=True), "pk")[: size + late])


def _there() -> "QuerySet[VirtualMachine]":
    silent = Node.objects.filter(is_online=False).values_list("name", flat=True)
    there = VirtualMachine.objects.filter(lifecycle=Lifecycle.READY, missing_since=None, vmid__isnull=False)
    return there.exclude(node__in=["", *silent])


def sweep(cluster: Cluster, at: datetime | None = None) -> int:
    """One slice; how many machines were written. A slot with another machine in it is left to the next cycle.

    Then the snapshots of machines whose settings changed since those were read, whoever read the settings.
    """
    at = at or timezone.now()
    with lock.held(JOB, JOB_LASTS_S) as holder:
        if holder is None:
            return 0
        try:
            written = _settings(cluster, at, holder)
        except lock.LostLock:
            return 0
        snapshots.refresh(cluster, at)
        return written


def _settings(cluster: Cluster, at: datetime, holder: str) -> int:
    machines = due(at)
    if not machines:
        return 0
    found = fetch(cluster, [(vm.node, vm.vmid or 0) for vm in machines], settings.PENDING_SWEEP_PARALLEL)
    return apply_settings(sized(cluster, found.configs), at, require_lock=lambda: lock.require(JOB, holder))


def prune_runs(now: datetime) -> None:
    """Readings older than two days are of no use."""
    MirrorRun.objects.filter(started_at__lt=now - RUNS_KEPT).delete()
