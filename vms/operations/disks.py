"""Disks that are added and disks that grow. Both count from the moment they are asked for."""

import re
from dataclasses import replace
from typing import Any, ClassVar, Unpack

from django.conf import settings

from vms.cluster import Cluster
from vms.cluster.devices import DATA_SLOT
from vms.cluster.errors import ClusterError, ConfigChanged
from vms.cluster.types import DiskFacts, GuestChanges, GuestConfig, TaskStatus, Upid
from vms.models import Operation, VirtualMachine
from vms.operations import base, finding, words
from vms.operations.create_steps import OnMachine
from vms.operations.detaching import FIRMWARE
from vms.operations.edits import ChangeVerb, changed_elsewhere
from vms.operations.errors import Refusal
from vms.operations.growing import ask_to_grow
from vms.operations.hardware import Setting, SettingVerb, Who, disks_of, held
from vms.operations.steps import Broken, DidNotHappen, Done, Finding, Happened, Step, Verdict
from vms.operations.wishes import check_disk
from vms.placement import disk_storages
from vms.states import OperationKind
from vms.units import GIB, gib
from vms.usage import Shape, shape_of

NO_PLACE = "There is no free place for another disk in it."
ANOTHER = "It holds another disk now. Look at what is set now, then decide."


class AddDisk(Setting):
    """A new, empty disk in the first free slot of the boot disk's kind. The slot is saved before it is used."""

    label = "Add the disk"

    def keys(self, op: Operation) -> tuple[str, ...]:
        return (op.wish["slot"],) if "slot" in op.wish else ()

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The slot, and which volumes there were before: what is in the slot afterwards and new is ours."""
        config = self.config(op, cluster)
        if not self.is_set(op, config):
            slot = free_slot(config)
            if slot is None:
                return Broken(words.did_not(op, NO_PLACE))
            base.write(op, wish={**op.wish, "slot": slot, "had": sorted(disk.volume for disk in config.disks)})
        return super().prepare(op, cluster)

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges:
        return GuestChanges(add_disk=(op.wish["slot"], op.wish["storage"], op.wish["size_gib"]))

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """Our slot holds a volume that was not there before, of our storage and size."""
        return any(self._is_ours(op, disk) for disk in config.disks)

    def _is_ours(self, op: Operation, disk: DiskFacts) -> bool:
        asked = (op.wish.get("slot"), op.wish["storage"], op.wish["size_gib"])
        return (disk.slot, disk.storage, gib(disk.size_bytes or 0)) == asked and disk.volume not in op.wish["had"]

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """An earlier try that came through late changed the digest: then it is there."""
        if isinstance(error, ConfigChanged) and self.is_set(op, self.config(op, cluster)):
            return Done()
        return super().refused(op, cluster, error)

    def told(self, op: Operation) -> str:
        """Which slot it took."""
        return f"{op.vm.name} has a new disk of {op.wish['size_gib']} GiB, {op.wish['slot']}."


def free_slot(config: GuestConfig) -> str | None:
    """The first slot of the boot disk's kind in which nothing is and nothing waits; None when all are taken."""
    kind = re.sub(r"\d+", "", _boot_slot(config))
    named = (f"{kind}{number}" for number in range(31))
    return next((slot for slot in named if DATA_SLOT.fullmatch(slot) and slot not in config.taken_slots), None)


def _boot_slot(config: GuestConfig) -> str:
    """The slot it boots from; scsi0 for a machine without any disk."""
    usable = [disk.slot for disk in config.disks if disk.is_counted and DATA_SLOT.fullmatch(disk.slot)]
    return next((slot for slot in (*config.boot_order, *usable) if slot in usable), "scsi0")


class GrowDisk(OnMachine):
    """A larger size of one disk: always an absolute one, so that twice is no more than once."""

    name = "grow"
    label = "Grow the disk"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Only while the slot holds the volume that was seen, with the settings that were seen."""
        config = self.config(op, cluster)
        disk = self._disk(op, config)
        if disk is None:
            return Broken(words.did_not(op, ANOTHER))
        is_set = self._is_large_enough(op, disk)
        if not is_set and op.wish.get("digest") and op.wish["digest"] != config.digest:
            return changed_elsewhere(op)
        return finding.intent_of(finding.ref_of(op)) | {"digest": config.digest, "is_set": is_set}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """One resize, unless it is large enough already."""
        if op.intent["is_set"]:
            return None
        slot, size_gib = op.wish["slot"], op.wish["size_gib"]
        return cluster.resize_disk(finding.ref_of(op), slot=slot, size_gib=size_gib, digest=op.intent["digest"])

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """Somebody was quicker."""
        return changed_elsewhere(op) if isinstance(error, ConfigChanged) else super().refused(op, cluster, error)

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """The size tells, or our task."""
        if self._has_grown(op, cluster):
            return Happened()
        tasks = finding.own_tasks(op, cluster, frozenset({"resize"}), int(op.intent["vmid"]))
        return Happened(str(tasks[0].upid)) if tasks else DidNotHappen()

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """A task that failed although the disk is that large: an earlier try came through. A digest that no longer
        fits is found inside the task."""
        if end is None or end.ok:
            return super().after(op, cluster, end)
        if self._has_grown(op, cluster):
            return Done()
        if "checksum mismatch" in (end.exit_text or ""):
            return changed_elsewhere(op)
        return super().after(op, cluster, end)

    def _has_grown(self, op: Operation, cluster: Cluster) -> bool:
        disk = self._disk(op, self.config(op, cluster))
        return disk is not None and self._is_large_enough(op, disk)

    def _disk(self, op: Operation, config: GuestConfig) -> DiskFacts | None:
        meant = (op.wish["slot"], op.wish["volume"])
        return next((disk for disk in config.disks if (disk.slot, disk.volume) == meant and disk.is_counted), None)

    def _is_large_enough(self, op: Operation, disk: DiskFacts) -> bool:
        return (disk.size_bytes or 0) >= int(op.wish["size_gib"]) * GIB


class GrowDiskVerb(ChangeVerb):
    """One step; a disk grows while the machine runs, too."""

    steps: ClassVar[tuple[Step, ...]] = (GrowDisk(),)

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """The new size, and what the guest has to do about it."""
        grown = f"The disk {op.wish['slot']} of {op.vm.name} has {op.wish['size_gib']} GiB."
        return f"{grown} The guest has to grow its file system."


DISKS = {
    OperationKind.ADD_DISK: SettingVerb(OperationKind.ADD_DISK, AddDisk()),
    OperationKind.GROW_DISK: GrowDiskVerb(),
}


def request_add_disk(
    vm: VirtualMachine, *, size_gib: int, storage: str = "", digest: str = "", **who: Unpack[Who]
) -> Operation:
    """Asks for one more disk. `storage` empty: the one of new disks. Fields: size_gib, storage."""
    check_disk(size_gib)
    wanted = storage or settings.PROXMOX_VM_STORAGE

    def plan(fresh: VirtualMachine) -> tuple[dict[str, Any], Shape]:
        if wanted not in disk_storages(fresh.node):
            raise Refusal(f"{fresh.name} cannot have a disk on {wanted}. Choose another storage.", "storage")
        now = shape_of(fresh)
        wish = {"size_gib": size_gib, "storage": wanted, "had": []}
        return wish, replace(now, disk_gib=now.disk_gib + size_gib, disks=now.disks + 1)

    return ask_to_grow(vm, OperationKind.ADD_DISK, DISKS[OperationKind.ADD_DISK].steps, plan, digest=digest, who=who)


def request_grow_disk(
    vm: VirtualMachine, *, slot: str, size_gib: int, digest: str = "", **who: Unpack[Who]
) -> Operation:
    """Asks for a disk to have `size_gib` in all. Fields: size_gib, slot."""
    check_disk(size_gib)

    def plan(fresh: VirtualMachine) -> tuple[dict[str, Any], Shape]:
        disk = held(disks_of(fresh), slot, "disk")
        more_bytes = size_gib * GIB - _growable_bytes(disk, size_gib)
        now, all_bytes = shape_of(fresh), sum(each["size_bytes"] or 0 for each in disks_of(fresh))
        more_gib = gib(all_bytes + more_bytes) - gib(all_bytes)
        return (
            {"slot": slot, "volume": disk["volume"], "size_gib": size_gib},
            replace(now, disk_gib=now.disk_gib + more_gib),
        )

    return ask_to_grow(vm, OperationKind.GROW_DISK, DISKS[OperationKind.GROW_DISK].steps, plan, digest=digest, who=who)


def _growable_bytes(disk: dict[str, Any], size_gib: int) -> int:
    """The disk's size now; raises Refusal where it cannot grow, or not to that size."""
    if disk["slot"] in FIRMWARE:
        raise Refusal("It belongs to the VM's firmware and stays as it is.", "slot")
    if disk["is_unused"]:
        raise Refusal("It is detached. Only a disk in use can grow.", "slot")
    if disk["is_pending"] or not disk["size_bytes"]:
        raise Refusal("It is not in use yet. It can grow after the next shut down and start.", "slot")
    if size_gib * GIB <= disk["size_bytes"]:
        now_gib = gib(disk["size_bytes"])
        raise Refusal(f"It has {now_gib} GiB already, and disks cannot shrink. Write a larger size.", "size_gib")
    return int(disk["size_bytes"])
