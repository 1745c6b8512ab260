"""Whether the house's sign-in answers, as the sign-in page and the middleware want to know it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from accounts.alarms import end_alarm, raise_alarm
from accounts.oidc import provider
from accounts.oidc.errors import ProviderUnavailable

LONGEST_ASK_S = 2.0
NO_TRUSTED_S = 30.0
#: For the button: somebody who presses it again wants it asked, and many who press it must not all wait.
PRESSED_TRUSTED_S = 3.0
#: A house that restarts its provider does not want a mail for it.
ALARM_AFTER = timedelta(minutes=5)
ALARM = "sign_in"


def house_sign_in_state() -> tuple[bool | None, datetime | None]:
    """(does it answer, since when), as it was seen last; (None, None) where nobody has looked. Asks nobody."""
    seen = cache.get(_key())
    return (seen["is_up"], seen["since"]) if seen else (None, None)


def ask() -> bool:
    """Asks the provider now, for at most two seconds."""
    try:
        provider.discover(fresh=True, timeout_s=min(LONGEST_ASK_S, settings.OIDC_TIMEOUT_S))
    except ProviderUnavailable:
        note_down()
        return False
    _note(is_up=True)
    return True


def is_answering(no_trusted_s: float = NO_TRUSTED_S) -> bool:
    """Like `ask`, but a no of the last half minute is believed: pages must not wait for it again and again."""
    seen = cache.get(_key())
    if seen and not seen["is_up"] and timezone.now() - seen["at"] < timedelta(seconds=no_trusted_s):
        return False
    return ask()


def note_down() -> None:
    """It did not answer just now."""
    _note(is_up=False)


def watch() -> None:
    """Looks, and tells the RTPs when nobody could sign in for five minutes."""
    if not settings.OIDC_ISSUER:
        return
    if ask():
        end_alarm(ALARM, "")
        return
    _is_up, since = house_sign_in_state()
    if since and timezone.now() - since >= ALARM_AFTER:
        at = timezone.localtime(since)
        raise_alarm(ALARM, "", f"The house's sign-in has not answered since {at:%H:%M}: nobody can sign in with it.")


def _note(*, is_up: bool) -> None:
    now, seen = timezone.now(), cache.get(_key())
    since = seen["since"] if seen and seen["is_up"] is is_up else now
    cache.set(_key(), {"is_up": is_up, "since": since, "at": now}, timeout=max(300.0, 10 * settings.OIDC_CHECK_S))


def _key() -> str:
    return f"house-sign-in:{settings.OIDC_ISSUER}"[:200]
