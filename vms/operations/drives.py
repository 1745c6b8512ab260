"""CD drives: add, remove, insert an ISO, eject it."""

from typing import Any, Unpack

from django.db.models import QuerySet

from vms.cluster import Cluster
from vms.cluster.types import DiskFacts, GuestChanges, GuestConfig
from vms.models import IsoImage, Operation, Storage, VirtualMachine
from vms.operations import base, words
from vms.operations.errors import Refusal
from vms.operations.hardware import Setting, SettingVerb, Who, ask, drives_of, held, refuse_protected
from vms.operations.steps import Broken
from vms.states import OperationKind

#: Where a drive is added, in this order: ide2 is where Proxmox itself puts the first one.
SLOTS = ("ide2", "ide0", "ide1", "ide3", *(f"sata{n}" for n in range(6)))
EMPTY = "none"
NO_SLOT = "It has no free place for another CD drive."
WITHDRAWN = "An RTP hid {} after it was chosen, or its storage lost it. Choose another ISO."


class _Drive(Setting):
    """A change of the drive `wish["slot"]`; `wish["volid"]` is the ISO that shall be in it, empty for none."""

    def keys(self, op: Operation) -> tuple[str, ...]:
        return (op.wish["slot"],) if "slot" in op.wish else ()

    def drive(self, op: Operation, config: GuestConfig) -> DiskFacts | None:
        """The drive as it is to be with the next start, unless it is gone or leaving."""
        found = [disk for disk in config.disks if disk.slot == op.wish.get("slot") and not disk.is_leaving]
        usable = [disk for disk in found if disk.is_cdrom and not disk.is_cloud_init]
        return max(usable, key=lambda disk: disk.is_pending, default=None)

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Looks once more whether the ISO is offered: it may have been hidden since it was asked for."""
        found = super().prepare(op, cluster)
        if isinstance(found, Broken) or found.get("is_set") or is_offered(op):
            return found
        return Broken(words.did_not(op, WITHDRAWN.format(op.wish["iso_name"])))

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """The drive is there and holds what it shall."""
        drive = self.drive(op, config)
        return drive is not None and drive.volume == (op.wish["volid"] or EMPTY)

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Only while the slot holds a drive."""
        if self.drive(op, config) is None:
            return self.gone_elsewhere(op, f"{op.wish['slot']} is no CD drive now.")
        return GuestChanges(cdrom=(op.wish["slot"], op.wish["volid"]))


class AddDrive(_Drive):
    """A drive more, in the first free slot."""

    label = "Add the CD drive"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The slot, saved before it is used."""
        config = self.config(op, cluster)
        if not self.is_set(op, config):
            taken = {disk.slot for disk in config.disks}
            slot = next((each for each in SLOTS if each not in taken), None)
            if slot is None:
                return Broken(words.did_not(op, NO_SLOT))
            base.write(op, wish={**op.wish, "slot": slot})
        return super().prepare(op, cluster)

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Only while the slot is free."""
        if any(disk.slot == op.wish["slot"] for disk in config.disks):
            return self.gone_elsewhere(op, f"{op.wish['slot']} was taken.")
        return GuestChanges(cdrom=(op.wish["slot"], op.wish["volid"]))

    def told(self, op: Operation) -> str:
        """Which slot it took."""
        return f"{op.vm.name} has a new CD drive, {op.wish['slot']}."


class DropDrive(_Drive):
    """A drive less."""

    label = "Remove the CD drive"

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """Nothing is in the slot, or it goes with the next start."""
        return self.drive(op, config) is None

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """The drive alone; the ISO file stays where it is."""
        return GuestChanges(remove=(op.wish["slot"],))

    def told(self, op: Operation) -> str:
        """Which one."""
        return f"The CD drive {op.wish['slot']} of {op.vm.name} was removed."


class Mount(_Drive):
    """Another ISO in a drive."""

    label = "Insert the ISO"

    def told(self, op: Operation) -> str:
        """Which one."""
        return f"{op.wish['iso_name']} is in the CD drive {op.wish['slot']} of {op.vm.name}."


class Eject(_Drive):
    """No ISO in a drive."""

    label = "Eject the ISO"

    def told(self, op: Operation) -> str:
        """Which drive."""
        return f"The CD drive {op.wish['slot']} of {op.vm.name} is empty."


DRIVES = {
    OperationKind.ADD_DRIVE: SettingVerb(OperationKind.ADD_DRIVE, AddDrive()),
    OperationKind.DROP_DRIVE: SettingVerb(OperationKind.DROP_DRIVE, DropDrive()),
    OperationKind.MOUNT: SettingVerb(OperationKind.MOUNT, Mount()),
    OperationKind.EJECT: SettingVerb(OperationKind.EJECT, Eject()),
}


def request_add_drive(
    vm: VirtualMachine, *, iso_id: int | None = None, digest: str = "", **who: Unpack[Who]
) -> Operation:
    """Asks for a CD drive, empty or with an ISO in it. Fields: iso_id."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        taken = {each["slot"] for each in fresh.hardware.get("disks", [])}
        if taken.issuperset(SLOTS):
            raise Refusal(NO_SLOT)
        return _medium(fresh, iso_id) if iso_id is not None else {"volid": "", "iso_name": ""}

    return ask(vm, DRIVES[OperationKind.ADD_DRIVE], plan, digest, who)


def request_drop_drive(vm: VirtualMachine, *, slot: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for a CD drive to be removed. Fields: slot."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        held(drives_of(fresh), slot, "CD drive")
        refuse_protected(fresh)
        return {"slot": slot, "volid": ""}

    return ask(vm, DRIVES[OperationKind.DROP_DRIVE], plan, digest, who)


def request_mount(vm: VirtualMachine, *, slot: str, iso_id: int, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for an ISO to be put into a drive. Fields: slot, iso_id."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        held(drives_of(fresh), slot, "CD drive")
        return {"slot": slot, **_medium(fresh, iso_id)}

    return ask(vm, DRIVES[OperationKind.MOUNT], plan, digest, who)


def request_eject(vm: VirtualMachine, *, slot: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for a drive to be emptied. Fields: slot."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        held(drives_of(fresh), slot, "CD drive")
        return {"slot": slot, "volid": "", "iso_name": ""}

    return ask(vm, DRIVES[OperationKind.EJECT], plan, digest, who)


def isos_for(vm: VirtualMachine) -> list[IsoImage]:
    """ISOs that are shown to members and that the machine's node can reach, by name."""
    reachable = set(Storage.objects.filter(node__name=vm.node).values_list("name", flat=True))
    return [iso for iso in _shown(vm).order_by("name") if iso.volid.partition(":")[0] in reachable]


def is_offered(op: Operation) -> bool:
    """Whether the ISO it is about is still one that members are shown; True where it is about none."""
    volid = op.wish.get("volid")
    return not volid or _shown(op.vm).filter(volid=volid).exists()


def _shown(vm: VirtualMachine) -> QuerySet[IsoImage]:
    """ISOs that members are shown, of the machine's node or of all."""
    return IsoImage.objects.there_for(vm.node).filter(is_hidden=False)


def _medium(vm: VirtualMachine, iso_id: int) -> dict[str, Any]:
    iso = next((iso for iso in isos_for(vm) if iso.pk == iso_id), None)
    if iso is None:
        raise Refusal("This ISO is not offered any more, or the VM's node cannot reach it. Choose another.", "iso_id")
    return {"volid": iso.volid, "iso_name": iso.name}
