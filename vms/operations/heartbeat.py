"""Signs of life of a worker while it waits for Proxmox: a call may last longer than a lease."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from vms.models import Operation
from vms.operations import base

log = logging.getLogger(__name__)


@contextmanager
def beating(op: Operation) -> Iterator[None]:
    """Renews the claim's lease every third of its length until the block ends."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(op.pk, op.attempts, ended), name=f"lease-{op.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(operation_id: int, number: int, ended: threading.Event) -> None:
    period_s = settings.OPERATION_LEASE_S / 3
    try:
        while not ended.wait(period_s):
            if not base.extend(operation_id, number):
                return
    except Exception:
        # Without signs of life the lease ends, and the sweeper finds out what happened: safe, so only noted.
        log.exception("operation %s: the lease could not be renewed", operation_id)
    finally:
        connection.close()
