"""Observed columns out of the gateway's facts. What Proxmox did not tell is left out: it never becomes zero."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vms.cluster.types import DiskFacts, GuestConfig, GuestFacts, GuestStatus, NicFacts
from vms.mirror.told import iso_name, told, waiting
from vms.states import Power
from vms.units import gib

Columns = dict[str, Any]


def config_columns(config: GuestConfig, hardware: Mapping[str, Any], disk_gib: int, now: datetime) -> Columns:
    """Columns of everything set for a machine. `hardware` and `disk_gib` are what the row knew before.

    A detached volume's size is in no setting: it keeps the one it had; while any is unknown the sum never shrinks.
    """
    sizes = known_sizes(hardware)
    disks = [_disk(disk, sizes) for disk in config.disks]
    counted = [row for disk, row in zip(config.disks, disks, strict=True) if disk.is_counted]
    total_gib = gib(sum(row["size_bytes"] or 0 for row in counted))
    if any(row["size_bytes"] is None for row in counted):
        total_gib = max(total_gib, disk_gib)
    return {
        "cores": config.cores,
        "memory_mib": config.memory_mib,
        "pending_cores": config.pending_cores,
        "pending_memory_mib": config.pending_memory_mib,
        "disk_gib": total_gib,
        "start_at_boot": config.start_at_boot,
        "config_digest": config.digest[:40],
        "config_read_at": now,
        "notes": config.notes,
        "tags": list(config.tags),
        "hardware": {
            "name": config.name,
            "disks": disks,
            "nics": [_nic(nic) for nic in config.nics],
            "boot_order": list(config.boot_order),
            "display": config.display,
            "has_clipboard": config.has_clipboard,
            "has_clipboard_now": config.has_clipboard_now,
            "has_agent": config.has_agent,
            "has_cloud_init": config.has_cloud_init,
            "is_protected": config.is_protected,
            "snapshot_parent": config.snapshot_parent,
            "pending_keys": sorted(config.pending_keys),
            "pending": waiting(config),
            "told": told(config),
            "listed": hardware.get("listed", ""),
        },
    }


def known_sizes(hardware: Mapping[str, Any]) -> dict[str, int]:
    """Sizes in bytes by volume, as far as a row knows them."""
    return {disk["volume"]: disk["size_bytes"] for disk in hardware.get("disks", []) if disk.get("size_bytes")}


def _disk(disk: DiskFacts, sizes: Mapping[str, int]) -> Columns:
    return {
        "slot": disk.slot,
        "volume": disk.volume,
        "storage": disk.storage,
        "size_bytes": disk.size_bytes if disk.size_bytes is not None else sizes.get(disk.volume),
        "is_cdrom": disk.is_cdrom,
        "is_cloud_init": disk.is_cloud_init,
        "is_unused": disk.is_unused,
        "is_pending": disk.is_pending,
        "is_leaving": disk.is_leaving,
        "iso": iso_name(disk.volume) if disk.is_cdrom and disk.storage and not disk.is_cloud_init else "",
    }


def _nic(nic: NicFacts) -> Columns:
    return {
        "slot": nic.slot,
        "model": nic.model,
        "mac": nic.mac,
        "bridge": nic.bridge,
        "tag": nic.tag,
        "has_firewall": nic.has_firewall,
        "is_link_down": nic.is_link_down,
        "is_pending": nic.is_pending,
        "is_leaving": nic.is_leaving,
    }


def power_columns(power: str) -> Columns:
    """The power shown; the last known one, by which quota counts, only follows a known one."""
    if power == Power.UNKNOWN:
        return {"power": Power.UNKNOWN}
    return {"power": Power(power), "last_known_power": Power(power)}


def status_columns(status: GuestStatus) -> Columns:
    """Columns of what a machine does right now."""
    uptime = {"uptime_s": status.uptime_s or None} if status.power != Power.UNKNOWN else {}
    return power_columns(status.power) | {"lock": status.lock[:40]} | uptime


def signature(guest: GuestFacts) -> str:
    """What the list tells of a machine's settings; empty while it tells nothing (the first ten seconds)."""
    if guest.cores is None and guest.memory_bytes is None:
        return ""
    tags = ";".join(sorted(guest.tags))
    return f"{guest.name}|{guest.cores}|{guest.memory_bytes}|{guest.disk_bytes}|{tags}"
