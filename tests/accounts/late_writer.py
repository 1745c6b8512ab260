"""A transaction that writes an audit row and stays open while others write and are sealed. Run by itself on a database
of its own: `python -m tests.accounts.late_writer [control]`. Prints the flaws that the check finds at the end.
"""

import json
import sys
import threading
from datetime import timedelta

import django

if __name__ == "__main__":
    django.setup()

from django.db import connections, transaction
from django.utils import timezone

from accounts import audit, seals
from accounts.models import AuditEvent

WAIT_S = 30
HELD, OTHERS = 2, 3
#: The rows are old enough by then, whatever AUDIT_SEAL_DELAY_S is.
LATER = timedelta(hours=2)


def write(count: int, name: str) -> None:
    for n in range(count):
        audit.record(actor=None, verb="vm.start", target_kind="vm", target_id=n, target_name=name)


class Late(threading.Thread):
    """Has written two rows once `wrote` is set; commits when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote, self.may_commit = threading.Event(), threading.Event()

    def run(self) -> None:
        with transaction.atomic():
            write(HELD, "late")
            self.wrote.set()
            self.may_commit.wait(WAIT_S)
        connections.close_all()


def flaws_after(late: Late) -> list[str]:
    """Seals while the other writes, and when it has ended."""
    write(OTHERS, "before")
    late.start()
    assert late.wrote.wait(WAIT_S)
    write(OTHERS, "meanwhile")
    seals.seal_due(timezone.now() + LATER)
    late.may_commit.set()
    late.join(WAIT_S)
    seals.seal_due(timezone.now() + LATER)
    assert AuditEvent.objects.count() == 2 * OTHERS + HELD
    return [str(flaw) for flaw in seals.flaws()]


if __name__ == "__main__":
    if "control" in sys.argv:
        seals._oldest_writer = lambda: None
    sys.stdout.write(json.dumps(flaws_after(Late())))
