"""Which slot a new machine takes: chosen by us, saved before it is used, never used before while there is one."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from vms.models import Template, UsedVmid, VirtualMachine

TRIES = 50


class NoFreeSlot(Exception):
    """Every slot of PROXMOX_VMID_RANGE holds a machine."""


def take(vm: VirtualMachine, *, ahead: int = 1) -> int:
    """Takes a slot for this machine in the caller's transaction, `ahead` of the newest used; raises NoFreeSlot.

    Whoever found slots occupied by machines it cannot see jumps further each time; what was passed over is used later.
    The primary key of UsedVmid decides between workers that choose at the same time.
    """
    for _ in range(TRIES):
        vmid = _next(ahead)
        try:
            with transaction.atomic():
                _mark_used(vmid)
                VirtualMachine.objects.filter(pk=vm.pk).update(vmid=vmid)
        except IntegrityError:
            continue
        vm.vmid = vmid
        return vmid
    raise NoFreeSlot


def give_back(vm: VirtualMachine) -> None:
    """Somebody else's machine is in the slot: this one has none. The slot stays marked as used."""
    VirtualMachine.objects.filter(pk=vm.pk).update(vmid=None)
    vm.vmid = None


def _next(ahead: int) -> int:
    first, last = settings.PROXMOX_VMID_RANGE
    held = _held()
    used = UsedVmid.objects.filter(vmid__range=(first, last))
    newest = used.aggregate(newest=Max("vmid"))["newest"]
    candidate = first if newest is None else newest + ahead
    while candidate in held:
        candidate += 1
    if candidate <= last:
        return candidate
    return _gap(first, last, held) or _oldest(first, last, held)


def _held() -> set[int]:
    """Slots that hold a machine as far as we know; Proxmox has the last word ("already exists")."""
    machines = VirtualMachine.objects.present().exclude(vmid=None).values_list("vmid", flat=True)
    templates = Template.objects.values_list("vmid", flat=True)
    return {vmid for vmid in (*machines, *templates) if vmid is not None}


def _gap(first: int, last: int, held: set[int]) -> int | None:
    """A slot of the range that was passed over."""
    used = set(UsedVmid.objects.filter(vmid__range=(first, last)).values_list("vmid", flat=True))
    return next((vmid for vmid in range(first, last + 1) if vmid not in used and vmid not in held), None)


def _oldest(first: int, last: int, held: set[int]) -> int:
    """No slot is fresh: the one whose last use is longest ago."""
    by_age = UsedVmid.objects.filter(vmid__range=(first, last)).order_by("taken_at", "vmid")
    for vmid in by_age.values_list("vmid", flat=True).iterator():
        if vmid not in held:
            return vmid
    raise NoFreeSlot


def _mark_used(vmid: int) -> None:
    """A fresh slot gets its row, and two takers of one collide on it; a used one gets a new date."""
    row = UsedVmid.objects.filter(vmid=vmid).first()
    if row is None:
        UsedVmid.objects.create(vmid=vmid)
    else:
        row.save(update_fields=["taken_at"])
