"""Things that happen to one and the same machine: it is hers before, seen half-way, and afterwards."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.vms.slots.holding import Held, grant_of
from tests.vms.slots.street import Street, cookie
from vms.models import LeaseNotice, VirtualMachine
from vms.states import OperationKind, Power

Happening = Callable[[Street, Held], None]


def _again(street: Street, held: Held, vmid: int) -> None:
    """Out of its backup: the same uuid, in whatever slot."""
    kept = {"name": f"{held.mark}-web", "pool": "alice", "disk_gib": 4, "config": {"tags": held.mark}}
    street.pve.guest(vmid=vmid, node="pve1", uuid=str(held.vm.smbios_uuid), **kept)


def rolled_back(street: Street, held: Held) -> None:
    """In Proxmox itself; its vmgenid is another one then."""
    street.by_hand("POST", f"/nodes/pve1/qemu/{held.vmid}/snapshot/kept/rollback")


def migrated(street: Street, held: Held) -> None:
    """Seen while it is locked for it, and on its new node."""
    street.pve.change(held.vmid, lock="migrate")
    street.read()
    street.pve.change(held.vmid, lock=None, node="pve2")


def restored(street: Street, held: Held) -> None:
    """Between two readings."""
    street.pve.destroy(held.vmid)
    _again(street, held, held.vmid)


def restored_slowly(street: Street, held: Held) -> None:
    """Its slot is seen empty for so long that it counts as missing."""
    street.pve.destroy(held.vmid)
    street.read(4)
    _again(street, held, held.vmid)


def restored_half_way(street: Street, held: Held) -> None:
    """Proxmox overwrites it: for a while its settings have a lock and no uuid."""
    street.pve.change(held.vmid, status="stopped", lock="create", delete=["smbios1"])
    street.read(2)
    street.pve.destroy(held.vmid)
    _again(street, held, held.vmid)


def restored_elsewhere(street: Street, held: Held) -> None:
    """Into another slot, as its own had gone."""
    street.pve.destroy(held.vmid)
    _again(street, held, held.vmid + 4000)


HAPPENINGS: dict[str, Happening] = {
    each.__name__: each
    for each in (rolled_back, migrated, restored, restored_slowly, restored_half_way, restored_elsewhere)
}
KEPT = ("pool_id", "created_by_id", "login_user", "lease_until", "lease_exempt_reason", "trashed_at", "name", "source")


def broken(street: Street, held: Held, happening: str) -> list[str]:
    """What is not hers any more although the machine is the same."""
    before = VirtualMachine.objects.get(pk=held.vm.pk)
    HAPPENINGS[happening](street, held)
    street.read_thoroughly()
    return [f"{happening}: {what}" for what in _lost(street, held, before)]


def _lost(street: Street, held: Held, before: VirtualMachine) -> Iterator[str]:
    rows = list(VirtualMachine.objects.present().filter(smbios_uuid=before.smbios_uuid))
    if [row.pk for row in rows] != [before.pk]:
        yield f"it has the rows {rows}"
        return
    row = rows[0]
    yield from (f"its {name} changed" for name in KEPT if getattr(row, name) != getattr(before, name))
    if row.missing_since is not None or row.vmid is None:
        yield "it counts as missing"
    if LeaseNotice.objects.filter(vm=row, ends_at=held.lease_until, told_id__gt=0).count() != 3:
        yield "its warnings are lost"
    if street.alice.get(f"/vms/{row.pk}/").status_code != 200:
        yield "its page is lost"
    yield from _unusable(street, held, row)


def _unusable(street: Street, held: Held, row: VirtualMachine) -> Iterator[str]:
    """It is switched on where it is off, and then its screen comes; it is renewed by the mail's link."""
    street.shop.work_all()
    street.read(2)
    row.refresh_from_db()
    asked: Any = {"key": street.new_key(), "confirm": "yes"}
    if row.power == Power.STOPPED:
        street.alice.post(f"/vms/{row.pk}/actions/{OperationKind.START}/", asked)
        street.shop.work_all()
    seen = next(g for g in street.pve.all_guests().values() if g["uuid"] == str(row.smbios_uuid))
    if seen["status"] != "running":
        yield "it cannot be started"
    opened = street.screens.open(row.pk, cookie(street.alice), grant_of(street.alice, row))
    if opened is None or not street.screens.see(opened):
        yield "its screen does not come"
    street.alice.post(f"/renew/{held.link}/", {"vm": [row.pk]})
    if VirtualMachine.objects.get(pk=row.pk).lease_until == held.lease_until:
        yield "it cannot be renewed"
