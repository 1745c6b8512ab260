"""What a machine's row says of its parts, for pages."""

from typing import Any

GIB = 1024**3
DIGEST = "a" * 40
OTHER_DIGEST = "b" * 40


def disk(slot: str, size_gib: int, **more: Any) -> dict[str, Any]:
    """One disk as the mirror writes it."""
    plain = {"is_cdrom": False, "is_cloud_init": False, "is_unused": slot.startswith("unused"), "is_pending": False}
    named = {"slot": slot, "volume": f"shared:vm-100-disk-{slot[-1]}", "storage": "shared", "iso": ""}
    return named | plain | {"size_bytes": size_gib * GIB, "is_leaving": False} | more


def cd(slot: str, volume: str = "none", **more: Any) -> dict[str, Any]:
    """One CD drive."""
    return disk(slot, 0, volume=volume, storage="", is_cdrom=True, size_bytes=None, **more)


def nic(slot: str, **more: Any) -> dict[str, Any]:
    """One network card."""
    plain = {"model": "virtio", "mac": f"BC:24:11:5E:00:{int(slot[3:]):02X}", "bridge": "vmbr0", "tag": None}
    marks = {"has_firewall": False, "is_link_down": False, "is_pending": False, "is_leaving": False}
    return {"slot": slot} | plain | marks | more


def hardware(**more: Any) -> dict[str, Any]:
    """A machine with two disks, one of them detached, a network card and a CD drive."""
    parts = {
        "disks": [disk("scsi0", 32), disk("unused0", 8), cd("ide2", "local:iso/debian-12.9.0-amd64-netinst.iso")],
        "nics": [nic("net0")],
        "boot_order": ["scsi0", "ide2", "net0"],
        "display": "std",
        "has_clipboard": False,
        "has_clipboard_now": False,
        "has_agent": True,
        "pending_keys": [],
        "pending": [],
        "told": {"memory": "2048 MiB", "cores": "2", "description": "none"},
    }
    return parts | more


#: Two changes that wait for the next start.
WAITING: dict[str, Any] = {
    "pending_keys": ["cores", "net1"],
    "pending": [
        {"key": "cores", "label": "Cores", "now": "2", "later": "4"},
        {"key": "net1", "label": "Network card net1", "now": "none", "later": "vmbr0, BC:24:11:5E:00:01"},
    ],
    "nics": [nic("net0"), nic("net1", is_pending=True)],
}
