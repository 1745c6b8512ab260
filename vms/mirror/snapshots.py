"""A machine's snapshots as rows: what Proxmox lists, with what counts of each.

A row of `vm.snapshots`: {"name", "parent" (a name, or ""), "taken_at" (ISO, or ""), "with_memory", "note", "by" (who
took it through the portal, or ""), "memory_gib" (what its memory takes: the machine's memory then, in whole GiB up; 0
without memory), "cores", "memory_mib", "disk_gib", "start_at_boot" (as they were set then)}.

Where Proxmox does not answer nothing is written: what was read before keeps counting.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import GuestConfig, SnapshotFacts
from vms.models import VirtualMachine
from vms.states import Lifecycle
from vms.units import MIB, gib

Kept = list[dict[str, Any]]
#: Machines whose snapshots are read in one cycle at most; what is left is due in the next one too.
MOST_A_CYCLE = 30
#: At least so often they are read anew where a machine has any.
AT_LEAST = timedelta(hours=1)


def read(cluster: Cluster, config: GuestConfig, known: Kept) -> Kept:
    """The snapshots of the machine whose settings were just read. Raises ClusterError.

    One request, and one more for each that is not in `known` (the settings kept with a snapshot never change).
    """
    before = {(one["name"], one["taken_at"]): one for one in known}
    found = cluster.snapshots(config.node, config.vmid)
    return [_row(cluster, config, facts, before.get((facts.name, moment(facts)))) for facts in found]


def _row(cluster: Cluster, config: GuestConfig, facts: SnapshotFacts, known: dict[str, Any] | None) -> dict[str, Any]:
    told = {
        "name": facts.name,
        "parent": facts.parent,
        "taken_at": moment(facts),
        "with_memory": facts.with_memory,
        "note": facts.description[:400],
    }
    if known is not None:
        return known | told
    kept = cluster.snapshot_config(config.node, config.vmid, facts.name)
    return told | {
        "by": "",
        "memory_gib": gib(kept.memory_mib * MIB) if facts.with_memory else 0,
        "cores": kept.cores,
        "memory_mib": kept.memory_mib,
        "disk_gib": kept.disk_gib,
        "start_at_boot": kept.start_at_boot,
    }


def moment(facts: SnapshotFacts) -> str:
    """When it was taken, in ISO form; empty where Proxmox does not say."""
    return datetime.fromtimestamp(facts.taken_at_s, UTC).isoformat() if facts.taken_at_s is not None else ""


def apply_snapshots(vm: VirtualMachine, rows: Kept, digest: str, at: datetime) -> None:
    """Writes what was read at `at` with the settings of that digest, inside the caller's transaction."""
    vm.snapshots, vm.snapshot_gib = rows, sum(row["memory_gib"] for row in rows)
    vm.snapshots_digest, vm.snapshots_read_at = digest[:40], at
    vm.save(update_fields=["snapshots", "snapshot_gib", "snapshots_digest", "snapshots_read_at"])


def due(at: datetime) -> list[VirtualMachine]:
    """Machines whose settings changed since their snapshots were read, or whose snapshots were read long ago."""
    has_some = ~Q(snapshots=[]) | (~Q(hardware__snapshot_parent="") & Q(hardware__has_key="snapshot_parent"))
    stale = ~Q(snapshots_digest=F("config_digest")) | Q(snapshots_read_at=None) | Q(snapshots_read_at__lt=at - AT_LEAST)
    there = VirtualMachine.objects.filter(has_some, stale, lifecycle=Lifecycle.READY, missing_since=None)
    there = there.exclude(vmid=None).exclude(smbios_uuid=None).exclude(node="").exclude(config_digest="")
    return list(there.order_by(F("snapshots_read_at").asc(nulls_first=True), "pk")[:MOST_A_CYCLE])


def refresh(cluster: Cluster, at: datetime) -> int:
    """Reads what is due; how many rows were written. A node that failed once is left alone for this cycle."""
    silent: set[str] = set()
    written = 0
    for vm in due(at):
        if vm.node in silent:
            continue
        try:
            written += _refresh_one(cluster, vm, at)
        except ClusterError:
            silent.add(vm.node)
    return written


def _refresh_one(cluster: Cluster, vm: VirtualMachine, at: datetime) -> int:
    config = cluster.guest_config(vm.node, vm.vmid or 0)
    if config.uuid != str(vm.smbios_uuid):
        return 0
    found = read(cluster, config, vm.snapshots)
    with transaction.atomic():
        older = Q(snapshots_read_at=None) | Q(snapshots_read_at__lt=at)
        rows = VirtualMachine.objects.select_for_update(no_key=True).filter(older, pk=vm.pk, lifecycle=Lifecycle.READY)
        fresh = rows.filter(smbios_uuid=vm.smbios_uuid).first()
        if fresh is None:
            return 0
        apply_snapshots(fresh, found, config.digest, at)
        return 1
