"""Things that count once, also when they arrive twice at the same moment in two processes: the database decides."""

import hashlib
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from accounts.models import SpentToken


def spend_once(purpose: str, token: str, *, for_s: float, now: datetime) -> bool:
    """True for exactly one caller; False for every later one until `for_s` seconds are over."""
    row = {"purpose": purpose, "token_hash": hashlib.sha256(token.encode()).hexdigest()}
    until = now + timedelta(seconds=for_s)
    try:
        with transaction.atomic():
            SpentToken.objects.create(**row, expires_at=until)
    except IntegrityError:
        return SpentToken.objects.filter(**row, expires_at__lt=now).update(expires_at=until) == 1
    return True


def prune(now: datetime) -> int:
    """Forgets what could not be used any more; how many."""
    return SpentToken.objects.filter(expires_at__lt=now).delete()[0]
