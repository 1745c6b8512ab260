"""Points at which other parts of the house act along with an operation; nothing is registered yet.

Host names and addresses will come here: the MAC is known before the first start, and a name is given back only when
its machine is proven gone. A hook must be repeatable, because a worker may die after it and before that was written.
It raises HookFailed (with the sentence the member reads) to stop the operation.
"""

from collections import defaultdict
from collections.abc import Callable
from enum import StrEnum

from vms.models import Operation

Hook = Callable[[Operation], None]


class Point(StrEnum):
    """BEFORE_CREATE: nothing exists yet. MAC_KNOWN: it exists, `operation.wish["macs"]` holds its addresses.

    BEFORE_START: ready, never started. AFTER_GONE: proven gone. NAME_RELEASED: its name is free for others.
    """

    BEFORE_CREATE = "before_create"
    MAC_KNOWN = "mac_known"
    BEFORE_START = "before_start"
    AFTER_GONE = "after_gone"
    NAME_RELEASED = "name_released"


class HookFailed(Exception):
    """A hook stops the operation; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


_registered: dict[Point, list[Hook]] = defaultdict(list)


def register(point: Point, hook: Hook) -> None:
    """Adds a hook; they are called in the order of registration."""
    _registered[point].append(hook)


def forget(point: Point, hook: Hook) -> None:
    """Takes it away again."""
    _registered[point].remove(hook)


def any_at(point: Point) -> bool:
    """True when there is something to call."""
    return bool(_registered[point])


def call(point: Point, operation: Operation) -> None:
    """Calls all hooks of a point; raises HookFailed at the first that refuses."""
    for hook in list(_registered[point]):
        hook(operation)
