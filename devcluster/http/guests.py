"""Making, copying, listing and destroying machines."""

from typing import Any

from devcluster import making, volumes
from devcluster.drives import SLOT, Drive
from devcluster.http.calls import CALLS, Call
from devcluster.http.permits import check_image, check_network, check_option, check_order, check_space, need_guest
from devcluster.jobs import Job
from devcluster.refusals import Refusal, failed, forbidden
from devcluster.report import full_row, list_row
from devcluster.schema import BOOL, INTEGER, NODE, SNAPSHOT, STRING, VMID, Rule, dns_name
from devcluster.state import Guest
from devcluster.vmschema import CREATE, ROOT_ONLY

ABOUT_CREATION = frozenset(
    {"vmid", "node", "pool", "archive", "bwlimit", "force", "unique", "live-restore", "ha-managed"}
)
CLONE_RULES = {
    "newid": VMID.required(),
    "name": Rule(format=dns_name),
    "description": Rule(max_length=8192),
    "pool": STRING,
    "snapname": SNAPSHOT,
    "storage": STRING,
    "format": Rule(enum=("raw", "qcow2", "vmdk")),
    "full": BOOL,
    "target": NODE,
    "bwlimit": INTEGER,
}


@CALLS.on("GET", "/nodes/{node}/qemu", {"full": BOOL}, protected=True)
async def listing(call: Call) -> Any:
    row = full_row if call.params.get("full") else list_row
    guests = [guest for guest in call.site.cluster.guests.values() if guest.node == call.node]
    return [row(call.site, one) for one in guests if call.rights.has(f"/vms/{one.vmid}", "VM.Audit")]


def _need_slot(call: Call, vmid: int, pool: str | None) -> None:
    """VM.Allocate on the new id or on the pool; the refusal names neither."""
    if pool is not None and pool not in call.site.cluster.pools:
        raise Refusal(403, f"Permission check failed (pool '{pool}' does not exist)")
    on_pool = pool is not None and call.rights.has(f"/pool/{pool}", "VM.Allocate")
    if not on_pool and not call.rights.has(f"/vms/{vmid}", "VM.Allocate"):
        raise forbidden(None)


@CALLS.on("POST", "/nodes/{node}/qemu", CREATE, protected=True)
async def create(call: Call) -> Any:
    site, vmid, pool = call.site, call.vmid, call.params.get("pool")
    options = {key: value for key, value in call.params.items() if key not in ABOUT_CREATION}
    _need_slot(call, vmid, pool)
    for key in options:
        if key in ROOT_ONLY:
            raise failed(f"only root can set '{key}' config")
    _check_creation(call, vmid, pool, options)
    other = site.cluster.guests.get(vmid)
    if other is not None:
        raise failed(f"unable to create VM {vmid} - VM {vmid} already exists on node '{other.node}'")
    guest = making.claim(site, vmid, call.node, "create")
    guest.obeys_shutdown = False

    async def work(job: Job) -> None:
        await making.create(site, guest, options, pool, job)

    return site.jobs.start(call.node, "qmcreate", str(vmid), call.who, work).upid


def _check_creation(call: Call, vmid: int, pool: str | None, options: dict[str, Any]) -> None:
    for key, value in options.items():
        if SLOT.match(key):
            check_image(call, Drive.parse(str(value)), options.get("storage"))
    for key, value in sorted(options.items(), key=lambda item: check_order(item[0], call.site.settings.major)):
        if key not in ("start", "storage"):
            check_option(call, vmid, pool, key, str(value))
    if options.get("start"):
        need_guest(call, vmid, pool, "VM.PowerMgmt")
    for key, value in options.items():
        check_network(call, key, str(value))


@CALLS.on("POST", "/nodes/{node}/qemu/{vmid}/clone", CLONE_RULES, needs=("/vms/{vmid}", ("VM.Clone",)), protected=True)
async def clone(call: Call) -> Any:
    site, asked, newid = call.site, call.params, int(call.params["newid"])
    source = site.cluster.guests.get(call.vmid)
    pool, storage = asked.get("pool"), asked.get("storage")
    _need_slot(call, newid, pool)
    target = str(asked.get("target", call.node))
    if target not in site.cluster.nodes:
        raise failed(f"no such cluster node '{target}'")
    if source is None or source.node != call.node:
        raise failed(f"unable to find configuration file for VM {call.vmid} on node '{call.node}'")
    if storage is not None:
        volumes.find_storage(site, storage)
    if source.lock:
        raise failed(f"VM is locked ({source.lock})")
    if newid in site.cluster.guests:
        raise failed(f"unable to create VM {newid}: config file already exists")
    full = bool(asked.get("full", 0 if source.is_template else 1))
    _check_source(call, source, full=full, storage=storage, target=target)
    named: dict[str, str] = {key: str(asked[key]) for key in ("name", "description") if key in asked}

    async def work(job: Job) -> None:
        await making.clone(site, source, newid, target, job, full=full, storage=storage, changes=named, pool=pool)

    return site.jobs.start(call.node, "qmclone", str(call.vmid), call.who, work).upid


def _check_source(call: Call, source: Guest, *, full: bool, storage: str | None, target: str) -> None:
    site = call.site
    if storage is not None and not full:
        raise failed("parameter 'storage' not allowed for linked clones")
    for key, value in sorted(source.config.items()):
        if not SLOT.match(key) or key.startswith("unused"):
            continue
        drive = Drive.parse(value)
        if not drive.storage:
            continue
        held = site.cluster.storages.get(drive.storage)
        if target != source.node and (held is None or not held.shared):
            raise failed(f"can't clone VM to node '{target}' (VM uses local storage)")
        volume = volumes.find(site, source.node, drive.file)
        if volume is None or volume.content != "images":
            continue
        if not full and not drive.is_cdrom and not source.is_template:
            raise failed(f"Linked clone feature is not supported for '{drive.file}' ({key})")
        check_space(call, storage or drive.storage)
    for key, value in source.config.items():
        check_network(call, key, value)


DESTROY = {"purge": BOOL, "destroy-unreferenced-disks": BOOL, "skiplock": BOOL}


@CALLS.on("DELETE", "/nodes/{node}/qemu/{vmid}", DESTROY, needs=("/vms/{vmid}", ("VM.Allocate",)), protected=True)
async def destroy(call: Call) -> Any:
    site, node, vmid = call.site, call.node, call.vmid
    guest = site.guest(node, vmid)
    if guest.config.get("protection") == "1":
        raise failed(f"can't remove VM {vmid} - protection mode enabled")
    if guest.power != "stopped":
        raise failed(f"VM {vmid} is running - destroy failed")
    purge = bool(call.params.get("purge"))
    unreferenced = bool(call.params.get("destroy-unreferenced-disks"))

    async def work(job: Job) -> None:
        await making.destroy(site, node, vmid, job, purge=purge, unreferenced=unreferenced)

    return site.jobs.start(node, "qmdestroy", str(vmid), call.who, work).upid


@CALLS.on(
    "POST",
    "/nodes/{node}/qemu/{vmid}/template",
    {"disk": STRING},
    needs=("/vms/{vmid}", ("VM.Allocate",)),
    protected=True,
)
async def template(call: Call) -> Any:
    site, guest = call.site, call.site.guest(call.node, call.vmid)
    if guest.lock:
        raise failed(f"VM is locked ({guest.lock})")
    if guest.snapshots:
        raise failed("unable to create template, because VM contains snapshots")
    if guest.is_template:
        raise failed("you can't convert a template to a template")
    if guest.power != "stopped":
        raise failed("you can't convert a VM to template if VM is running")

    async def work(job: Job) -> None:
        await making.make_template(site, guest, job)

    return site.jobs.start(call.node, "qmtemplate", str(call.vmid), call.who, work).upid
