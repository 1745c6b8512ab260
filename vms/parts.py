"""What a machine is made of, in a member's words, from its row: disks, network cards, drives, what waits."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from quotas.errors import cores, gib
from vms.models import VirtualMachine
from vms.operations.options import DEFAULT_DISPLAY, DISPLAYS
from vms.units import GIB

#: Small volumes that belong to the machine's firmware: they count, and nobody grows or detaches them here.
FIRMWARE = {"efidisk0": "Settings of its firmware", "tpmstate0": "TPM"}
#: Options that can wait for the next start, in plain words.
OPTIONS = {
    "cores": "CPU", "sockets": "CPU", "memory": "Memory", "boot": "Boot order", "vga": "Display",
    "agent": "Guest agent", "name": "Name", "onboot": "Start at boot", "balloon": "Memory",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One device. `slot` is Proxmox's name of it, `details` what Proxmox says of it."""

    slot: str
    title: str
    text: str
    details: str = ""
    note: str = ""
    size_gib: int | None = None
    is_fixed: bool = False
    is_empty: bool = False


@dataclass(frozen=True)
class Waits:
    """A change in force from the next start on; empty `later`: it will be removed."""

    key: str
    title: str
    now: str
    later: str


@dataclass(frozen=True)
class Boots:
    """One device a machine may start from, and the orders that a press of each button would make."""

    slot: str
    title: str
    is_on: bool
    up: str = ""
    down: str = ""
    switch: str = ""


def disks(vm: VirtualMachine) -> list[Part]:
    """What it has its data on, attached."""
    found = [disk for disk in _drives(vm) if not (_is_medium(disk) or disk.get("is_unused"))]
    plain = iter(range(1, len(found) + 1))
    return [
        _disk(disk, FIRMWARE.get(disk.get("slot", "")) or f"Disk {next(plain)}", disk.get("slot") in FIRMWARE)
        for disk in found
    ]


def detached(vm: VirtualMachine) -> list[Part]:
    """Disks that are kept and belong to it, in no slot; they count until they are deleted."""
    found = [disk for disk in _drives(vm) if disk.get("is_unused")]
    return [_disk(disk, f"Detached disk {n}", is_fixed=False) for n, disk in enumerate(found, 1)]


def drives(vm: VirtualMachine) -> list[Part]:
    """CD drives, one for each slot; that of cloud-init is not shown, because it is no drive of the member's."""
    found: dict[str, Part] = {}
    media = [disk for disk in _drives(vm) if disk.get("is_cdrom") and not disk.get("is_cloud_init")]
    for medium in sorted(media, key=lambda each: bool(each.get("is_pending"))):
        slot = str(medium.get("slot", ""))
        drive = _cd(medium, len(found) + 1)
        if slot in found:
            found[slot] = replace(found[slot], note=f"{drive.text} with the next start")
        else:
            found[slot] = drive
    return list(found.values())


def nics(vm: VirtualMachine) -> list[Part]:
    """Network cards."""
    return [_nic(nic, n) for n, nic in enumerate(vm.hardware.get("nics", []), 1)]


def nic(vm: VirtualMachine, slot: str) -> dict[str, Any]:
    """One network card as it was read; empty where there is none in this slot."""
    return next((found for found in vm.hardware.get("nics", []) if found.get("slot") == slot), {})


def part(vm: VirtualMachine, slot: str) -> Part | None:
    """The machine's own device in this slot; None where it has none."""
    return next((each for each in _all(vm) if each.slot == slot), None)


def waits(vm: VirtualMachine) -> list[Waits]:
    """What is in force from the next start on."""
    told = {str(line.get("key")): line for line in vm.hardware.get("pending", [])}
    return [_waits(vm, key, told.get(key, {})) for key in dict.fromkeys([*told, *vm.hardware.get("pending_keys", [])])]


def boot_list(vm: VirtualMachine, order: Iterable[str] | None = None) -> list[Boots]:
    """What it starts from, in turn, then what it does not start from. `order`: as somebody is just making it."""
    named = {each.slot: each.title for each in _all(vm) if not each.is_fixed and not each.slot.startswith("unused")}
    on = [slot for slot in (order if order is not None else vm.hardware.get("boot_order", [])) if slot in named]
    off = [slot for slot in named if slot not in on]
    return [_boots(slot, named[slot], on) for slot in on] + [
        Boots(slot, named[slot], is_on=False, switch=",".join([*on, slot])) for slot in off
    ]


def display_of(vm: VirtualMachine) -> str:
    """Its display in words."""
    kind = str(vm.hardware.get("display") or DEFAULT_DISPLAY)
    return DISPLAYS.get(kind, kind) + (", with a clipboard" if vm.hardware.get("has_clipboard") else "")


def _boots(slot: str, title: str, on: list[str]) -> Boots:
    at = on.index(slot)
    return Boots(
        slot,
        title,
        is_on=True,
        up=_swapped(on, at - 1) if at > 0 else "",
        down=_swapped(on, at) if at < len(on) - 1 else "",
        switch=",".join(each for each in on if each != slot),
    )


def _swapped(on: list[str], at: int) -> str:
    return ",".join([*on[:at], on[at + 1], on[at], *on[at + 2 :]])


def _all(vm: VirtualMachine) -> list[Part]:
    return [*disks(vm), *drives(vm), *nics(vm), *detached(vm)]


def _drives(vm: VirtualMachine) -> list[dict[str, Any]]:
    return list(vm.hardware.get("disks", []))


def _is_medium(disk: dict[str, Any]) -> bool:
    return bool(disk.get("is_cdrom") or disk.get("is_cloud_init"))


def _note(device: dict[str, Any]) -> str:
    if device.get("is_leaving"):
        return "goes with the next start"
    return "changes with the next start" if device.get("is_pending") else ""


def _disk(disk: dict[str, Any], title: str, is_fixed: bool) -> Part:
    size = disk.get("size_bytes")
    size_gib = -(-int(size) // GIB) if size else None
    slot = str(disk.get("slot", ""))
    return Part(
        slot=slot,
        title=title,
        text=f"{size_gib} GiB" if size_gib is not None else "size not known yet",
        details=f"{slot}: {disk.get('volume', '')}",
        note=_note(disk),
        size_gib=size_gib,
        is_fixed=is_fixed,
    )


def _cd(drive: dict[str, Any], n: int) -> Part:
    volume, slot = str(drive.get("volume", "")), str(drive.get("slot", ""))
    is_empty = volume in {"", "none"}
    text = "empty" if is_empty else volume.rpartition("/")[2]
    return Part(slot, f"CD drive {n}", text, f"{slot}: {volume}", _note(drive), is_empty=is_empty)


def _nic(nic: dict[str, Any], n: int) -> Part:
    slot, tag = str(nic.get("slot", "")), nic.get("tag")
    said = [str(nic.get("bridge") or "no bridge")]
    said += [f"VLAN {tag}"] if tag else []
    said += ["firewall on"] if nic.get("has_firewall") else []
    said += ["unplugged"] if nic.get("is_link_down") else []
    details = f"{slot}: {nic.get('model', '')}, {nic.get('mac') or 'no address yet'}"
    return Part(slot, f"Network card {n}", " · ".join(said), details, _note(nic))


def _waits(vm: VirtualMachine, key: str, told: dict[str, Any]) -> Waits:
    device = part(vm, key)
    title = device.title if device else OPTIONS.get(key) or str(told.get("label") or key)
    if key == "cores" and vm.pending_cores:
        return Waits(key, title, cores(vm.cores), cores(vm.pending_cores))
    if key == "memory" and vm.pending_memory_mib:
        return Waits(key, title, gib(vm.memory_mib), gib(vm.pending_memory_mib))
    return Waits(key, title, str(told.get("now") or "as it is"), str(told.get("later") or "changed"))
