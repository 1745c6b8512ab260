"""Workers on disks and their pasts: resize, snapshot, roll back, delete a snapshot."""

from devcluster import configure, power, volumes
from devcluster.drives import Drive, format_size, parse_size
from devcluster.jobs import Job, JobFailed
from devcluster.machines import MachineError
from devcluster.site import Site
from devcluster.state import Guest, Snapshot

NOT_IN_SNAPSHOT = ("lock", "parent", "snaptime", "template")


async def resize(site: Site, node: str, vmid: int, job: Job, *, slot: str, size: str, digest: str | None) -> None:
    guest = power.present(site, node, vmid)
    async with power.job_lock(site, guest, job):
        if digest is not None and digest != configure.digest(guest):
            raise JobFailed("checksum mismatch (file change by other user?)")
        power.check_lock(guest)
        if slot not in guest.config:
            raise JobFailed(f"disk '{slot}' does not exist")
        drive = Drive.parse(guest.config[slot])
        volume = volumes.find(site, node, drive.file)
        if volume is None:
            raise JobFailed(f"volume '{drive.file}' does not exist")
        asked = parse_size(size.removeprefix("+")) or 0
        new = volume.size_bytes + asked if size.startswith("+") else asked
        if new < volume.size_bytes:
            raise JobFailed("shrinking disks is not supported")
        if new == volume.size_bytes:
            return
        await site.clock.sleep(site.settings.windows.job_s("resize"))
        await site.room.grow_disk(volume.volid, new)
        volume.size_bytes = new
        drive.options["size"] = format_size(new)
        guest.config[slot] = str(drive)
        job.say("Image resized.")
        site.effect("resize", guest, job)


def snapshot_named(guest: Guest, name: str) -> Snapshot | None:
    return next((one for one in guest.snapshots if one.name == name), None)


def needed(guest: Guest, name: str) -> Snapshot:
    found = snapshot_named(guest, name)
    if found is None:
        raise JobFailed(f"snapshot '{name}' does not exist")
    return found


async def take(site: Site, node: str, vmid: int, job: Job, *, name: str, description: str, with_memory: bool) -> None:
    guest = power.present(site, node, vmid)
    async with power.job_lock(site, guest, job):
        power.check_lock(guest)
        if snapshot_named(guest, name):
            raise JobFailed(f"snapshot name '{name}' already used")
        if guest.is_template:
            raise JobFailed("VM is a template")
        await site.clock.sleep(site.settings.windows.job_s("qmsnapshot"))
        try:
            await site.room.machine(guest).save(name)
        except MachineError as error:
            raise JobFailed(str(error)) from None
        config = {key: value for key, value in guest.config.items() if key not in NOT_IN_SNAPSHOT}
        memory = with_memory and guest.power != "stopped"
        guest.snapshots.append(
            Snapshot(name, description, int(site.clock.now()), config, guest.config.get("parent"), memory)
        )
        guest.config["parent"] = name
        site.effect("snapshot", guest, job)


async def roll_back(site: Site, node: str, vmid: int, job: Job, *, name: str, start: bool) -> None:
    """The machine is stopped; a snapshot with memory, or `start`, makes it run again."""
    guest = power.present(site, node, vmid)
    async with power.job_lock(site, guest, job):
        power.check_lock(guest)
        snapshot = needed(guest, name)
        await site.clock.sleep(site.settings.windows.job_s("qmrollback"))
        if guest.power != "stopped":
            await power.pull_plug(site, guest)
        try:
            await site.room.machine(guest).load(name)
        except MachineError as error:
            raise JobFailed(str(error)) from None
        guest.config = {**snapshot.config, "parent": name, "vmgenid": configure.random_uuid(site.random)}
        guest.pending.clear()
        site.effect("rollback", guest, job)
        if snapshot.with_memory or start:
            await power.run(site, guest, job)


async def forget(site: Site, node: str, vmid: int, job: Job, *, name: str) -> None:
    guest = power.present(site, node, vmid)
    async with power.job_lock(site, guest, job):
        power.check_lock(guest)
        snapshot = needed(guest, name)
        await site.clock.sleep(site.settings.windows.job_s("qmdelsnapshot"))
        guest.snapshots.remove(snapshot)
        for one in guest.snapshots:
            if one.parent == name:
                one.parent = snapshot.parent
        if guest.config.get("parent") == name:
            guest.config.pop("parent")
            if snapshot.parent:
                guest.config["parent"] = snapshot.parent
        site.effect("delsnapshot", guest, job)
