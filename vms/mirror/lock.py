"""Who may run a periodic job now: one row a job, taken by compare-and-swap, ending by itself."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from vms.models import JobLock

#: Nothing is held for longer: a later end was written by a clock that has been set back since.
MOST_S = 3600.0


class LostLock(Exception):
    """The holder took too long and somebody else has the job now; nothing was written."""


def new_holder() -> str:
    """A name nobody else has: host, process and a random part."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(8)}"[:64]


def take(name: str, holder: str, lasts_s: float) -> bool:
    """Takes the job unless somebody holds it whose time has not run out. Time is the database's."""
    JobLock.objects.bulk_create([JobLock(name=name)], ignore_conflicts=True)
    wrong_clock = Q(until__gt=Now() + timedelta(seconds=MOST_S))
    free = Q(until=None) | Q(until__lt=Now()) | wrong_clock
    rows = JobLock.objects.filter(free, name=name)
    return rows.update(holder=holder, until=Now() + timedelta(seconds=lasts_s)) == 1


def require(name: str, holder: str) -> None:
    """Inside the transaction that writes: LostLock unless the holder still has the job."""
    if not JobLock.objects.select_for_update(no_key=True).filter(name=name, holder=holder).exists():
        raise LostLock(name)


def release(name: str, holder: str) -> None:
    """Gives the job back; without effect when it was lost."""
    JobLock.objects.filter(name=name, holder=holder).update(holder="", until=None)


@contextmanager
def held(name: str, lasts_s: float) -> Iterator[str | None]:
    """The holder's name while the block runs, or None when somebody else is at it."""
    holder = new_holder()
    with transaction.atomic():
        taken = take(name, holder, lasts_s)
    if not taken:
        yield None
        return
    try:
        yield holder
    finally:
        release(name, holder)


def is_open(name: str) -> bool:
    """Whether a row of that name is held and its time has not run out."""
    return JobLock.objects.filter(name=name, until__gt=Now()).exists()
