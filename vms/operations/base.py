"""Every change of state of an operation. Each is an update filtered by the old state and the claim's number.

"One row changed" is the permission to go on. Whoever lost the claim (a lease that ended, a second delivery) gets
LostClaim at the next write and does nothing more.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import audit
from quotas.locking import lock_pools
from vms.audits import about
from vms.models import Operation
from vms.operations import steps
from vms.operations.database import decide
from vms.states import AT_REST, OPERATION_MOVES, IllegalMove, OperationState

CLAIMED = OperationState.CLAIMED


class LostClaim(Exception):
    """Another worker has the operation now; nothing was written."""


def load(operation_id: int) -> Operation | None:
    """The operation with its machine and pool as they are now."""
    return Operation.objects.select_related("vm", "vm__pool", "pool").filter(pk=operation_id).first()


def claim(operation_id: int, *, from_states: frozenset[OperationState]) -> Operation | None:
    """Takes the operation for this worker until its lease ends; None when another has it or it is not due."""
    op = load(operation_id)
    if op is None or op.state not in from_states:
        return None
    now = timezone.now()
    number = op.attempts + 1
    taken = _move(op, CLAIMED, now, attempts=number, lease_until=lease_end(now))
    return op if taken else None


def lease_end(now: datetime) -> datetime:
    """When a claim ends without a sign of life."""
    return now + timedelta(seconds=settings.OPERATION_LEASE_S)


def write(op: Operation, **columns: Any) -> None:
    """Writes columns of a claimed operation and renews its lease; LostClaim when it is no longer ours."""
    now = timezone.now()
    if not _move(op, CLAIMED, now, lease_until=lease_end(now), **columns):
        raise LostClaim


def extend(operation_id: int, number: int) -> bool:
    """A sign of life of claim `number`; False when it was lost."""
    now = timezone.now()
    rows = Operation.objects.filter(pk=operation_id, state=CLAIMED, attempts=number)
    return decide(lambda: rows.update(lease_until=lease_end(now))) == 1


def move(op: Operation, to: OperationState, **columns: Any) -> None:
    """Changes the state; LostClaim when the row is no longer as `op` knows it."""
    if not _move(op, to, timezone.now(), lease_until=None, **columns):
        raise LostClaim


def mark(op: Operation, name: str, state: str, *, note: str = "", upid: str = "") -> list[dict[str, Any]]:
    """The step list with one step changed, to be written along."""
    return steps.marked(op.steps, name, state, timezone.now(), note=note, upid=upid)


def finish(
    op: Operation, to: OperationState, *, sentence: str, detail: str = "", also: Callable[[datetime], None]
) -> None:
    """The end, in one transaction under the pool's row lock: state, sentence, what `also` writes, audit.

    The lock makes "no longer held, counted now" one moment for whoever counts. Of a move both pools are locked.
    """
    now = timezone.now()

    def work() -> None:
        lock_pools(op.pool_id, op.vm.pool_id or op.pool_id)
        rows = mark(op, op.step, "done" if to == OperationState.SUCCEEDED else "failed")
        if not _update(op, to, now, {"sentence": sentence[:400], "detail": detail, "steps": rows, "finished_at": now}):
            raise LostClaim
        also(now)
        record_end(op, to)

    decide(work)
    op.state, op.sentence, op.finished_at = to, sentence[:400], now


def record_end(op: Operation, to: OperationState, **detail: Any) -> None:
    """The audit row of an operation's end."""
    audit.record(
        actor=op.actor,
        by_name=op.actor_name,
        verb=f"vm.{op.kind}.{to}",
        pool=op.pool,
        **about(op.vm),
        address=op.address,
        operation=op.code,
        **detail,
    )


def _move(op: Operation, to: OperationState, now: datetime, **columns: Any) -> bool:
    if not decide(lambda: _update(op, to, now, columns)):
        return False
    op.state = to
    for name, value in columns.items():
        setattr(op, name, value)
    return True


def _update(op: Operation, to: OperationState, now: datetime, columns: dict[str, Any]) -> bool:
    old = OperationState(op.state)
    if to != old and to not in OPERATION_MOVES[old]:
        raise IllegalMove("operation", old, to)
    if to in AT_REST:
        columns = {"lease_until": None, **columns}
    rows = Operation.objects.filter(pk=op.pk, state=old, attempts=op.attempts)
    return rows.update(state=to, changed_at=now, **columns) == 1
