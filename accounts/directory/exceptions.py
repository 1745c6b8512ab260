"""The allow list: who counts as active until a date whatever the directory says. Audited; takes effect with a pass."""

from django.db import transaction

from accounts import audit
from accounts.directory.wake import wake_on_commit
from accounts.models import DirectoryException, User


def save(exception: DirectoryException, *, by: User, address: str) -> None:
    """Saves what an RTP decided and asks for a pass."""
    with transaction.atomic():
        verb = "exception.made" if exception.pk is None else "exception.changed"
        exception.made_by = by
        exception.save()
        _record(verb, exception, by, address)


def end(exception: DirectoryException, *, by: User, address: str) -> None:
    """Ends it before its day. Whom the directory does not list as active leaves with the next pass."""
    with transaction.atomic():
        _record("exception.ended", exception, by, address)
        exception.delete()


def _record(verb: str, exception: DirectoryException, by: User, address: str) -> None:
    audit.record(
        actor=by, address=address, verb=verb, target_kind="user", target_id=exception.user_id,
        target_name=exception.user.username, until=exception.until.isoformat(), reason=exception.reason,
    )  # fmt: skip
    wake_on_commit()
