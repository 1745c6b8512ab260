"""What somebody who left the house is told, and the end of their account."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from accounts import audit
from accounts.models import User
from accounts.standing import end_sessions


def runs_on_until(user: User) -> datetime | None:
    """Until when the machines of a departed person run on; None for somebody who is in the house."""
    if user.departed_at is None:
        return None
    return user.run_on_until or user.departed_at + timedelta(days=settings.DEPARTURE_DAYS)


def notice(user: User) -> str:
    """What holds for somebody who left, with the dates of their own row; empty for everybody else.

    Pages and mail say it in these words.
    """
    until = runs_on_until(user)
    if user.departed_at is None or until is None:
        return ""
    left, last = (timezone.localtime(at) for at in (user.departed_at, until))
    if timezone.now() >= until:
        return (
            f"You left the house on {date_format(left, 'j M')}. Your machines ran on until "
            f"{date_format(last, 'j M, H:i')} and are being shut down; then this account closes."
        )
    return (
        f"You left the house on {date_format(left, 'j M')}. Your machines run on until "
        f"{date_format(last, 'j M, H:i')}; then they are shut down and this account closes. Until then you can look, "
        "use the console, stop and delete, not create or start."
    )


def short(user: User) -> str:
    """The same beside a button."""
    until = runs_on_until(user)
    if until is None:
        return ""
    last = date_format(timezone.localtime(until), "j M, H:i")
    return f"You left the house: until {last} you can look, use the console, stop and delete."


def close_account(user: User) -> None:
    """The end of a departure: nobody signs in with it any more. Inside the caller's transaction; sessions end.

    Who comes back is made active again by the directory's pass.
    """
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    audit.record(
        actor=None, verb="person.closed", target_kind="user", target_id=user.pk, target_name=user.username,
        departed_at=user.departed_at.isoformat() if user.departed_at else "",
    )  # fmt: skip
    end_sessions(user)
