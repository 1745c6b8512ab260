"""One pass over the directory at a time, in all processes: a row that counts once and ends by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from accounts.models import SpentToken
from accounts.spent import spend_once

PURPOSE = "directory.pass"
#: A pass that is not done by then has lost the job: a directory that answers each question at the last moment takes
#: some minutes.
LASTS_S = 300.0


class PassUnderWay(Exception):
    """Somebody else is at it; nothing was done."""


@contextmanager
def held(now: datetime) -> Iterator[Callable[[], None]]:
    """Raises PassUnderWay, or yields a check for the transaction that writes: it raises when the job was lost."""
    end = now + timedelta(seconds=LASTS_S)
    # A later end was written by a clock that has been set back since.
    SpentToken.objects.filter(purpose=PURPOSE, expires_at__gt=end).delete()
    if not spend_once(PURPOSE, "pass", for_s=LASTS_S, now=now):
        raise PassUnderWay
    mine = SpentToken.objects.filter(purpose=PURPOSE, expires_at=end)

    def require() -> None:
        if not mine.select_for_update(no_key=True).exists():
            raise PassUnderWay

    try:
        yield require
    finally:
        mine.delete()
