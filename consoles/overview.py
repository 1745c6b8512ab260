"""All open consoles, and those that ended last, as RTPs see them. Rows alone; reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from consoles import seats
from consoles.models import ConsoleVisit
from vms.console_words import MODES, ended, lasted
from vms.models import Node

PAGE = 100
LATELY = 50


@dataclass(frozen=True)
class Line:
    """One console, open or ended, with its words. `quiet_s`: since its process said that it goes on."""

    visit: ConsoleVisit
    mode: str
    lasted: str
    end: str = ""
    quiet_s: int = 0
    is_silent: bool = False


@dataclass(frozen=True)
class AtNode:
    """How many consoles hold a seat at one node."""

    name: str
    taken: int
    most: int

    @property
    def is_full(self) -> bool:
        """No further one opens here."""
        return self.taken >= self.most


def open_now(*, words: str, node: str, page: str | None, now: datetime) -> Page[Any]:
    """A page of `Line`: open consoles, newest first; `words` are part of a person's or a machine's name."""
    found = ConsoleVisit.objects.filter(closed_at=None).select_related("vm", "end_asked_by").order_by("-pk")
    if node:
        found = found.filter(node=node)
    if words:
        found = found.filter(Q(user_name__icontains=words) | Q(vm__name__icontains=words))
    lines: Page[Any] = Paginator(found, PAGE).get_page(page)
    lines.object_list = [_open(visit, now) for visit in lines.object_list]
    return lines


def at_nodes(now: datetime) -> list[AtNode]:
    """Every node that has a console or could have one, by name."""
    counted = seats.taken(now).order_by().values_list("node").annotate(Count("pk"))
    taken = dict.fromkeys(Node.objects.values_list("name", flat=True), 0) | dict(counted)
    return [AtNode(name, count, settings.CONSOLE_MAX_PER_NODE) for name, count in sorted(taken.items()) if name]


def open_at(node: str) -> QuerySet[ConsoleVisit]:
    """Open consoles of one node that nobody has asked to end."""
    return ConsoleVisit.objects.filter(node=node, closed_at=None, end_asked_at=None)


def ended_lately() -> list[Line]:
    """The consoles that ended last, newest first."""
    found = ConsoleVisit.objects.filter(closed_at__isnull=False).select_related("vm", "end_asked_by")
    return [_ended(visit) for visit in found.order_by("-closed_at", "-pk")[:LATELY]]


def _open(visit: ConsoleVisit, now: datetime) -> Line:
    quiet = now - visit.seen_at
    is_silent = quiet > timedelta(seconds=2 * settings.CONSOLE_HEARTBEAT_S)
    quiet_s = max(0, round(quiet.total_seconds()))
    return Line(visit, _mode(visit), _lasted(visit, now), quiet_s=quiet_s, is_silent=is_silent)


def _ended(visit: ConsoleVisit) -> Line:
    return Line(visit, _mode(visit), _lasted(visit, visit.closed_at or visit.seen_at), end=ended(visit.end))


def _lasted(visit: ConsoleVisit, until: datetime) -> str:
    return lasted(round((until - visit.opened_at).total_seconds()))


def _mode(visit: ConsoleVisit) -> str:
    words = MODES.get(visit.mode, visit.mode)
    return f"{words}, as a guest" if visit.share_id else words
