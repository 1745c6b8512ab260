"""Changing the cluster without its API: what an administrator, a power cut or another cluster would do."""

import contextlib
from copy import deepcopy
from dataclasses import fields
from typing import Any

from devcluster import configure, making, power, seed
from devcluster.faults import Fault
from devcluster.jobs import Job, JobFailed
from devcluster.machines import INSTALLED
from devcluster.site import Site
from devcluster.state import AclEntry, Cluster, Guest, Identity, Node, Pool, Token, User, Volume

NOBODY = Identity("root@pam")


def shown(site: Site, guest: Guest) -> dict[str, Any]:
    """One guest in truth, as tests compare it."""
    return {
        "vmid": guest.vmid,
        "node": guest.node,
        "uuid": guest.uuid,
        "name": guest.name,
        "status": guest.power,
        "pool": site.cluster.pool_of(guest.vmid),
        "config": dict(guest.config),
        "pending": dict(guest.pending),
        "description": guest.description,
        "created": guest.created,
        "snapshots": [one.name for one in guest.snapshots],
    }


def let_report(site: Site, guest: Guest) -> None:
    """As if the status daemon had just been round."""
    guest.reported, guest.dirty_since = site.report(guest), None


def ensure_pool(site: Site, poolid: str, comment: str | None = None) -> Pool:
    parts = poolid.split("/")
    for depth in range(1, len(parts) + 1):
        name = "/".join(parts[:depth])
        site.cluster.pools.setdefault(name, Pool(name))
    pool = site.cluster.pools[poolid]
    pool.comment = comment if comment is not None else pool.comment
    return pool


async def make_guest(site: Site, asked: dict[str, Any]) -> Guest:
    """A guest that obeys the power button has the small Linux on its disk, where guests are real.

    {vmid?, node, name, pool, cores, memory_mib, disk_gib, storage, status, template, uuid, description, config,
    obeys_shutdown, reported}: all optional. `reported: false` leaves it to the next round of the status daemon."""
    guest = _placed(site, asked)
    vmid = guest.vmid
    if asked.get("uuid") is None:
        configure.new_identity(site, guest.config)
    guest.created = site.clock.now()
    guest.obeys_shutdown = bool(asked.get("obeys_shutdown", True))
    guest.config |= {key: str(value) for key, value in asked.get("config", {}).items()}
    if asked.get("description"):
        guest.config["description"] = str(asked["description"])
    for volume in (one for storage in site.cluster.storages.values() for one in storage.on(guest.node)):
        if volume.vmid == vmid:
            await site.room.make_disk(
                volume.volid, volume.size_bytes, None, INSTALLED if guest.obeys_shutdown else None
            )
    if guest.is_template:
        seed.allow_template(site.cluster, vmid)
    if asked.get("pool"):
        ensure_pool(site, str(asked["pool"])).vmids.add(vmid)
    await set_power(site, guest, str(asked.get("status", "stopped")))
    if asked.get("reported", True):
        let_report(site, guest)
    else:
        site.touch(guest)
    return guest


def _placed(site: Site, asked: dict[str, Any]) -> Guest:
    """A machine in its slot, the lowest free one if none is named."""
    cluster = site.cluster
    vmid = int(asked.get("vmid") or next(n for n in range(100, 10**9) if n not in cluster.guests))
    if vmid in cluster.guests:
        raise ValueError(f"guest {vmid} exists")
    return seed.new_guest(
        cluster,
        vmid,
        str(asked.get("node", next(iter(cluster.nodes)))),
        str(asked.get("name", f"vm{vmid}")),
        memory_mib=int(asked.get("memory_mib", 512)),
        disk_gib=int(asked.get("disk_gib", 8)),
        cores=int(asked.get("cores", 1)),
        storage=str(asked.get("storage", "shared")),
        template=bool(asked.get("template", False)),
        uuid=asked.get("uuid"),
    )


async def change_guest(site: Site, guest: Guest, asked: dict[str, Any]) -> Guest:
    """{name, node, status, pool (null leaves it), config, delete, pending, uuid, recreate, lock (null clears),
    agent_tells, lends_ssh, reported}. `recreate` puts a new machine with a new uuid into the same slot."""
    if asked.get("recreate"):
        held_by = site.cluster.pool_of(guest.vmid)
        await destroy_guest(site, guest)
        wanted = {"vmid": guest.vmid, "node": guest.node, "name": guest.name, "pool": held_by, "cores": guest.cores}
        wanted |= {"memory_mib": guest.memory_mib}
        return await make_guest(site, wanted | {key: value for key, value in asked.items() if key != "recreate"})
    if "uuid" in asked:
        guest.config["smbios1"] = f"uuid={asked['uuid']}"
    if "name" in asked:
        guest.config["name"] = str(asked["name"])
    guest.config |= {key: str(value) for key, value in asked.get("config", {}).items()}
    for key in asked.get("delete", []):
        guest.config.pop(key, None)
    guest.pending |= asked.get("pending", {})
    if "lock" in asked:
        _set_lock(guest, asked["lock"])
    if "node" in asked:
        _move(site, guest, str(asked["node"]))
    if "lends_ssh" in asked:
        guest.lends_ssh = bool(asked["lends_ssh"])
    if "agent_tells" in asked:
        guest.agent_tells = dict(asked["agent_tells"])
    if "obeys_shutdown" in asked:
        guest.obeys_shutdown = bool(asked["obeys_shutdown"])
    if "pool" in asked:
        for pool in site.cluster.pools.values():
            pool.vmids.discard(guest.vmid)
        if asked["pool"] is not None:
            ensure_pool(site, str(asked["pool"])).vmids.add(guest.vmid)
    if "status" in asked:
        await set_power(site, guest, str(asked["status"]))
    if asked.get("reported", True):
        let_report(site, guest)
    else:
        site.touch(guest)
    return guest


def _set_lock(guest: Guest, lock: str | None) -> None:
    guest.config.pop("lock", None)
    if lock:
        guest.config["lock"] = lock


def _move(site: Site, guest: Guest, node: str) -> None:
    for storage in site.cluster.storages.values():
        if not storage.shared:
            for (place, volid), volume in list(storage.volumes.items()):
                if volume.vmid == guest.vmid and place == guest.node:
                    storage.volumes[node, volid] = storage.volumes.pop((place, volid))
    guest.node = node


async def set_power(site: Site, guest: Guest, status: str) -> None:
    """Reached without a task. Raises ValueError with what the worker of a start would have said."""
    machine = site.room.machine(guest)
    if status == "stopped":
        if guest.power != "stopped":
            await power.pull_plug(site, guest)
        return
    if guest.power == "stopped":
        job = Job("", guest.node, 9000, 0, 0, "qmstart", str(guest.vmid), NOBODY)
        try:
            await power.run(site, guest, job)
        except JobFailed as failure:
            raise ValueError(f"{failure} ({'; '.join(job.log)})") from failure
    if status == "paused" and guest.power == "running":
        await machine.suspend()
        guest.power = "paused"
    if status == "running" and guest.power == "paused":
        await machine.resume()
        guest.power = "running"


async def destroy_guest(site: Site, guest: Guest) -> None:
    await set_power(site, guest, "stopped")
    await making.remove(site, guest, unreferenced=True)


def make_user(site: Site, asked: dict[str, Any]) -> None:
    """{userid, password, tokens: [{tokenid, value, privsep}], acl: [{path, role, tokenid?}], roles: {name: []}}."""
    cluster, userid = site.cluster, str(asked["userid"])
    user = cluster.users.setdefault(userid, User(userid))
    user.password = asked.get("password", user.password)
    user.email, user.comment = asked.get("email", user.email), asked.get("comment", user.comment)
    for name, held in asked.get("roles", {}).items():
        cluster.roles[name] = frozenset(held)
    for one in asked.get("tokens", []):
        privsep = bool(one.get("privsep", False))
        user.tokens[one["tokenid"]] = Token(one["tokenid"], one["value"], privsep, one.get("comment"))
    for one in asked.get("acl", []):
        ugid = f"{userid}!{one['tokenid']}" if one.get("tokenid") else userid
        cluster.acl.append(AclEntry(one["path"], ugid, one["role"], bool(one.get("propagate", True))))


def make_volume(site: Site, asked: dict[str, Any]) -> None:
    """{storage, volid, vmid, node?, size_bytes?}: a disk that no machine names, such as a failed removal leaves."""
    storage, vmid = site.cluster.storages[str(asked["storage"])], int(asked["vmid"])
    size_bytes = int(asked.get("size_bytes", 2**30))
    volume = Volume(str(asked["volid"]), "images", "raw", size_bytes, vmid, ctime=int(site.clock.now()))
    storage.volumes[(storage.place(str(asked.get("node", ""))), volume.volid)] = volume


def begin_task(site: Site, asked: dict[str, Any]) -> str:
    """{node, type, id, user, log?}: a task of somebody that runs on, its log has these lines; its UPID."""
    job = site.jobs.begin(str(asked["node"]), str(asked["type"]), str(asked["id"]), Identity(str(asked["user"])))
    for line in asked.get("log", []):
        job.say(str(line))
    return job.upid


def end_task(site: Site, asked: dict[str, Any]) -> None:
    """{upid, exitstatus}: it ends."""
    job = site.jobs.find(str(asked["upid"]))
    if job is None:
        raise KeyError(asked["upid"])
    site.jobs.finish(job, str(asked["exitstatus"]))


def make_node(site: Site, asked: dict[str, Any]) -> None:
    """{name, cores?, memory_bytes?}: another node, or other figures for one that is there."""
    name = str(asked["name"])
    node = site.cluster.nodes.setdefault(name, Node(name, len(site.cluster.nodes) + 1))
    node.cores = int(asked.get("cores", node.cores))
    node.memory_bytes = int(asked.get("memory_bytes", node.memory_bytes))


def begin_fault(site: Site, fault: Fault) -> None:
    if fault.kind == "locked":
        guest = site.cluster.guests[int(fault.details["vmid"])]
        _set_lock(guest, str(fault.details.get("lock", "backup")))
    if fault.kind == "drop_stream":
        site.desk.drop(int(fault.details["vmid"]))


def end_fault(site: Site, fault: Fault) -> None:
    if fault.kind == "locked":
        guest = site.cluster.guests.get(int(fault.details["vmid"]))
        if guest is not None:
            _set_lock(guest, None)


async def reset(site: Site, fresh: Cluster) -> None:
    """The seed again, in the same objects: everybody who holds the cluster keeps it."""
    site.faults.clear()
    vars(site.settings.windows).update(deepcopy(site.first_windows))
    site.desk.close()
    await site.jobs.close()
    site.jobs.clear()
    site.clock.reset()
    for guest in list(site.cluster.guests.values()):
        await site.room.machine(guest).stop()
    for storage in site.cluster.storages.values():
        for volume in storage.volumes.values():
            if volume.content == "images":
                await site.room.drop_disk(volume.volid)
    secret = site.cluster.secret
    for one in fields(Cluster):
        setattr(site.cluster, one.name, getattr(fresh, one.name))
    site.cluster.secret = secret
    await settle(site)


async def settle(site: Site) -> None:
    """A fresh seed becomes real: its disks exist and everything has been reported."""
    for storage in site.cluster.storages.values():
        for volume in storage.volumes.values():
            if volume.content == "images":
                await site.room.make_disk(volume.volid, volume.size_bytes, volume.base, INSTALLED)
    let_all_report(site)


async def start_at_boot(site: Site) -> None:
    """After a restart of the stand-in: machines with onboot=1 start, as when a node comes up."""
    for guest in list(site.cluster.guests.values()):
        if guest.config.get("onboot") == "1" and guest.power == "stopped" and not guest.is_template:
            with contextlib.suppress(ValueError):
                await set_power(site, guest, "running")


def let_all_report(site: Site) -> None:
    for guest in site.cluster.guests.values():
        let_report(site, guest)
