"""Which situation each recorded call was made in, told by the name it was recorded under."""

import re
from collections.abc import Callable, Iterable

from tests.devcluster.recorded.lab import CLOUD_INIT, Lab
from tests.devcluster.recorded.permissions import alice, clerk, service
from tests.devcluster.recorded.rows import Row
from tests.devcluster.recorded.surroundings import (
    broken_config,
    broken_daemons,
    broken_nodes,
    held_file,
    history,
    http,
    many,
    pooling,
    protection,
    races,
    storing,
    tasks,
    unlucky,
)

Build = Callable[[Lab, Row], object]

RUNNING = re.compile(
    r"qemu\.(status\.current\.running|list|list\.full|start\.when_running|suspend|reset|stop|shutdown\.\w+"
    r"|delete\.running|stop\.during_vnc|status\.after_rollback_(start|vmstate))$"
    r"|cluster\.resources\.(all|vm)$|vncproxy\.(?!stopped|vga|idle)|lock\.running|(start|status|delete)\.running"
    r"|resources\.vm|agent\.not_configured_running|race\.vncproxy|snaplist"
)
PAUSED = re.compile(r"qemu\.(resume|status\.current\.paused)$")
EMPTY = re.compile(
    r"cluster\.(nextid|resources(\.vm)?\.empty|resources\.empty|tasks|status|options|resources\.badtype|nextid\.check_\w+)$"
    r"|node\.(qemu|lxc)\.empty|storage\.content\.empty|^access\.|^auth\.|^acl\.|^misc\.|^role\.|^node\.(?!tasks)"
)
WITH_SERIAL = re.compile(r"qemu\.(config|pending|status\.current\.stopped)$")


def first_machine(lab: Lab, row: Row) -> None:
    """Only machine 100, in the state its row needs."""
    status = "paused" if PAUSED.match(row.name) else "running" if RUNNING.match(row.name) else "stopped"
    lab.vm100(status, options={"serial0": "socket"} if WITH_SERIAL.match(row.name) else {})


def nothing(lab: Lab, row: Row) -> None:
    """No machine yet; accounts as far as the call is about them."""
    if row.name == "cluster.nextid.check_taken":
        lab.vm100()
    if row.name == "cluster.resources.empty":
        lab.pools.clear()


def accounts(lab: Lab, row: Row) -> None:
    """Alice is there unless she is being made; her tokens where they are looked at."""
    if row.name == "svc.token":
        lab.users.append({"userid": "svc@pve"})
    if row.name in ("access.user.create", "svc.user"):
        return
    listed = row.name.startswith("acl.") or row.name == "access.token.list"
    lab.person(*(("nosep", "sep") if listed else ("sep",) if "duplicate" in row.name else ()))


def before_creation(lab: Lab, row: Row) -> None:
    """The id asked for is free unless the name says that it is not."""
    if "exists" in row.name:
        lab.vm100()


def small_machine(lab: Lab, row: Row) -> None:
    vmid = int(re.findall(r"/qemu/(\d+)", row.path)[0])
    running = re.match(r"qemu\.(pause|stop)", row.name) is not None or "idle" in row.name
    more: dict[str, object] = (
        {"cores": 8} if "cores" in row.name else {"net0": "virtio,bridge=vmbr77"} if "bridge" in row.name else {}
    )
    if vmid == 111:
        more["vga"] = "none"
    lab.small(vmid, options=more, status="running" if running or row.name == "vncproxy.vga_none" else "stopped")


def cloud_init(lab: Lab, row: Row) -> None:
    if row.name == "ci.create":
        return
    if "130" in row.path:
        lab.template()
        lab.linked(130, "lnk", status="running")
        if row.name == "ci.pending":
            lab.before.append(("PUT", "/nodes/pve1/qemu/130/config", {"ciuser": "other"}))
        return
    made = lab.vm200(status="running" if row.name.startswith("ci.cloudinit") else "stopped")
    made["options"] |= {
        key: value for key, value in CLOUD_INIT.items() if row.name != "ci.cloudinit" or "ipc" not in key
    }


def templates(lab: Lab, row: Row) -> None:
    if "has_snapshot" in row.name:
        lab.vm100(snapshots=[{"name": "s1"}])
        return
    if row.name == "tmpl.convert":
        lab.vm200()
        return
    lab.template()
    if "linked" in row.name:
        lab.linked(130, "lnk")


def clones(lab: Lab, row: Row) -> None:
    if "of_vm" in row.name:
        lab.vm100()
        return
    lab.template()
    made = re.search(r"existing|exists|clone\.start|linked\.config", row.name)
    if made:
        lab.linked(130, "lnk")
    if row.name == "clone.full.config":
        lab.linked(131, "full", full=1)
    if row.name == "delclone":
        lab.linked(190, "v")


def snapshots(lab: Lab, row: Row) -> None:
    """s1 without memory; s2 and s3 where three are listed or used."""
    name = row.name
    taken: list[dict[str, object]] = [{"name": "s1", "description": "first"}]
    if re.search(r"list\.3|vmstate$|s3|delete|with_snapshots", name) and "create" not in name:
        taken += [{"name": "s2"}, {"name": "s3", "vmstate": True}]
    if re.search(r"create\.(offline|badname|reserved|toolong)|list\.none", name):
        taken = []
    if name in ("snapdel", "snaplist"):
        taken = [{"name": "vv1"}]
    running = re.search(r"running|list\.3|delete|vmstate|snaplist|rollback\.start", name)
    started = name == "qemu.status.after_rollback_start" and row.release == "8.4"
    lab.vm100("running" if running or started else "stopped", snapshots=taken)


def configuring(lab: Lab, row: Row) -> None:
    name = row.name
    options: dict[str, object] = {"tags": "a;b", "description": "hello"}
    if "unicode" in name or name.startswith("config.after"):
        options["description"] = "Grüße – 日本"
    if name in ("config.delete_disk", "config.unlink", "config.after_delete_disk", "config.after_unlink"):
        options["scsi2" if "after" in name else "scsi1"] = "vmstore:1,format=qcow2"
        options |= {"cores": 2, "memory": 256} if "after" in name else {}
    pending = (
        {"cores": 2, "memory": 256}
        if name in ("config.pending", "config.current1", "config.current_vs_pending")
        else {}
    )
    made = lab.vm100(
        "stopped" if "after" in name else "running", options=options, pending=pending, snapshots=[{"name": "s1"}]
    )
    if name == "config.unlink":
        made["status"] = "stopped"


def locked(lab: Lab, row: Row) -> None:
    name = row.name
    options = {"cores": 2, "memory": 256, "tags": "a;b", "description": "Grüße", "scsi2": "vmstore:1,format=qcow2"}
    free = name in ("lock.clone", "lock.after", "lock.set_as_admin", "lock.set_as_root") and name != "lock.clone"
    made = lab.vm100("stopped", options=options, snapshots=[{"name": "s1"}])
    if name in ("lock.config", "lock.after"):
        made["config"] = {"unused0": "vmstore:100/vm-100-disk-9.qcow2"}
    if not free:
        lab.faults.append({"kind": "locked", "vmid": 100, "lock": "snapshot" if "running" in name else "backup"})
    made["status"] = "running" if "running" in name else "stopped"


def resizing(lab: Lab, row: Row) -> None:
    lab.vm100(options={"scsi0": "vmstore:3,format=qcow2"} if re.search("same|shrink", row.name) else {})


def agents(lab: Lab, row: Row) -> None:
    if "/100/" in row.path:
        first_machine(lab, row)
        return
    lab.vm200(status="stopped" if row.name == "agent.vm_stopped" else "running")


RULES: list[tuple[str, Build]] = [
    (r"^perm\.", alice),
    (r"^minperm\.", clerk),
    (r"^rec\.", service),
    (r"^qemu\.create\.", before_creation),
    (r"^(qemu\.(start|stop|pause|delete)|vncproxy)\.(1\d\d|too_many|bridge|vganone|vga_none|idle)", small_machine),
    (r"^create\.exists", first_machine),
    (r"^ci\.", cloud_init),
    (r"^tmpl\.", templates),
    (r"^(clone|delclone)", clones),
    (r"^(snap\.|snap\w+$|qemu\.(config\.(snapshot|with)|status\.after_rollback))", snapshots),
    (r"^config\.", configuring),
    (r"^lock\.", locked),
    (r"^lockfile\.", held_file),
    (r"^resize\.", resizing),
    (r"^agent\.", agents),
    (r"^pools\.", pooling),
    (r"^storage\.", storing),
    (r"^rrd", history),
    (r"^deadnode\.", broken_nodes),
    (r"^down\.", broken_daemons),
    (r"^http\.", http),
    (r"^race\.(?!vncproxy)", races),
    (r"^(access|acl|svc)\.", accounts),
    (r"^scale\.", many),
    (r"ticket\.ws1_gen$", unlucky),
    (r"^protection\.", protection),
    (r"^(node\.tasks|cluster\.tasks\.after)", tasks),
    (r"^broken_conf\.", broken_config),
    (EMPTY.pattern, nothing),
    (r"", first_machine),
]


def situation(row: Row) -> Lab:
    """The lab as it was when this call was made."""
    lab = Lab()
    for pattern, build in RULES:
        if re.search(pattern, row.name):
            build(lab, row)
            return lab
    raise AssertionError(row.name)


def parents(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """The call behind each task, by release and name."""
    return {(row.release, row.name): row for row in rows}
