"""Every kind of hardware change, and the machine it can be asked of."""

from typing import Any

from tests.vms.operations.bench import SECOND_DISK, Bench
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.operations import (
    request_add_disk,
    request_add_drive,
    request_add_nic,
    request_agent,
    request_apply,
    request_autostart,
    request_boot_order,
    request_detach_disk,
    request_display,
    request_drop_disk,
    request_drop_drive,
    request_drop_nic,
    request_eject,
    request_grow_disk,
    request_mount,
    request_notes,
    request_rename,
    request_resize,
    request_set_nic,
    request_tags,
    request_undo,
)

RICH: dict[str, str] = {
    "scsi1": f"{SECOND_DISK},size=3G",
    "unused0": "shared:vm-77-disk-8",
    "ide2": "none,media=cdrom",
    "sata0": "shared:iso/small-linux.iso,media=cdrom",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0",
    "net1": "e1000=BC:24:11:00:00:02,bridge=vmbr0,rate=5",
    "boot": "order=scsi0;ide2;net0",
    "tags": "old",
    "description": "vmportal:4711\nold notes",
}

#: Kind to the request and what is asked, in an order in which one machine can go through all of them.
CHANGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "resize": (request_resize, {"cores": 2, "memory_mib": 1024}),
    "autostart": (request_autostart, {"on": True}),
    "grow_disk": (request_grow_disk, {"slot": "scsi0", "size_gib": 6}),
    "add_disk": (request_add_disk, {"size_gib": 2}),
    "add_nic": (request_add_nic, {"bridge": "vmbr0", "has_firewall": True}),
    "set_nic": (
        request_set_nic,
        {"slot": "net1", "bridge": "vmbr0", "has_firewall": True, "is_link_down": True},
    ),
    "drop_nic": (request_drop_nic, {"slot": "net0"}),
    "add_drive": (request_add_drive, {}),
    "mount": (request_mount, {"slot": "ide2", "iso_id": 0}),
    "eject": (request_eject, {"slot": "sata0"}),
    "drop_drive": (request_drop_drive, {"slot": "sata0"}),
    "detach_disk": (request_detach_disk, {"slot": "scsi1"}),
    "drop_disk": (request_drop_disk, {"slot": "unused0"}),
    "boot_order": (request_boot_order, {"order": ["ide2", "scsi0"]}),
    "display": (request_display, {"display": "virtio", "has_clipboard": True}),
    "agent": (request_agent, {"on": True}),
    "rename": (request_rename, {"name": "db-01"}),
    "notes": (request_notes, {"text": "# New\n\nnotes"}),
    "tags": (request_tags, {"tags": ["web", "new"]}),
    "undo": (request_undo, {"keys": ["vga"]}),
    "apply": (request_apply, {}),
}


def rich(shop: Workshop, **asked: Any) -> Bench:
    """A running machine with two of everything."""
    return Bench(shop, status="running", **({"config": RICH} | asked))


def request(bench: Bench, kind: str) -> Operation:
    """Alice asks for that change."""
    ask, asked = CHANGES[kind]
    if kind == "apply":
        found: Operation = ask(bench.row, **bench.who)
        return found
    return bench.ask(ask, **(asked | ({"iso_id": bench.shop.iso.pk} if "iso_id" in asked else {})))


def prepare(bench: Bench, kind: str) -> None:
    """What has to be so before that change can be asked for by itself."""
    if kind in {"undo", "apply"}:
        bench.shop.cluster.change(bench.vm.vmid or 0, pending={"vga": "virtio"})
        bench.read()
