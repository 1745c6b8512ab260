"""Somebody leaves the house, or comes back: the row, the sessions, the audit trail, the mail."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts import audit, outbox
from accounts.departures import notice
from accounts.models import User
from accounts.signals import user_deactivated
from accounts.standing import end_sessions


def depart(user_id: int, now: datetime) -> None:
    """The directory does not count this person as active any more. Sessions and consoles end; machines run on."""
    user = User.objects.get(pk=user_id)
    user.departed_at = now
    user.run_on_until = now + timedelta(days=settings.DEPARTURE_DAYS)
    user.save(update_fields=["departed_at", "run_on_until"])
    end_sessions(user)
    audit.record(
        actor=None, verb="person.departed", target_kind="user", target_id=user.pk, target_name=user.username,
        run_on_until=user.run_on_until.isoformat(),
    )  # fmt: skip
    text = (
        f"{notice(user)}\n\nPools you shared stay with their other members.\n\n{settings.SITE_URL}/\n\n"
        "If this is wrong, ask an RTP: the house's directory does not list you as active."
    )
    outbox.post(user, f"{settings.SITE_NAME}: your machines after you left the house", text)
    transaction.on_commit(lambda: user_deactivated.send(sender=User, user_id=user_id))


def come_back(user_id: int) -> None:
    """The directory counts this person as active again. A lock stays a lock."""
    user = User.objects.get(pk=user_id)
    user.departed_at, user.run_on_until, user.is_active = None, None, True
    user.save(update_fields=["departed_at", "run_on_until", "is_active"])
    audit.record(actor=None, verb="person.returned", target_kind="user", target_id=user.pk, target_name=user.username)
    text = (
        "The house's directory lists you as active again, and your account works as before. A machine that was shut "
        f"down stays off until you start it.\n\n{settings.SITE_URL}/"
    )
    outbox.post(user, f"{settings.SITE_NAME}: welcome back", text)
