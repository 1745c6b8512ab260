"""What the RTPs' page about the directory shows. It reads rows; the directory itself is never asked for a page."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts.alarms import open_alarms
from accounts.directory.release import held_list
from accounts.directory.words import plan_lines
from accounts.models import Alarm, DirectoryException, DirectoryRun
from accounts.roles import RunOutcome
from accounts.sync import ALARM, last_good_at

RUNS, NAMES, PROBLEMS = 12, 40, 100


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as its word, shape and hue (components/badge.html)."""

    word: str
    mark: str
    hue: str


BADGES = {
    RunOutcome.APPLIED: Badge("Applied", "dot", "ok"),
    RunOutcome.HELD: Badge("Held", "bars", "warn"),
    RunOutcome.FAILED: Badge("Failed", "up", "bad"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of change: its title, the names shown, and how many more there are."""

    title: str
    names: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with its badge and what it changed, or would have."""

    run: DirectoryRun
    badge: Badge
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything on the page. `is_old`: the last good reading is older than RTPs are to take for normal."""

    is_configured: bool
    last_good: datetime | None
    is_old: bool
    alarms: QuerySet[Alarm]
    runs: list[RunRow]
    held: RunRow | None
    problems: list[dict[str, str]]
    more_problems: int
    exceptions: QuerySet[DirectoryException]
    today: date


def outlook(now: datetime) -> Outlook:
    """The page's rows, in a handful of queries."""
    runs = [_row(run) for run in DirectoryRun.objects.select_related("released_by")[:RUNS]]
    held, last = held_list(), last_good_at()
    read = next((row.run for row in runs if row.run.outcome != RunOutcome.FAILED), None)
    problems = read.problems if read else []
    return Outlook(
        is_configured=bool(settings.LDAP_URL),
        last_good=last,
        is_old=last is not None and (now - last).total_seconds() > settings.DIRECTORY_STALE_S,
        alarms=open_alarms().filter(kind=ALARM),
        runs=runs,
        held=_row(held, most=10_000) if held else None,
        problems=problems[:PROBLEMS],
        more_problems=max(0, len(problems) - PROBLEMS),
        exceptions=DirectoryException.objects.select_related("user", "made_by"),
        today=timezone.localdate(now),
    )


def _row(run: DirectoryRun, *, most: int = NAMES) -> RunRow:
    lines = [Line(title, names[:most], max(0, len(names) - most)) for title, names in plan_lines(run)]
    return RunRow(run, BADGES[RunOutcome(run.outcome)], lines)
