"""Fetches the logs of operations' Proxmox tasks for RTPs: a page asks for one, a worker reads it."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from vms.audits import about
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import Upid
from vms.models import Operation
from vms.operations import words
from vms.states import OperationState

log = logging.getLogger(__name__)
READ = "vms.tasks.read_task_logs"
#: Lines of one task, and logs fetched in one go.
MOST_LINES = 500
AT_ONCE = 20
LONGEST = 100_000
#: What ended badly within this time is fetched unasked: nodes throw logs away.
UNASKED = timedelta(days=1)


@transaction.atomic
def want(op: Operation, *, by: User, address: str) -> None:
    """An RTP asks for the log. Audited. A worker that cannot be told finds it at its next round."""
    Operation.objects.filter(pk=op.pk).update(log_wanted_at=timezone.now())
    audit.record(
        actor=by, verb="operation.log_asked", pool=op.pool, **about(op.vm), address=address, operation=op.code,
    )  # fmt: skip
    transaction.on_commit(_wake)


def _wake() -> None:
    # Each broker has errors of its own; the row keeps the wish.
    try:
        current_app.send_task(READ)
    except Exception as error:
        log.warning("the broker was not told of a log (%s); the next round reads it", error)


def upids(op: Operation) -> list[str]:
    """Every task that was begun for it, in order."""
    found = [upid for step in op.steps for upid in step.get("upids", [])]
    return found + ([op.upid] if op.upid and op.upid not in found else [])


def read_due(proxmox: Cluster, now: datetime) -> int:
    """Reads what is wanted, and what ended badly lately. Returns how many; a node that is silent is asked again."""
    wanted = Q(log_wanted_at__isnull=False) & (Q(log_read_at=None) | Q(log_read_at__lt=F("log_wanted_at")))
    badly = Q(state__in=[OperationState.FAILED, OperationState.NEEDS_RTP], log_read_at=None)
    due = Operation.objects.filter(wanted | badly & Q(changed_at__gt=now - UNASKED)).order_by("-log_wanted_at", "-pk")
    return sum(_read(op, proxmox, now) for op in due[:AT_ONCE])


def _read(op: Operation, proxmox: Cluster, now: datetime) -> bool:
    try:
        text = "\n".join(line for upid in upids(op) for line in _lines(proxmox, upid))
    except ClusterError as error:
        log.info("log of %s: %s", op.code, words.detail(error))
        return False
    # Without changed_at: reading is no change.
    Operation.objects.filter(pk=op.pk).update(task_log=text[:LONGEST], log_read_at=now)
    return True


def _lines(proxmox: Cluster, upid: str) -> Iterator[str]:
    yield upid
    yield from proxmox.task_log(Upid.parse(upid), 0, MOST_LINES) or ("(Proxmox does not keep this log any more.)",)
