"""What pages say of leases."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format

from vms import lease, leasing
from vms.models import VirtualMachine
from vms.states import Lifecycle

PAGE = 100
FILTERS = {"soon": "Ends within 10 days", "over": "Has ended", "none": "Never expires", "": "All"}


@dataclass(frozen=True)
class Expiry:
    """When a machine expires, in words; `hue` as badges have it; `title` is the moment; `is_due`: renew it now."""

    words: str
    title: str = ""
    hue: str = "idle"
    is_due: bool = False
    can_renew: bool = False


def expiry_of(vm: VirtualMachine, now: datetime) -> Expiry | None:
    """None where there is nothing to say: it is not there, in no pool of the portal, or in the trash."""
    if vm.lifecycle != Lifecycle.READY or vm.pool is None or not vm.pool.proxmox_poolid or vm.trashed_at:
        return None
    if not leasing.is_dated(vm):
        reason = vm.lease_exempt_reason or vm.pool.never_expires_reason
        return Expiry("never expires", title=reason)
    if vm.lease_until is None:
        return None
    end, today = timezone.localtime(vm.lease_until), timezone.localtime(now).date()
    left = lease.days_left(end, today)
    hue = "bad" if left <= 1 else "warn" if left <= max(lease.WARNED) else "idle"
    return Expiry(_words(end, left), f"{date_format(end, 'j F Y H:i')} {end:%Z}", hue, left <= 10, can_renew=True)


def _words(end: datetime, left: int) -> str:
    if left <= 0 and left > -lease.TRASH_AFTER_DAYS:
        goes = end + timedelta(days=lease.TRASH_AFTER_DAYS)
        return f"{lease.told_in_words(left)}; trash on {date_format(goes, 'j M, H:i')}"
    return lease.told_in_words(left) if left <= 10 else f"expires on {date_format(end, 'j M Y')}"


def for_rtps(which: str, words: str, page: str | None, now: datetime) -> Page[VirtualMachine]:
    """Machines of bound pools by the end of their lease; `which` is a key of FILTERS."""
    found = VirtualMachine.objects.filter(lifecycle=Lifecycle.READY, pool__proxmox_poolid__isnull=False)
    found = found.filter(trashed_at=None).select_related("pool__owner")
    spared = Q(pool__never_expires=True) | ~Q(lease_exempt_reason="")
    if which == "none":
        found = found.filter(spared)
    elif which in {"soon", "over"}:
        until = now + timedelta(days=10) if which == "soon" else now
        found = found.exclude(spared).filter(lease_until__lte=until)
    if words:
        named = Q(name__icontains=words) | Q(pool__name__icontains=words) | Q(pool__owner__username__icontains=words)
        found = found.filter(named)
    return Paginator(found.order_by("lease_until", "name", "pk"), PAGE).get_page(page)
