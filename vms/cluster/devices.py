"""Drives and network devices out of Proxmox's property strings such as `local-lvm:vm-100-disk-0,size=32G`."""

import re
from collections.abc import Mapping
from dataclasses import replace

from vms.cluster.sizes import size_bytes
from vms.cluster.types import DiskFacts, NicFacts

#: Where disks of data go, without those of the firmware and what is detached.
DATA_SLOT = re.compile(r"ide[0-3]|sata[0-5]|scsi(?:[0-9]|[12][0-9]|30)|virtio(?:[0-9]|1[0-5])")
DRIVE_SLOT = re.compile(rf"{DATA_SLOT.pattern}|efidisk0|tpmstate0|unused[0-9]{{1,3}}")
NIC_SLOT = re.compile(r"net(?:[0-9]|[12][0-9]|3[01])")
CLOUD_INIT = re.compile(r"[:/](?:vm-\d+-)?cloudinit(?:\.[a-z0-9]+)?")
MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)
#: What may stand in a boot order.
BOOTABLE = re.compile(rf"{DRIVE_SLOT.pattern}|{NIC_SLOT.pattern}|usb[0-9]{{1,2}}|hostpci[0-9]{{1,2}}")
KNOWN_OF_NIC = frozenset({"model", "macaddr", "bridge", "tag", "firewall", "link_down"})
YES = frozenset({"1", "on", "yes", "true"})


def properties(text: str, default_key: str) -> dict[str, str]:
    """A property string's parts; a part without `=` belongs to `default_key`."""
    parts: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        parts[key.strip() if equals else default_key] = value if equals else part.strip()
    return parts


def boot_order(text: str) -> tuple[str, ...]:
    """The devices of a `boot` option, in order; none of the old letters."""
    return tuple(slot for slot in properties(text, "legacy").get("order", "").split(";") if slot)


def drive(slot: str, text: str, *, is_pending: bool = False) -> DiskFacts:
    """One drive. The volume's name never decides what it is, except for cloud-init, as in Proxmox itself."""
    parts = properties(text, "file")
    volume = parts.get("file", "")
    is_cdrom = parts.get("media") == "cdrom" or volume in {"cdrom", "none"}
    named = ":" in volume and not volume.startswith("/")
    return DiskFacts(
        slot=slot,
        volume=volume,
        storage=volume.partition(":")[0] if named else "",
        size_bytes=size_bytes(parts["size"]) if "size" in parts else None,
        is_cdrom=is_cdrom,
        is_cloud_init=is_cdrom and CLOUD_INIT.search(volume) is not None,
        is_unused=slot.startswith("unused"),
        is_pending=is_pending,
    )


def drives(
    now: Mapping[str, str], waiting: Mapping[str, str], leaving: frozenset[str] = frozenset()
) -> tuple[DiskFacts, ...]:
    """Every drive in force, and those that wait where their volume is another one or their size is larger.

    What waits for removal still exists and stays in the list, marked.
    """
    found = {_key(drive): drive for drive in _drives(now, is_pending=False)}
    for late in _drives(waiting, is_pending=True):
        known = found.get(_key(late))
        if known is None or (late.size_bytes or 0) > (known.size_bytes or 0):
            found[_key(late)] = late
    marked = (replace(each, is_leaving=True) if each.slot in leaving else each for each in found.values())
    return tuple(sorted(marked, key=lambda drive: (drive.is_unused, drive.slot)))


def _key(drive: DiskFacts) -> str:
    """A disk is its volume, whatever slot it is moved to; one medium may lie in two drives."""
    return f"{drive.slot} {drive.volume}" if drive.is_cdrom or not drive.storage else drive.volume


def _drives(options: Mapping[str, str], *, is_pending: bool) -> list[DiskFacts]:
    return [drive(slot, text, is_pending=is_pending) for slot, text in options.items() if DRIVE_SLOT.fullmatch(slot)]


def nic(slot: str, text: str) -> NicFacts:
    """One network device; both `virtio=MAC,…` and `model=virtio,macaddr=MAC,…` are written."""
    parts = properties(text, "model")
    model, mac = parts.get("model", ""), parts.get("macaddr", "")
    if not model:
        model, mac = next(((key, value) for key, value in parts.items() if MAC.fullmatch(value)), ("", ""))
    tag = parts.get("tag", "")
    return NicFacts(
        slot=slot,
        model=model,
        mac=mac.upper(),
        bridge=parts.get("bridge", ""),
        tag=int(tag) if tag.isdecimal() else None,
        has_firewall=parts.get("firewall", "") in YES,
        is_link_down=parts.get("link_down", "") in YES,
        others=tuple(f"{key}={value}" for key, value in parts.items() if key not in KNOWN_OF_NIC | {model}),
    )


def nics(
    now: Mapping[str, str], waiting: Mapping[str, str], leaving: frozenset[str] = frozenset()
) -> tuple[NicFacts, ...]:
    """All network devices as of the next start, in the order of their slots; what waits for removal stays, marked."""
    slots = sorted((slot for slot in {**now, **waiting} if NIC_SLOT.fullmatch(slot)), key=lambda slot: int(slot[3:]))
    return tuple(
        replace(nic(slot, waiting.get(slot) or now[slot]), is_pending=slot in waiting, is_leaving=slot in leaving)
        for slot in slots
    )
