"""What nobody works on: running tasks are asked after, what a dead worker or a broker dropped is found again."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from quotas import reservations
from vms.cluster import cluster
from vms.cluster.errors import ClusterError, NoSuchTask
from vms.cluster.types import Upid
from vms.models import Operation
from vms.operations import base, progress, words
from vms.operations.engine import look_into
from vms.operations.wake import wake
from vms.states import BLOCKING, OperationState

log = logging.getLogger(__name__)
S = OperationState


def follow() -> int:
    """Asks after the task of every SUBMITTED operation and wakes a worker for each that ended. Returns how many.

    A node that does not answer is asked once a round, so that it holds up nobody else's operations.
    """
    woken, silent = 0, set[str]()
    for op in Operation.objects.filter(state=S.SUBMITTED).exclude(upid="").order_by("pk"):
        upid = Upid.parse(op.upid)
        if upid.node in silent:
            continue
        try:
            running = cluster().task_status(upid).running
            if running:
                progress.tell(op, cluster(), upid)
        except NoSuchTask:
            running = False
        except ClusterError as error:
            log.info("operation %s: %s", op.code, words.detail(error))
            silent.add(upid.node)
            continue
        if not running and wake(op.pk):
            woken += 1
    return woken


def sweep(now: datetime) -> int:
    """Finds what is not being worked on and sets it going. Returns how many operations it touched."""
    touched = _claims_of_the_dead(now) + _silent_tasks(now) + _dropped(now) + _uncertain()
    in_use = Operation.objects.filter(state__in=BLOCKING, reservation__isnull=False)
    reservations.release_overdue(now, in_use=list(in_use.values_list("reservation_id", flat=True)))
    return touched


def _claims_of_the_dead(now: datetime) -> int:
    """A lease that ended: what may have been sent is UNCERTAIN, what was surely not is due again."""
    found = 0
    for op in Operation.objects.select_related("vm").filter(state=S.CLAIMED, lease_until__lt=now):
        try:
            _take_from_the_dead(op, now)
        except base.LostClaim:
            continue
        log.warning("operation %s: its worker is gone; now %s", op.code, op.state)
        found += 1
    return found


def _take_from_the_dead(op: Operation, now: datetime) -> None:
    if op.upid:
        base.move(op, S.SUBMITTED)
    elif op.intent.get("step") and not (op.intent.get("answered") or op.intent.get("failed")):
        rows = base.mark(op, op.step, "uncertain")
        base.move(op, S.UNCERTAIN, uncertain_since=now, sentence=words.not_known(op), steps=rows)
    else:
        base.move(op, S.QUEUED)


def _silent_tasks(now: datetime) -> int:
    """Tasks nobody could ask after for too long are an RTP's."""
    since = now - timedelta(seconds=settings.OPERATION_UNCERTAIN_S)
    found = 0
    for op in Operation.objects.select_related("vm").filter(state=S.SUBMITTED, uncertain_since__lt=since):
        try:
            why = op.detail if op.sentence else "Its task could not be asked after."
            base.move(op, S.NEEDS_RTP, sentence=words.needs_rtp(op), detail=why)
        except base.LostClaim:
            continue
        found += 1
    return found


def _dropped(now: datetime) -> int:
    """QUEUED and not taken: the broker lost it, or Proxmox did not answer the last time."""
    since = now - timedelta(seconds=settings.OPERATION_DROPPED_S)
    due = Operation.objects.filter(Q(state=S.QUEUED, changed_at__lt=since) | Q(state=S.SUBMITTED, upid=""))
    return sum(wake(pk) for pk in due.order_by("pk").values_list("pk", flat=True))


def _uncertain() -> int:
    """Looks into what is UNCERTAIN, one after the other: a few at any time."""
    found = 0
    for pk in Operation.objects.filter(state=S.UNCERTAIN).order_by("pk").values_list("pk", flat=True):
        op = base.load(pk)
        if op is None or op.state != S.UNCERTAIN:
            continue
        try:
            look_into(op, cluster(), watch_s=0)
        except base.LostClaim:
            continue
        except ClusterError as error:
            log.info("operation %s: %s", op.code, words.detail(error))
        found += 1
    return found
