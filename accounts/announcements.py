"""What RTPs tell everybody on every page."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Announcement, User


def current() -> Announcement | None:
    """What is told now."""
    return Announcement.objects.filter(ended_at=None).first()


def announce(text: str, *, by: User, address: str = "") -> Announcement | None:
    """Tells this from now on, in place of what was told before; None where another RTP did so at the same moment."""
    try:
        with transaction.atomic():
            Announcement.objects.filter(ended_at=None).update(ended_at=timezone.now())
            made = Announcement.objects.create(text=text[:300], made_by=by)
            _record("announcement.made", made, by, address)
    except IntegrityError:
        return None
    return made


def end(*, by: User, address: str = "") -> bool:
    """Tells it no longer; False where nothing was told."""
    with transaction.atomic():
        told = current()
        rows = Announcement.objects.filter(pk=told.pk, ended_at=None) if told else Announcement.objects.none()
        if told is None or rows.update(ended_at=timezone.now()) != 1:
            return False
        _record("announcement.ended", told, by, address)
    return True


def _record(verb: str, told: Announcement, by: User, address: str) -> None:
    audit.record(
        actor=by, verb=verb, target_kind="announcement", target_id=told.pk, target_name=told.text[:120],
        address=address,
    )  # fmt: skip
