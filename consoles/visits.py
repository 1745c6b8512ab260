"""Opens and closes the rows that say who had which screen."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import User
from consoles.authority import Authority
from consoles.authority import loss as lost_right
from consoles.close_codes import ENDED, End
from consoles.models import ConsoleVisit
from vms.models import VirtualMachine

LOST = "lost"
LOST_AFTER = timedelta(minutes=5)


@transaction.atomic
def open_visit(authority: Authority, now: datetime) -> int:
    """A visit begins: its row, and the audit's. Returns the row's key."""
    vm = VirtualMachine.objects.select_related("pool").get(pk=authority.vm_id)
    visit = ConsoleVisit.objects.create(
        user_id=authority.user_id,
        user_name=authority.user_name,
        vm=vm,
        machine_uuid=authority.machine_uuid,
        address=authority.address,
        opened_at=now,
        seen_at=now,
    )
    record(
        actor=User.objects.get(pk=authority.user_id),
        verb="console.opened",
        pool=vm.pool,
        target_kind="vm",
        target_id=vm.pk,
        target_name=vm.name,
        machine_uuid=authority.machine_uuid,
        address=authority.address,
        visit=visit.pk,
        view_only=authority.view_only,
    )
    return visit.pk


def open_visits(user: User) -> QuerySet[ConsoleVisit]:
    """Consoles the person has open now, newest first."""
    return ConsoleVisit.objects.filter(user=user, closed_at=None).select_related("vm")


@transaction.atomic
def ask_to_end(user: User, visit_id: int, *, address: str, now: datetime) -> ConsoleVisit | None:
    """The person ends a console of their own, in whichever browser; None when it is not theirs or has ended.

    The process that carries it reads this with the rights and hangs up.
    """
    visit = open_visits(user).filter(pk=visit_id).first()
    if visit is None:
        return None
    if ConsoleVisit.objects.filter(pk=visit.pk, end_asked_at=None).update(end_asked_at=now):
        record(
            actor=user,
            verb="console.ended",
            pool=visit.vm.pool,
            target_kind="vm",
            target_id=visit.vm_id,
            target_name=visit.vm.name,
            machine_uuid=visit.machine_uuid,
            address=address,
            visit=visit.pk,
        )
    return visit


def loss(authority: Authority, visit_id: int) -> End | None:
    """Why this console must not go on: the right is lost, or its person asked for its end; None while it may."""
    lost = lost_right(authority)
    if lost is None and ConsoleVisit.objects.filter(pk=visit_id).exclude(end_asked_at=None).exists():
        return ENDED
    return lost


def see(visit_id: int, now: datetime) -> None:
    """It is still going on."""
    ConsoleVisit.objects.filter(pk=visit_id, closed_at=None).update(seen_at=now)


def close_visit(visit_id: int, end: End, *, to_browser: int, from_browser: int, now: datetime) -> None:
    """It ended, with its reason and the bytes that went each way."""
    ConsoleVisit.objects.filter(pk=visit_id, closed_at=None).update(
        closed_at=now, seen_at=now, end=end.word, bytes_to_browser=to_browser, bytes_from_browser=from_browser
    )


def close_lost(now: datetime) -> int:
    """Closes rows whose process has not said anything for five minutes; how many."""
    return ConsoleVisit.objects.filter(closed_at=None, seen_at__lt=now - LOST_AFTER).update(closed_at=now, end=LOST)
