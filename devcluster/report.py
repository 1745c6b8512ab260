"""Rows about guests, nodes, storages and pools, as the lists and the status calls show them."""

from typing import Any

from devcluster.access import Rights
from devcluster.drives import SLOTS
from devcluster.site import Site
from devcluster.state import Guest, Node, Storage

MIB = 1024**2
FORGOTTEN_AFTER_S = 300
Row = dict[str, Any]


def node_is_down(site: Site, node: str) -> bool:
    return node not in site.cluster.nodes or site.faults.of("node_down", node=node) is not None


def forgotten(site: Site, node: str) -> bool:
    """A node that has been silent for five minutes: what it reported last is no longer shown."""
    fault = site.faults.of("node_down", node=node)
    return node not in site.cluster.nodes or (fault is not None and site.clock.now() - fault.since >= FORGOTTEN_AFTER_S)


def resource_row(site: Site, guest: Guest, pool: str | None) -> Row:
    """One guest in /cluster/resources: existence, lock, tags and pool at once, the rest up to a round late."""
    row: Row = {"id": f"qemu/{guest.vmid}", "type": "qemu", "node": guest.node, "vmid": guest.vmid}
    told = None if forgotten(site, guest.node) else site.reported(guest)
    if told is None:
        row["status"] = "unknown"
    else:
        running = told.status != "stopped"
        uptime_s = int(site.clock.now() - guest.started_at) if running and guest.started_at else told.uptime_s
        row |= {
            "status": told.status,
            "name": told.name,
            "template": int(told.template),
            "uptime": uptime_s,
            "cpu": 0.02 if running else 0,
            "maxcpu": told.cores,
            "mem": told.memory_mib * MIB // 3 if running else 0,
            "maxmem": told.memory_mib * MIB,
            "disk": 0,
            "maxdisk": told.disk_bytes,
            "netin": 110 if running else 0,
            "netout": 0,
            "diskread": 0,
            "diskwrite": 0,
        }
        if site.settings.major >= 9:
            row["memhost"] = row["mem"]
    for key in ("lock", "tags"):
        if guest.config.get(key):
            row[key] = guest.config[key]
    if pool:
        row["pool"] = pool
    return row


def node_row(site: Site, node: Node, rights: Rights) -> Row:
    down = node_is_down(site, node.name)
    row: Row = {"id": f"node/{node.name}", "type": "node", "node": node.name, "level": ""}
    row["status"] = "offline" if down else "online"
    if down or not rights.has(f"/nodes/{node.name}", "Sys.Audit"):
        return row
    used = sum(g.memory_mib for g in site.cluster.guests.values() if g.node == node.name and g.power != "stopped")
    row |= {"uptime": 86400, "cpu": 0.05, "maxcpu": node.cores, "maxmem": node.memory_bytes}
    row |= {"mem": 2 * 1024**3 + used * MIB, "disk": 8 * 1024**3, "maxdisk": node.disk_bytes}
    return row


def storage_used(storage: Storage, node: str) -> int:
    return 2 * 1024**3 + sum(volume.size_bytes // 8 for volume in storage.on(node))


def storage_row(site: Site, storage: Storage, node: str) -> Row:
    down = node_is_down(site, node)
    row: Row = {
        "id": f"storage/{node}/{storage.storage}",
        "type": "storage",
        "storage": storage.storage,
        "node": node,
        "plugintype": storage.type,
        "content": ",".join(storage.content),
        "shared": int(storage.shared),
        "status": "unknown" if down else "available",
    }
    if not down:
        row |= {"disk": storage_used(storage, node), "maxdisk": storage.total_bytes}
    return row


def network_row(site: Site, node: str) -> Row:
    if site.settings.major >= 9:
        row: Row = {"id": f"network/{node}/zone/localnetwork", "type": "network", "network": "localnetwork"}
        row |= {"network-type": "zone"}
    else:
        row = {"id": f"sdn/{node}/localnetwork", "type": "sdn", "sdn": "localnetwork"}
    return row | {"node": node, "status": "unknown" if node_is_down(site, node) else "ok"}


def list_row(site: Site, guest: Guest) -> Row:
    """One guest in /nodes/N/qemu: read from the node itself, so never late."""
    running = guest.power != "stopped"
    row: Row = {
        "vmid": guest.vmid,
        "name": guest.name,
        "status": "running" if running else "stopped",
        "cpus": guest.cores,
        "cpu": 0.02 if running else 0,
        "mem": guest.memory_mib * MIB // 3 if running else 0,
        "maxmem": guest.memory_mib * MIB,
        "disk": 0,
        "maxdisk": guest.boot_disk_bytes,
        "netin": 110 if running else 0,
        "netout": 0,
        "uptime": int(site.clock.now() - guest.started_at) if running and guest.started_at else 0,
    }
    if running:
        row["pid"] = guest.pid
    if any(key.startswith("serial") for key in guest.config):
        row["serial"] = 1
    for key in ("lock", "tags"):
        if guest.config.get(key):
            row[key] = guest.config[key]
    if guest.is_template:
        row["template"] = 1
    if site.settings.major >= 9:
        row["memhost"] = row["mem"]
        row |= (
            {f"pressure{of}{kind}": 0 for of in ("cpu", "io", "memory") for kind in ("some", "full")} if running else {}
        )
    return row


def full_row(site: Site, guest: Guest) -> Row:
    """What the running QEMU adds when it is asked over QMP."""
    row = list_row(site, guest)
    row["qmpstatus"] = guest.power
    if guest.power == "stopped":
        return row
    blocks = {slot: _block_counters(value) for slot, value in guest.config.items() if slot in SLOTS}
    support = ("pbs-dirty-bitmap", "query-bitmap-info", "pbs-dirty-bitmap-savevm", "pbs-dirty-bitmap-migration")
    row |= {
        "running-machine": "pc-i440fx-7.2",
        "running-qemu": "7.2.22",
        "diskread": 0,
        "diskwrite": 0,
        "blockstat": blocks,
        "nics": {
            f"tap{guest.vmid}i{key[3:]}": {"netin": 110, "netout": 0}
            for key in guest.config
            if key.startswith("net") and key[3:].isdigit()
        },
        "proxmox-support": {
            **dict.fromkeys((*support, "pbs-masterkey", "backup-max-workers", "backup-fleecing"), True),
            "pbs-library-version": "1.5.1",
        },
    }
    return row


def _block_counters(drive: str) -> Row:
    row: Row = {"timed_stats": [], "account_failed": True, "account_invalid": True, "wr_highest_offset": 0}
    if "media=cdrom" in drive:
        row["idle_time_ns"] = 0
    for of in ("rd", "wr", "unmap"):
        row |= {f"{of}_{name}": 0 for name in ("bytes", "merged", "operations", "total_time_ns")}
        row |= {f"{how}_{of}_operations": 0 for how in ("failed", "invalid")}
    row |= {
        "flush_operations": 0,
        "flush_total_time_ns": 0,
        "failed_flush_operations": 0,
        "invalid_flush_operations": 0,
    }
    return row


def current_row(site: Site, guest: Guest) -> Row:
    row = full_row(site, guest)
    row["ha"] = {"managed": 0}
    if guest.config.get("agent", "0").split(",")[0] in ("1", "enabled=1"):
        row["agent"] = 1
    return row


def pool_row(site: Site, poolid: str, running: list[Row]) -> Row:
    row: Row = {"id": f"/pool/{poolid}", "type": "pool", "pool": poolid}
    if running:
        row |= {key: sum(one[key] for one in running) for key in ("mem", "maxmem", "maxcpu")}
        row |= {"uptime": max(one["uptime"] for one in running), "cpu": 0.02}
    return row
