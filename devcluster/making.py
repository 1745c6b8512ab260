"""Workers that bring machines into being and take them away: create, clone, destroy, make a template."""

from typing import Any

from devcluster import configure, power, volumes
from devcluster.drives import SLOT, Drive, disks
from devcluster.jobs import Job, JobFailed
from devcluster.refusals import Refusal
from devcluster.site import Site
from devcluster.state import Guest

QEMU_VERSION = "7.2.22"


def claim(site: Site, vmid: int, node: str, lock: str) -> Guest:
    """An empty, locked config file takes the slot before anything else is done."""
    guest = Guest(vmid, node, {"lock": lock}, created=site.clock.now())
    site.cluster.guests[vmid] = guest
    site.touch(guest)
    return guest


async def create(site: Site, guest: Guest, options: dict[str, Any], pool: str | None, job: Job) -> None:
    start_it = bool(options.pop("start", 0))
    default_storage = options.pop("storage", None)
    try:
        await site.clock.sleep(site.settings.windows.job_s("qmcreate"))
        config = await _new_config(site, guest, options, default_storage, job)
    except (JobFailed, Refusal) as error:
        await remove(site, guest)
        raise JobFailed(f"unable to create VM {guest.vmid} - {error}") from None
    guest.config = config
    join_pool(site, guest.vmid, pool)
    site.effect("create", guest, job)
    if start_it:
        await _start_after(site, guest, job)


async def _start_after(site: Site, guest: Guest, job: Job) -> None:
    """A failed start after creation is only a warning."""
    try:
        await power.run(site, guest, job)
        site.effect("start", guest, job)
    except JobFailed as failure:
        job.say(f"WARN: {failure}")


async def _new_config(
    site: Site, guest: Guest, options: dict[str, Any], default_storage: str | None, job: Job
) -> dict[str, str]:
    config: dict[str, str] = {}
    for key, value in options.items():
        if not SLOT.match(key):
            config[key] = str(value) if key == "cipassword" else configure.stored(site, key, value)
            continue
        drive = Drive.parse(str(value))
        wanted = volumes.wish(site, drive, default_storage)
        if wanted is None:
            config[key] = _existing(site, guest, drive)
            continue
        if wanted.format == "raw" and wanted.size_bytes > volumes.RAW_LIMIT_BYTES:
            place = f"/var/lib/vz/images/{guest.vmid}/vm-{guest.vmid}-disk-0.raw"
            told = f"{place}: The image size is too large for file format 'raw'"
            raise JobFailed(f"unable to create image: qemu-img: {told}")
        volume = await volumes.make(site, guest.node, guest.vmid, wanted)
        config[key] = str(volumes.with_size(drive, volume, keep=False))
        job.say(f"Formatting '{volume.volid}', fmt={volume.format} size={volume.size_bytes}")
        job.say(f"{key}: successfully created disk '{config[key]}'")
    given = config.get("smbios1")
    fresh: dict[str, str] = {}
    configure.new_identity(site, fresh)
    config = {**fresh, **config}
    if given and "uuid=" not in given:
        config["smbios1"] = f"{fresh['smbios1']},{given}"
    config["meta"] = f"creation-qemu={QEMU_VERSION},ctime={int(site.clock.now())}"
    if order := configure.boot_order(config):
        config.setdefault("boot", order)
    return config


def _existing(site: Site, guest: Guest, drive: Drive) -> str:
    if drive.file in ("none", "cdrom"):
        return str(drive)
    volume = volumes.find(site, guest.node, drive.file)
    if volume is None:
        raise JobFailed(f"volume '{drive.file}' does not exist")
    if drive.is_cdrom:
        drive.options["size"] = f"{max(1, volume.size_bytes // 1024)}K"
    return str(drive)


def join_pool(site: Site, vmid: int, pool: str | None) -> None:
    if pool is not None and pool in site.cluster.pools:
        site.cluster.pools[pool].vmids.add(vmid)


async def clone(
    site: Site,
    source: Guest,
    newid: int,
    node: str,
    job: Job,
    *,
    full: bool,
    storage: str | None,
    changes: dict[str, str],
    pool: str | None,
) -> None:
    """The new id is taken here, inside the worker: of two clones to one id both get a UPID and one fails."""
    windows = site.settings.windows
    await site.clock.sleep(windows.job_s("clone_claim"))
    if newid in site.cluster.guests:
        raise JobFailed(f"unable to create VM {newid}: config file already exists")
    guest = claim(site, newid, node, "clone")
    guest.obeys_shutdown, guest.lends_ssh = source.obeys_shutdown, source.lends_ssh
    if site.settings.major >= 9:
        job.say(f"creating a clone of VM {source.vmid} with ID {newid}")
    try:
        await site.clock.sleep(windows.job_s("qmclone_full" if full else "qmclone"))
        config = await _cloned_config(site, source, guest, job, full=full, storage=storage)
    except (JobFailed, Refusal) as error:
        await remove(site, guest)
        raise JobFailed(f"clone failed: {error}") from None
    guest.config = config | {"name": f"Copy-of-VM-{source.name}"} | changes
    join_pool(site, newid, pool)
    site.effect("clone", guest, job)


async def _cloned_config(
    site: Site, source: Guest, guest: Guest, job: Job, *, full: bool, storage: str | None
) -> dict[str, str]:
    left_out = {"lock", "template", "parent", "snaptime"}
    config = {
        key: value for key, value in source.config.items() if key not in left_out and not key.startswith("unused")
    }
    for key, value in list(config.items()):
        if not SLOT.match(key):
            continue
        drive = Drive.parse(value)
        volume = volumes.find(site, source.node, drive.file)
        if volume is None or volume.content != "images":
            continue
        linked = not full and not drive.is_cdrom
        job.say(f"create {'linked' if linked else 'full'} clone of drive {key} ({drive.file})")
        made = await volumes.copy(site, guest.node, guest.vmid, volume, storage or drive.storage, linked=linked)
        if site.settings.major >= 9 and not linked:
            job.say(f"allocated target volume '{made.volid}'")
        if not linked and not drive.is_cdrom:
            _say_copied(job, made.size_bytes)
        config[key] = str(volumes.with_size(drive, made))
    configure.new_identity(site, config)
    return config


def _say_copied(job: Job, size_bytes: int) -> None:
    """The lines by which alone Proxmox tells how far a copy is."""
    whole = f"{size_bytes / 1024**3:.1f} GiB"
    job.say(f"transferred 0.0 B of {whole} (0.00%)")
    job.say(f"transferred {whole} of {whole} (100.00%)")


async def remove(site: Site, guest: Guest, *, unreferenced: bool = False) -> None:
    """Free the disks and the slot; membership and ACLs of the vmid go with it."""
    lost = {
        volume.volid for s in site.cluster.storages.values() for volume in s.on(guest.node) if volume.vmid == guest.vmid
    }
    named = set(volumes.owned(site, guest))
    doomed = lost if unreferenced or not guest.config.get("name") else lost & named
    for volid in doomed:
        await volumes.free(site, guest.node, volid)
    if site.cluster.guests.get(guest.vmid) is guest:
        del site.cluster.guests[guest.vmid]
    for pool in site.cluster.pools.values():
        pool.vmids.discard(guest.vmid)
    site.cluster.acl = [entry for entry in site.cluster.acl if entry.path != f"/vms/{guest.vmid}"]


async def destroy(site: Site, node: str, vmid: int, job: Job, *, purge: bool, unreferenced: bool) -> None:
    guest = power.present(site, node, vmid)
    async with power.job_lock(site, guest, job):
        power.check_lock(guest)
        if guest.power != "stopped":
            raise JobFailed(f"VM {vmid} is running - destroy failed")
        for volid in volumes.owned(site, guest):
            if volumes.children(site, volid):
                raise JobFailed(f"base volume '{volid}' is still in use by linked cloned")
        await site.clock.sleep(site.settings.windows.job_s("qmdestroy"))
        if purge:
            job.say(f"purging VM {vmid} from related configurations..")
        site.cluster.record("destroy", guest, job.upid, site.clock.now())
        await remove(site, guest, unreferenced=unreferenced)


async def make_template(site: Site, guest: Guest, job: Job) -> None:
    await site.clock.sleep(site.settings.windows.job_s("qmtemplate"))
    for slot, drive in disks(guest.config).items():
        volume = volumes.find(site, guest.node, drive.file)
        if volume is None:
            continue
        storage = site.cluster.storages[drive.storage]
        base = volume.volid.replace(f"vm-{guest.vmid}-", f"base-{guest.vmid}-")
        await site.room.rename_disk(volume.volid, base)
        del storage.volumes[(storage.place(guest.node), volume.volid)]
        volume.volid = base
        storage.volumes[(storage.place(guest.node), base)] = volume
        drive.file = base
        guest.config[slot] = str(drive)
    guest.config["template"] = "1"
    site.effect("template", guest, job)
