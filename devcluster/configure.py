"""Changing a machine's options: what is stored, what applies at once, what waits for a restart."""

import hashlib
import json
import re
import secrets
from random import Random
from typing import Any

from devcluster import volumes
from devcluster.drives import SLOT, Drive
from devcluster.refusals import bad_parameter, failed
from devcluster.site import Site
from devcluster.state import Guest
from devcluster.vmschema import CLOUD_INIT, INTEGERS, PROPERTIES

AT_ONCE = CLOUD_INIT | frozenset(
    [
        "name",
        "description",
        "tags",
        "onboot",
        "protection",
        "startup",
        "shares",
        "lock",
        "hookscript",
        "cpulimit",
        "cpuunits",
        "balloon",
    ]
)
HIDDEN_PASSWORD = "**********"
HOT_PLUGGED = ("net", "scsi", "virtio", "unused", "ipconfig", "usb")


def digest(guest: Guest) -> str:
    """Changes with every edit of the config file, pending changes and snapshots included."""
    snapshots = [(one.name, one.description, one.taken_at, one.parent, one.config) for one in guest.snapshots]
    content = json.dumps([guest.config, guest.pending, snapshots], sort_keys=True)
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def shown(key: str, value: str) -> Any:
    """A stored value as the API prints it: numbers where the schema says so, passwords never."""
    if key == "cipassword":
        return HIDDEN_PASSWORD
    return int(value) if key in INTEGERS and value.lstrip("-").isdigit() else value


def stored(site: Site, key: str, value: Any) -> str:
    """A parameter as it is written into the config file."""
    text = str(value)
    bare = key.rstrip("0123456789")
    if key == "memory":
        return text.removeprefix("current=").partition(",")[0]
    if key == "tags":
        return ";".join(sorted({tag.lower() for tag in re.split(r"[;,\s]+", text) if tag}))
    if bare == "net":
        return _with_mac(site, text)
    if key == "cipassword" and not text.startswith("$"):
        return f"$5${secrets.token_hex(4)}${hashlib.sha256(text.encode()).hexdigest()[:43]}"
    return text


def _with_mac(site: Site, text: str) -> str:
    model, _, rest = text.removeprefix("model=").partition(",")
    if "=" not in model:
        tail = ":".join(f"{site.random.randrange(256):02X}" for _ in range(3))
        model = f"{model}=BC:24:11:{tail}"
    return f"{model},{rest}" if rest else model


def hot(guest: Guest, key: str, value: str | None) -> bool:
    """Whether a change reaches a running machine without a restart (hotplug network, disk and usb, the default)."""
    bare = key.rstrip("0123456789")
    if key in AT_ONCE or bare in HOT_PLUGGED:
        return key != "scsihw"
    held = guest.config.get(key, "")
    return value is not None and "media=cdrom" in held and "media=cdrom" in value


async def apply(site: Site, guest: Guest, changes: dict[str, Any], deletes: list[str], *, force: bool = False) -> None:
    """Make disks, then store each change. Raises Refusal; a refused hot-unplug is refused after it was noted."""
    running = guest.power != "stopped"
    order = ordered(guest.config.get("boot", ""))
    _check_order(guest, changes, deletes)
    for key in deletes:
        _note_deletion(guest, key, order)
    for key, value in changes.items():
        text = await _made(site, guest, key, stored(site, key, value))
        _note(guest, key, text, order)
    refused: dict[str, str] = {}
    for key in list(guest.pending):
        if not running or hot(guest, key, guest.pending[key]):
            complaint = await _apply_one(site, guest, key, force=force, running=running)
            refused |= {key: complaint} if complaint else {}
    site.touch(guest)
    if refused:
        raise bad_parameter(**refused)


def revert(guest: Guest, keys: list[str]) -> None:
    """Take back what waits; the volume of a disk that was not in force yet stays, unused."""
    for key in keys:
        if key not in PROPERTIES:
            raise bad_parameter(revert=f"unknown option '{key}'")
    for key in keys:
        _keep_volume(guest, key)
        guest.pending.pop(key, None)


def ordered(boot: str) -> list[str]:
    """The devices of a `boot` option."""
    return re.findall(r"[a-z]+\d+", boot.partition("order=")[2])


def _note(guest: Guest, key: str, text: str, order: list[str]) -> None:
    """A change waits unless it is what is set; a new CD drive is booted from last."""
    if guest.config.get(key) == text:
        guest.pending.pop(key, None)
        return
    guest.pending[key] = text
    is_new_drive = SLOT.match(key) is not None and key not in guest.config and Drive.parse(text).is_cdrom
    if is_new_drive and not Drive.parse(text).is_cloudinit and key not in order:
        order.append(key)
        guest.pending["boot"] = f"order={';'.join(order)}"


def _note_deletion(guest: Guest, key: str, order: list[str]) -> None:
    if key not in PROPERTIES:
        raise bad_parameter(delete=f"unknown option '{key}'")
    _check_protection(guest, key)
    _keep_volume(guest, key)
    if key in guest.config:
        guest.pending[key] = None
    else:
        guest.pending.pop(key, None)
    if key in order:
        order.remove(key)
        guest.pending["boot"] = f"order={';'.join(order)}"


def _check_protection(guest: Guest, key: str) -> None:
    """A protected machine keeps its drives."""
    held = guest.config.get(key)
    if held is None or SLOT.match(key) is None or guest.config.get("protection") != "1":
        return
    what = f"unused disk '{Drive.parse(held).file}'" if key.startswith("unused") else f"drive '{key}'"
    raise failed(f"can't remove {what} - protection mode enabled")


def _keep_volume(guest: Guest, key: str) -> None:
    """The volume of a disk that only waits to be added becomes an unused one when it is taken back."""
    text = guest.pending.get(key)
    if text is None or SLOT.match(key) is None or Drive.parse(text).is_cdrom:
        return
    volid = Drive.parse(text).file
    if volid != Drive.parse(guest.config.get(key, "none")).file:
        guest.config[_free_unused(guest)] = volid


def _check_order(guest: Guest, changes: dict[str, Any], deletes: list[str]) -> None:
    """Only devices that are there, and stay, may be booted from."""
    there = ({*guest.config, *changes} | {key for key, value in guest.pending.items() if value}) - set(deletes)
    for device in ordered(str(changes.get("boot", ""))):
        if device not in there:
            raise failed(f"invalid bootorder: device '{device}' does not exist'")


async def _made(site: Site, guest: Guest, key: str, text: str) -> str:
    """The drive string with a real volume in place of a wish for one."""
    if not SLOT.match(key) or key.startswith("unused"):
        return text
    drive = Drive.parse(text)
    wanted = volumes.wish(site, drive)
    if wanted is not None:
        volume = await volumes.make(site, guest.node, guest.vmid, wanted)
        return str(volumes.with_size(drive, volume, keep=guest.power != "stopped"))
    if drive.file in ("none", "cdrom"):
        return text
    volume_found = volumes.find(site, guest.node, drive.file)
    if volume_found is None:
        raise failed(f"volume '{drive.file}' does not exist")
    if volume_found.content == "iso" and not drive.is_cdrom:
        raise bad_parameter(**{key: "unable to use an ISO image without media=cdrom\n"})
    if drive.is_cdrom and "size" not in drive.options:
        drive.options["size"] = f"{max(1, volume_found.size_bytes // 1024)}K"
    return str(drive)


async def _apply_one(site: Site, guest: Guest, key: str, *, force: bool, running: bool) -> str | None:
    """Move one pending change into the config; returns the complaint of a refused hot-unplug."""
    value = guest.pending[key]
    held = guest.config.get(key)
    is_disk = held is not None and SLOT.match(key) is not None and not Drive.parse(held).is_cdrom
    if value is None and is_disk and running and not guest.obeys_shutdown and not key.startswith("unused"):
        number = key.removeprefix("scsi")
        busy = " - still busy in guest?" if site.settings.major >= 9 else ""
        return f"hotplug problem - error on hot-unplugging device 'virtioscsi{number}'{busy}\n"
    if value is None and key.startswith("unused") and held is not None and _is_in_snapshot(guest, held):
        why = "hotplug problem -" if running else f"unable to apply pending change {key} :"
        return f"{why} unable to delete '{Drive.parse(held).file}' - volume is still in use (snapshot?)\n"
    del guest.pending[key]
    if value is None:
        guest.config.pop(key, None)
    else:
        guest.config[key] = value
    if is_disk and held is not None and Drive.parse(held).file != Drive.parse(value or "none").file:
        await _detach(site, guest, key, Drive.parse(held).file, force=force)
    return None


def _is_in_snapshot(guest: Guest, held: str) -> bool:
    """Whether a snapshot names the volume: it cannot be freed then."""
    volid = Drive.parse(held).file
    return any(Drive.parse(text).file == volid for one in guest.snapshots for text in one.config.values())


async def _detach(site: Site, guest: Guest, key: str, volid: str, *, force: bool) -> None:
    """A detached volume stays as unusedN; detaching that, or force, frees it."""
    if key.startswith("unused") or force:
        await volumes.free(site, guest.node, volid)
        return
    guest.config[_free_unused(guest)] = volid


def _free_unused(guest: Guest) -> str:
    return next(f"unused{n}" for n in range(256) if f"unused{n}" not in guest.config)


async def apply_pending(site: Site, guest: Guest) -> None:
    """What waited for a stop and start happens now."""
    for key in list(guest.pending):
        await _apply_one(site, guest, key, force=False, running=False)


def new_identity(site: Site, config: dict[str, str]) -> None:
    """A fresh machine: its own smbios uuid, generation id and MAC addresses."""
    config["smbios1"] = f"uuid={random_uuid(site.random)}"
    config["vmgenid"] = random_uuid(site.random)
    for key, value in config.items():
        if key.startswith("net") and key[3:].isdigit():
            config[key] = _with_mac(site, re.sub(r"^(\w+)=[0-9A-Fa-f:]{17}", r"\1", value))


def random_uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def boot_order(config: dict[str, str]) -> str:
    """The first disk, the first CD-ROM drive and the first card, as a new machine boots by default; "" for none."""
    drives = {key: Drive.parse(value) for key, value in config.items() if SLOT.match(key)}
    disks = sorted(key for key, drive in drives.items() if not drive.is_cdrom)
    cdroms = sorted(key for key, drive in drives.items() if drive.is_cdrom and not drive.is_cloudinit)
    cards = sorted(key for key in config if key.startswith("net") and key[3:].isdigit())
    first = [*disks[:1], *cdroms[:1], *cards[:1]]
    return "order=" + ";".join(first) if first else ""
