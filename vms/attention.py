"""What needs an RTP: operations, machines and disks that nobody else settles. Read only; rows alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from vms import leftovers
from vms.models import Leftover, Operation, VirtualMachine
from vms.states import BLOCKING, Lifecycle, OperationKind, OperationState

#: Failures older than this are history; the list of jobs has them.
LATELY = timedelta(days=3)
MOST = 50
PAGE = 50


@dataclass(frozen=True)
class Needs:
    """Everything on the page, most pressing first. Each list holds at most MOST rows."""

    waiting: list[Operation]
    uncertain: list[Operation]
    missing: list[VirtualMachine]
    orphaned: list[VirtualMachine]
    leftovers: list[Leftover]
    failed: list[Operation]

    @property
    def is_empty(self) -> bool:
        """Nothing waits for anybody; failures of the last days alone need nobody."""
        return not (self.waiting or self.uncertain or self.missing or self.orphaned or self.leftovers)


def needs(now: datetime) -> Needs:
    """What stands on the RTPs' page now."""
    operations = Operation.objects.select_related("vm", "actor", "pool")
    failed = operations.filter(state=OperationState.FAILED, finished_at__gt=now - LATELY)
    return Needs(
        waiting=list(operations.filter(state=OperationState.NEEDS_RTP)[:MOST]),
        uncertain=list(operations.filter(state=OperationState.UNCERTAIN)[:MOST]),
        missing=list(missing()[:MOST]),
        orphaned=list(orphaned()[:MOST]),
        leftovers=list(leftovers.shown()[:MOST]),
        failed=list(failed[:MOST]),
    )


def count() -> int:
    """How many things wait for an RTP."""
    waiting = Operation.objects.filter(state=OperationState.NEEDS_RTP).count()
    return waiting + missing().count() + orphaned().count() + leftovers.shown().count()


def missing() -> QuerySet[VirtualMachine]:
    """Machines that Proxmox shows no more."""
    there = VirtualMachine.objects.filter(lifecycle=Lifecycle.READY, missing_since__isnull=False)
    return there.select_related("pool").order_by("missing_since", "pk")


def orphaned() -> QuerySet[VirtualMachine]:
    """Machines being made or removed on which nobody works any more."""
    between = VirtualMachine.objects.filter(lifecycle__in=[Lifecycle.CREATING, Lifecycle.DELETING])
    held = Operation.objects.filter(state__in=BLOCKING)
    return between.exclude(pk__in=held.values("vm")).select_related("pool").order_by("pk")


def jobs(*, state: str, kind: str, words: str, page: str | None) -> Page[Operation]:
    """All operations, newest first, narrowed by state, kind, and a code, machine, person or pool."""
    found = Operation.objects.select_related("vm", "actor", "pool")
    if state in set(OperationState):
        found = found.filter(state=state)
    if kind in set(OperationKind):
        found = found.filter(kind=kind)
    if words:
        named = Q(vm__name__icontains=words) | Q(actor_name__icontains=words) | Q(pool__name__icontains=words)
        found = found.filter(named | Q(code__iexact=words))
    return Paginator(found, PAGE).get_page(page)
