"""Links that work once, together with a code that is typed: the link alone is no secret and may stand in a log."""

import secrets
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import OneTimeLink, User

BREAK_GLASS, RESET = "break-glass", "reset"
TRIES = 5
#: Without what looks alike: 0 O, 1 I L, U V.
LETTERS = "23456789ABCDEFGHJKMNPQRSTWXYZ"
GROUPS, GROUP = 3, 4


def new_ref() -> str:
    """What stands in the address; nobody guesses it, and it does nothing alone."""
    return secrets.token_urlsafe(16)


def new_code() -> str:
    """Twelve letters in groups of four, 58 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))


def make_link(purpose: str, user: User, *, code: str, for_s: float, now: datetime, made_by_name: str) -> OneTimeLink:
    """A new link of the person; earlier ones for the same purpose end. Without a code it opens nothing yet."""
    OneTimeLink.objects.filter(purpose=purpose, user=user, used_at=None).update(used_at=now)
    ref, until = new_ref(), now + timedelta(seconds=for_s)
    hashed = hash_of(ref, code) if code else ""
    return OneTimeLink.objects.create(
        purpose=purpose, ref=ref, code_hash=hashed, user=user, made_by_name=made_by_name[:150], expires_at=until
    )


def open_link(purpose: str, ref: str, code: str, now: datetime) -> OneTimeLink | None:
    """The link that this code opens. A wrong code takes one of five tries, counted before the code is looked at."""
    waiting = OneTimeLink.objects.filter(purpose=purpose, ref=ref, used_at=None, expires_at__gt=now, tries__lt=TRIES)
    if waiting.update(tries=F("tries") + 1) != 1:
        return None
    link = OneTimeLink.objects.select_related("user").get(ref=ref)
    if not constant_time_compare(link.code_hash, hash_of(ref, code)):
        return None
    OneTimeLink.objects.filter(pk=link.pk).update(tries=F("tries") - 1)
    return link


def spend_link(link: OneTimeLink, now: datetime) -> bool:
    """True for exactly one caller."""
    return OneTimeLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(used_at=now) == 1


def prune(now: datetime) -> int:
    """Forgets links that ended a month ago; how many. The audit trail says what they did."""
    return OneTimeLink.objects.filter(expires_at__lt=now - timedelta(days=30)).delete()[0]


def hash_of(ref: str, code: str) -> str:
    """What is kept of a code, however it was typed."""
    typed = "".join(letter for letter in code.upper() if letter.isalnum())
    return salted_hmac("accounts.links", f"{ref}:{typed}", algorithm="sha256").hexdigest()
