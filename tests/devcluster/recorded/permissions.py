"""Callers with less than everything: a member, the portal's service, a clerk who is given one right after another."""

import re
from functools import cache
from typing import Any

from tests.devcluster.recorded.lab import Lab
from tests.devcluster.recorded.rows import Row

SERVICE = [
    "VM.Allocate",
    "VM.Audit",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
    "Pool.Allocate",
    "Pool.Audit",
]
OTHERS = [
    "Datastore.AllocateSpace",
    "Datastore.Audit",
    "SDN.Use",
    "SDN.Audit",
    "Sys.Audit",
    "VM.Migrate",
    "VM.Backup",
    "Realm.AllocateUser",
    "User.Modify",
]
CONFIG = [name for name in SERVICE if name.startswith("VM.Config")]
# Lists that were empty because nothing had been granted yet.
NOT_YET: dict[str, list[str]] = {
    "resources": ["VM.Audit"],
    "storage_content": ["VM.Audit"],
    "networks": ["SDN.Use", "SDN.Audit"],
}
COMPLAINTS: dict[tuple[str, str], list[Row]] = {}


@cache
def agent(release: str) -> tuple[str, ...]:
    return ("VM.Monitor",) if release == "8.4" else ("VM.GuestAgent.Audit",)


def learn(rows: list[Row]) -> None:
    """What each chain of attempts was refused for, by release and name."""
    COMPLAINTS.clear()
    for row in rows:
        if row.name.startswith("minperm.") and not row.is_of_task:
            COMPLAINTS.setdefault((row.release, row.stem), []).append(row)


def alice(lab: Lab, row: Row) -> None:
    """A member with PVEVMUser on the pool; her tokens with and without rights of their own."""
    _, kind, *rest = row.name.split(".")
    call = rest[0] if rest else ""
    role = "" if kind == "noacl_ticket" else "PVEVMUser"
    lab.user("alice@pve", role, "/pool/p1", {}, email="a@x.org", comment="student")
    tokens: list[dict[str, Any]] = [{"tokenid": "nosep", "privsep": False}, {"tokenid": "sep", "privsep": True}]
    lab.users[-1]["tokens"] = [{**one, "value": SECRET} for one in tokens]
    if kind.endswith("privsep_acl"):
        lab.users[-1]["acl"].append({"path": "/pool/p1", "role": "PVEVMUser", "tokenid": "sep"})
    lab.template()
    status = "running" if call in ("stop", "vncproxy") else "stopped"
    lab.vm100(status, **_as_it_was(row))
    lab.linked(130, "lnk")
    lab.linked(131, "full", full=1)
    lab.pools[0]["vmids"] = [999]
    lab.before_as_caller = True
    if row.release == "9.2" and call == "tasks":
        lab.tasks.append({"node": "pve1", "type": "vncproxy", "id": "100", "user": "alice@pve", "tokenid": "sep"})
    if call == "cluster_tasks":
        lab.windows["vnc_connect_window"] = 10
    if call in ("tasks", "cluster_tasks") and role and not kind.endswith("noacl"):
        lab.before += [
            ("POST", "/nodes/pve1/qemu/100/status/start", {}),
            ("POST", "/nodes/pve1/qemu/100/status/stop", {}),
        ]
        lab.before += [("POST", "/nodes/pve1/qemu/100/vncproxy", {})] if call == "cluster_tasks" else []


SECRET = "00000000-1111-4222-8333-444444444444"


def _as_it_was(row: Row) -> dict[str, Any]:
    """Machine 100 with all that had been done to it; in the newer lab it had become a template by then."""
    if row.release == "9.2":
        return {"template": True}
    options = {"tags": "a;b", "cores": 2, "memory": 256, "description": "Grüße", "protection": 0}
    unused = {"unused0": "vmstore:100/vm-100-disk-9.qcow2"}
    options |= {"scsi2": "vmstore:1,format=qcow2"}
    return {"options": options, "config": unused, "snapshots": [{"name": "s1"}]}


def service(lab: Lab, row: Row) -> None:
    """The portal's own set of roles, for user and token."""
    name = row.name.split(".")[1]
    lab.user(
        "svc2@pve", "PortalService", "/pool", {"portal": True}, roles={"PortalService": [*SERVICE, *agent(row.release)]}
    )
    entries = [("/storage", "PVEDatastoreUser"), ("/sdn/zones/localnetwork", "PVESDNUser"), ("/nodes", "PVEAuditor")]
    for path, role in [*entries, ("/vms/200", "PVETemplateUser")]:
        lab.users[-1]["acl"] += [{"path": path, "role": role}, {"path": path, "role": role, "tokenid": "portal"}]
    if name == "role":
        del lab.users[-1]["roles"]
        lab.users[-1]["acl"] = []
    lab.template()
    if name == "pool_delete":
        lab.pools.append({"poolid": "c1"})
        return
    lab.vm100(options={"tags": "a;b", "cores": 2})
    lab.pools[0]["vmids"] = [999]
    if name == "permissions":
        for vmid, called in ((130, "lnk"), (131, "full"), (160, "student-1"), (161, "other")):
            lab.linked(vmid, called)
        return
    if name == "node_tasks_vmid":
        lab.before, lab.before_as_caller = [("POST", "/nodes/pve1/qemu/160/status/stop", {})], True
    if name != "pool_create":
        lab.pools.append({"poolid": "c1"})
    if name == "vm_of_no_pool":
        lab.small(110)
    if name not in ("clone", "pool_create", "permissions"):
        running = name in ("agent", "stop", "vnc", "status")
        taken = [{"name": "init"}] if name in ("rollback", "snapdel") else []
        lab.linked(160, "student-1", pool="c1", status="running" if running else "stopped", snapshots=taken)
        lab.guests[-1]["config"] = {"tags": "t1"} if name == "status" else {}
        if name == "pool" and row.release == "9.2":
            lab.windows["resources_lag"] = 100
            lab.guests[-1]["unreported"] = True
    if name in ("delete2", "move_pool", "permissions", "content"):
        lab.small(161, pool="c1", options={"scsi0": "vmstore:1", "net0": "virtio,bridge=vmbr0"})


def clerk(lab: Lab, row: Row) -> None:
    """Everything the chains of attempts ever asked for, except what this attempt and later ones of its chain lack."""
    chain = COMPLAINTS.get((row.release, row.stem), [])
    later = [one for one in chain if one.status in (403, 500) and one.name >= row.name]
    lost = {name for one in later for name in _asked(one)}
    stem = row.stem.removeprefix("minperm.")
    lost |= set(NOT_YET.get(stem, [])) if row.name.endswith(".0") else set()
    everything = [*SERVICE, *OTHERS, *agent(row.release)]
    held = [name for name in everything if name not in lost]
    roles = {"Clerk": held, "Everything": everything, "ClerkAllocates": [*held, "VM.Allocate"]}
    lab.user("svc@pve", "Clerk", "/", {"portal": False}, roles=roles)
    if "/storage/local" in row.reason:
        lab.users[-1]["acl"].append({"path": "/storage/vmstore", "role": "Everything"})
    if stem == "pool_add_vm":
        lab.users[-1]["acl"] += [{"path": "/pool/p1", "role": "PVEVMUser"}, {"path": "/vms", "role": "ClerkAllocates"}]
        lab.users[-1]["acl"].append({"path": "/pool/px", "role": "Everything"})
    if stem == "acl_set":
        lab.users[-1]["acl"] = []
    _machines(lab, stem, row)


def _asked(row: Row) -> list[str]:
    if row.reason == "Permission check failed":
        return ["VM.Allocate"]
    found = re.search(r"\((?:[^,()]+), ([\w.|]+)\)", row.reason)
    return found[1].split("|") if found else []


def _machines(lab: Lab, stem: str, row: Row) -> None:
    lab.template()
    if re.match("pool|minperm.pool", stem):
        lab.pools.append({"poolid": "px"}) if stem != "pool_create" else None
        lab.small(152, pool="p1")
        if stem == "pool_get":
            lab.vm100()
            lab.guests[1]["unreported"] = True
        return
    if stem == "user_create":
        return
    if stem != "clone_linked":
        lab.windows |= {"resources_lag": 100} if stem == "rrddata" else {}
        lab.linked(
            150, "s1", status="running" if stem in ("stop", "vncproxy") else "stopped", unreported=stem == "rrddata"
        )
        if stem == "delete_150":
            return
    if stem in ("delete_151", "template"):
        lab.linked(151, "s2", full=1)
    if stem in ("delete_152", "backup", "resources", "networks"):
        lab.small(152, pool="p1")
