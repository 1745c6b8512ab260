"""Opens and closes the rows that say who had which screen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import AuditEvent, User
from consoles import authority as rights
from consoles import close_codes, seats, shares
from consoles.authority import Authority
from consoles.close_codes import BY_WORD, End
from consoles.models import ConsoleVisit
from vms.audits import about
from vms.models import VirtualMachine

LOST = "lost"


@dataclass(frozen=True, slots=True)
class Look:
    """What a console learns when it looks: why it must end and at whose word, and who is there now."""

    end: End | None = None
    by: str = ""
    reason: str = ""
    people: tuple[tuple[str, str, int], ...] = ()


@transaction.atomic
def open_visit(authority: Authority, now: datetime) -> int:
    """A visit begins: its seat, its row, and the audit's. Returns the row's key. Raises seats.Full."""
    vm = VirtualMachine.objects.select_related("pool").get(pk=authority.vm_id)
    user = User.objects.get(pk=authority.user_id)
    seats.take(user, vm, now)
    visit = ConsoleVisit.objects.create(
        user=user,
        user_name=authority.user_name,
        vm=vm,
        machine_uuid=authority.machine_uuid,
        address=authority.address,
        node=vm.node,
        mode=authority.mode,
        share_id=authority.share_id,
        opened_at=now,
        seen_at=now,
    )
    _record(visit, user, "console.opened", address=authority.address, mode=authority.mode, share=authority.share_id)
    if authority.share_id is not None:
        shares.note_use(authority.share_id, user, visit.pk, authority.address)
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
    if visit is not None:
        _ask(visit, close_codes.ENDED, user, address=address, now=now)
    return visit


@transaction.atomic
def ask_to_end_with(actor: User, visit_id: int, reason: str, *, address: str, now: datetime) -> ConsoleVisit | None:
    """An RTP ends anybody's console; its person reads who and why. None when it has ended or is about to.

    The caller has settled the right.
    """
    visit = ConsoleVisit.objects.select_related("vm", "user").filter(pk=visit_id, closed_at=None).first()
    if visit is None or not _ask(visit, close_codes.BY_RTP, actor, reason=reason, address=address, now=now):
        return None
    return visit


def look(authority: Authority, visit_id: int, now: datetime) -> Look:
    """Whether this console may go on: the right, a wish for its end, its row; and the people at the same screen."""
    if lost := rights.loss(authority, now):
        return Look(lost)
    visit = ConsoleVisit.objects.select_related("end_asked_by").filter(pk=visit_id).first()
    if visit is not None and visit.closed_at is not None:
        return Look(close_codes.UNCHECKED)
    if visit is not None and visit.end_asked_at is not None:
        by = visit.end_asked_by.username if visit.end_asked_by else ""
        return Look(BY_WORD.get(visit.end_asked, close_codes.ENDED), by, visit.end_reason)
    return Look(people=people(authority.vm_id, now))


def people(vm_id: int, now: datetime) -> tuple[tuple[str, str, int], ...]:
    """(name, mode, visit) of whoever has the machine's screen open, in the order they came."""
    there = seats.shown(now).filter(vm_id=vm_id).order_by("pk")
    return tuple(there.values_list("user_name", "mode", "pk"))


def see(visit_id: int, *, to_browser: int, from_browser: int, now: datetime) -> bool:
    """It is still going on, with so many bytes each way so far.

    False where its row was closed, and where it was silent for so long that its seat may be somebody else's by now.
    """
    alive = ConsoleVisit.objects.filter(pk=visit_id, closed_at=None, seen_at__gte=seats.silent_since(now))
    return bool(alive.update(seen_at=now, bytes_to_browser=to_browser, bytes_from_browser=from_browser))


@transaction.atomic
def close_visit(visit_id: int, end: End, *, to_browser: int, from_browser: int, now: datetime) -> None:
    """It ended, with its reason and the bytes that went each way: the row, and the audit's."""
    alive = ConsoleVisit.objects.filter(pk=visit_id, closed_at=None)
    if alive.update(
        closed_at=now, seen_at=now, end=end.word, bytes_to_browser=to_browser, bytes_from_browser=from_browser
    ):
        _record_end(visit_id)


@transaction.atomic
def close_lost(now: datetime) -> int:
    """Closes rows whose process has not said anything for CONSOLE_ORPHAN_S; how many."""
    silent = ConsoleVisit.objects.filter(closed_at=None, seen_at__lt=seats.silent_since(now))
    closed = 0
    for visit_id in silent.values_list("pk", flat=True):
        if silent.filter(pk=visit_id).update(closed_at=now, end=LOST):
            _record_end(visit_id)
            closed += 1
    return closed


def _ask(visit: ConsoleVisit, end: End, actor: User, *, address: str, now: datetime, reason: str = "") -> bool:
    """Writes the wish down, once; of two the first counts."""
    asked = ConsoleVisit.objects.filter(pk=visit.pk, closed_at=None, end_asked_at=None)
    if not asked.update(end_asked_at=now, end_asked=end.word, end_asked_by=actor, end_reason=reason):
        return False
    _record(visit, actor, "console.ended", address=address, reason=reason)
    return True


def _record_end(visit_id: int) -> None:
    visit = ConsoleVisit.objects.select_related("vm", "vm__pool", "user", "end_asked_by").get(pk=visit_id)
    seconds = round(((visit.closed_at or visit.seen_at) - visit.opened_at).total_seconds())
    sizes = {"to_browser": visit.bytes_to_browser, "from_browser": visit.bytes_from_browser}
    _record(visit, visit.user, "console.closed", address=visit.address, mode=visit.mode, seconds=seconds,
            **sizes, end=visit.end, reason=visit.end_reason, by=visit.end_asked_by and visit.end_asked_by.username,
            share=visit.share_id)  # fmt: skip


def _record(visit: ConsoleVisit, actor: User | None, verb: str, *, address: str, **detail: Any) -> AuditEvent:
    """One audit row about a visit; a person who is gone is still named."""
    return record(
        actor=actor,
        by_name=visit.user_name,
        verb=verb,
        pool=visit.vm.pool,
        **about(visit.vm) | {"machine_uuid": visit.machine_uuid},
        address=address,
        visit=visit.pk,
        person=visit.user_name,
        **{name: known for name, known in detail.items() if known not in (None, "")},
    )
