"""A cluster built from a description, for tests that need one situation: through the same workers the API forks."""

from typing import Any

from devcluster import disks, making, meddle
from devcluster.access import built_in_roles
from devcluster.jobs import Job
from devcluster.site import Site
from devcluster.state import Cluster, Guest, Identity, Storage, Volume

LONG_AGO_S = 600


def _nobodys_job(node: str, vmid: int) -> Job:
    return Job("", node, 9000, 0, 0, "qmcreate", str(vmid), meddle.NOBODY)


async def build(site: Site, asked: dict[str, Any]) -> None:
    """{nodes: [], bridges: [], storages: [{storage, type, content, shared, isos}], users: [], pools: [], guests: [],
    windows: {}, faults: [{kind, ...}], tasks: [{node, type, id, user, tokenid}]} (tasks that ended well).

    A guest is {vmid, node, pool, options} made as by create, or {vmid, clone_of, full, name}; then in this order
    `template`, `snapshots` [{name, vmstate}], `status`, `pending`, `lock`, `unreported`."""
    fresh = Cluster()
    fresh.roles = built_in_roles(site.settings.major)
    fresh.bridges = tuple(asked.get("bridges", ["vmbr0"]))
    await meddle.reset(site, fresh)
    for node in asked.get("nodes", []):
        meddle.make_node(site, node)
    for storage in asked.get("storages", []):
        _storage(site, storage)
    for user in asked.get("users", []):
        meddle.make_user(site, user)
    for pool in asked.get("pools", []):
        made = meddle.ensure_pool(site, pool["poolid"], pool.get("comment"))
        made.vmids |= set(pool.get("vmids", []))
        made.storages |= set(pool.get("storages", []))
    site.settings.windows.change({"jobs_scale": 0.0, "clone_claim": 0.0})
    for guest in asked.get("guests", []):
        await _guest(site, guest)
    for task in asked.get("tasks", []):
        _task(site, task)
    site.settings.windows.change(asked.get("windows", {}))
    for details in asked.get("faults", []):
        kind = str(details.pop("kind"))
        meddle.begin_fault(site, site.faults.add(kind, details, site.clock.now()))


def _task(site: Site, asked: dict[str, Any]) -> None:
    who = Identity(str(asked["user"]), asked.get("tokenid"))
    site.jobs.finish(site.jobs.begin(str(asked["node"]), str(asked["type"]), str(asked["id"]), who), "OK")


def _storage(site: Site, asked: dict[str, Any]) -> None:
    nodes = tuple(site.cluster.nodes)
    shared = bool(asked.get("shared", False))
    storage = Storage(asked["storage"], asked.get("type", "dir"), tuple(asked["content"]), shared, nodes)
    for volid in asked.get("isos", []):
        for place in {storage.place(node) for node in nodes}:
            storage.volumes[place, volid] = Volume(volid, "iso", "iso", 358400, None, None, 1_790_000_000)
    site.cluster.storages[storage.storage] = storage


async def _guest(site: Site, asked: dict[str, Any]) -> None:
    vmid, node = int(asked["vmid"]), str(asked["node"])
    job = _nobodys_job(node, vmid)
    if "clone_of" in asked:
        source = site.cluster.guests[int(asked["clone_of"])]
        named = {"name": str(asked["name"])} if "name" in asked else {}
        await making.clone(
            site,
            source,
            vmid,
            node,
            job,
            full=bool(asked.get("full")),
            storage=asked.get("storage"),
            changes=named,
            pool=asked.get("pool"),
        )
    elif node in site.cluster.nodes:
        guest = making.claim(site, vmid, node, "create")
        await making.create(site, guest, dict(asked.get("options", {})), asked.get("pool"), job)
    else:
        site.cluster.guests[vmid] = Guest(vmid, node, {})
    await _lived(site, site.cluster.guests[vmid], asked, job)


async def _lived(site: Site, guest: Guest, asked: dict[str, Any], job: Job) -> None:
    """What happened to the machine since it was made."""
    guest.obeys_shutdown = bool(asked.get("obeys_shutdown", False))
    guest.config |= {key: str(value) for key, value in asked.get("config", {}).items()}
    if asked.get("emptied"):
        guest.config.clear()
    if asked.get("template"):
        await making.make_template(site, guest, job)
    for snapshot in asked.get("snapshots", []):
        if snapshot.get("vmstate"):
            await meddle.set_power(site, guest, "running")
        await disks.take(
            site,
            guest.node,
            guest.vmid,
            job,
            name=snapshot["name"],
            description=snapshot.get("description", ""),
            with_memory=bool(snapshot.get("vmstate")),
        )
    if "status" in asked:
        await meddle.set_power(site, guest, str(asked["status"]))
    guest.pending |= {key: str(value) for key, value in asked.get("pending", {}).items()}
    if asked.get("lock"):
        guest.config["lock"] = str(asked["lock"])
    if guest.node in site.cluster.nodes and not asked.get("unreported"):
        meddle.let_report(site, guest)
        guest.created -= LONG_AGO_S
        guest.ran.append((guest.created, site.clock.now()))
    elif asked.get("unreported"):
        guest.reported = None
