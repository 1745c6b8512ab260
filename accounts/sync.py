"""A pass over the house's directory: read all, compare in memory, write what differs, or change nobody and say why."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.alarms import end_alarm, raise_alarm
from accounts.directory import lock
from accounts.directory.apply import write
from accounts.directory.facts import Plan
from accounts.directory.known import house_at, rules
from accounts.directory.plan import make_plan
from accounts.directory.release import released_at
from accounts.errors import DirectoryError
from accounts.identity import DirectoryReading
from accounts.ldap.reader import read
from accounts.models import DirectoryRun
from accounts.roles import RunOutcome

log = logging.getLogger(__name__)
Reader = Callable[[], DirectoryReading]
#: What RTPs are told of a directory: it was not read or looked wrong; too many would depart; nothing good for long.
ALARM, READING, DEPARTURES, STALE = "directory", "reading", "departures", "stale"
RUNS_KEPT, PROBLEMS_KEPT = timedelta(days=30), 500


def run_pass(reader: Reader = read, *, now: datetime, dry_run: bool = False) -> DirectoryRun:
    """One full pass. The directory is asked outside any transaction; its silence or error changes nobody.

    Raises lock.PassUnderWay where another process is at it. A dry run writes nothing; its run has no row.
    """
    if dry_run:
        return _look(reader, now)
    with lock.held(now) as require_lock:
        try:
            reading = reader()
        except DirectoryError as error:
            return _failed(error.sentence, now)
        with transaction.atomic():
            require_lock()
            return _settle(reading, now)


def keep_up(now: datetime) -> None:
    """What the schedule asks for: a pass unless one is at work, then a look at the age of the last good one."""
    if not settings.LDAP_URL:
        return
    try:
        run_pass(now=now)
    except lock.PassUnderWay:
        log.info("another pass over the directory is at work")
    watch_age(now)


def last_good_at() -> datetime | None:
    """When the last reading was begun that was applied."""
    return DirectoryRun.objects.filter(outcome=RunOutcome.APPLIED).values_list("started_at", flat=True).first()


def watch_age(now: datetime) -> bool:
    """Tells RTPs when no reading was good for DIRECTORY_STALE_S seconds; True then. The next good one ends it."""
    last = last_good_at() or DirectoryRun.objects.order_by("pk").values_list("started_at", flat=True).first()
    if last is None or (now - last).total_seconds() <= settings.DIRECTORY_STALE_S:
        return False
    minutes = round((now - last).total_seconds() / 60)
    raise_alarm(ALARM, STALE, f"For {minutes} minutes no reading of the directory was good. What was known is kept.")
    return True


def _look(reader: Reader, now: datetime) -> DirectoryRun:
    try:
        reading = reader()
    except DirectoryError as error:
        return DirectoryRun(started_at=now, finished_at=timezone.now(), outcome=RunOutcome.FAILED, note=error.sentence)
    _release, released = released_at(now)
    plan = make_plan(reading, house_at(now), replace(rules(), released=released))
    return _run(reading, plan, now)


def _settle(reading: DirectoryReading, now: datetime) -> DirectoryRun:
    """Inside the transaction: the people as they are now, not as they were before the directory was asked."""
    released, who = released_at(now)
    plan = make_plan(reading, house_at(now), replace(rules(), released=who))
    run = _run(reading, plan, now)
    if plan.objection is None:
        write(plan, now)
        for key in (READING, DEPARTURES, STALE):
            end_alarm(ALARM, key)
    run.finished_at = timezone.now()
    run.save()
    if plan.objection is not None:
        log.error("directory: %s", plan.objection.sentence)
        raise_alarm(ALARM, DEPARTURES if plan.objection.is_mass else READING, _told(run), run=run.pk)
    if released and (plan.objection is None or plan.objection.is_mass):
        DirectoryRun.objects.filter(pk=released.pk).update(consumed_at=now)
    DirectoryRun.objects.filter(started_at__lt=now - RUNS_KEPT).delete()
    return run


def _failed(sentence: str, now: datetime) -> DirectoryRun:
    log.error("directory: %s", sentence)
    with transaction.atomic():
        run = DirectoryRun.objects.create(
            started_at=now, finished_at=timezone.now(), outcome=RunOutcome.FAILED, note=sentence[:400]
        )
        raise_alarm(ALARM, READING, _told(run), run=run.pk)
    return run


def _told(run: DirectoryRun) -> str:
    return f"The directory changed nobody. {run.note}"


def _run(reading: DirectoryReading, plan: Plan, now: datetime) -> DirectoryRun:
    """The row of this pass, not saved; the counts of what it changes are 0 when it is held."""
    names: dict[str, list[str]] = plan.names()
    held = plan.objection
    if held and held.is_mass:
        names["who"] = [str(change.was.uuid) for change in plan.departing]
    counted = {} if held else {kind: len(found) for kind, found in names.items()}
    return DirectoryRun(
        started_at=now, finished_at=timezone.now(), outcome=RunOutcome.HELD if held else RunOutcome.APPLIED,
        members_read=len(reading.members), groups_read=len(reading.groups), joined=counted.get("joined", 0),
        changed=0 if held else len(plan.changes) - len(plan.departing) - len(plan.returning),
        departed=counted.get("departed", 0), returned=counted.get("returned", 0), plan=names,
        problems=[{"entry": problem.entry, "sentence": problem.sentence} for problem in plan.problems[:PROBLEMS_KEPT]],
        note=held.sentence[:400] if held else "",
    )  # fmt: skip
