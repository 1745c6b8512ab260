"""Tries that the measurement of coverage need not watch: watched, code takes two and a half times as long.

A test that tries one thing hundreds of times proves the same for each, watched or not; which lines they run is seen
from a few.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

#: One in so many is watched: a prime, so that each row and column of a table of tries has its turn.
WATCHED_EVERY = 13


def nth_try(number: int) -> AbstractContextManager[None]:
    """One of many tries, counted from 0."""
    return unwatched(when=number % WATCHED_EVERY != 0)


@contextmanager
def unwatched(*, when: bool = True, and_new_threads: bool = True) -> Iterator[None]:
    """No tracer sees this thread, nor those that begin meanwhile; afterwards the same one goes on, from the same frame.

    The tracer keeps a stack of frames: a block that begins and ends in one function leaves it as it was.
    `and_new_threads` is not for blocks whose threads outlive them, as the one in which event loops ask the database.
    """
    mine, of_new_threads = sys.gettrace(), threading.gettrace()
    if not when or mine is None:
        yield
        return
    sys.settrace(None)
    if and_new_threads:
        threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(of_new_threads)
        sys.settrace(mine)
