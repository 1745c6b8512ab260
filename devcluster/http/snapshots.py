"""Snapshots of a machine."""

from typing import Any

from devcluster import configure, disks
from devcluster.http.calls import CALLS, Call
from devcluster.jobs import Job
from devcluster.refusals import failed
from devcluster.report import Row
from devcluster.schema import BOOL, SNAPSHOT, STRING
from devcluster.state import Snapshot

BASE = "/nodes/{node}/qemu/{vmid}/snapshot"
AUDIT = ("/vms/{vmid}", ("VM.Audit",))
SNAP = ("/vms/{vmid}", ("VM.Snapshot",))
BACK = ("/vms/{vmid}", ("VM.Snapshot", "VM.Snapshot.Rollback"))
RESERVED = ("current", "pending")


@CALLS.on("GET", BASE, needs=AUDIT, protected=True)
async def listing(call: Call) -> Any:
    guest = call.site.guest(call.node, call.vmid)
    rows = [_row(one) for one in guest.snapshots]
    now: Row = {"name": "current", "description": "You are here!", "digest": configure.digest(guest)}
    now["running"] = int(guest.power != "stopped")
    if "parent" in guest.config:
        now["parent"] = guest.config["parent"]
    return [*rows, now]


def _row(one: Snapshot) -> Row:
    row: Row = {"name": one.name, "description": one.description, "snaptime": one.taken_at}
    row["vmstate"] = int(one.with_memory)
    return row | ({"parent": one.parent} if one.parent else {})


TAKE = {"snapname": SNAPSHOT.required(), "description": STRING, "vmstate": BOOL}


@CALLS.on("POST", BASE, TAKE, needs=SNAP, protected=True)
async def take(call: Call) -> Any:
    site, node, vmid, asked = call.site, call.node, call.vmid, call.params
    name = asked["snapname"]
    if name in RESERVED:
        raise failed(f"unable to use snapshot name '{name}' (reserved name)")
    description, with_memory = asked.get("description", ""), bool(asked.get("vmstate"))

    async def work(job: Job) -> None:
        await disks.take(site, node, vmid, job, name=name, description=description, with_memory=with_memory)

    return site.jobs.start(node, "qmsnapshot", str(vmid), call.who, work).upid


@CALLS.on("GET", f"{BASE}/{{snapname}}", needs=AUDIT)
async def index(call: Call) -> Any:
    return [{"cmd": "rollback"}, {"cmd": "config"}]


def _existing(call: Call) -> Snapshot:
    name = call.params["snapname"]
    found = disks.snapshot_named(call.site.guest(call.node, call.vmid), name)
    if found is None:
        raise failed(f"snapshot '{name}' does not exist")
    return found


@CALLS.on(
    "GET", f"{BASE}/{{snapname}}/config", needs=("/vms/{vmid}", ("VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"))
)
async def config(call: Call) -> Any:
    one = _existing(call)
    kept = one.config | {"snaptime": str(one.taken_at), "description": one.description}
    kept |= {"parent": one.parent} if one.parent else {}
    return {key: configure.shown(key, value) for key, value in kept.items()}


@CALLS.on("PUT", f"{BASE}/{{snapname}}/config", {"description": STRING}, needs=SNAP, protected=True)
async def describe(call: Call) -> Any:
    _existing(call).description = call.params.get("description", "")
    return None


@CALLS.on("POST", f"{BASE}/{{snapname}}/rollback", {"start": BOOL}, needs=BACK, protected=True)
async def roll_back(call: Call) -> Any:
    site, node, vmid, asked = call.site, call.node, call.vmid, call.params

    async def work(job: Job) -> None:
        await disks.roll_back(site, node, vmid, job, name=asked["snapname"], start=bool(asked.get("start")))

    return site.jobs.start(node, "qmrollback", str(vmid), call.who, work).upid


@CALLS.on("DELETE", f"{BASE}/{{snapname}}", {"force": BOOL}, needs=SNAP, protected=True)
async def forget(call: Call) -> Any:
    site, node, vmid, name = call.site, call.node, call.vmid, call.params["snapname"]

    async def work(job: Job) -> None:
        await disks.forget(site, node, vmid, job, name=name)

    return site.jobs.start(node, "qmdelsnapshot", str(vmid), call.who, work).upid
