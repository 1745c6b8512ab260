"""Which sessions here belong to which at the provider, and their end."""

from functools import partial

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import SsoSession, User
from accounts.signals import sessions_ended
from accounts.standing import end_sessions


def remember(user: User, *, sid: str, session_key: str) -> None:
    """This session came from the provider's session `sid`."""
    row = {"user": user, "sid": sid, "started_at": timezone.now()}
    SsoSession.objects.update_or_create(session_key=session_key, defaults=row)


def forget(session_key: str) -> None:
    """The session ended here by the person's own doing."""
    SsoSession.objects.filter(session_key=session_key).delete()
    UserSession.objects.filter(session_key=session_key).delete()


def end_by_provider(issuer: str, *, subject: str, sid: str) -> int:
    """Ends what a logout token names: with `sid` that one session, else all of the person. How many rows.

    Inside the caller's transaction; consoles are told on commit.
    """
    if not sid:
        user = User.objects.filter(oidc_iss=issuer, oidc_sub=subject).first()
        if user is None:
            return 0
        rows = SsoSession.objects.filter(user=user).count()
        end_sessions(user)
        return rows
    found = SsoSession.objects.filter(sid=sid, user__oidc_iss=issuer)
    if subject:
        found = found.filter(user__oidc_sub=subject)
    return _end(list(found))


def prune() -> int:
    """Forgets rows whose session is over."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return SsoSession.objects.exclude(session_key__in=alive).delete()[0]


def _end(rows: list[SsoSession]) -> int:
    keys = [row.session_key for row in rows]
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    SsoSession.objects.filter(session_key__in=keys).delete()
    for user_id in {row.user_id for row in rows}:
        transaction.on_commit(partial(sessions_ended.send, sender=User, user_id=user_id))
    return len(rows)
