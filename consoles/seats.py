"""How many consoles may be open: of one person, at one node, of one person at one machine. The database decides."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import User
from consoles import close_codes
from consoles.close_codes import End
from consoles.models import ConsoleVisit, NodeSeats
from consoles.modes import Mode
from vms.models import VirtualMachine


class Full(Exception):
    """No seat is left; `end` says which kind."""

    def __init__(self, end: End) -> None:
        super().__init__(end.word)
        self.end = end


def taken(now: datetime) -> QuerySet[ConsoleVisit]:
    """Consoles that are open and not about to end; a process that fell silent holds no seat."""
    return ConsoleVisit.objects.filter(_taken(now))


def shown(now: datetime) -> QuerySet[ConsoleVisit]:
    """Who is told to the others at a screen: whoever has a seat; and of who watches, the whole of it.

    A watch that is about to end is one still, and one too short to be seen by all is shown for as long as that takes.
    """
    watches = Q(closed_at=None, seen_at__gte=silent_since(now))
    watches |= Q(opened_at__gte=now - timedelta(seconds=settings.CONSOLE_RECHECK_S))
    return ConsoleVisit.objects.filter(_taken(now) | Q(mode=Mode.WATCH.value) & watches)


def silent_since(now: datetime) -> datetime:
    """Who said nothing since then is lost."""
    return now - timedelta(seconds=settings.CONSOLE_ORPHAN_S)


def shortage(user: User, vm: VirtualMachine, now: datetime) -> End | None:
    """Why the person gets no further console at this machine; None where there is room.

    One that the person has open at the same machine already makes room: it ends.
    """
    others = taken(now).exclude(pk__in=to_end(user, vm, now))
    if others.filter(user=user).count() >= settings.CONSOLE_MAX_PER_PERSON:
        return close_codes.TOO_MANY
    if others.filter(node=vm.node).count() >= settings.CONSOLE_MAX_PER_NODE:
        return close_codes.NODE_FULL
    return None


def to_end(user: User, vm: VirtualMachine, now: datetime) -> list[int]:
    """Visits of the person at this machine that one more would end: all but the newest few."""
    mine = taken(now).filter(user=user, vm=vm).order_by("-pk").values_list("pk", flat=True)
    return list(mine[settings.CONSOLE_MAX_SAME_VM - 1 :])


def take(user: User, vm: VirtualMachine, now: datetime) -> None:
    """Inside a transaction, before the visit's row is made: locks who and where, asks older ones to end. Raises Full.

    Always in this order, so that two who open at once wait for each other instead of deadlocking.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    lock_node(vm.node)
    if end := shortage(user, vm, now):
        raise Full(end)
    ConsoleVisit.objects.filter(pk__in=to_end(user, vm, now)).update(
        end_asked_at=now, end_asked=close_codes.ELSEWHERE.word
    )


def lock_node(node: str) -> None:
    """Inside a transaction: whoever else opens one at this node waits, whether the mirror knows the node or not."""
    NodeSeats.objects.bulk_create([NodeSeats(node=node)], ignore_conflicts=True)
    NodeSeats.objects.select_for_update(no_key=True).get(pk=node)


def _taken(now: datetime) -> Q:
    return Q(closed_at=None, end_asked_at=None, seen_at__gte=silent_since(now))
