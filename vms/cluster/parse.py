"""Facts out of Proxmox's answers. Numbers come as numbers or as text, booleans as 1 and 0, keys only when set.

Everything here takes what JSON gave and raises Malformed where that is not of the promised shape; unknown keys and
rows are passed over, because every release adds some.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from vms.cluster.devices import YES, boot_order, drives, nics, properties
from vms.cluster.errors import Malformed
from vms.cluster.types import (
    CLIPBOARD,
    ClusterReading,
    GuestConfig,
    GuestFacts,
    GuestStatus,
    NodeFacts,
    PoolFacts,
    QuorumFacts,
    SnapshotFacts,
    StorageFacts,
    TaskFacts,
    TaskStatus,
    Upid,
    VolumeFacts,
    Waiting,
)
from vms.units import gib

Row = Mapping[str, Any]
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MEMORY = re.compile(r"(?:.*\bcurrent=)?(\d+)")
DEFAULT_MEMORY_MIB = 512
#: QEMU's run states beside running; every other one is running for our purposes.
POWER = {"stopped": "stopped", "paused": "paused", "suspended": "paused", "unknown": "unknown", "": "unknown"}


def rows(answer: object) -> list[Row]:
    """A list answer's rows; Malformed for anything else."""
    if not isinstance(answer, list):
        raise Malformed("A list was expected.")
    return [row for row in answer if isinstance(row, dict)]


def mapping(answer: object) -> Row:
    """An object answer; Malformed for anything else."""
    if not isinstance(answer, dict):
        raise Malformed("An object was expected.")
    return answer


def whole(value: object) -> int | None:
    """A whole number, also as text or 1.0; None for anything else."""
    if isinstance(value, int) or value is None:
        return value if value is None else int(value)
    try:
        return int(float(value)) if isinstance(value, float) else int(str(value))
    except (ValueError, OverflowError):
        return None


def fraction(value: object) -> float | None:
    """A number, also as text; None for anything else."""
    if isinstance(value, int | float) or value is None:
        return value
    try:
        return float(str(value))
    except ValueError:
        return None


def flag(value: object) -> bool:
    """1, "1", true and their like."""
    return str(value).lower() in YES


def words(text: object) -> tuple[str, ...]:
    """A list by semicolons, commas or blanks."""
    if not text:
        return ()
    return tuple(word for word in re.split(r"[;,\s]+", str(text)) if word)


def upid(answer: object) -> Upid:
    """A task's name; ValueError for anything else."""
    return Upid.parse(str(answer))


# --- the cluster's list ---


def reading(answer: object) -> ClusterReading:
    """`/cluster/resources` without a type."""
    by_type: dict[str, list[Row]] = {}
    for row in rows(answer):
        by_type.setdefault(str(row.get("type", "")), []).append(row)
    others = (whole(row.get("vmid")) for row in by_type.get("lxc", []))
    return ClusterReading(
        nodes=tuple(sorted((_node(row) for row in by_type.get("node", [])), key=lambda node: node.name)),
        storages=tuple(_storage(row) for row in by_type.get("storage", [])),
        guests=tuple(
            sorted((guest(row) for row in by_type.get("qemu", []) if whole(row.get("vmid"))), key=lambda g: g.vmid)
        ),
        pools=tuple(PoolFacts(str(row["pool"])) for row in by_type.get("pool", []) if row.get("pool")),
        other_vmids=frozenset(vmid for vmid in others if vmid is not None),
    )


def _node(row: Row) -> NodeFacts:
    return NodeFacts(
        name=str(row.get("node", "")),
        status=str(row.get("status", "unknown")),
        cores=whole(row.get("maxcpu")),
        memory_bytes=whole(row.get("maxmem")),
        used_memory_bytes=whole(row.get("mem")),
        cpu_load=fraction(row.get("cpu")),
    )


def _storage(row: Row) -> StorageFacts:
    return StorageFacts(
        name=str(row.get("storage", "")),
        node=str(row.get("node", "")),
        content=frozenset(words(row.get("content"))),
        is_shared=flag(row.get("shared")),
        is_available=row.get("status") == "available",
        kind=str(row.get("plugintype", "")),
        used_bytes=whole(row.get("disk")) or 0,
        total_bytes=whole(row.get("maxdisk")) or 0,
    )


def guest(row: Row) -> GuestFacts:
    """One machine's row, of the cluster's list or of a pool's members."""
    status = str(row.get("status", "unknown"))
    return GuestFacts(
        vmid=whole(row.get("vmid")) or 0,
        node=str(row.get("node", "")),
        status=status,
        power=POWER.get(status, "running"),
        name=str(row.get("name", "")),
        is_template=flag(row.get("template")),
        poolid=str(row.get("pool", "")),
        lock=str(row.get("lock", "")),
        tags=words(row.get("tags")),
        cores=whole(row.get("maxcpu")),
        memory_bytes=whole(row.get("maxmem")),
        disk_bytes=whole(row.get("maxdisk")),
        used_memory_bytes=whole(row.get("mem")),
        uptime_s=whole(row.get("uptime")),
        cpu_load=fraction(row.get("cpu")),
    )


def quorum(answer: object) -> QuorumFacts:
    """`/cluster/status`; the row of type cluster is absent on a single node."""
    found = rows(answer)
    of_cluster: Row = next((row for row in found if row.get("type") == "cluster"), {"quorate": 1})
    nodes = {str(row.get("name")): flag(row.get("online")) for row in found if row.get("type") == "node"}
    return QuorumFacts(
        quorate=flag(of_cluster.get("quorate")),
        online_nodes=tuple(sorted(name for name, online in nodes.items() if online)),
        offline_nodes=tuple(sorted(name for name, online in nodes.items() if not online)),
        cluster_name=str(of_cluster.get("name", "")),
    )


# --- one machine ---


def guest_config(node: str, vmid: int, answer: object) -> GuestConfig:
    """`/pending`: a list of {key, value, pending, delete}; it has the digest too."""
    now, late, leaving = _options(rows(answer))
    later = {key: value for key, value in {**now, **late}.items() if key not in leaving}
    cores, memory_mib = _cores(now), _memory_mib(now)
    disks = drives(now, late, leaving)
    counted = [disk for disk in disks if disk.is_counted]
    return GuestConfig(
        node=node,
        vmid=vmid,
        uuid=machine_uuid(now.get("smbios1", "")),
        digest=now.get("digest", ""),
        name=now.get("name", ""),
        cores=cores,
        memory_mib=memory_mib,
        pending_cores=_cores(later) if _cores(later) != cores else None,
        pending_memory_mib=_memory_mib(later) if _memory_mib(later) != memory_mib else None,
        disks=disks,
        disk_gib=gib(sum(disk.size_bytes or 0 for disk in counted)),
        unsized_slots=tuple(disk.slot for disk in counted if disk.size_bytes is None),
        nics=nics(now, late, leaving),
        boot_order=boot_order(later.get("boot", "")),
        start_at_boot=flag(later.get("onboot", "0")),
        has_agent=properties(later.get("agent", ""), "enabled").get("enabled", "") in YES,
        is_template=flag(now.get("template", "0")),
        is_protected=flag(now.get("protection", "0")),
        has_cloud_init=any(disk.is_cloud_init for disk in disks),
        cloud_init_user=later.get("ciuser", ""),
        ssh_keys=tuple(key for line in unquote(later.get("sshkeys", "")).splitlines() if (key := line.strip())),
        ipconfig=later.get("ipconfig0", ""),
        lock=now.get("lock", ""),
        description=now.get("description", ""),
        tags=words(now.get("tags")),
        display=properties(later.get("vga", ""), "type").get("type", ""),
        snapshot_parent=now.get("parent", ""),
        created_at_s=whole(properties(now.get("meta", ""), "").get("ctime")),
        pending_keys=frozenset(late) | leaving,
        waiting=tuple(
            Waiting(key, now.get(key, ""), "" if key in leaving else late[key]) for key in sorted(leaving | set(late))
        ),
        agent_others=_others(later.get("agent", ""), "enabled"),
        display_others=_others(later.get("vga", ""), "type"),
        has_clipboard_now=CLIPBOARD in _others(now.get("vga", ""), "type"),
    )


def _others(text: str, known: str) -> tuple[str, ...]:
    """What a property string says beside the one we set."""
    parts = properties(text, known) if text else {}
    return tuple(f"{key}={value}" for key, value in parts.items() if key != known)


def _options(found: Iterable[Row]) -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """What is in force, what waits, and which options wait for their removal."""
    now, late, leaving = {}, {}, set()
    for row in found:
        key = str(row.get("key", ""))
        if _is_plain(row.get("value")):
            now[key] = str(row["value"])
        if _is_plain(row.get("pending")):
            late[key] = str(row["pending"])
        if whole(row.get("delete")):
            leaving.add(key)
    return now, late, frozenset(leaving)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _cores(options: Mapping[str, str]) -> int:
    return (whole(options.get("cores")) or 1) * (whole(options.get("sockets")) or 1)


def _memory_mib(options: Mapping[str, str]) -> int:
    match = MEMORY.match(options.get("memory", ""))
    return int(match[1]) if match else DEFAULT_MEMORY_MIB


def machine_uuid(smbios1: str) -> str:
    """The machine's identity out of `smbios1`, lower case; empty where there is none."""
    parts = properties(smbios1, "")
    found = parts.get("uuid", "").strip().lower()
    if UUID.fullmatch(found) or parts.get("base64") not in YES:
        return found if UUID.fullmatch(found) else ""
    try:
        found = base64.b64decode(parts.get("uuid", "") + "==").decode("ascii").strip().lower()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return found if UUID.fullmatch(found) else ""


def guest_status(vmid: int, answer: object) -> GuestStatus:
    """`/status/current`, whose `status` knows only running and stopped; `qmpstatus` says more."""
    row = mapping(answer)
    status = str(row.get("qmpstatus") or row.get("status") or "unknown")
    of_ha = row.get("ha")
    return GuestStatus(
        vmid=vmid,
        power=POWER.get(status, "running"),
        status=status,
        lock=str(row.get("lock", "")),
        uptime_s=whole(row.get("uptime")) or 0,
        name=str(row.get("name", "")),
        is_ha_managed=isinstance(of_ha, dict) and flag(of_ha.get("managed")),
    )


def snapshots(answer: object) -> tuple[SnapshotFacts, ...]:
    """All but the row `current`, which is no snapshot."""
    return tuple(
        SnapshotFacts(
            name=str(row["name"]),
            parent=str(row.get("parent", "")),
            description=str(row.get("description", "")).strip(),
            taken_at_s=whole(row.get("snaptime")),
            with_memory=flag(row.get("vmstate")),
        )
        for row in rows(answer)
        if row.get("name") not in {None, "current"}
    )


# --- tasks, volumes, pools, rights ---


def task_rows(answer: object) -> tuple[TaskFacts, ...]:
    """A task list of the cluster or of a node; rows whose UPID cannot be read are passed over."""
    found = []
    for row in rows(answer):
        try:
            name = upid(row.get("upid"))
        except ValueError:
            continue
        ended, text = whole(row.get("endtime")), row.get("status")
        exit_text = None if text in {None, "", "RUNNING"} and ended is None else str(text or "unexpected status")
        found.append(TaskFacts(name, ended, exit_text))
    return tuple(found)


def task_status(name: Upid, answer: object) -> TaskStatus:
    """A task that stopped without an exit text was killed."""
    row = mapping(answer)
    if row.get("status") == "running":
        return TaskStatus(name, running=True)
    return TaskStatus(name, running=False, exit_text=str(row.get("exitstatus") or "unexpected status"))


def task_log(answer: object) -> tuple[str, ...]:
    """Lines; none of a log that is gone, which is answered with one object (8) or one line (9) that says so."""
    lines = tuple(str(row.get("t", "")) for row in rows([answer] if isinstance(answer, dict) else answer))
    return () if len(lines) == 1 and lines[0].startswith("unable to open file") else lines


def volumes(answer: object) -> tuple[VolumeFacts, ...]:
    """A storage's list."""
    return tuple(
        VolumeFacts(
            volid=str(row["volid"]),
            content=str(row.get("content", "")),
            format=str(row.get("format", "")),
            size_bytes=whole(row.get("size")),
            vmid=whole(row.get("vmid")),
            created_at_s=whole(row.get("ctime")),
        )
        for row in rows(answer)
        if row.get("volid")
    )


def pools(answer: object) -> tuple[PoolFacts, ...]:
    """`/pools` without a name."""
    return tuple(
        PoolFacts(str(row["poolid"]), str(row.get("comment") or "")) for row in rows(answer) if row.get("poolid")
    )


def pool_members(poolid: str, answer: object) -> frozenset[int]:
    """The slots of one pool's machines, out of a list of one."""
    of_pool: Row = next((row for row in rows(answer) if row.get("poolid") == poolid), {})
    members = of_pool.get("members")
    if not isinstance(members, list):
        raise Malformed(f"Pool {poolid} was asked for and not answered.")
    found = (whole(row.get("vmid")) for row in members if isinstance(row, dict) and row.get("type") == "qemu")
    return frozenset(vmid for vmid in found if vmid is not None)


def permissions(answer: object) -> dict[str, frozenset[str]]:
    """Path to privileges. The number behind a privilege only says whether it is inherited: 0 is held as well."""
    return {path: frozenset(privileges) for path, privileges in mapping(answer).items() if isinstance(privileges, dict)}
