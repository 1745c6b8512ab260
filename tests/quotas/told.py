"""Answers the few questions of an operation's end out of the book, instead of a cluster."""

import uuid
from datetime import UTC, datetime
from typing import cast

from tests.quotas.book import Book, Kept, Machine
from vms.cluster import Cluster
from vms.cluster.errors import NoSuchGuest
from vms.cluster.types import ClusterReading, DiskFacts, GuestConfig, GuestStatus, SnapshotFacts
from vms.units import GIB

FIRST_VMID = 50_000
TAKEN_AT_S = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())


def vmid_of(machine: Machine) -> int:
    """Its slot."""
    return FIRST_VMID + machine.pk


def uuid_of(machine: Machine) -> uuid.UUID:
    """Its identity."""
    return uuid.UUID(int=machine.pk)


class Told:
    """As much of the gateway as ends read."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def as_cluster(self) -> Cluster:
        """In the type that ends take."""
        return cast(Cluster, self)

    def guest_config(self, node: str, vmid: int) -> GuestConfig:
        """What is set."""
        machine = self._there(vmid)
        return _config(
            machine,
            Kept(machine.cores, machine.memory_mib, machine.disks, machine.at_boot, 0),
            pending=(machine.pending_cores, machine.pending_memory_mib),
        )

    def snapshot_config(self, node: str, vmid: int, name: str) -> GuestConfig:
        """What was set then."""
        machine = self._there(vmid)
        return _config(machine, machine.snapshots[name], pending=(None, None))

    def guest_status(self, node: str, vmid: int) -> GuestStatus:
        """What it does."""
        power = self._there(vmid).power
        return GuestStatus(vmid, power, power)

    def snapshots(self, node: str, vmid: int) -> tuple[SnapshotFacts, ...]:
        """What is kept of it."""
        kept = self._there(vmid).snapshots
        return tuple(
            SnapshotFacts(name, taken_at_s=TAKEN_AT_S, with_memory=one.memory_gib > 0) for name, one in kept.items()
        )

    def read(self) -> ClusterReading:
        """A list that shows no machine elsewhere."""
        return ClusterReading()

    def _there(self, vmid: int) -> Machine:
        for machine in self.book.machines:
            if vmid_of(machine) == vmid and machine.is_there:
                return machine
        raise NoSuchGuest("no such machine")


def _config(machine: Machine, kept: Kept, *, pending: tuple[int | None, int | None]) -> GuestConfig:
    vmid = vmid_of(machine)
    disks = tuple(
        DiskFacts(slot, f"shared:vm-{vmid}-{slot}", "shared", size_gib * GIB, is_unused=slot.startswith("unused"))
        for slot, size_gib in kept.disks.items()
    )
    return GuestConfig(
        node="pve1",
        vmid=vmid,
        uuid=str(uuid_of(machine)),
        digest="0",
        name=f"m{machine.pk}",
        cores=kept.cores,
        memory_mib=kept.memory_mib,
        pending_cores=pending[0],
        pending_memory_mib=pending[1],
        disks=disks,
        disk_gib=sum(kept.disks.values()),
        start_at_boot=kept.at_boot,
        pending_keys=frozenset(name for name, waits in zip(("cores", "memory"), pending, strict=True) if waits),
    )
