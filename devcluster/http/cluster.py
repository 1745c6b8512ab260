"""/version and /cluster: what the whole cluster says about itself."""

import time
from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.refusals import bad_parameter
from devcluster.report import Row, network_row, node_is_down, node_row, pool_row, resource_row, storage_row
from devcluster.schema import VMID, Rule
from devcluster.settings import VERSIONS
from devcluster.state import Guest

TYPES = Rule(enum=("vm", "storage", "node", "sdn"))
FOREIGN_OFFSET = 5_000_000


@CALLS.on("GET", "/version")
async def version(call: Call) -> Any:
    return VERSIONS[call.site.settings.profile]


@CALLS.on("GET", "/cluster/resources", {"type": TYPES})
async def resources(call: Call) -> Any:
    began = time.process_time()
    wanted = call.params.get("type")
    rows: list[Row] = []
    if wanted in (None, "vm"):
        rows += _guests(call)
    if wanted is None:
        rows += _pools(call, rows)
    nodes = call.site.cluster.nodes.values()
    if wanted in (None, "node"):
        rows += [node_row(call.site, node, call.rights) | {"cgroup-mode": 1} for node in nodes]
    if wanted in (None, "storage"):
        rows += _storages(call)
    if wanted in (None, "sdn") and call.rights.any("/sdn/zones/localnetwork", ("SDN.Audit", "SDN.Use")):
        rows += [network_row(call.site, node.name) for node in nodes]
    if call.site.faults.of("resources_empty"):
        return []
    call.site.random.shuffle(rows)
    call.site.cluster.meters.spent_s["GET /cluster/resources"] += time.process_time() - began
    return rows


def _guests(call: Call) -> list[Row]:
    site = call.site
    pools = {vmid: pool.poolid for pool in site.cluster.pools.values() for vmid in pool.vmids}
    special = {entry.path for entry in site.cluster.acl if entry.path.startswith("/vms/")}
    everybody = site.cluster.guests.values()
    seen = [guest for guest in everybody if _visible(call, guest, pools.get(guest.vmid), special)]
    if site.faults.of("resources_half"):
        seen = seen[::2]
    audited = {pool: call.rights.has(f"/pool/{pool}", "Pool.Audit") for pool in site.cluster.pools}
    rows = []
    for guest in seen:
        pool = pools.get(guest.vmid)
        rows.append(resource_row(site, guest, pool if pool and audited[pool] else None))
    return [_foreign(row) for row in rows] if site.faults.of("resources_foreign") else rows


def _visible(call: Call, guest: Guest, pool: str | None, special: set[str]) -> bool:
    """Quick for thousands of guests: /vms or the pool decides unless an entry names the one machine."""
    path = f"/vms/{guest.vmid}"
    if path in special or call.site.faults.of("narrow_token"):
        return call.rights.has(path, "VM.Audit")
    return call.rights.has("/vms", "VM.Audit") or (pool is not None and call.rights.has(f"/pool/{pool}", "VM.Audit"))


def _foreign(row: Row) -> Row:
    """The same list as another cluster would give it."""
    vmid = row["vmid"] + FOREIGN_OFFSET
    return row | {"vmid": vmid, "id": f"qemu/{vmid}", "node": f"other-{row['node']}", "name": f"foreign-{vmid}"}


def _pools(call: Call, guests: list[Row]) -> list[Row]:
    site = call.site
    running: dict[str, list[Row]] = {}
    for row in guests:
        if row.get("pool") and row["status"] not in ("stopped", "unknown"):
            running.setdefault(row["pool"], []).append(row)
    visible = [pool for pool in site.cluster.pools if call.rights.has(f"/pool/{pool}", "Pool.Audit")]
    return [pool_row(site, pool, running.get(pool, [])) for pool in visible]


def _storages(call: Call) -> list[Row]:
    site = call.site
    return [
        storage_row(site, storage, node)
        for storage in site.cluster.storages.values()
        if call.rights.any(f"/storage/{storage.storage}", ("Datastore.Audit", "Datastore.AllocateSpace"))
        for node in storage.nodes
    ]


@CALLS.on("GET", "/cluster/nextid", {"vmid": VMID})
async def nextid(call: Call) -> Any:
    """A string, and it reserves nothing."""
    guests = call.site.cluster.guests
    asked = call.params.get("vmid")
    if asked is not None:
        if asked in guests:
            raise bad_parameter(vmid=f"VM {asked} already exists")
        return str(asked)
    return str(next(vmid for vmid in range(100, 1_000_000_000) if vmid not in guests))


@CALLS.on("GET", "/cluster/status", needs=("/", ("Sys.Audit",)), protected=True)
async def status(call: Call) -> Any:
    site = call.site
    nodes = site.cluster.nodes
    down = {name for name in nodes if node_is_down(site, name)}
    quorate = len(nodes) - len(down) > len(nodes) // 2 and site.faults.of("no_quorum") is None
    rows: list[Row] = []
    if len(nodes) > 1:
        rows.append(
            {
                "type": "cluster",
                "id": "cluster",
                "name": site.cluster.name,
                "nodes": len(nodes),
                "quorate": int(quorate),
            }
            | {"version": len(nodes)}
        )
    for index, node in enumerate(nodes.values()):
        rows.append(
            {"type": "node", "id": f"node/{node.name}", "name": node.name, "ip": f"192.0.2.{10 + node.number}"}
            | {"nodeid": node.number if len(nodes) > 1 else 0, "local": int(index == 0), "level": ""}
            | {"online": int(node.name not in down)}
        )
    return rows


@CALLS.on("GET", "/cluster/options")
async def options(call: Call) -> Any:
    found: Row = {"allowed-tags": []}
    if call.rights.has("/", "Sys.Audit"):
        found |= {"mac_prefix": "BC:24:11", "description": ""}
    return found
