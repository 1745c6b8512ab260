"""The request half, the same for every kind: one transaction, then a worker is woken."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from accounts import audit
from accounts.models import Pool, User
from quotas import reservations
from quotas.footprint import Footprint
from quotas.limits import Limit
from quotas.locking import lock_pool
from quotas.models import Reservation
from vms.audits import about
from vms.models import Operation, VirtualMachine
from vms.operations import steps
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.operations.rights import PORTAL
from vms.operations.wake import wake_on_commit
from vms.states import OperationKind

IN_FLIGHT = "Something else is being done with it. Wait until that has ended."


def accept(by: User | None, pool: Pool, key: str, open_it: Callable[[Pool], Operation]) -> Operation:
    """Locks the pool's row and runs `open_it`; a key this person sent before returns the first operation.

    Raises what `open_it` raises, Busy, or Refusal where the machine has an operation in flight.
    """
    if not 8 <= len(key) <= 64:
        raise Refusal("The form was sent without its number. Load the page again and repeat.")

    def work() -> Operation:
        locked = lock_pool(pool.pk)
        return known(by, key) or open_it(locked)

    try:
        return decide(work)
    except IntegrityError as error:
        # Two of the same key in two pools, or a second operation on the machine: the database decided.
        first = known(by, key)
        if first is not None:
            return first
        raise Refusal(IN_FLIGHT) from error


def known(by: User | None, key: str) -> Operation | None:
    """The operation this person's key stands for, if it was sent before; `by` None: the portal's own."""
    return Operation.objects.filter(actor=by, idempotency_key=key).first()


def reserve(pool: Pool, asked: Footprint, purpose: str, rule: Limit | None = None) -> Reservation:
    """Room for an operation, inside the caller's transaction and the pool's lock; raises QuotaExceeded."""
    now, held_for_s = timezone.now(), settings.RESERVATION_HELD_S
    return reservations.reserve(pool, asked, purpose=purpose[:60], now=now, held_for_s=held_for_s, rule=rule)


def open_operation(
    vm: VirtualMachine,
    pool: Pool,
    kind: OperationKind,
    plan: tuple[steps.Step, ...],
    *,
    by: User | None,
    address: str,
    key: str,
    wish: dict[str, Any],
    reservation: Reservation | None = None,
) -> Operation:
    """Inside the caller's transaction and the pool's lock: operation, audit row, worker on commit."""
    op = Operation(vm=vm, pool=pool, kind=kind, actor=by, actor_name=by.username if by else PORTAL)
    op.address, op.idempotency_key, op.wish, op.reservation = address[:45], key, wish, reservation
    op.steps = steps.listed(plan, op, timezone.now())
    op.save()
    _audit(op)
    wake_on_commit(op.pk)
    return op


def _audit(op: Operation) -> None:
    audit.record(
        actor=op.actor,
        verb=f"vm.{op.kind}",
        pool=op.pool,
        **about(op.vm),
        address=op.address,
        operation=op.code,
    )
