"""Whether a person may be signed in, as the database has it now, and the end of their sessions."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F

from accounts.models import SsoSession, User
from accounts.signals import sessions_ended

INACTIVE = "This account is not active any more. Ask an RTP."


def may_be_signed_in(user: User) -> bool:
    """True for a person who is active and not locked. Whoever left the house may, for a while, to fetch data."""
    return user.is_active and user.locked_at is None


def why_not(user: User) -> str:
    """Why the person may not sign in, as a sentence; empty when they may."""
    if user.locked_at is not None:
        return f"An RTP locked this account: {user.lock_reason}"
    return "" if user.is_active else INACTIVE


def is_departed(user: User) -> bool:
    """True for somebody whom the directory does not count as active any more."""
    return user.departed_at is not None


def end_sessions(user: User, *, keep: str = "") -> None:
    """Ends all sessions of the person, pages and consoles alike, but for the one with the key `keep`.

    The epoch is part of every session's proof, so a session whose row outlives this by a race is dead as well. The
    caller that keeps one gives it the new proof (`django.contrib.auth.update_session_auth_hash`). Sends
    sessions_ended on commit; runs inside the caller's transaction.
    """
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    keys = set(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    keys |= set(SsoSession.objects.filter(user=user).values_list("session_key", flat=True))
    ended = keys - {keep}
    Session.objects.filter(session_key__in=ended).delete()
    UserSession.objects.filter(user=user, session_key__in=ended).delete()
    SsoSession.objects.filter(user=user, session_key__in=ended).delete()
    user_id = user.pk
    transaction.on_commit(lambda: sessions_ended.send(sender=User, user_id=user_id))
