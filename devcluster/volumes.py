"""Volumes: their names, and the making, growing and freeing of the disks behind them."""

import re
from dataclasses import dataclass

from devcluster.drives import GIB, Drive, disks, format_size
from devcluster.refusals import bad_parameter, failed
from devcluster.site import Site
from devcluster.state import Guest, Storage, Volume

FILES = ("dir", "nfs", "cifs", "btrfs")
CLOUD_INIT_BYTES = 4 * 1024**2
DISK_NUMBER = re.compile(r"-disk-(\d+)(?:\.\w+)?$")
RAW_LIMIT_BYTES = 16 * 1024 * GIB


@dataclass(frozen=True)
class Wish:
    """A disk somebody asks for: `STORE:32,format=qcow2` or `STORE:cloudinit`."""

    storage: str
    size_bytes: int
    format: str
    cloud_init: bool


def find_storage(site: Site, name: str) -> Storage:
    storage = site.cluster.storages.get(name)
    if storage is None:
        raise failed(f"storage '{name}' does not exist")
    return storage


def image_storage(site: Site, name: str) -> Storage:
    """A storage that may hold disks of machines."""
    storage = find_storage(site, name)
    if "images" not in storage.content:
        raise bad_parameter(storage=f"storage '{name}' does not support vm images")
    return storage


def wish(site: Site, drive: Drive, default_storage: str | None = None) -> Wish | None:
    """What the drive string asks to be made; None if it names a volume that exists, or no disk at all."""
    storage_name, _, rest = drive.file.partition(":")
    storage_name = storage_name or default_storage or "local"
    if ":" not in drive.file or not rest:
        return None
    if rest == "cloudinit":
        storage = image_storage(site, storage_name)
        return Wish(storage_name, CLOUD_INIT_BYTES, "qcow2" if storage.type in FILES else "raw", True)
    try:
        gib = float(rest)
    except ValueError:
        return None
    storage = image_storage(site, storage_name)
    kind = drive.options.get("format", "raw") if storage.type in FILES else "raw"
    return Wish(storage_name, int(gib * GIB), kind, False)


def volume_name(site: Site, storage: Storage, node: str, vmid: int, wanted: Wish) -> str:
    """The first free name for a volume of this machine."""
    in_files = storage.type in FILES
    place, suffix = (f"{vmid}/", f".{wanted.format}") if in_files else ("", "")
    if wanted.cloud_init:
        return f"{storage.storage}:{place}vm-{vmid}-cloudinit{suffix}"
    named = (DISK_NUMBER.search(volume.volid) for volume in storage.on(node) if volume.vmid == vmid)
    taken = {int(found[1]) for found in named if found}
    number = next(n for n in range(1000) if n not in taken)
    return f"{storage.storage}:{place}vm-{vmid}-disk-{number}{suffix}"


async def make(site: Site, node: str, vmid: int, wanted: Wish) -> Volume:
    storage = site.cluster.storages[wanted.storage]
    volid = volume_name(site, storage, node, vmid, wanted)
    volume = Volume(volid, "images", wanted.format, wanted.size_bytes, vmid, None, int(site.clock.now()))
    storage.volumes[(storage.place(node), volid)] = volume
    await site.room.make_disk(volid, wanted.size_bytes, None, None)
    return volume


async def copy(site: Site, node: str, vmid: int, source: Volume, target: str, *, linked: bool) -> Volume:
    """A linked clone over a base volume, or a full copy of any."""
    storage = site.cluster.storages[target]
    cloud_init = "cloudinit" in source.volid
    in_files = storage.type in FILES
    wanted = Wish(target, source.size_bytes, "qcow2" if in_files else "raw", cloud_init)
    volid = volume_name(site, storage, node, vmid, wanted)
    if linked and not cloud_init:
        name = volid.partition(":")[2]
        volid = f"{source.volid}/{name}"
    base = source.volid if linked and not cloud_init else None
    volume = Volume(volid, "images", wanted.format, source.size_bytes, vmid, base, int(site.clock.now()))
    storage.volumes[(storage.place(node), volid)] = volume
    await site.room.make_disk(volid, source.size_bytes, base, None if base else source.volid)
    return volume


async def free(site: Site, node: str, volid: str) -> None:
    storage = site.cluster.storages.get(volid.partition(":")[0])
    if storage is None:
        return
    volume = storage.volumes.get((storage.place(node), volid))
    if volume is not None and volume.content == "images":
        del storage.volumes[(storage.place(node), volid)]
        await site.room.drop_disk(volid)


def find(site: Site, node: str, volid: str) -> Volume | None:
    storage = site.cluster.storages.get(volid.partition(":")[0])
    return storage.volume(node, volid) if storage else None


def children(site: Site, volid: str) -> list[Volume]:
    storage = site.cluster.storages.get(volid.partition(":")[0])
    return [volume for volume in storage.volumes.values() if volume.base == volid] if storage else []


def owned(site: Site, guest: Guest) -> list[str]:
    """Volume ids in the machine's config, CD images left out."""
    found = [drive.file for drive in disks(guest.config).values()]
    found += [Drive.parse(value).file for value in guest.config.values() if "cloudinit" in value and ":" in value]
    return [volid for volid in found if find(site, guest.node, volid) is not None]


def unreferenced(site: Site, guest: Guest) -> list[str]:
    named = set(owned(site, guest))
    return [
        volume.volid
        for storage in site.cluster.storages.values()
        for volume in storage.on(guest.node)
        if volume.vmid == guest.vmid and volume.content == "images" and volume.volid not in named
    ]


def with_size(drive: Drive, volume: Volume, *, keep: bool = True) -> Drive:
    """The drive string as it is written into the config once the volume exists."""
    options = {name: value for name, value in drive.options.items() if name not in ("format", "size")}
    if "cloudinit" in volume.volid:
        options = {"media": "cdrom", **options}
        return Drive(volume.volid, options | ({"size": format_size(volume.size_bytes)} if keep else {}))
    return Drive(volume.volid, options | {"size": format_size(volume.size_bytes)})
