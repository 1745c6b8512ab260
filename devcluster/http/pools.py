"""Pools. Nested ones can only be named by the poolid parameter."""

import re
from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.refusals import Refusal, failed, forbidden
from devcluster.report import Row, resource_row, storage_row
from devcluster.schema import BOOL, STRING, Rule
from devcluster.state import Pool

POOLID = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}")
TYPE = Rule(enum=("qemu", "lxc", "storage"))
UPDATE = {"comment": STRING, "vms": STRING, "storage": STRING, "delete": BOOL, "allow-move": BOOL}


def existing(call: Call, poolid: str, doing: str = "") -> Pool:
    pool = call.site.cluster.pools.get(poolid)
    if pool is None:
        raise failed(f"{doing}pool '{poolid}' does not exist")
    return pool


def may(call: Call, poolid: str, privilege: str) -> None:
    if not POOLID.fullmatch(poolid):
        raise Refusal(403, f"Permission check failed (, {privilege})")
    call.need(f"/pool/{poolid}", privilege)


def _short(pool: Pool) -> Row:
    return {"poolid": pool.poolid} | ({"comment": pool.comment} if pool.comment is not None else {})


def members(call: Call, pool: Pool, kind: str | None) -> list[Row]:
    site = call.site
    rows: list[Row] = []
    guests = [site.cluster.guests[vmid] for vmid in sorted(pool.vmids) if vmid in site.cluster.guests]
    if kind in (None, "qemu"):
        rows += [resource_row(site, guest, None) for guest in guests]
    if kind in (None, "storage"):
        for name in sorted(pool.storages & set(site.cluster.storages)):
            storage = site.cluster.storages[name]
            rows.append(storage_row(site, storage, storage.nodes[0]))
    return rows


@CALLS.on("GET", "/pools", {"poolid": STRING, "type": TYPE})
async def listing(call: Call) -> Any:
    poolid = call.params.get("poolid")
    if poolid is None:
        pools = call.site.cluster.pools.values()
        return [_short(pool) for pool in pools if call.rights.has(f"/pool/{pool.poolid}", "Pool.Audit")]
    pool = existing(call, poolid)
    return [_short(pool) | {"members": members(call, pool, call.params.get("type"))}]


@CALLS.on("GET", "/pools/{poolid}", {"type": TYPE}, needs=("/pool/{poolid}", ("Pool.Audit",)))
async def one(call: Call) -> Any:
    pool = existing(call, call.params["poolid"])
    return _short(pool) | {"members": members(call, pool, call.params.get("type"))}


@CALLS.on("POST", "/pools", {"poolid": STRING.required(), "comment": STRING}, protected=True)
async def create(call: Call) -> Any:
    poolid = call.params["poolid"]
    may(call, poolid, "Pool.Allocate")
    pools = call.site.cluster.pools
    if poolid in pools:
        raise failed(f"create pool failed: pool '{poolid}' already exists")
    parent = poolid.rpartition("/")[0]
    if parent and parent not in pools:
        raise failed(f"create pool failed: parent '{parent}' of pool '{poolid}' does not exist")
    pools[poolid] = Pool(poolid, call.params.get("comment"))
    return None


@CALLS.on("PUT", "/pools/{poolid}", UPDATE, needs=("/pool/{poolid}", ("Pool.Allocate",)), protected=True)
@CALLS.on("PUT", "/pools", UPDATE | {"poolid": STRING.required()}, protected=True)
async def update(call: Call) -> Any:
    poolid = call.params["poolid"]
    may(call, poolid, "Pool.Allocate")
    pool = existing(call, poolid, "update pools failed: ")
    vmids = [int(vmid) for vmid in re.findall(r"\d+", call.params.get("vms", ""))]
    removing = bool(call.params.get("delete"))
    for vmid in vmids:
        _check_member(call, pool, vmid, removing=removing)
    for vmid in vmids:
        for other in call.site.cluster.pools.values():
            other.vmids.discard(vmid)
        if not removing:
            pool.vmids.add(vmid)
    _update_storages(call, pool, removing=removing)
    if "comment" in call.params:
        pool.comment = call.params["comment"]
    return None


def _check_member(call: Call, pool: Pool, vmid: int, *, removing: bool) -> None:
    doing = "update pools failed: "
    if not call.rights.any(f"/vms/{vmid}", ("VM.Allocate", "Permissions.Modify")):
        raise failed(f"{doing}403 {forbidden(f'/vms/{vmid}', ('VM.Allocate', 'Permissions.Modify')).message}")
    if removing:
        if vmid not in pool.vmids:
            raise failed(f"{doing}VM {vmid} is not a pool member")
        return
    if vmid in pool.vmids:
        raise failed(f"{doing}VM {vmid} is already a pool member")
    other = call.site.cluster.pool_of(vmid)
    if other is not None and not call.params.get("allow-move"):
        raise failed(f"{doing}VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set")
    if other is not None and not call.rights.has(f"/pool/{other}", "Pool.Allocate"):
        raise failed(f"{doing}403 {forbidden(f'/pool/{other}', ('Pool.Allocate',)).message}")


def _update_storages(call: Call, pool: Pool, *, removing: bool) -> None:
    for name in re.findall(r"[\w.-]+", call.params.get("storage", "")):
        if removing and name not in pool.storages:
            raise failed(f"update pools failed: Storage '{name}' is not a pool member")
        if not removing and name in pool.storages:
            raise failed(f"update pools failed: Storage '{name}' is already a pool member")
        (pool.storages.discard if removing else pool.storages.add)(name)


@CALLS.on("DELETE", "/pools/{poolid}", needs=("/pool/{poolid}", ("Pool.Allocate",)), protected=True)
@CALLS.on("DELETE", "/pools", {"poolid": STRING.required()}, protected=True)
async def delete(call: Call) -> Any:
    poolid = call.params["poolid"]
    may(call, poolid, "Pool.Allocate")
    pools = call.site.cluster.pools
    pool = existing(call, poolid, "delete pool failed: ")
    held = next((f"pool '{name}'" for name in pools if name.startswith(f"{poolid}/")), None)
    held = held or next((f"VM {vmid}" for vmid in sorted(pool.vmids)), None)
    held = held or next((f"storage '{name}'" for name in sorted(pool.storages)), None)
    if held is not None:
        raise failed(f"delete pool failed: pool '{poolid}' is not empty (contains {held})")
    del pools[poolid]
    return None
