"""Things that count once, also when they arrive twice at the same moment in two processes: the database decides."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import SpentToken, User

FORM = "form"
#: For so long a form that was sent is known again, such as from a page that a browser kept.
FORM_KEPT = timedelta(days=30)


def spend_once(purpose: str, token: str, *, for_s: float, now: datetime) -> bool:
    """True for exactly one caller; False for every later one until `for_s` seconds are over."""
    row = {"purpose": purpose, "token_hash": _hashed(token)}
    until = now + timedelta(seconds=for_s)
    try:
        with transaction.atomic():
            SpentToken.objects.create(**row, expires_at=until)
    except IntegrityError:
        return SpentToken.objects.filter(**row, expires_at__lt=now).update(expires_at=until) == 1
    return True


@contextmanager
def sent_once(user: User, key: str, now: datetime, *, kept: timedelta = FORM_KEPT) -> Iterator[datetime | None]:
    """For a form that is told apart by `key`: None to whoever sends it first, who then acts inside.

    To everybody later it is the moment when it was sent first, for as long as that is `kept`. Where the block raises,
    nothing counts as sent. An empty key is never known again.
    """
    mine = _form(user, key)
    if key and not spend_once(FORM, f"{user.pk}:{key}", for_s=kept.total_seconds(), now=now):
        row = mine.first()
        yield row.expires_at - kept if row is not None else now
        return
    try:
        yield None
    except Exception:
        mine.delete()
        raise


def forget_sent(user: User, key: str) -> None:
    """It did nothing: it may be sent again."""
    _form(user, key).delete()


def _form(user: User, key: str) -> QuerySet[SpentToken]:
    return SpentToken.objects.filter(purpose=FORM, token_hash=_hashed(f"{user.pk}:{key}"))


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def prune(now: datetime) -> int:
    """Forgets what could not be used any more; how many."""
    return SpentToken.objects.filter(expires_at__lt=now).delete()[0]
