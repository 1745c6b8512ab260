"""Transactions that are tried again while the database is locked, until a deadline."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction

from vms.operations.errors import Busy

Result = TypeVar("Result")
#: SQLite: locked, busy. PostgreSQL: one of two that waited for each other was chosen to begin again.
PASSING = ("is locked", "database is busy", "deadlock detected", "could not serialize")


def decide(work: Callable[[], Result], *, wait_s: float | None = None) -> Result:
    """Runs `work` in one transaction; raises Busy when it could not get in for `wait_s` seconds (DATABASE_WAIT_S).

    `work` may run several times, so it does nothing but read and write rows.
    """
    deadline = time.monotonic() + (settings.DATABASE_WAIT_S if wait_s is None else wait_s)
    while True:
        nested = connection.in_atomic_block
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if nested or not is_passing(error):
                raise
            if time.monotonic() >= deadline:
                raise Busy from error
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 (spreads the next tries; no secret)


def is_passing(error: OperationalError) -> bool:
    """True where the same transaction may succeed a moment later."""
    return any(words in str(error) for words in PASSING)
