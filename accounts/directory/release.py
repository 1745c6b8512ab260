"""An RTP's word that those whom a pass held back have really left: for that list, for an hour, for one pass."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.directory.wake import wake_on_commit
from accounts.errors import WithSentence
from accounts.models import DirectoryRun, User
from accounts.roles import RunOutcome

LASTS = timedelta(hours=1)


class ReleaseRefused(WithSentence):
    """`sentence` says why this list cannot be released."""


def held_list() -> DirectoryRun | None:
    """The newest list that waits for an RTP, or that an RTP released and no pass has used yet."""
    run = DirectoryRun.objects.exclude(outcome=RunOutcome.FAILED).first()
    return run if run and run.outcome == RunOutcome.HELD and run.plan.get("who") and not run.consumed_at else None


def release(run_id: int, *, by: User, address: str, now: datetime) -> DirectoryRun:
    """Lets the next pass depart whom this held pass listed. Raises ReleaseRefused; audited; wakes a worker.

    The list is the one the RTP looked at: a pass that was held again since may list others, who are not released.
    """
    with transaction.atomic():
        run = DirectoryRun.objects.select_for_update(no_key=True).filter(pk=run_id, outcome=RunOutcome.HELD).first()
        if run is None or not run.plan.get("who"):
            raise ReleaseRefused("This list is not there any more. Look at the newest one.")
        if run.consumed_at or now - run.started_at > LASTS or _is_over(run):
            raise ReleaseRefused("This list is out of date. Look at the newest one.")
        if run.released_at is None or now - run.released_at > LASTS:
            run.released_at, run.released_by = now, by
            run.save(update_fields=["released_at", "released_by"])
            audit.record(
                actor=by, address=address, verb="directory.released", target_kind="directory", target_id=run.pk,
                target_name=f"{len(run.plan['who'])} departures", names=run.plan.get("departed", []),
            )  # fmt: skip
        wake_on_commit()
        return run


def released_at(now: datetime) -> tuple[DirectoryRun | None, frozenset[UUID]]:
    """The release that the next pass may use, and whom it names."""
    run = DirectoryRun.objects.filter(released_at__gte=now - LASTS, consumed_at=None).order_by("-released_at").first()
    return (run, frozenset(UUID(text) for text in run.plan["who"])) if run else (None, frozenset())


def _is_over(run: DirectoryRun) -> bool:
    return DirectoryRun.objects.filter(pk__gt=run.pk, outcome=RunOutcome.APPLIED).exists()
