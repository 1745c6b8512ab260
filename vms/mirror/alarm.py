"""Tells RTPs what a reading found that no program should decide alone, and takes their word for going on."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from accounts import audit
from accounts.models import User
from vms.mirror import lock
from vms.models import MirrorRun

logger = logging.getLogger(__name__)
#: The row that says an RTP let removals go on, and until when.
RELEASED = "mirror.released"
RELEASED_FOR_S = 900.0


def is_released() -> bool:
    """Whether an RTP has looked and let removals go on for now."""
    return lock.is_open(RELEASED)


def release_removal(by: User | None, *, by_name: str = audit.PORTAL, lasts_s: float = RELEASED_FOR_S) -> None:
    """An RTP's word: what vanished is really gone; for a quarter of an hour absences count again. Audited."""
    with transaction.atomic():
        lock.take(RELEASED, lock.new_holder(), lasts_s)
        audit.record(actor=by, by_name=by_name, verb="mirror.released", target_kind="mirror", target_name="removal")


def raise_alarm(run: MirrorRun, previous: MirrorRun | None, *, alarm: str, vanished: int) -> None:
    """Once for each new reason: an audit row and mail to RTPs. Inside the transaction that writes the run."""
    reasons = []
    if run.frozen and not (previous and previous.frozen):
        reasons.append(
            f"{vanished} machines vanished from Proxmox's list at once. None is marked as missing until an RTP "
            "has looked (manage.py sync_cluster --release)."
        )
    if alarm and not (previous and previous.note == alarm[:300]):
        reasons.append(alarm)
    for reason in reasons:
        audit.record(actor=None, verb="mirror.alarm", target_kind="mirror", target_id=run.pk, reason=reason)
        transaction.on_commit(lambda reason=reason: _tell(reason))  # type: ignore[misc]  # a lambda's default


def tell_missing(names: list[str]) -> None:
    """Mail to RTPs about machines that were just marked as missing (each has an audit row), when it is written."""
    if names:
        text = f"Proxmox shows these machines no more: {', '.join(sorted(names)[:20])} ({len(names)} in all)."
        transaction.on_commit(lambda: _tell(text))


def _tell(reason: str) -> None:
    """Mail is a convenience: without it the audit row, the log and the note on the pages remain."""
    logger.error("mirror: %s", reason)
    rtps = User.objects.filter(is_rtp=True, is_active=True, departed_at=None, locked_at=None)
    people = rtps.exclude(email="").values_list("email", flat=True)
    text = f"{reason}\n\nNothing was deleted and no quota was freed.\n{settings.SITE_URL}/\n"
    for address in people:
        try:
            send_mail(f"{settings.SITE_NAME}: look at the cluster", text, None, [address])
        except OSError as error:
            logger.warning("mail to an RTP could not be sent (%s)", type(error).__name__)
