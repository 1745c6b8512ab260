"""The machines' rows, as far as a comparison needs them."""

from collections.abc import Iterable
from typing import Any

from accounts.models import Pool
from vms.mirror.facts import Known
from vms.models import Operation, VirtualMachine
from vms.states import Lifecycle

COLUMNS = (
    "pk", "vmid", "smbios_uuid", "name", "lifecycle", "node", "power", "lock", "pool__proxmox_poolid", "seen_poolid",
    "seen_poolid_readings", "missing_since", "missing_readings", "hardware__listed", "uptime_s", "cpu_load",
    "config_read_at", "last_seen", "trashed_at", "snapshot_gib",
)  # fmt: skip


def known_rows() -> list[Known]:
    """Every machine that is made, exists or is being removed. Two queries, however many there are."""
    busy = frozenset(Operation.objects.blocking().values_list("vm_id", flat=True))
    return [_known(row, busy) for row in VirtualMachine.objects.present().order_by("pk").values_list(*COLUMNS)]


def bound_pools() -> dict[str, int]:
    """Proxmox pools that a row binds, with that row's key."""
    rows = Pool.objects.bound().values_list("proxmox_poolid", "pk")
    return {poolid: pk for poolid, pk in rows if poolid}


def volume_sizes(vmids: Iterable[int]) -> dict[str, int]:
    """Sizes in bytes by volume, as the rows of these slots remember them."""
    found = VirtualMachine.objects.present().filter(vmid__in=list(vmids)).values_list("hardware", flat=True)
    disks = (disk for hardware in found for disk in hardware.get("disks", []))
    return {disk["volume"]: disk["size_bytes"] for disk in disks if disk.get("size_bytes")}


def _known(row: tuple[Any, ...], busy: frozenset[int]) -> Known:
    (pk, vmid, uuid, name, lifecycle, node, power, lock, poolid, seen_poolid, seen_readings, missing_since,
     missing_readings, listed, uptime_s, cpu_load, read_at, last_seen, trashed_at, snapshot_gib) = row  # fmt: skip
    return Known(
        pk=pk,
        vmid=vmid,
        uuid=str(uuid or ""),
        name=name,
        lifecycle=Lifecycle(lifecycle),
        is_busy=pk in busy,
        node=node,
        power=power,
        lock=lock,
        poolid=poolid or "",
        seen_poolid=seen_poolid,
        seen_poolid_readings=seen_readings,
        is_missing=missing_since is not None,
        missing_readings=missing_readings,
        listed=listed or "",
        uptime_s=uptime_s,
        cpu_load=cpu_load,
        read_at=read_at,
        last_seen=last_seen,
        is_trashed=trashed_at is not None,
        snapshot_gib=snapshot_gib,
    )
