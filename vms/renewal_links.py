"""References in mails: each opens one page for one person, behind the sign-in, and changes nothing by itself."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from accounts.models import User
from vms.models import RenewalLink, VirtualMachine

DAYS = 14


def make(user: User, vms: Iterable[VirtualMachine], now: datetime) -> str:
    """A new reference; only its hash is kept."""
    ref = secrets.token_urlsafe(24)
    link = RenewalLink.objects.create(
        ref_hash=hash_of(ref), user=user, made_at=now, expires_at=now + timedelta(days=DAYS)
    )
    link.vms.set(vms)
    return ref


def find(ref: str, user: User, now: datetime) -> RenewalLink | None:
    """The reference, if it is this person's and not expired; others learn nothing."""
    return RenewalLink.objects.filter(ref_hash=hash_of(ref), user=user, expires_at__gt=now).first()


def hash_of(ref: str) -> str:
    """What is kept of a reference."""
    return salted_hmac("vms.renewal", ref, algorithm="sha256").hexdigest()


def prune(now: datetime) -> int:
    """Forgets what has expired; how many."""
    return RenewalLink.objects.filter(expires_at__lt=now).delete()[0]
