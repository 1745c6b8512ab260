"""Whether a machine has a lease, until when it runs, and what RTPs hold back. Below the operations."""

from datetime import datetime, timedelta
from datetime import time as clock_time

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Pool
from quotas.models import Policy
from vms.models import LeaseNotice, LeaseWatch, Operation, VirtualMachine
from vms.states import Lifecycle, OperationKind

#: How long the stages of a machine's lease are kept after its end, for questions about why it went.
GONE_KEPT = timedelta(days=30)
DELETIONS = frozenset({OperationKind.TRASH, OperationKind.DELETE})


def is_dated(vm: VirtualMachine) -> bool:
    """Only machines in bound pools have a lease, unless the pool or the machine never expires."""
    pool = vm.pool
    return bool(pool and pool.proxmox_poolid and not pool.never_expires and not vm.lease_exempt_reason)


def dated() -> QuerySet[VirtualMachine]:
    """All machines with a lease that exist and do not lie in the trash; the same rule as `is_dated`."""
    bound = Q(pool__proxmox_poolid__isnull=False, pool__never_expires=False, lease_exempt_reason="")
    found = VirtualMachine.objects.filter(bound, lifecycle=Lifecycle.READY, trashed_at=None)
    return found.select_related("pool__owner")


def begin(vm: VirtualMachine, now: datetime, *, at_least: datetime | None = None) -> None:
    """Writes a whole new lease, inside the caller's transaction; nothing where the machine has none.

    `at_least`: an end that it must not come before.
    """
    if is_dated(vm) and vm.pool is not None:
        end = end_after(days_of(vm.pool), now)
        vm.lease_until = max(end, at_least or end)
        vm.save(update_fields=["lease_until"])


def end_after(days: int, now: datetime) -> datetime:
    """The hour of LEASE_HOUR, local time, `days` days from now."""
    day = timezone.localtime(now).date() + timedelta(days=days)
    naive = datetime.combine(day, clock_time(settings.LEASE_HOUR))
    return timezone.make_aware(naive)


def days_of(pool: Pool) -> int:
    """How long a lease is: the longest of the policies that hold for the pool and name one, else LEASE_DAYS."""
    own = Q(groups__people=pool.owner) if pool.owner_id else Q(pools=pool)
    named = Policy.objects.filter(lease_days__isnull=False).distinct()
    found = list(named.filter(own, is_default=False).values_list("lease_days", flat=True))
    found = found or list(named.filter(is_default=True).values_list("lease_days", flat=True))
    return max((days for days in found if days), default=settings.LEASE_DAYS)


def watch() -> LeaseWatch:
    """The one row about the leases as a whole."""
    return LeaseWatch.objects.get_or_create(pk=1)[0]


def forget_gone(now: datetime) -> int:
    """Removes what was told and done for machines that are gone for GONE_KEPT; how many. The audit keeps its own."""
    gone = VirtualMachine.objects.filter(lifecycle=Lifecycle.GONE, gone_at__lt=now - GONE_KEPT)
    return LeaseNotice.objects.filter(vm__in=gone).delete()[0]


def is_held(op: Operation) -> bool:
    """True for a deletion of the portal while an RTP holds them all, or after its machine was saved in another way."""
    held_until = watch().held_until
    return op.kind in DELETIONS and held_until is not None and held_until > timezone.now()
