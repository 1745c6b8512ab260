"""/nodes: each node's own view of itself."""

import hashlib
from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.report import Row, node_row
from devcluster.schema import STRING, Rule
from devcluster.settings import VERSIONS

PARTS = (
    "aplinfo apt capabilities ceph certificates config disks dns firewall hardware hosts journal lxc migrateall netstat"
    " network qemu query-url-metadata replication report rrd rrddata scan services spiceshell startall status stopall"
    " storage subscription suspendall syslog tasks termproxy time version vncshell vzdump wakeonlan sdn"
)
FRAMES_S = {"hour": 60, "day": 1800, "week": 10800, "month": 43200, "year": 604800}
FRAMES_9_S = {"hour": 60, "day": 60, "week": 1800, "month": 1800, "year": 21600}
POINTS_9 = {"hour": 60, "day": 1440, "week": 336, "month": 1440, "year": 1440}
FRAME = {
    "timeframe": Rule(enum=tuple(FRAMES_S)).required(),
    "cf": Rule(enum=("AVERAGE", "MAX")),
}
NODE_FRAME = FRAME | {"timeframe": Rule(enum=(*FRAMES_S, "decade")).required()}


def fingerprint(node: str) -> str:
    digest = hashlib.sha256(node.encode()).hexdigest().upper()
    return ":".join(digest[n : n + 2] for n in range(0, 64, 2))


@CALLS.on("GET", "/nodes")
async def nodes(call: Call) -> Any:
    found = call.site.cluster.nodes.values()
    return [node_row(call.site, node, call.rights) | {"ssl_fingerprint": fingerprint(node.name)} for node in found]


@CALLS.on("GET", "/nodes/{node}")
async def index(call: Call) -> Any:
    return [{"name": name} for name in PARTS.split()]


@CALLS.on("GET", "/nodes/{node}/version")
async def version(call: Call) -> Any:
    return VERSIONS[call.site.settings.profile]


@CALLS.on("GET", "/nodes/{node}/lxc", protected=True)
async def containers(call: Call) -> Any:
    return []


@CALLS.on("GET", "/nodes/{node}/network", {"type": STRING})
async def network(call: Call) -> Any:
    """Bridges the caller may see; other kinds of interface do not exist here."""
    if call.params.get("type") not in (None, "bridge", "any_bridge", "any_local_bridge"):
        return []
    visible = [
        bridge
        for bridge in call.site.cluster.bridges
        if call.rights.any(f"/sdn/zones/localnetwork/{bridge}", ("SDN.Audit", "SDN.Use"))
    ]
    return [_bridge(bridge) for bridge in visible]


def _bridge(name: str) -> Row:
    return {
        "iface": name,
        "type": "bridge",
        "active": 1,
        "autostart": 1,
        "method": "manual",
        "method6": "manual",
        "families": ["inet"],
        "priority": 4,
        "bridge_ports": "",
        "bridge_stp": "off",
        "bridge_fd": "0",
    }


@CALLS.on("GET", "/nodes/{node}/status", needs=("/nodes/{node}", ("Sys.Audit",)))
async def status(call: Call) -> Any:
    site = call.site
    node = site.cluster.nodes[call.node]
    seen = node_row(site, node, call.rights)
    version = VERSIONS[site.settings.profile]
    row: Row = {
        "uptime": seen["uptime"],
        "cpu": seen["cpu"],
        "wait": 0,
        "idle": 0,
        "loadavg": ["0.10", "0.12", "0.09"],
        "cpuinfo": _processor(site.settings.major, node.cores),
        "memory": {"total": node.memory_bytes, "used": seen["mem"], "free": node.memory_bytes - seen["mem"]},
        "swap": {"total": 0, "used": 0, "free": 0},
        "rootfs": {
            "total": node.disk_bytes,
            "used": seen["disk"],
            "avail": node.disk_bytes - seen["disk"],
            "free": node.disk_bytes - seen["disk"],
        },
        "ksm": {"shared": 0},
        "kversion": "Linux 6.14.0-1-pve #1 SMP PREEMPT_DYNAMIC",
        "current-kernel": {
            "sysname": "Linux",
            "release": "6.14.0-1-pve",
            "version": "#1 SMP PREEMPT_DYNAMIC",
            "machine": "x86_64",
        },
        "boot-info": {"mode": "efi"},
        "pveversion": f"pve-manager/{version['version']}/{version['repoid']}",
    }
    if site.settings.major >= 9:
        row["memory"]["available"] = row["memory"]["free"]
    return row


def _processor(major: int, cores: int) -> Row:
    found: Row = {"cpus": cores, "cores": cores, "sockets": 1, "model": "Virtual CPU", "mhz": "2400.000"}
    found |= {"flags": "fpu vme de pse", "hvm": "1", "user_hz": 100}
    return found | ({"family": "25", "vendor": "GenuineIntel"} if major >= 9 else {})


def points(call: Call, since: float, values: Row) -> list[Row]:
    """Rows of a round-robin archive: empty before the thing existed."""
    frame = str(call.params["timeframe"])
    major = call.site.settings.major
    step = (FRAMES_9_S if major >= 9 else FRAMES_S).get(frame, 604800)
    count = POINTS_9.get(frame, 500) if major >= 9 else 70
    newest = int(call.site.clock.now()) // step * step
    times = range(newest - step * (count - 1), newest + 1, step)
    return [{"time": at} | (values if at - step >= since else {}) for at in times]


@CALLS.on("GET", "/nodes/{node}/rrddata", NODE_FRAME, needs=("/nodes/{node}", ("Sys.Audit",)), protected=True)
async def node_history(call: Call) -> Any:
    node = call.site.cluster.nodes[call.node]
    seen = node_row(call.site, node, call.rights)
    values = {"cpu": 0.05, "maxcpu": node.cores, "memtotal": node.memory_bytes, "memused": seen["mem"], "iowait": 0}
    values |= {"swaptotal": 0, "swapused": 0}
    values |= {"loadavg": 0.1, "netin": 0, "netout": 0, "roottotal": node.disk_bytes, "rootused": seen["disk"]}
    return points(call, call.site.clock.now() - 3600, values)
