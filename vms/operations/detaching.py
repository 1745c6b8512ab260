"""Disks that go: detached first (they are kept, unused, and count), then deleted for good."""

from typing import Any, Unpack

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Refused
from vms.cluster.types import GuestChanges, GuestConfig
from vms.models import Operation, VirtualMachine
from vms.operations import finding
from vms.operations.errors import Refusal
from vms.operations.hardware import Setting, SettingVerb, Who, ask, disks_of, held, refuse_protected
from vms.operations.steps import Broken, Verdict
from vms.states import OperationKind

#: They belong to the firmware, not to the guest's data.
FIRMWARE = ("efidisk0", "tpmstate0")


class _Disk(Setting):
    """A change of the disk `wish["slot"]` that is the volume `wish["volume"]`."""

    def keys(self, op: Operation) -> tuple[str, ...]:
        return (op.wish["slot"],)

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Only while the slot holds the volume that was seen."""
        found = [disk for disk in config.disks if disk.slot == op.wish["slot"] and disk.is_counted]
        if [disk.volume for disk in found] != [op.wish["volume"]]:
            return self.gone_elsewhere(op, f"{op.wish['slot']} is another disk now.")
        return GuestChanges(remove=(op.wish["slot"],))


class DetachDisk(_Disk):
    """The guest loses it; it is kept."""

    label = "Detach the disk"

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """The volume is kept as an unused one, or will be with the next start."""
        kept = (disk for disk in config.disks if disk.is_unused or disk.is_leaving)
        return any(disk.volume == op.wish["volume"] for disk in kept)

    def told(self, op: Operation) -> str:
        """Where it is and that it counts."""
        return f"The disk {op.wish['slot']} of {op.vm.name} is detached. It is kept and counts until it is deleted."


class DropDisk(_Disk):
    """Gone for good."""

    label = "Delete the disk"

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """No slot has the volume."""
        return all(disk.volume != op.wish["volume"] for disk in config.disks)

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """A refused deletion would wait for the next start: it is taken back, so that "nothing was changed" is true."""
        verdict = super().refused(op, cluster, error)
        is_no = isinstance(verdict, Broken) and isinstance(error, Refused)
        if is_no and op.wish["slot"] in self.config(op, cluster).pending_keys:
            cluster.configure(finding.ref_of(op), GuestChanges(forget=(op.wish["slot"],)))
        return verdict

    def told(self, op: Operation) -> str:
        """Which one."""
        return f"A detached disk of {op.vm.name} ({op.wish['volume'].partition(':')[2]}) was deleted."


DETACHING = {
    OperationKind.DETACH_DISK: SettingVerb(OperationKind.DETACH_DISK, DetachDisk()),
    OperationKind.DROP_DISK: SettingVerb(OperationKind.DROP_DISK, DropDisk()),
}


def request_detach_disk(vm: VirtualMachine, *, slot: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for a disk to be taken from the guest and kept. Fields: slot."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        disk = held(disks_of(fresh), slot, "disk")
        if disk["is_unused"]:
            raise Refusal("It is detached already.", "slot")
        if slot in FIRMWARE:
            raise Refusal("It belongs to the VM's firmware and stays.", "slot")
        refuse_protected(fresh)
        return {"slot": slot, "volume": disk["volume"]}

    return ask(vm, DETACHING[OperationKind.DETACH_DISK], plan, digest, who)


def request_drop_disk(vm: VirtualMachine, *, slot: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for a detached disk to be deleted for good. Fields: slot."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        disk = held(disks_of(fresh), slot, "disk")
        if not disk["is_unused"]:
            raise Refusal("Detach the disk first. Only a detached disk can be deleted.", "slot")
        refuse_protected(fresh)
        return {"slot": slot, "volume": disk["volume"]}

    return ask(vm, DETACHING[OperationKind.DROP_DISK], plan, digest, who)
