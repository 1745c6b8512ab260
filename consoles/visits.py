"""Opens and closes the rows that say who had which screen."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import User
from consoles.authority import Authority
from consoles.close_codes import End
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
    )
    return visit.pk


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
