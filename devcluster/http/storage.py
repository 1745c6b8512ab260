"""Storages and what lies on them."""

from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.http.nodes import FRAME, points
from devcluster.refusals import bad_parameter, failed
from devcluster.report import Row, storage_used
from devcluster.schema import BOOL, NODE, STRING, VMID
from devcluster.state import Storage, Volume

SEE = ("Datastore.Audit", "Datastore.AllocateSpace")
CONFIG_DIGEST = "5f0c7c6b3e2f4fd8a1b9c0d2e3f4a5b6c7d8e9f0"


@CALLS.on("GET", "/storage", {"type": STRING})
async def definitions(call: Call) -> Any:
    found = call.site.cluster.storages.values()
    return [_definition(one) for one in found if call.rights.any(f"/storage/{one.storage}", SEE)]


def _definition(storage: Storage) -> Row:
    row: Row = {"storage": storage.storage, "type": storage.type, "content": ",".join(storage.content)}
    row["digest"] = CONFIG_DIGEST
    if storage.shared:
        row["shared"] = 1
    return row | ({"path": f"/mnt/pve/{storage.storage}"} if storage.type in ("dir", "nfs") else {"vgname": "pve"})


LIST = {"content": STRING, "enabled": BOOL, "storage": STRING, "target": NODE, "format": BOOL}


@CALLS.on("GET", "/nodes/{node}/storage", LIST, protected=True)
async def node_storages(call: Call) -> Any:
    wanted = set(str(call.params.get("content", "")).replace(",", " ").split())
    rows = []
    for storage in call.site.cluster.storages.values():
        named = call.params.get("storage", storage.storage) == storage.storage
        if call.node not in storage.nodes or not named or (wanted and not wanted & set(storage.content)):
            continue
        if call.rights.any(f"/storage/{storage.storage}", SEE):
            row = _usage(storage, call.node)
            rows.append({"storage": storage.storage} | row | {"used_fraction": row["used"] / row["total"]})
    return rows


def _usage(storage: Storage, node: str) -> Row:
    used = storage_used(storage, node)
    return {
        "type": storage.type,
        "content": ",".join(storage.content),
        "shared": int(storage.shared),
        "enabled": 1,
        "active": 1,
        "total": storage.total_bytes,
        "used": used,
        "avail": max(0, storage.total_bytes - used),
    }


def _storage(call: Call) -> Storage | None:
    return call.site.cluster.storages.get(str(call.params["storage"]))


@CALLS.on("GET", "/nodes/{node}/storage/{storage}/status", needs=("/storage/{storage}", SEE), protected=True)
async def status(call: Call) -> Any:
    storage = _storage(call)
    if storage is None:
        raise bad_parameter(storage="No such storage.")
    return _usage(storage, call.node)


CONTENT = {"content": STRING, "vmid": VMID}


@CALLS.on("GET", "/nodes/{node}/storage/{storage}/content", CONTENT, needs=("/storage/{storage}", SEE), protected=True)
async def content(call: Call) -> Any:
    storage = _storage(call)
    if storage is None:
        raise failed(f"storage '{call.params['storage']}' does not exist")
    return [
        _volume(volume)
        for volume in sorted(storage.on(call.node), key=lambda one: one.volid)
        if call.params.get("content", volume.content) == volume.content
        and call.params.get("vmid", volume.vmid) == volume.vmid
        and _may_see(call, volume)
    ]


def _may_see(call: Call, volume: Volume) -> bool:
    """Disks are shown to who may see the machine or allocate on the storage; ISO images to who sees the storage."""
    if volume.vmid is None:
        return True
    storage = volume.volid.partition(":")[0]
    return call.rights.has(f"/storage/{storage}", "Datastore.Allocate") or call.rights.has(
        f"/vms/{volume.vmid}", "VM.Audit"
    )


def _volume(volume: Volume) -> Row:
    row: Row = {"volid": volume.volid, "content": volume.content, "format": volume.format, "size": volume.size_bytes}
    row["ctime"] = volume.ctime
    if volume.vmid is not None:
        row |= {"vmid": volume.vmid, "used": volume.size_bytes // 8, "parent": volume.base}
    return row


@CALLS.on("GET", "/nodes/{node}/storage/{storage}/rrddata", FRAME, needs=("/storage/{storage}", SEE), protected=True)
async def history(call: Call) -> Any:
    storage = _storage(call)
    if storage is None:
        raise bad_parameter(storage="No such storage.")
    values = {"total": storage.total_bytes, "used": storage_used(storage, call.node)}
    return points(call, call.site.clock.now() - 3600, values)
